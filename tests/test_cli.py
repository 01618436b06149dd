"""The command line as a whole: finding the command, errors, exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from layertui.cli import main
from layertui.commands import COMMANDS

PROGRAM = [sys.executable, "-m", "layertui"]


def test_help_names_every_command_and_fits_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for words in ([], *([name] for name in COMMANDS)):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--help"])
        assert ended.value.code == 0
        text = capsys.readouterr().out
        assert all(len(line) <= 80 for line in text.splitlines()), words
        assert "usage: layertui" in text
        if not words:
            assert all(name in text for name in COMMANDS)


def test_options_may_stand_before_the_command(capsysbinary):
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
            "layertui: no /etc/pass at layer 9, the nearest that is there is /etc\n",
        ),
        (["tree", "no\x1bwhere"], "layertui: no␛where is not there, give the path of an image, or demo:\n"),
        (
            ["changes", "demo:", "--layer", "2", "--to", "3"],
            "layertui: --layer does not go with --from and --to",
        ),
        (["--nonsense"], "layertui: unrecognized arguments: --nonsense, see layertui --help\n"),
    ],
)
def test_an_error_is_one_line_and_exit_status_2(words, told, capsys):
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(told) and printed.err.count("\n") == 1


def test_the_app_needs_a_terminal():
    done = subprocess.run([*PROGRAM, "demo"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("layertui: cannot open the app") and done.stderr.count("\n") == 1


def test_a_file_called_like_a_command_can_be_opened(tmp_path: Path):
    (tmp_path / "tree").write_bytes(b"")
    for words in (["./tree"], ["--", "tree"]):
        done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, cwd=tmp_path)
        assert "cannot open the app" in done.stderr  # and not that IMAGE is missing


def test_a_closed_pipe_ends_it_quietly():
    with subprocess.Popen(
        [*PROGRAM, "tree", "demo:"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_commands_import_nothing_of_the_screens():
    code = (
        "import sys; from layertui.cli import main; main(sys.argv[1:]);"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'textual', 'rich', 'pygments', 'humanize', 'asyncio'}), file=sys.stderr)"
    )
    for words in (["tree", "demo:"], ["changes", "demo:"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
        assert done.stderr == "[]\n"
