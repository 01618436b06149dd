"""What the process that reads untrusted bytes reaches: of archives and layouts nothing but their files and the cache."""

from __future__ import annotations

import gzip
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from layertui import demo
from layertui.commands.parsers import is_confined
from layertui.content.query import Query
from layertui.worker.protocol import Failed, FindRequest, Message, SearchRequest, SurveyRequest, TreeRequest
from tests.layouts import OciLayout, docker_archive
from tests.native import need_core
from tests.programs import lacking, need
from tests.worker.runs import frames, pin, start

WATCHED = """
import json, os, sys

MADE = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate")
LEFT = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile", "pty.", "ctypes.")

def watch(event, arguments):
    if event == "open":
        path, _, flags = arguments
        if not isinstance(path, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            told.append(["write", os.fsdecode(path)])
    elif event in MADE and not isinstance(arguments[0], int):
        told.append(["write", os.fsdecode(arguments[0])])
    elif event.startswith(LEFT):
        told.append([event, repr(arguments)])

told = []
from layertui.worker.main import main  # what is imported later is watched too
sys.addaudithook(watch)
main()
print(json.dumps(told), file=sys.stderr)
"""


def reached(request: Message) -> list[tuple[str, str]]:
    """The events (docs.python.org/3/library/audit_events.html) of a worker with a request, and what they are about."""
    with start(request, "-P", "-B", "-c", WATCHED, stderr=subprocess.PIPE) as process:
        failed = [frame for frame in frames(process.stdout) if isinstance(frame, Failed)]
        assert process.stderr is not None
        told = json.loads(process.stderr.read())
    assert not failed or "docker:" in str(request), failed
    return [(event, about) for event, about in told]


def test_files_are_read_without_network_programs_and_writes_outside_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    OciLayout(tmp_path / "layout").add_image("1", demo.image())
    docker_archive(tmp_path / "app.tar", demo.image())
    (tmp_path / "app.tar.gz").write_bytes(gzip.compress((tmp_path / "app.tar").read_bytes()))
    layout, archive, compressed = (pin(f"{tmp_path}/{name}") for name in ("layout", "app.tar", "app.tar.gz"))
    written = set()
    for request in (
        TreeRequest(layout, True),
        SurveyRequest(layout, True, "packages"),
        SurveyRequest(archive, True, "secrets"),
        SearchRequest(compressed, True, Query("root")),
        FindRequest([layout.reference, archive.reference], None, True, "content", "root"),
    ):
        for event, about in reached(request):
            assert event == "write", (request, event, about)
            written.add(Path(about))
    assert written
    assert not [path for path in written if not path.is_relative_to(tmp_path / "cache")]


def test_an_archive_opens_where_there_is_no_network(tmp_path: Path) -> None:
    """As the threat model recommends."""
    need("unshare")
    docker_archive(tmp_path / "app.tar", demo.image())
    command = [sys.executable, "-P", "-m", "layertui", "tree", "app.tar"]
    confined = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*confined, "true"], check=False).returncode:
        lacking("no user namespaces here")
    done = subprocess.run([*confined, *command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "os-release" in done.stdout
    assert (
        done.stdout
        == subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    )


def test_what_reaches_out_is_seen() -> None:
    elsewhere = "docker://127.0.0.1:1/nobody"
    identity = pin("demo:")._replace(reference=elsewhere, pinned=elsewhere)
    assert "socket.connect" in {event for event, _ in reached(TreeRequest(identity, False))}


ATTEMPTS = """
import json, os, socket, subprocess, sys

def attempt(what):
    try:
        what()
    except PermissionError:
        return "refused"
    except OSError as error:
        return type(error).__name__
    return "done"

def attempts(folder, cache):
    return [
    attempt(lambda: open(folder + "/new", "w")),
    attempt(lambda: os.remove(folder + "/old")),
    attempt(lambda: os.truncate(folder + "/old", 0)),
    attempt(lambda: subprocess.run(["true"])),
    attempt(lambda: socket.create_connection(("127.0.0.1", 1))),
    attempt(lambda: open(folder + "/old").read()),
    attempt(lambda: open(cache + "/layertui/entry", "w")),
    attempt(lambda: os.replace(cache + "/layertui/entry", cache + "/layertui/kept")),
    ]
"""
"""What a process attempts in two directories."""
READER = f"""{ATTEMPTS}
from layertui.sources.confinement import can_confine, confine

reference, folder, cache = sys.argv[1:]
if can_confine(["demo:", reference]):
    confine()
print(json.dumps(attempts(folder, cache)))
"""
COMMAND = f"""{ATTEMPTS}
status = {{}}

def watch(event, arguments):
    if event == "open" and str(arguments[0]).startswith(os.environ["IMAGE"]) and not status:
        status["opened"] = None
        with open("/proc/thread-self/status") as file:
            status["opened"] = [line.split()[1] for line in file if line.startswith("NoNewPrivs:")][0]

sys.addaudithook(watch)
from layertui.cli import main
main()
print(json.dumps([status["opened"], attempts(os.environ["FOLDER"], os.environ["XDG_CACHE_HOME"])]), file=sys.stderr)
"""
"""A command as a user runs it, which does not end yet; and whether it was confined when it first opened the image."""


@pytest.mark.parametrize(
    ("reference", "confined"),
    [
        ("app.tar", True),
        ("oci:layout:1", True),
        ("containers-storage:[/store]app", True),
        ("nothing", False),
        ("docker-archive:/proc/self/exe", False),
        ("docker-daemon:app", False),
        ("podman:app", False),
        ("docker://127.0.0.1:1/app", False),
    ],
)
def test_the_kernel_confines_the_reader_of_files(tmp_path: Path, reference: str, confined: bool) -> None:
    need_landlock()
    (tmp_path / "app.tar").touch()
    (tmp_path / "layout").mkdir()
    folder, cache = folders(tmp_path)
    command = [sys.executable, "-B", "-c", READER, reference, str(folder), str(cache)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    check_attempts(json.loads(done.stdout), confined)


def need_landlock() -> None:
    """With the rights that it has since Linux 6.7 (landlock(7))."""
    need_core()
    if not is_confined() or tuple(map(int, platform.release().split(".")[:2])) < (6, 7):
        lacking("no Landlock with these rights in this kernel")


def folders(parent: Path) -> tuple[Path, Path]:
    """Return what must not be written to, and the cache."""
    folder, cache = parent / "folder", parent / "cache"
    (cache / "layertui").mkdir(parents=True)
    folder.mkdir()
    (folder / "old").write_text("kept")
    return folder, cache


def check_attempts(results: list[str], confined: bool) -> None:
    *attempts, reads, writes, renames = results
    if confined:
        assert attempts == ["refused"] * 5
    else:
        assert attempts == ["done", "done", "FileNotFoundError", "done", "ConnectionRefusedError"]
    assert (reads, writes, renames) == ("done" if confined else "FileNotFoundError", "done", "done")


def attempted(
    parent: Path, *arguments: str, image: str = "app.tar", piped: bytes = b""
) -> tuple[Any, list[str]]:
    """Run a command in a directory; return whether it was confined when it opened the image, and its attempts then."""
    folder, cache = parent / "folder", parent / "cache"
    environment = {
        **{name: value for name, value in os.environ.items() if name != "CI"},
        "XDG_CACHE_HOME": str(cache),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "FOLDER": str(folder),
        "IMAGE": image,
    }
    command = [sys.executable, "-B", "-c", COMMAND, *arguments]
    done = subprocess.run(command, cwd=parent, env=environment, input=piped, capture_output=True, check=False)
    opened, attempts = json.loads(done.stderr.splitlines()[-1])
    return opened, attempts


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("tree app.tar", ""),
        ("history app.tar", ""),
        ("inspect app.tar", ""),
        ("changes app.tar --layer 2", ""),
        ("log app.tar /etc/motd", ""),
        ("diff app.tar /etc/motd", ""),
        ("cat app.tar /etc/motd", ""),
        ("search app.tar root", ""),
        ("size app.tar", ""),
        ("insight app.tar", ""),
        ("dockerfile app.tar", ""),
        ("anatomy app.tar", ""),
        ("attachments app.tar", ""),
        ("verify app.tar", ""),
        ("find motd app.tar other.tar", ""),
        ("compare app.tar other.tar", ""),
        ("check app.tar --baseline other.tar", ""),
        ("check app.tar --report junit=out/report.xml", "report.xml"),
        ("check app.tar --baseline out/sizes.json --update-baseline", "sizes.json"),
        ("check app.tar --init --config out/rules.toml", "rules.toml"),
        ("report app.tar -o out/app.html", "app.html"),
        ("extract app.tar /etc/motd out", "motd"),
        ("extract app.tar /etc/motd out/new/folder", "new/folder/motd"),
        ("-j out/app.json app.tar", "app.json"),
    ],
)
def test_the_kernel_confines_commands_before_they_open_a_file(
    tmp_path: Path, command: str, output: str
) -> None:
    """They write what they were asked to, and nothing elsewhere."""
    need_landlock()
    folders(tmp_path)
    for name in ("app.tar", "other.tar"):
        docker_archive(tmp_path / name, demo.image())
    (tmp_path / ".layertui.toml").write_text('[rules]\ngrowth = "5%"\n')
    (tmp_path / "out").mkdir()
    opened, attempts = attempted(tmp_path, *command.split())
    assert opened == "1"
    check_attempts(attempts, True)
    assert not output or (tmp_path / "out" / output).stat().st_size


def test_commands_that_need_more_than_files_are_not_confined(tmp_path: Path) -> None:
    need_landlock()
    folders(tmp_path)
    docker_archive(tmp_path / "app.tar", demo.image())
    opened, attempts = attempted(tmp_path, "compare", "app.tar", "docker://127.0.0.1:1/app")
    assert opened == "0"
    check_attempts(attempts, False)


def test_a_command_is_confined_before_it_reads_a_pipe(tmp_path: Path) -> None:
    need_landlock()
    folders(tmp_path)
    docker_archive(tmp_path / "app.tar", demo.image())
    archive = (tmp_path / "app.tar").read_bytes()
    opened, attempts = attempted(tmp_path, "tree", "-", image="/proc/", piped=archive)
    assert opened == "1"
    check_attempts(attempts, True)
