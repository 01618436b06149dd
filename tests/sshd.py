"""A real sshd on loopback with keys of its own, and a client that knows it as ``far``."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engines import run
from tests.programs import need
from tests.waiting import wait_for


@dataclass(frozen=True)
class Sshd:
    """A server that lets the user of the tests in with a key."""

    folder: Path
    port: int

    @property
    def identity(self) -> Path:
        return self.folder / "identity"

    @property
    def logins(self) -> int:
        """How often somebody logged in."""
        return (self.folder / "log").read_text().count("Accepted publickey")

    @property
    def programs(self) -> Path:
        """A folder for PATH with an ``ssh`` that reads the settings in :attr:`config`, not the user's."""
        return self.folder / "bin"

    @property
    def config(self) -> Path:
        return self.folder / "ssh_config"

    def log_out(self, controls: Iterable[Path] = ()) -> None:
        """End the logins that are kept, and others by their sockets."""
        for control in (*(self.folder / "run/layertui").glob("*"), *controls):
            command = ["ssh", "-o", f"ControlPath={control}", "-O", "exit", "far"]
            subprocess.run(command, capture_output=True, check=False)


@contextmanager
def sshd(environment: str = "") -> Iterator[Sshd]:
    """A server for a while; ``environment`` are variables of the sessions, ``NAME=VALUE …``."""
    need("ssh", "ssh-keygen")
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        need("sshd")
    folder = Path(tempfile.mkdtemp(prefix="layertui-"))  # a short path, as sockets want it
    for name in ("host", "identity"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
    (folder / "bin").mkdir()
    (folder / "run").mkdir(mode=0o700)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/identity.pub\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        + (f"SetEnv {environment}\n" if environment else "")
    )
    key = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
    (folder / "ssh_config").write_text(
        f"Host far\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {folder}/identity\n"
        f"Host *\n  IdentitiesOnly yes\n  UserKnownHostsFile {folder}/known_hosts\n"
    )
    ssh = folder / "bin/ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
    ssh.chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True) if os.geteuid() == 0 else None  # Debian's sshd wants it
    log = folder / "log"
    server = subprocess.Popen([str(program), "-D", "-f", str(folder / "sshd_config"), "-E", str(log)])
    running = Sshd(folder, port)
    try:
        wait_for(lambda: log.exists() and "listening" in log.read_text(), log.read_text)
        yield running
    finally:
        running.log_out()
        server.terminate()
        server.wait()
        shutil.rmtree(folder)
