"""Connections to an engine on another machine by ssh(1), as docker makes them.

Each connection is an ``ssh HOST docker system dial-stdio`` whose standard input and output are one end of a
socket pair (docker/cli, cli/connhelper). The login is made once: OpenSSH keeps it for a minute after its
last use, for all processes of the user (ssh_config(5), ControlPersist), and ends it by itself.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from layertui.model import system

LOGIN_SECONDS = 60
"""How long a login is kept after its last use; how long one may take."""
OPTIONS = ("-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30", "-o", "ClearAllForwardings=yes")
"""Nothing is asked, no terminal is allocated, and no port that ssh_config forwards is opened."""
SSH_FAILED = 255
"""Exit status of ssh if the remote command was not run (ssh(1))."""
DIAL_COMMANDS = {
    "Docker": ("docker", "--host", "system dial-stdio"),
    "Podman": ("podman", "--remote --url", "system dial-stdio"),
}
"""Engine: the program on the other machine, its option for a socket, its command that connects to the engine."""


class SshUrl(NamedTuple):
    """``ssh://[user@]host[:port][path]``."""

    user: str
    host: str
    """A name, an address, or an alias in ssh_config."""
    port: str
    """Empty: as ssh_config has it."""
    path: str
    """The engine's socket on the other machine; empty: its default."""


class SshFailure(OSError):
    """The connection could not be made; says why, and what to do next."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.remedy = remedy


def parse_ssh_url(text: str) -> SshUrl:
    """Parse an address as docker does (docker/cli, cli/connhelper/ssh). Raises :class:`ValueError`."""
    rest = text.removeprefix("ssh://")
    authority, slash, path = rest.partition("/")
    user, _, location = authority.rpartition("@")
    host, colon, port = location, "", ""
    if location.startswith("["):
        host, bracket, after = location[1:].partition("]")
        colon, port = after[:1], after[1:]
        if not bracket or colon not in ("", ":"):
            raise ValueError("missing ] after the host")
    elif ":" in location:
        host, colon, port = location.partition(":")
    if not host:
        raise ValueError("no host")
    if port and not (port.isdecimal() and 0 < int(port) < 1 << 16):
        raise ValueError(f"{port} is not a port")
    if ":" in user:
        raise ValueError("a password cannot be used")
    if "?" in rest or "#" in rest:
        raise ValueError("nothing may follow the path")
    return SshUrl(unquote(user), host, port, unquote(slash + path) if path else "")


class Ssh:
    """Makes connections to one engine. Safe to use from several threads."""

    def __init__(self, engine: str, url: str, options: tuple[str, ...] = ()) -> None:
        address = parse_ssh_url(url)
        self._shown = f"{address.user}@{address.host}" if address.user else address.host
        self._destination = [
            *options,
            *(["-l", address.user] if address.user else []),
            *(["-p", address.port] if address.port else []),
            "--",
            address.host,
        ]
        self._program, option, command = DIAL_COMMANDS[engine]
        at = f"{option} {shlex.quote(f'unix://{address.path}')} " if address.path else ""
        self._command = f"{self._program} {at}{command}"
        self._lock = threading.Lock()
        self._login: list[str] | None = None
        self._failures = 0
        self._failure = ("", "")
        self._running: list[subprocess.Popen[bytes]] = []

    def connect(self) -> socket.socket:
        """Return a new connection to the engine. Raises :class:`SshFailure`."""
        failures = self._failures
        with self._lock:
            if self._login is None:
                if self._failures > failures:
                    raise SshFailure(*self._failure)  # a login that this one has waited for
                self._login = self._log_in()
            self._running = [process for process in self._running if process.poll() is None]
            here, there = socket.socketpair()
            with there:
                self._running.append(self._start(self._login, self._command, there.fileno()))
            return here

    def _log_in(self) -> list[str]:
        """Log in before the first connections, so that these do not each do it; return the options that share it."""
        login = self._shared_login()
        try:
            self._run(login, "exit")
        except SshFailure as failure:
            self._failures, self._failure = self._failures + 1, (str(failure), failure.remedy)
            raise
        return login

    def check(self) -> None:
        """Raise :class:`SshFailure` if no connection can be made any more, or the engine does not answer."""
        with self._lock:
            self._login = None  # the network may be another one
            self._run(self._shared_login(), self._command)

    def _run(self, login: list[str], command: str) -> None:
        """Run a command on the other machine without input. Raises :class:`SshFailure` if it fails."""
        with self._start(login, command, said=subprocess.PIPE) as process:
            try:
                _, said = process.communicate(timeout=LOGIN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                why = f"no answer within {LOGIN_SECONDS} seconds"
                raise SshFailure(why, f"try ssh {self._shown}") from None
        lines = said.decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        if process.returncode == SSH_FAILED:
            remedy = f"ssh {self._shown} has to work without asking anything (see ssh-add)"
            raise SshFailure(last or f"ssh ended with status {SSH_FAILED}", remedy)
        if process.returncode and command == self._command:
            why = last or f"{self._program} ended with status {process.returncode}"
            raise SshFailure(why, f"try ssh {self._shown} {self._program} version")

    def _shared_login(self) -> list[str]:
        """Return the options that share a login: none where the user's own settings do, or it cannot be shared."""
        with self._start(["-O", "check"], "") as own:
            if own.wait() == 0:
                return []
        folder = _private_folder()
        if folder is None:
            return []
        name = hashlib.sha256(repr(self._destination).encode()).hexdigest()[:16]
        control = str(folder / name).replace("%", "%%")
        return ["-S", control, "-o", "ControlMaster=auto", "-o", f"ControlPersist={LOGIN_SECONDS}"]

    def _start(
        self,
        options: list[str],
        command: str,
        stream: int = subprocess.DEVNULL,
        said: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start ssh in a session of its own, in which it can read no terminal and no Ctrl+C reaches it.

        ``stream`` is the descriptor of its standard input and output, ``said`` of its standard error.
        """
        try:
            return subprocess.Popen(
                ["ssh", *OPTIONS, *options, *self._destination, command],
                stdin=stream,
                stdout=stream,
                stderr=said,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise SshFailure("ssh is not installed", "install OpenSSH's client") from error


def _private_folder() -> Path | None:
    """Return a folder that only this user can reach, with a path short enough for sockets (unix(7)); if any."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    folders = [Path(runtime, "layertui")] if runtime and len(runtime) < 60 else []
    for folder in (*folders, Path(f"/tmp/layertui-{system.own_uid()}")):  # as tmux does
        with suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
            facts = folder.lstat()
            if facts.st_mode & 0o170077 == 0o040000 and facts.st_uid == system.own_uid():
                return folder
    return None
