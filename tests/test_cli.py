"""The command line as a whole: finding the command, errors, exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from layertui.cli import main
from layertui.commands import COMMANDS
from layertui.ui.launch import is_ci
from tests.commands.samples import HOSTILE, image, tar
from tests.ui.terminal import Terminal

PROGRAM = [sys.executable, "-m", "layertui"]


def test_help_names_every_command_and_fits_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for words in ([], *([name] for name in COMMANDS)):
        assert main([*words, "--help"]) == 0
        text = capsys.readouterr().out
        assert all(len(line) <= 80 for line in text.splitlines()), words
        assert "usage: layertui" in text
        if not words:
            assert all(name in text for name in COMMANDS)


def test_options_may_stand_before_the_command(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["--json", "--platform", "linux/amd64", "tree", "demo:"]) == 0
    assert capsysbinary.readouterr().out.startswith(b'{"path": "/bin"')


@pytest.mark.parametrize(
    "words, told",
    [
        (["tree"], "layertui: the following arguments are required: IMAGE, see layertui tree --help\n"),
        (["tree", "demo:", "--layer", "x"], "layertui: argument --layer: invalid int value"),
        (["tree", "demo:", "--layer", "99"], "layertui: no layer 99, the layers of quarry:1.1 are 1 to 9\n"),
        (
            ["tree", "demo:", "/etc/pass"],
            "layertui: no /etc/pass at layer 9, nearest existing path: /etc, did you mean /etc/passwd\n",
        ),
        (["tree", "no\x1bwhere"], "layertui: no␛where does not exist, give the path of an image, or demo:\n"),
        (
            ["changes", "demo:", "--layer", "2", "--to", "3"],
            "layertui: --layer cannot be combined with --from and --to",
        ),
        (
            ["tree", "demo:", "--platfrom=x"],
            "layertui: unrecognized arguments: --platfrom=x, did you mean --platform\n",
        ),
        (["--vesion"], "layertui: unrecognized arguments: --vesion, did you mean --version\n"),
        (["help", "tree"], "layertui: unknown command help, did you mean layertui tree --help\n"),
        (["--nonsense"], "layertui: unrecognized arguments: --nonsense, see layertui --help\n"),
    ],
)
def test_an_error_is_one_line_and_exit_status_2(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(told) and printed.err.count("\n") == 1


def test_the_app_needs_a_terminal() -> None:
    done = subprocess.run([*PROGRAM, "demo"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("layertui: cannot open the app") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("terminal", ["dumb", ""])
def test_the_app_is_not_drawn_where_the_cursor_cannot_move(terminal: str) -> None:
    with Terminal("demo", TERM=terminal) as app:
        assert app.end() == 2
        assert app.raw.startswith(b"layertui: cannot open the app, ") and b"\x1b" not in app.raw
        assert (b"TERM=dumb" if terminal else b"TERM is not set") in app.raw


def test_in_ci_a_terminal_does_not_open_the_app(tmp_path: Path) -> None:
    (tmp_path / ".layertui.toml").write_text("[rules]\nsize = 0\n")
    for value in ("true", "1", "yes"):  # dive 0.13, options/ci.go
        with Terminal("demo:", CI=value, cwd=tmp_path) as gate:
            assert gate.end() == 1
            assert b"FAIL" in gate.raw and b"\x1b[?1049h" not in gate.raw
    for words in ([], ["demo"]):
        with Terminal(*words, CI="true", cwd=tmp_path) as app:
            assert app.end() == 2
            assert app.raw.startswith(b"layertui: cannot open the app, CI is set")


def test_other_values_of_ci_mean_no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("0", "no", "", "false"):
        monkeypatch.setenv("CI", value)
        assert not is_ci()
    with Terminal("demo", CI="false") as app:
        app.wait("Merged tree")
        app.press("q")
        assert app.end() == 0


def test_a_file_called_like_a_command_can_be_opened(tmp_path: Path) -> None:
    (tmp_path / "tree").write_bytes(b"")
    environment = {**os.environ, "CI": ""}
    for words in (["./tree"], ["--", "tree"]):
        done = subprocess.run(
            [*PROGRAM, *words], capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        assert "cannot open the app" in done.stderr  # and not that IMAGE is missing


@pytest.mark.parametrize(
    "words, light",
    [
        (["--help"], True),
        (["history", "demo:", "--json"], False),
        (["inspect", "demo:"], True),
        (["images", "demo:", "--json"], False),
        (["tree", "demo:"], False),
        (["changes", "demo:"], False),
        (["log", "demo:", "/etc/passwd"], False),
        (["cat", "demo:", "/etc/motd"], False),
    ],
)
def test_commands_import_no_more_than_they_need(words: list[str], light: bool) -> None:
    never = {"textual", "rich", "pygments", "asyncio", "docker", "requests"}
    heavy = {"msgspec", "zstandard", "isal", "concurrent", "logging", "platformdirs"} if light else set()
    code = (
        "import sys; from layertui.cli import main\n"
        "main(sys.argv[1:])\n"
        "print(' '.join({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert not (never | heavy) & set(done.stderr.split())


@pytest.mark.parametrize("words", [["--help"], ["inspect"], ["history"]])
def test_what_takes_as_long_as_python_itself_is_not_imported(words: list[str], tmp_path: Path) -> None:
    code = (
        "import sys; before = set(sys.modules); from layertui.cli import main\n"
        "main(sys.argv[1:])\n"
        "print(*set(sys.modules) - before, file=sys.stderr)"
    )
    if words != ["--help"]:
        words = [*words, str(image_in(tmp_path / "image"))]
        main(words)  # for its index to be cached
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert not {"typing", "_hashlib"} & set(done.stderr.split())


def folder(path: Path) -> Path:
    path.mkdir()
    return path


BROKEN: dict[str, Callable[[Path], object]] = {
    "not an image": lambda path: path.write_bytes(b"hello"),
    "empty": lambda path: path.write_bytes(b""),
    "a folder without index.json": lambda path: path.mkdir(),
    "index.json that is no JSON": lambda path: folder(path).joinpath("index.json").write_text("{"),
    "index.json that is a list": lambda path: folder(path).joinpath("index.json").write_text("[]"),
    "a tar of nothing that counts": lambda path: path.write_bytes(tar(("/x", b"y"))),
    "an archive without its config": lambda path: path.write_bytes(
        tar(("/manifest.json", b'[{"Config": "c.json", "Layers": []}]'))
    ),
    "a missing manifest": lambda path: _manifest(image_in(path)).unlink(),
    "a wrong digest": lambda path: _change(_manifest(image_in(path))),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_opened_is_one_line(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken"
    BROKEN[what](path)
    for words in (["tree"], ["changes"], ["history"], ["inspect"], ["images"], ["log", "/x"], ["cat", "/x"]):
        assert main([words[0], str(path), *words[1:]]) == 2
        printed = capsys.readouterr()
        assert printed.err.startswith("layertui: ") and printed.err.count("\n") == 1, (words, printed.err)
        assert str(path) in printed.err


def test_a_file_that_may_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.tar").write_bytes(tar(("/x", b"")))

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("layertui.model.blob.os.open", refuse)  # root may read whatever its mode is
    assert main(["tree", str(tmp_path / "secret.tar")]) == 2
    assert capsys.readouterr().err == f"layertui: cannot read {tmp_path}/secret.tar, Permission denied\n"


def test_of_a_damaged_image_what_could_be_read_is_printed(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = image(tmp_path, tar(("/a", b"a")), tar(("/b", b"b"), ("/c", b"c" * 5000)))
    for blob in (path / "blobs/sha256").iterdir():
        data = blob.read_bytes()
        if b"ccccc" in data:
            blob.write_bytes(data[:2000])
    assert main(["tree", str(path)]) == 2
    out, err = capsysbinary.readouterr()
    assert [line.split()[-1] for line in out.splitlines()] == [b"PATH", b"/a", b"/b", b"/c"]
    assert err.splitlines()[-1].startswith(
        b"layertui: warning: layer 2 could not be read completely: the tar ends early"
    )
    assert all(line.startswith(b"layertui: warning: layer 2") for line in err.splitlines())
    assert main(["tree", str(path), "--quiet"]) == 2
    assert capsysbinary.readouterr() == (out, b"")
    assert main(["tree", str(path), "--layer", "1"]) == 0  # the damaged layer is not needed
    assert capsysbinary.readouterr().err == b""


def test_a_missing_layer_and_a_cut_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = image(tmp_path, tar(("/a", b"a")))
    max((path / "blobs/sha256").iterdir(), key=lambda blob: blob.stat().st_size).unlink()
    assert main(["tree", str(path)]) == 2
    assert "layer 1 could not be read completely: blob sha256:" in capsys.readouterr().err
    assert main(["history", str(path)]) == 2  # its size is not known
    archive = tmp_path / "cut.tar"
    manifest = b'[{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["l.tar"]}]'
    config = b'{"os": "linux", "rootfs": {"diff_ids": ["sha256:0"]}, "history": [{"created_by": "step"}]}'
    layer = tar(("/a", b"a" * 20_000))
    whole = tar(("/manifest.json", manifest), ("/c.json", config), ("/l.tar", layer))
    archive.write_bytes(whole[:15_000])
    assert main(["history", str(archive)]) == 2
    printed = capsys.readouterr()
    assert "step" in printed.out and "warning: the archive is damaged: the tar ends early" in printed.err


def test_a_full_disk() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PROGRAM, "tree", "demo:"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "layertui: cannot write the output, No space left on device\n"


def test_an_interrupt_ends_it_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("layertui.cli._run", interrupt)
    monkeypatch.setattr("layertui.cli.drop", lambda _: None)
    assert main(["tree", "demo:"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "words", [["tree"], ["changes"], ["log", HOSTILE], ["diff", HOSTILE], ["search", "-a", ""]]
)
def test_nothing_of_an_image_acts_on_a_terminal(words: list[str], tmp_path: Path) -> None:
    path = image(tmp_path, tar((HOSTILE, b"a\x1b[31m\x07\n")), tar((HOSTILE, b"b\x9b2J\xc2\x9b\n")))
    with Terminal(words[0], str(path), *words[1:], columns=80) as terminal:
        assert terminal.end() == (1 if words[0] == "diff" else 0)
        printed = re.sub(rb"\x1b\[\d*m", b"", terminal.raw)  # its own colours
        assert not re.search(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae", printed)
        assert "␛".encode() in printed


def test_no_colour_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Terminal("changes", "demo:") as terminal:
        terminal.end()
        assert b"\x1b[33m~\x1b[m" in terminal.raw
    done = subprocess.run([*PROGRAM, "changes", "demo:"], capture_output=True)
    assert b"\x1b" not in done.stdout


def test_a_terminal_gets_lines_that_fit(tmp_path: Path) -> None:
    with Terminal("history", "demo:", columns=80) as terminal:
        terminal.end()
        lines = terminal.raw.decode().replace("\x1b[K", "").splitlines()
    assert max(map(len, lines)) <= 80 and any("…" in line for line in lines)
    heads = [line for line in lines if line.startswith("IMAGE ")]  # progress may be above, on a slow machine
    assert len(heads) == 1 and all(column in heads[0] for column in ("CREATED BY", "SIZE", "LAYER"))


def image_in(path: Path) -> Path:
    return image(path.parent, tar(("/x", b"y"))).rename(path)


def _manifest(path: Path) -> Path:
    digest: str = json.loads((path / "index.json").read_text())["manifests"][0]["digest"]
    return path / "blobs" / digest.replace(":", "/")


def _change(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


@pytest.mark.parametrize(
    "words, told",
    [
        (["history", "--json", "--", "--help"], "--help does not exist"),
        (["tree", "--", "demo:", "--json"], "no --json at layer 9"),
        (["tree", "demo:", "--", "-x"], "no -x at layer 9"),
        (["find", "x", "--", "--json", "--json"], "--json"),
        (["tree", "--", "demo:", "/etc", "more"], "unrecognized arguments: more"),
    ],
)
def test_nothing_after_two_dashes_is_an_option(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == "" and told in err


def test_options_between_arguments_and_two_dashes(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["tree", "demo:", "--json", "--", "/etc/passwd"]) == 0
    assert capsysbinary.readouterr().out.startswith(b'{"path": "/etc/passwd"')
