"""A light background is detected, and the terminal's answer is never taken for input."""

import pexpect
import pytest

from layertui.ui.terminal_background import (
    QUESTION,
    LateAnswers,
    is_light_color,
    light_by_environment,
)
from tests.ui.terminal import COMMAND, Terminal
from tests.ui.test_terminal import left_changed
from tests.waiting import SECONDS, wait_for

LIGHT_SURFACE, DARK_SURFACE = b"48;2;251;251;252", b"48;2;20;23;28"
LIGHT, DARK = "\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\", "\x1b]11;rgb:1c1c/1c1c/1c1c\x07"
CURSOR = "\x1b[12;1R"


def asked(terminal: Terminal) -> None:
    """Wait until the program has asked."""
    wait_for(lambda: terminal.settle(0.01) is not None and QUESTION in terminal.raw)


def shows(terminal: Terminal, surface: bytes) -> None:
    terminal.wait("Layers", "Merged tree", "etc")
    assert surface in terminal.raw


@pytest.mark.parametrize(("answer", "surface"), [(LIGHT, LIGHT_SURFACE), (DARK, DARK_SURFACE)], ids=["light", "dark"])  # fmt: skip
def test_the_colours_are_those_of_the_terminal(answer: str, surface: bytes) -> None:
    with Terminal("demo") as terminal:
        asked(terminal)
        terminal.press(answer + CURSOR)
        shows(terminal, surface)
        terminal.press("q")
        assert terminal.end() == 0
        assert left_changed(terminal.raw) == []
        assert b"rgb:" not in terminal.raw, "it was echoed"


def test_a_terminal_that_does_not_know_its_background_is_not_waited_for() -> None:
    """COLORFGBG is asked instead."""
    with Terminal("demo", COLORFGBG="0;15") as terminal:
        asked(terminal)
        terminal.press(CURSOR)
        shows(terminal, LIGHT_SURFACE)
        terminal.press("q")
        assert terminal.end() == 0


def test_a_terminal_that_does_not_answer_is_dark_and_loses_no_key() -> None:
    with Terminal("demo") as terminal:
        shows(terminal, DARK_SURFACE)
        terminal.press("?")
        terminal.wait("esc closes")
        terminal.press("q")
        terminal.wait(lambda text: "esc closes" not in text)
        terminal.press("q")
        assert terminal.end() == 0


@pytest.mark.parametrize("answer", [LIGHT, DARK])
def test_an_answer_that_comes_late_presses_no_key(answer: str) -> None:
    """Its 1 would show a tab of the detail, its / the filter."""
    with Terminal("demo") as terminal:
        shows(terminal, DARK_SURFACE)
        terminal.wait("9/9 verified", "Held Linux", "dead", "▒", " paths  ~3 ")  # all that comes by itself
        before = terminal.settle()
        terminal.press(answer + CURSOR)
        assert terminal.settle(0.4) == before
        terminal.press("?")
        terminal.wait("esc closes")
        terminal.press("\x11")
        assert terminal.end() == 0


def test_what_is_typed_before_the_answer_is_not_lost() -> None:
    with Terminal("demo") as terminal:
        asked(terminal)
        terminal.press("?" + LIGHT + CURSOR)
        terminal.wait("esc closes")
        terminal.press("\x11")
        assert terminal.end() == 0


def test_an_answer_after_the_end_is_not_for_the_shell() -> None:
    script = f'"{COMMAND}" demo; echo ended; read -r line; echo "got <$line>"'
    shell = pexpect.spawn(
        "sh", ["-c", script], dimensions=(40, 120), timeout=SECONDS, env=Terminal.environment()
    )
    try:
        shell.expect("Merged tree")
        shell.send("\x11")
        shell.send(LIGHT + CURSOR)
        shell.expect("ended")
        shell.send("hello\r")
        shell.expect("got <(.*?)>")
        assert shell.match[1] == b"hello"
    finally:
        shell.close(force=True)


@pytest.mark.parametrize(
    ("values", "is_light"),
    [
        (b"ffff/ffff/ffff", True),
        (b"ff/ff/ff", True),
        (b"fdfd/f6f6/e3e3", True),
        (b"0000/0000/0000", False),
        (b"0000/2b2b/3636", False),
        (b"f/f/f/8", True),
        (b"", None),
        (b"ffff", None),
        (b"ffff//ffff", None),
    ],
)
def test_values_of_an_answer(values: bytes, is_light: bool | None) -> None:
    assert is_light_color(values) is is_light


@pytest.mark.parametrize(
    ("value", "is_light"),
    [
        ("0;15", True),
        ("0;7", True),
        ("15;0", False),
        ("15;default;0", False),
        ("0;default", None),
        ("", None),
    ],
)
def test_the_environment(value: str, is_light: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORFGBG", value)
    assert light_by_environment() is is_light


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        (LIGHT, ""),
        (DARK, ""),
        ("a" + LIGHT + "bc", "abc"),
        ("\x1bx", "\x1bx"),
        ("\x1b\x1bx", "\x1b\x1bx"),
        ("\x1b]11;rgb:12x", "\x1b]11;rgb:12x"),
        ("rgb:", "rgb:"),
    ],
)
def test_answers_are_taken_out_of_what_is_typed(text: str, typed: str) -> None:
    late = LateAnswers[str]()
    assert "".join(kept for each in text for kept in late.take(each, each)) == typed
    assert late.is_done == (LIGHT in text or DARK in text)
