"""Standard output and error that are closed, full, not UTF-8 or no terminal, with every command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from layertui.cli import main
from layertui.commands import COMMANDS
from layertui.model.unforeseen import ISSUES
from tests.commands.running import Run
from tests.commands.samples import tar
from tests.layouts import OciLayout
from tests.waiting import SECONDS

PROGRAM = [sys.executable, "-m", "layertui"]
IMAGE, OTHER, WRONG, CUT = "image", "other", "wrong", "cut"
FAILING: Mapping[str, Sequence[tuple[int, Sequence[str]]]] = {
    "images": [(0, [IMAGE]), (2, [IMAGE, "missing"])],
    "containers": [(2, ["podman:none"])],
    "history": [(0, [IMAGE]), (2, ["missing"])],
    "dockerfile": [(0, [IMAGE]), (2, [CUT])],
    "inspect": [(0, [IMAGE])],
    "tree": [(0, [IMAGE]), (2, [CUT])],
    "changes": [(0, [IMAGE]), (2, [CUT])],
    "compare": [(1, [IMAGE, OTHER]), (1, [IMAGE, OTHER, "--json"]), (0, [IMAGE, IMAGE])],
    "log": [(0, [IMAGE, "/a"]), (2, [CUT, "/a"]), (0, [IMAGE, "/a", "--lines"])],
    "diff": [(1, [IMAGE, "/a"])],
    "cat": [(0, [IMAGE, "/a"]), (2, [IMAGE, "/missing"])],
    "search": [(0, [IMAGE, "two"]), (1, [IMAGE, "nowhere"])],
    "find": [(0, ["a", IMAGE]), (1, ["nowhere", IMAGE]), (2, ["a", CUT])],
    "extract": [(0, [IMAGE, "/", "-"]), (2, [CUT, "/", "-"])],
    "insight": [(0, [IMAGE]), (2, [CUT])],
    "report": [(0, [IMAGE]), (2, [CUT])],
    "check": [(1, [IMAGE]), (1, [IMAGE, "--json"]), (2, [CUT])],
    "verify": [(1, [WRONG]), (0, [IMAGE])],
    "anatomy": [(0, [IMAGE]), (2, [CUT])],
    "size": [(0, [IMAGE]), (2, [CUT]), (2, [CUT, "--json"])],
    "attachments": [(0, [IMAGE]), (2, [IMAGE, "--read", "123"])],
    "store": [(2, [IMAGE])],
    "cache": [(0, ["list"])],
    "completion": [(0, ["bash"]), (2, ["sh"])],
}
"""Arguments of every command, with the status that it has of its own."""
STREAMS = ("cat", "search", "find", "extract", "insight")
"""Commands that print before their status is known."""
LONG = "x" * 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images: small, another, one with a wrong digest, one whose layer is cut; rules that fail."""
    folder = tmp_path_factory.mktemp("output")
    layers = (tar(("/a", b"one\n")), tar(("/a", b"two\n"), ("/b", b"b" * 9000)))
    OciLayout(folder / IMAGE).add("1", layers)
    OciLayout(folder / OTHER).add("1", [*layers, tar(("/c", b""))])
    for name, change in ((WRONG, _flip), (CUT, _cut)):
        layout = OciLayout(folder / name)
        layout.add("1", layers)
        change(max((folder / name / "blobs/sha256").iterdir(), key=lambda blob: blob.stat().st_size))
    (folder / ".layertui.toml").write_text("[rules]\nsize = 0\n")
    return folder


def _flip(blob: Path) -> None:
    data = blob.read_bytes()
    blob.write_bytes(data.replace(b"bbb", b"bxb", 1))


def _cut(blob: Path) -> None:
    blob.write_bytes(blob.read_bytes()[:2000])


def start(
    folder: Path, *words: str, out: int = subprocess.PIPE, err: int = subprocess.PIPE, **variables: Any
) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(folder / "cache"),
        "CONTAINER_HOST": f"unix://{folder}/no.sock",
        **variables,
    }
    environment.pop("PYTHONUNBUFFERED", None)
    return subprocess.Popen([*PROGRAM, *words], cwd=folder, env=environment, stdout=out, stderr=err)


def closed_pipe() -> int:
    """The end that is written to of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def possible(command: str, status: int) -> set[int]:
    return {status, 128 + signal.SIGPIPE} if command in STREAMS else {status}


def test_every_command_is_here() -> None:
    assert set(FAILING) == set(COMMANDS) - {
        "build",
        "demo",
        "mcp",
        "serve",
    }  # which run another program, the app, a server


@pytest.mark.parametrize("command", FAILING)
def test_a_closed_pipe_does_not_change_the_status(command: str, folder: Path) -> None:
    for status, words in FAILING[command]:
        pipe = closed_pipe()
        with start(folder, command, *words, out=pipe) as process:
            os.close(pipe)
            assert process.wait(SECONDS) in possible(command, status), words
            assert process.stderr and b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("command", FAILING)
def test_closed_standard_error_does_not_either(command: str, folder: Path) -> None:
    """What has nothing to say there is the same as above."""
    for status, words in [case for case in FAILING[command] if case[0] == 2] or FAILING[command][:1]:
        pipe = closed_pipe()
        with start(folder, command, *words, out=pipe, err=pipe) as process:
            os.close(pipe)
            assert process.wait(SECONDS) in possible(command, status), words


@pytest.mark.parametrize(
    "own, words",
    [
        (1, ["compare", IMAGE, "many", "--all"]),
        (1, ["check", "many", "--format", "json"]),
        (0, ["tree", "many"]),
        (0, ["tree", "many", "--json"]),
        (2, ["images", *["missing"] * 3, *["many"] * 300]),
    ],
)
def test_a_reader_that_reads_one_line_gets_the_verdict(own: int, words: list[str], folder: Path) -> None:
    if not (folder / "many").exists():
        files = [(f"/{number}{LONG}", b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 40) for number in range(2000)]
        OciLayout(folder / "many").add("1", [tar(*files)])
    (folder / ".layertui.toml").write_text("[rules]\nsize = 0\nforbidden-paths = ['/**']\n")
    with start(folder, *words) as process:
        assert process.stdout
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(SECONDS) == own


@pytest.mark.parametrize("words", [["cat", "big", "/big"], ["extract", "big", "/", "-"]])
def test_a_stream_cut_short_has_the_status_of_a_broken_pipe(words: list[str], folder: Path) -> None:
    if not (folder / "big").exists():
        OciLayout(folder / "big").add("1", [tar(("/big", b"big\n" * 500_000))])
    with start(folder, *words) as process:
        assert process.stdout
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(SECONDS) == 128 + signal.SIGPIPE
        assert process.stderr and b"BrokenPipe" not in process.stderr.read()


def test_the_gate_of_a_ci_job_through_a_closed_pipe(folder: Path) -> None:
    pipe = closed_pipe()
    with start(folder, IMAGE, out=pipe, CI="true") as process:
        os.close(pipe)
        assert process.wait(SECONDS) == 1


def test_help_through_a_closed_pipe(folder: Path) -> None:
    for words in (["--help"], ["check", "--help"], ["--version"]):
        pipe = closed_pipe()
        with start(folder, *words, out=pipe) as process:
            os.close(pipe)
            assert process.wait(SECONDS) == 0
            assert process.stderr and process.stderr.read() == b""


@pytest.mark.parametrize("command", ["check", "tree", "verify", "cat", "--help"])
def test_closed_standard_output_is_an_error(command: str, folder: Path) -> None:
    words = {"cat": [IMAGE, "/a"], "--help": []}.get(command, [IMAGE])
    shell = ["sh", "-c", '"$@" >&-', "sh", *PROGRAM, command, *words]
    done = subprocess.run(shell, cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "layertui: cannot write the output, Bad file descriptor\n")


def test_closed_standard_error_keeps_errors_out_of_the_output(folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" 2>&-', "sh", *PROGRAM, "tree", "missing:"], cwd=folder, capture_output=True
    )
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize(
    "variables", [{"LC_ALL": "en_US.ISO-8859-1"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}]
)
def test_output_is_utf_8_whatever_the_locale_is(variables: dict[str, Any], folder: Path) -> None:
    for words in (["--help"], ["changes", "--help"], ["tree", "no…where"], ["history", IMAGE]):
        with start(folder, *words, **{"PYTHONUTF8": "0", **variables}) as process:
            out, err = process.communicate(timeout=SECONDS)
            assert process.returncode == (2 if words[0] == "tree" else 0), err
            assert "…".encode() in out + err or words[-1] != "--help"


FAULTS: Mapping[str, Exception] = {
    "bug": KeyError(0),
    "memory": MemoryError(),
    "recursion": RecursionError("maximum recursion depth exceeded"),
    "reading": OSError(5, "Input/output error"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_unforeseen_is_one_line_and_no_verdict(
    name: str, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fault = FAULTS[name]

    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr("layertui.sources.oci.open_image", fail)
    with pytest.raises(type(fault)):
        run("tree", f"oci:{tmp_path}")
    monkeypatch.delenv("LAYERTUI_TRACEBACK")
    done = run("tree", f"oci:{tmp_path}")
    assert (done.status, done.out, done.err.count("\n")) == (2, b"", 1)
    assert done.err.startswith("layertui: internal error in layertui.sources:")
    assert type(fault).__name__ in done.err and f"please report it: {ISSUES}" in done.err
    assert "output" not in done.err.replace("Input/output", "")


def test_a_file_that_cannot_be_accessed_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.delenv("LAYERTUI_TRACEBACK")
    monkeypatch.setattr("layertui.sources.oci.open_image", fail)
    done = run("tree", f"oci:{tmp_path}")
    assert (done.status, done.err) == (2, "layertui: cannot access /some/file, Permission denied\n")


def test_images_in_a_deleted_directory(tmp_path: Path) -> None:
    code = (
        "import os; os.rmdir(os.getcwd()); from layertui.cli import main; raise SystemExit(main(['images']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "layertui: cannot list ., No such file or directory\n")


@pytest.mark.parametrize(
    "words, told",
    [
        (["chekc", "app.tar"], "unknown command chekc, did you mean layertui check"),
        (
            ["chekc", "--json", "app.tar"],  # --json FILE is dive's
            "chekc is neither a command nor an image, did you mean layertui check",
        ),
        (["xyzzy", "app.tar"], "unknown command xyzzy, see layertui --help"),
        (["myimage", "--json"], "argument -j/--json: expected one argument, see layertui --help"),
        (["app.tar", "tree"], "the command must be the first word: layertui tree app.tar"),
        (["app.tar", "other.tar"], "unrecognized arguments: other.tar, see layertui --help"),
        (["tre"], "tre is neither a command nor an image, did you mean layertui tree"),
        (["help"], "help is neither a command nor an image, did you mean layertui --help"),
        (["version"], "version is neither a command nor an image, did you mean layertui --version"),
        (["ls"], "ls is neither a command nor an image, did you mean layertui images"),
        (["tree", "App:1"], "no image App:1, no such path; repositories are lower case"),
        (
            ["tree", "Ghcr.io/Owner/App"],
            "no image Ghcr.io/Owner/App, no such path; repositories are lower case",
        ),
    ],
)
def test_a_mistyped_command_or_name(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr() == ("", f"layertui: {told}\n")
