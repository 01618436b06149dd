"""What the process that reads untrusted bytes reaches: of archives and layouts nothing but their files and the cache."""

from __future__ import annotations

import gzip
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

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


CONFINED = """
import json, os, socket, subprocess, sys
from layertui.worker.main import confine

reference, folder, cache = sys.argv[1:]
confine(["demo:", reference])

def attempt(what):
    try:
        what()
    except PermissionError:
        return "refused"
    except OSError as error:
        return type(error).__name__
    return "done"

print(json.dumps([
    attempt(lambda: open(folder + "/new", "w")),
    attempt(lambda: os.remove(folder + "/old")),
    attempt(lambda: os.truncate(folder + "/old", 0)),
    attempt(lambda: subprocess.run(["true"])),
    attempt(lambda: socket.create_connection(("127.0.0.1", 1))),
    attempt(lambda: open(folder + "/old").read()),
    attempt(lambda: open(cache + "/layertui/entry", "w")),
    attempt(lambda: os.replace(cache + "/layertui/entry", cache + "/layertui/kept")),
]))
"""


@pytest.mark.parametrize(
    ("reference", "confined"),
    [
        ("app.tar", True),
        ("oci:layout:1", True),
        ("containers-storage:[/store]app", True),
        ("docker-archive:/proc/1/fd/3", False),
        ("docker-daemon:app", False),
        ("podman:app", False),
        ("docker://127.0.0.1:1/app", False),
    ],
)
def test_the_kernel_confines_the_reader_of_files(tmp_path: Path, reference: str, confined: bool) -> None:
    """landlock(7); the rights that it has since Linux 6.7."""
    need_core()
    if not is_confined() or tuple(map(int, platform.release().split(".")[:2])) < (6, 7):
        lacking("no Landlock with these rights in this kernel")
    (tmp_path / "old").write_text("kept")
    command = [sys.executable, "-B", "-c", CONFINED, reference, str(tmp_path), str(tmp_path / "cache")]
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    (tmp_path / "cache/layertui").mkdir(parents=True)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    *attempts, reads, writes, renames = json.loads(done.stdout)
    if confined:
        assert attempts == ["refused"] * 5
    else:
        assert attempts == ["done", "done", "FileNotFoundError", "done", "ConnectionRefusedError"]
    assert (reads, writes, renames) == ("done" if confined else "FileNotFoundError", "done", "done")
    assert (tmp_path / "old").exists() == confined
