"""The bill on the screen and the one of the command are the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from layertui.text.format import share_text, size_text
from tests.commands.running import Run, runner
from tests.ui.dockerfile.test_dockerfile import opened, rows, screen
from tests.ui.readings import ExplorerApp, Reading, sample, use_reading


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Iterator[Run]:
    yield from runner(capsysbinary)


async def test_has_the_sizes_and_the_advice_of_the_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = run("dockerfile", "demo:", "--json").objects
    use_reading(monkeypatch, Reading(sample()))  # the command has opened the image itself
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        bill = screen(pilot).bill
        shown = [(size.size, size.live, size.dead) for size in bill.sizes]
        steps = [each for each in found["steps"] if each["layer"]]
        assert shown == [(each["size"], each["live"], each["dead"]) for each in steps]
        assert [piece.to_json() for piece in bill.pieces or ()] == found["advice"]
        for each in steps:
            (row,) = rows(pilot, f"{each['layer']:>2} {each['text'].split(chr(10))[0].removesuffix(chr(92))}")
            assert size_text(each["size"]) in row
            assert (share_text(each["dead"], each["size"]) in row) == bool(each["dead"])
        saved = size_text(sum(piece["bytes"] for piece in found["advice"]))
        assert rows(pilot, f"{len(found['advice'])} changes save {saved}")
        (total,) = rows(pilot, "total ")
        assert size_text(sum(each["size"] for each in steps)) in total
