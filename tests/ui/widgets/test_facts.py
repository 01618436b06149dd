"""Names and values in two columns."""

import pytest
from rich.cells import cell_len

from layertui.ui.widgets.facts import Fact, Facts, folded_rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [""]),
        ("short", ["short"]),
        ("two words here", ["two words", "here"]),
        ("exactly 10 more", ["exactly 10", "more"]),
        ("org.name=quarry", ["org.name=", "quarry"]),
        ("/usr/bin/python", ["/usr/bin/", "python"]),
        ("0123456789abcdef", ["0123456789", "abcdef"]),
        ("漢字漢字漢字漢字", ["漢字漢字漢", "字漢字"]),
    ],
)
def test_values_are_broken_between_words_and_behind_separators(text: str, rows: list[str]) -> None:
    assert folded_rows(text, 10) == rows


@pytest.mark.parametrize("width", range(1, 12))
def test_nothing_is_lost_and_every_row_fits(width: int) -> None:
    text = "PATH=/usr/local/sbin:/usr/local/bin LANG=C.UTF-8, and 字字 more"
    rows = folded_rows(text, width)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(row) <= max(width, 2) for row in rows)


def test_marks_that_take_no_cells_are_kept() -> None:
    text = "a" + "\u0301" * 60 + " b"
    assert "".join(folded_rows(text, 5)).replace(" ", "") == text.replace(" ", "")


def test_a_word_that_is_too_long_for_the_column_is_below_its_name() -> None:
    facts = Facts()
    facts.show([Fact("user", ["quarry"]), Fact("labels", ["org.opencontainers.image.title=quarry", "a=b"])])
    assert [line.plain for line in facts._lines(40)] == [
        "user    quarry",
        "labels",
        "  org.opencontainers.image.title=quarry",
        "  a=b",
    ]
    assert [line.plain for line in facts._lines(60)][1:] == [
        "labels  org.opencontainers.image.title=quarry",
        "        a=b",
    ]
