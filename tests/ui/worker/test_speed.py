"""How fast something arrives."""

from layertui.ui.worker.speed import Speed


def noted(*moments: tuple[float, int]) -> float:
    speed = Speed()
    for moment, done in moments:
        speed.note(moment, done)
    return speed.rate


def test_is_not_known_at_first() -> None:
    assert noted() == noted((10, 5_000)) == noted((10, 0), (10.1, 5_000)) == 0


def test_is_the_mean_of_the_last_seconds() -> None:
    assert noted((0, 0), (1, 4_000_000)) == 4_000_000
    assert noted(*((second, 1000 * second) for second in range(60)), (60, 59_000 + 5_000)) < 3_000


def test_falls_where_nothing_comes() -> None:
    assert noted((0, 0), (1, 1000), (5, 1000), (9, 1000)) == 0
