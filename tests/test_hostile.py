"""Nothing that an image says reaches the terminal as more than text: the program in a real one."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from layertui.cli import main
from layertui.commands import COMMANDS
from layertui.text.sanitize import visible
from tests import hostile
from tests.layouts import OciLayout, docker_archive
from tests.ui.terminal import Terminal

OURS = re.compile(
    rb"\r(?:\[[#.]+\] )?[\w., /]*\x1b\[K|"  # a line of progress
    rb"\x1b\[[<>=?]?[0-9;:]*(?:[A-HJKmnu]|[hl]|\$p)"  # colours, the cursor, modes of the terminal
    rb"|\x1b]22;default\x07"  # the shape of the pointer
    rb"|\x1b]11;\?\x1b\\"  # the question for the background
)
"""What programs write to a terminal to draw: no titles, no clipboard, no links, no resets."""
FORGED = "<U+202E>"
"""What follows a newline in the hostile texts, as printed."""
ESC, UP, DOWN, TAB, ENTER = "\x1b", "\x1b[A", "\x1b[B", "\t", "\r"


def check(raw: bytes, is_shown: bool = True) -> None:
    """Nothing was written but text and sequences that draw."""
    assert b"Traceback" not in raw
    assert not [found for found in OURS.findall(raw) if hostile.NUMBER.encode() in found]
    text = OURS.sub(b"", raw).decode()  # no byte that is no UTF-8
    assert hostile.NUMBER in text or not is_shown, "the image has not been shown"
    odd = {char: text.index(char) for char in text if char not in "\r\n\t" and visible(char) != char}
    assert not odd, {char: text[max(at - 40, 0) : at + 40] for char, at in odd.items()}
    assert not re.search(r"\r(?!\n)", text)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A docker-archive whose own name is hostile too."""
    path = tmp_path / f"{hostile.NAME[:60]}.tar"
    docker_archive(path, hostile.image())
    return path


def test_every_pane_tab_and_dialog_of_the_explorer(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "layout")
    layout.add_index(hostile.JSON, hostile.image(), hostile.image(hostile.JSON))
    with Terminal("--platform", "linux/amd64", f"oci:{layout.directory}") as terminal:
        terminal.wait("Merged tree at layer 3", "verified")
        for pane in (
            "wejjjkkre",  # the layers: as recorded, folded, each of them, turned round
            f"{TAB}EnNvvvss",  # the tree: opened, changes, views, sorted
            "gGkk",
        ):
            for key in pane:
                terminal.press(key)
                terminal.settle(0.05)
        for _path in range(5):  # every tab of every path
            terminal.press(UP)
            for tab in "12345":
                terminal.press(tab)
                terminal.settle(0.05)
        dialogs = {
            "!": "11 warnings",
            "i": "Image and layer 3",
            "?": "Help",
            "p": "Platform",
            "V": "Verify",
            "A": "Anatomy",
            "x": "Extract",
        }
        for dialog, title in dialogs.items():
            terminal.press(dialog)
            terminal.wait(f"─ {title}")
            terminal.settle()  # some are painted again at another height
            terminal.press(ESC)
            terminal.wait(partial(lambda title, text: f"─ {title}" not in text, title))
        terminal.press("/")
        terminal.press("6666")
        terminal.settle()
        terminal.press(ENTER)
        terminal.settle()
        terminal.press("q")
        assert terminal.end() == 0
        check(terminal.raw)


def test_the_images_screen_and_opening(archive: Path) -> None:
    with Terminal(cwd=archive.parent) as terminal:
        terminal.wait("NAME:TAG", "sample")
        for keys in ("g", "d", TAB, "jjjj", ESC, "ssss", "/", "6666", ENTER, ESC, "o", "./", DOWN, TAB, ESC):
            terminal.press(keys)
            terminal.settle()
        terminal.press("q")
        assert terminal.end() == 0
        check(terminal.raw)


def test_finding_in_the_images_of_the_list(archive: Path) -> None:
    with Terminal(cwd=archive.parent) as terminal:
        terminal.wait("NAME:TAG", "sample")
        terminal.press("F")
        terminal.wait("Find in 2 images")
        for pattern in ("*", "6666", "*", "sha256:"):  # path, content, package, digest
            terminal.press(pattern + ENTER)
            terminal.wait(" of 2 images")
            terminal.wait(lambda text: "esc stops" not in text)
            for keys in (
                "]",
                "G",
                UP,
                UP,
                UP,
                "/",
                "\x15",
                "\x14",
            ):  # the pattern is deleted, the next kind chosen
                terminal.press(keys)
                terminal.settle(0.05)
        while "Find in 2 images" in terminal.text:  # esc stops a search first
            terminal.press(ESC)
            terminal.settle()
        terminal.press("q")
        assert terminal.end() == 0
        check(terminal.raw)


IMAGE = "IMAGE"
"""Stands for the archive."""
STORE = "STORE"
"""Stands for a store with hostile names."""
WORDS: Mapping[str, Sequence[Sequence[str]]] = {
    "images": [[IMAGE], [f"containers-storage:{STORE}"]],
    "containers": [[f"containers-storage:{STORE}"]],
    "history": [[IMAGE], [IMAGE, "--platform", f"linux/{hostile.NAME}"]],
    "dockerfile": [[IMAGE]],
    "inspect": [[IMAGE]],
    "tree": [[IMAGE], [IMAGE, hostile.DIRECTORY], [IMAGE, f"/nowhere{hostile.NAME}"]],
    "changes": [[IMAGE, "--layer", "2"], [IMAGE, "--from", "1", "--to", "3"]],
    "compare": [
        [IMAGE, "demo:"],
        [IMAGE, "demo:", "--markdown"],
        [IMAGE, "--from", "1", "--to", "3", "--all"],
    ],
    "log": [[IMAGE, hostile.FILE], [IMAGE, hostile.FILE, "--lines"]],
    "diff": [[IMAGE, hostile.FILE], [IMAGE, f"{hostile.FILE}.bin", "--from", "1", "--to", "2"]],
    "cat": [[IMAGE, hostile.FILE], [IMAGE, f"{hostile.FILE}.bin"]],
    "search": [
        [IMAGE, "6666"],
        [IMAGE, "6666", "--hidden", "--text"],
        [IMAGE, "6666", "--config", "--quiet"],
    ],
    "find": [
        ["*6666*", IMAGE],
        ["--content", "6666", IMAGE],
        ["--digest", hostile.NAME, IMAGE, f"/nowhere{hostile.NAME}"],
        ["--export", "out", IMAGE],
    ],
    "extract": [[IMAGE, hostile.DIRECTORY, "out"], [IMAGE, hostile.DIRECTORY, "out", "--json"]],
    "size": [[IMAGE], [IMAGE, "--dead"], [IMAGE, hostile.DIRECTORY]],
    "insight": [[IMAGE, "--all"], [IMAGE, "--all", "--show-secrets"]],
    "report": [[IMAGE]],
    "check": [[IMAGE], [IMAGE, "--format", "github"]],
    "verify": [[IMAGE]],
    "anatomy": [[IMAGE]],
    "attachments": [[IMAGE], [IMAGE, "--read", hostile.NAME]],
    "store": [[f"containers-storage:{STORE}"]],
}
"""Arguments of every command."""
CASES = [[command, *words] for command, rows in WORDS.items() for words in rows]


def test_every_command_is_here() -> None:
    # These run another program, the app, or are about no image.
    assert set(WORDS) == set(COMMANDS) - {"build", "demo", "cache", "completion", "mcp", "serve"}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of Podman with an image and a container, which have hostile names."""
    name = f"{hostile.JSON}:{hostile.JSON}".replace("\0", "")
    image = {"id": "a" * 64, "names": [name], "big-data-names": [], "created": hostile.JSON}
    container = {"id": "c" * 64, "names": [hostile.JSON], "image": "a" * 64, "layer": "b" * 64}
    layer = {"id": "b" * 64, "parent": hostile.JSON, "names": [hostile.JSON], "diff-size": 1}
    store = tmp_path / "store"
    for part, rows in (("images", [image]), ("containers", [container]), ("layers", [layer])):
        (store / f"overlay-{part}").mkdir(parents=True)
        (store / f"overlay-{part}/{part}.json").write_text(json.dumps(rows))
    (store / f"odd{hostile.NAME[:60]}").mkdir()
    return store


def case(words: Sequence[str]) -> str:
    return re.sub(r"[^ -~]|[<[].*", "", " ".join(words))


def named(words: Sequence[str], archive: Path, store: Path) -> list[str]:
    return [word.replace(IMAGE, str(archive)).replace(STORE, str(store)) for word in words]


@pytest.mark.parametrize("words", CASES, ids=case)
def test_commands_on_a_terminal(archive: Path, store: Path, words: list[str]) -> None:
    with Terminal(*named(words, archive, store), cwd=archive.parent) as terminal:
        assert terminal.end() in (0, 1, 2)
        check(terminal.raw, words[0] not in ("verify", "attachments") or "--read" in words)


@pytest.mark.parametrize("words", [words for words in CASES if words[0] != "cat"], ids=case)
def test_commands_in_a_pipe(
    archive: Path,
    store: Path,
    words: list[str],
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither standard output nor error has a control character, or a line that the image has begun."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(archive.parent / "cache"))
    monkeypatch.chdir(archive.parent)
    assert main(named(words, archive, store)) in (0, 1, 2)
    for stream in capsysbinary.readouterr():
        *lines, rest = stream.decode("utf-8", "surrogateescape").split("\n")
        assert not rest
        for line in lines:
            # Commands of a heredoc are lines of a Dockerfile.
            assert words[0] == "dockerfile" or not line.lstrip().startswith(FORGED), line
            if words[0] == "diff" and line[:1] in " +-" and not line.startswith(("---", "+++")):
                continue  # the content, byte for byte: patch(1) reads it
            odd = [char for char in line if char != "\t" and visible(char) != char]
            assert not odd, line


def test_inspect_and_json_have_the_exact_text(
    archive: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["tree", str(archive), "--json"]) == 0
    out = capsysbinary.readouterr().out
    assert out.isascii()
    assert hostile.FILE in [json.loads(line)["path"] for line in out.splitlines()]
