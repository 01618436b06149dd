"""Nothing that an image says reaches the terminal as more than text: the program in a real one."""

import re
from functools import partial
from pathlib import Path

import pytest

from layertui.text.sanitize import visible
from tests import hostile
from tests.layouts import OciLayout, docker_archive
from tests.ui.terminal import Terminal

OURS = re.compile(
    rb"\x1b\[[<>=?]?[0-9;:]*(?:[A-HJKmnu]|[hl]|\$p)"  # colours, the cursor, modes of the terminal
    rb"|\x1b]22;default\x07"  # the shape of the pointer
)
"""What programs write to a terminal to draw: no titles, no clipboard, no links, no resets."""
ESC, UP, DOWN, TAB, ENTER = "\x1b", "\x1b[A", "\x1b[B", "\t", "\r"


def check(raw: bytes) -> None:
    """Nothing was written but text and sequences that draw."""
    assert b"Traceback" not in raw
    assert not [found for found in OURS.findall(raw) if hostile.NUMBER.encode() in found]
    text = OURS.sub(b"", raw).decode()  # no byte that is no UTF-8
    assert hostile.NUMBER in text, "the image has not been shown"
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
            "!": "1 warning",
            "i": "Layer 3",
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
        terminal.wait("IMAGE ID", "sample")
        for keys in ("g", "d", TAB, "jjjj", ESC, "ssss", "/", "6666", ENTER, ESC, "o", "./", DOWN, TAB, ESC):
            terminal.press(keys)
            terminal.settle()
        terminal.press("q")
        assert terminal.end() == 0
        check(terminal.raw)


@pytest.mark.parametrize(
    "words",
    [
        ["history"],
        ["inspect"],
        ["tree"],
        ["tree", hostile.DIRECTORY],
        ["changes", "--layer", "2"],
        ["log", hostile.FILE],
        ["diff", hostile.FILE],
        ["cat", hostile.FILE],
        ["cat", f"{hostile.FILE}.bin"],
        ["images"],
        ["insight"],
        ["check"],
        ["tree", f"/nowhere{hostile.NAME}"],
        ["history", "--platform", f"linux/{hostile.NAME}"],
        ["tree", "--json"],
    ],
    ids=lambda words: " ".join(words)[:20].replace("<", "").strip(),
)
def test_commands_on_a_terminal(archive: Path, words: list[str]) -> None:
    command, *rest = words
    with Terminal(command, str(archive), *rest) as terminal:
        assert terminal.end() in (0, 1, 2)
        check(terminal.raw)
