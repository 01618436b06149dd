"""Unexpected errors."""

import pytest

from layertui.model.errors import LayertuiError
from layertui.model.unforeseen import ISSUES, TRACEBACK, unforeseen
from layertui.text import format


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TRACEBACK)


def test_an_error_for_people_stays_as_it_is(net: None) -> None:
    error = LayertuiError("cannot open it", "it is not there", "look elsewhere")
    assert unforeseen(error) is error


@pytest.mark.parametrize("error", [ValueError("bad"), RecursionError(), MemoryError(), IndexError("list")])
def test_any_other_says_where_it_is_from_and_what_to_do(net: None, error: Exception) -> None:
    shown = unforeseen(error)
    assert type(error).__name__ in str(shown)
    assert ISSUES in shown.remedy and TRACEBACK in shown.remedy


def test_the_place_is_the_innermost_of_this_program(net: None) -> None:
    try:
        format.size_text("x")  # type: ignore[arg-type]  # the bug
    except TypeError as error:
        assert str(unforeseen(error)).startswith("internal error in layertui.text.format:")


def test_a_file_is_named(net: None) -> None:
    shown = unforeseen(PermissionError(13, "Permission denied", "/some/file"))
    assert str(shown) == "cannot access /some/file, Permission denied"


def test_bugs_fail_loudly_in_tests() -> None:
    error = ValueError("bad")
    with pytest.raises(ValueError) as raised:
        unforeseen(error)
    assert raised.value is error
