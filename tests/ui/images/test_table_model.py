"""The columns of a table take the width that there is."""

from __future__ import annotations

import pytest

from layertui.ui.images.table_model import GAP, Column, fit_columns

FIXED = Column("fixed", "FIXED", 6, leaves=0)


def flexible(number: int, minimum: int = 5) -> list[Column]:
    return [Column(f"{place}", "", 0, leaves=0, minimum=minimum) for place in range(number)]


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("width", range(50, 61))
def test_flexible_columns_share_the_width_equally(number: int, width: int) -> None:
    fitted = fit_columns([*flexible(number), FIXED], width)
    assert sum(cells for _, cells in fitted) + GAP * number == width
    *shares, fixed = (cells for _, cells in fitted)
    assert fixed == FIXED.width
    assert shares == sorted(shares, reverse=True) and shares[0] - shares[-1] <= 1


def test_columns_leave_until_the_others_fit() -> None:
    columns = [*flexible(1, 10), Column("a", "A", 8, leaves=1), Column("b", "B", 8, leaves=2)]
    assert [[column.key for column, _ in fit_columns(columns, width)] for width in (30, 29, 20, 19, 5)] == [
        ["0", "a", "b"],
        ["0", "a"],
        ["0", "a"],
        ["0"],
        ["0"],
    ]


def test_a_table_too_narrow_for_its_last_column_shows_some_of_it() -> None:
    for width in range(10):
        assert fit_columns(flexible(1, 10), width)[0][1] == max(1, width)


def test_only_fixed_columns() -> None:
    assert fit_columns([FIXED], 20) == [(FIXED, 6)]


def test_a_column_may_get_more_of_what_is_left() -> None:
    columns = [Column("a", "A", 0, leaves=0, minimum=5), Column("b", "B", 0, leaves=0, minimum=5, share=2)]
    assert [cells for _, cells in fit_columns(columns, 10 + GAP + 7)] == [8, 9]
    assert [cells for _, cells in fit_columns(columns, 10 + GAP + 6)] == [7, 9]
