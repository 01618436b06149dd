"""Real engines for tests, each on its own directories: nothing of the host's is used or left."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import socketserver
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.programs import lacking, need, need_root
from tests.waiting import SECONDS, wait_for

"""Seconds that a daemon may take until it answers."""


@dataclass(frozen=True)
class Docker:
    """A Docker daemon."""

    host: str
    data_root: Path

    def __call__(self, *arguments: str | Path) -> str:
        """Run the client; gives what it prints."""
        return run("docker", "--host", self.host, *arguments, environment={"DOCKER_BUILDKIT": "0"})

    def build(self, tag: str, context: Path, dockerfile: str) -> None:
        """Build an image; its RUN steps are really run."""
        (context / "Dockerfile").write_text(dockerfile)
        self("build", "--network=host", "--tag", tag, context)

    def save(self, image: str, path: Path) -> Path:
        """Save an image as an archive."""
        self("save", "--output", path, image)
        return path

    def layers(self, image: str) -> list[Path]:
        """The directories in which the daemon keeps an image's layers, base first."""
        template = "{{.GraphDriver.Data.UpperDir}}:{{.GraphDriver.Data.LowerDir}}"
        names = self("image", "inspect", "--format", template, image).strip().split(":")
        return [Path(name) for name in reversed(names) if name != "<no value>"]


def run(*command: str | Path, environment: dict[str, str] | None = None) -> str:
    """What a command prints; fails the test with what it says if it fails."""
    result = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture(scope="session")
def docker() -> Iterator[Docker]:
    """A Docker daemon for all tests of a session; skips where none can run."""
    directory = Path(tempfile.mkdtemp(prefix="layertui-"))
    with docker_daemon(directory) as daemon:
        yield daemon


def current_programs(*programs: str) -> str:
    """The PATH on which the current engines are found first, which no distribution packages yet.

    Skips the test unless ``LAYERTUI_ENGINES`` names a directory with these programs.
    """
    directory = os.environ.get("LAYERTUI_ENGINES")
    if not directory:
        pytest.skip("LAYERTUI_ENGINES does not name a directory with current engines")
    missing = [name for name in programs if not os.access(Path(directory) / name, os.X_OK)]
    if missing:
        pytest.skip(f"LAYERTUI_ENGINES={directory} has no {', '.join(missing)}")
    return f"{directory}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="session")
def docker29() -> Iterator[Docker]:
    """A Docker 29 with its default store, containerd's, for all tests of a session; skips where there is none.

    A test that runs containers also asks for ``current_programs("runc")``: that of Debian 12 is too old for it.
    """
    path = current_programs("dockerd", "containerd", "containerd-shim-runc-v2")
    directory = Path(tempfile.mkdtemp(prefix="layertui-"))
    (directory / "config").write_text("{}")
    options = (f"--config-file={directory / 'config'}", "--insecure-registry=127.0.0.0/8")
    with docker_daemon(directory, "", options, path) as daemon:
        yield daemon


@contextmanager
def docker_daemon(
    directory: Path, driver: str = "overlay2", options: Sequence[str] = (), path: str | None = None
) -> Iterator[Docker]:
    """A daemon that lives below a directory for a while; its path has to be short (unix(7)).

    Without a driver it uses its default store; ``path`` is the PATH for its programs.
    """
    need_root()
    need("dockerd", "docker", "containerd", "runc")
    socket = directory / "docker.sock"
    data_root = directory / "root"
    log = directory / "log"
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            [
                shutil.which("dockerd", path=path) or "dockerd",
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                *([f"--storage-driver={driver}"] if driver else []),
                "--exec-opt=native.cgroupdriver=cgroupfs",
                f"--data-root={data_root}",
                f"--exec-root={directory / 'exec'}",
                f"--host=unix://{socket}",
                f"--pidfile={directory / 'pid'}",
                *options,
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": path or os.environ["PATH"]},
        )
    docker = Docker(f"unix://{socket}", data_root)
    try:
        _wait(docker, daemon, log)
        yield docker
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
        for mount in (data_root, directory / "exec" / "netns" / "default"):
            subprocess.run(["umount", "--lazy", str(mount)], capture_output=True, check=False)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def unix_server(socket_path: Path, handler: type[socketserver.BaseRequestHandler]) -> Iterator[str]:
    """The URL of a server on a socket, with a thread for each connection."""
    with socketserver.ThreadingUnixStreamServer(str(socket_path), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"unix://{socket_path}"
        server.shutdown()


@contextmanager
def buildkit_of(docker: Docker, socket_path: Path) -> Iterator[str]:
    """The address, for buildctl, of the BuildKit inside a daemon, which the API serves on an upgrade to h2c."""

    def copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as daemon:
                daemon.connect(docker.host.removeprefix("unix://"))
                daemon.sendall(
                    b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
                )
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += daemon.recv(1)
                assert b" 101 " in head.split(b"\r\n")[0], head
                back = threading.Thread(target=copy, args=(daemon, self.request), daemon=True)
                back.start()
                copy(self.request, daemon)
                back.join()

    with unix_server(socket_path, Handler) as url:
        yield url


@contextmanager
def podman_service(directory: Path) -> Iterator[tuple[str, list[str]]]:
    """Podman's API on a socket below a directory, and the command that works on the same store."""
    need_root()
    need("podman", "crun")
    command = [
        "podman",
        f"--root={directory / 'root'}",
        f"--runroot={directory / 'run'}",
        "--storage-driver=overlay",
        "--cgroup-manager=cgroupfs",
    ]
    socket = directory / "podman.sock"
    with (directory / "log").open("wb") as output:
        service = subprocess.Popen(
            [*command, "system", "service", "--time=0", f"unix://{socket}"],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: socket.exists() or service.poll() is not None, (directory / "log").read_text)
        assert service.poll() is None, (directory / "log").read_text()
        yield f"unix://{socket}", command
    finally:
        service.terminate()
        service.wait()
        subprocess.run(["umount", "--lazy", str(directory / "root" / "overlay")], capture_output=True)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def containers_storage(program: str, driver: str = "vfs", parent: Path | None = None) -> Iterator[list[str]]:
    """Podman or buildah on a store of its own, below a directory: the command to put arguments after."""
    need_root()
    need(program)
    directory = Path(tempfile.mkdtemp(prefix="layertui-", dir=parent))  # libpod wants a short path
    command = [program, f"--root={directory / 'root'}", f"--runroot={directory / 'run'}"]
    try:
        yield [*command, f"--storage-driver={driver}"]
    finally:
        subprocess.run(["umount", "--lazy", str(directory / "root" / "overlay")], capture_output=True)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def rootless_podman(option: str) -> Iterator[tuple[list[str], Path]]:
    """Podman as a user who is made for it, with a driver, or with ``fuse-overlayfs``.

    Gives the command to put arguments after, and a folder of the user's, with the store in ``store``.
    """
    is_fuse = option == "fuse-overlayfs"
    with podman_user() as (command, directory):
        yield (
            [
                *command,
                *("podman", f"--root={directory / 'store'}", f"--runroot={directory / 'runroot'}"),
                *("--cgroup-manager=cgroupfs", "--events-backend=file"),
                f"--storage-driver={'overlay' if is_fuse else option}",
                *([f"--storage-opt=overlay.mount_program={shutil.which(option)}"] if is_fuse else []),
            ],
            directory,
        )


@contextmanager
def podman_user() -> Iterator[tuple[list[str], Path]]:
    """A user who may run Podman: the command that runs another as that user, and the user's folder."""
    need_root()
    need("podman", "crun", "useradd", "newuidmap", "setpriv", "unshare")
    directory = Path(tempfile.mkdtemp(prefix="layertui-"))
    name = directory.name
    run("useradd", "--no-create-home", f"--home-dir={directory}", name)
    user = pwd.getpwnam(name)
    (directory / "run").mkdir(0o700)
    # As udev gives it to all, in a mount namespace of its own: nothing of the machine is changed.
    os.mknod(directory / "fuse", stat.S_IFCHR | 0o666, os.makedev(10, 229))
    (directory / "fuse").chmod(0o666)
    (directory / "as-user").write_text(
        f"mount --bind {directory}/fuse /dev/fuse 2>/dev/null\n"
        f"cd {directory} && exec setpriv --reuid={name} --regid={user.pw_gid} --init-groups --reset-env "
        f'env HOME={directory} XDG_RUNTIME_DIR={directory}/run PATH="$PATH" "$@"\n'
    )
    for path in (directory, directory / "run"):
        os.chown(path, user.pw_uid, user.pw_gid)
    try:
        yield ["unshare", "--mount", "--propagation=slave", "sh", str(directory / "as-user")], directory
    finally:
        for file in directory.glob("run/libpod/tmp/pause.pid"):  # it holds the user namespace
            os.kill(int(file.read_text()), signal.SIGTERM)
        run("userdel", "--force", name)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def containerd_daemon(directory: Path, path: str | None = None) -> Iterator[tuple[list[str], Path]]:
    """A containerd that lives below a directory for a while: its client's command, and its root.

    ``path`` is the PATH for both programs.
    """
    need_root()
    if path is None:
        need("containerd", "ctr")
    daemon_program, client = (shutil.which(name, path=path) or name for name in ("containerd", "ctr"))
    root, socket, log = directory / "root", directory / "sock", directory / "log"
    (directory / "config.toml").write_text(
        f'version = 2\nroot = "{root}"\nstate = "{directory / "state"}"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        # Its first collection of garbage is due shortly after the start, that is, at any time.
        '[plugins."io.containerd.gc.v1.scheduler"]\nstartup_delay = "1h"\n'
        f'[grpc]\naddress = "{socket}"\n[ttrpc]\naddress = "{socket}.ttrpc"\n'
    )
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            [daemon_program, f"--config={directory / 'config.toml'}"], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_for(
            lambda: b"successfully booted" in log.read_bytes() or daemon.poll() is not None, log.read_text
        )
        assert daemon.poll() is None, log.read_text()
        yield [client, f"--address={socket}"], root
    finally:
        daemon.terminate()
        daemon.wait()
        shutil.rmtree(directory, ignore_errors=True)


def throw_away(ctr: Sequence[str], namespace: str) -> None:
    """Have containerd remove at once what an import only went through; else it does some time later."""
    run(*ctr, namespace, "leases", "create", "--id=over")
    run(*ctr, namespace, "leases", "delete", "--sync", "over")


def _wait(docker: Docker, daemon: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the daemon answers; skips the test where it cannot run."""

    def answers() -> bool:
        with contextlib.suppress(AssertionError):
            docker("version")
            return True
        return False

    wait_for(lambda: daemon.poll() is not None or answers(), log.read_text)
    if daemon.poll() is not None:
        last = log.read_text(errors="replace").splitlines()[-1:]
        lacking(f"dockerd does not start here: {last}")


@contextmanager
def btrfs_directory() -> Iterator[Path]:
    """A btrfs file system in a file, mounted for a while; skips where the kernel cannot do it."""
    need_root()
    need("mkfs.btrfs")
    image = Path(tempfile.mkdtemp(prefix="layertui-"), "image")
    mounted = image.with_name("fs")  # engines want a short path
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(1 << 30)
    run("mkfs.btrfs", "--quiet", image)
    result = subprocess.run(["mount", "-o", "loop", image, mounted], capture_output=True, text=True)
    if result.returncode:
        shutil.rmtree(image.parent)
        lacking(f"no btrfs or no loop device here: {result.stderr.strip()}")
    try:
        yield mounted
    finally:
        run("umount", "--lazy", mounted)
        shutil.rmtree(image.parent)


@contextmanager
def overlay(layers: list[Path], directory: Path) -> Iterator[Path]:
    """The kernel's merged view of directories, base first, read-only."""
    need_root()
    directory.mkdir(parents=True)
    # The kernel takes at least two lower directories; options are cut at colons and commas.
    empty = directory.with_name(f"{directory.name}-empty")
    empty.mkdir()
    lower = ":".join(str(layer) for layer in [*reversed(layers), empty])
    run("mount", "-t", "overlay", "overlay", "-o", f"ro,lowerdir={lower}", directory)
    try:
        yield directory
    finally:
        run("umount", directory)
