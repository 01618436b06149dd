"""The bar on standard error while layers are read."""

from __future__ import annotations

import io
import time

import pytest

from layertui.commands import progress
from layertui.commands.progress import ProgressBar
from layertui.model.numbers import LayerNumber
from tests.waiting import wait_for


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_shows_bytes_and_layer_and_is_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    tty = Tty()
    monkeypatch.setattr("sys.stderr", tty)
    monkeypatch.setattr(progress, "DELAY", 0.0)
    with ProgressBar(False, "reading", 4_000_000) as bar:
        begun = time.monotonic()
        wait_for(lambda: time.monotonic() > begun)
        bar.job.layer(LayerNumber(2)).report(1_000_000, 4_000_000)
        shown = tty.getvalue()
    assert shown.startswith("\r[######..................] 1.00 MB of 4.00 MB, ")
    assert "/s, reading layer 2" in shown
    assert tty.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    "quiet, stream, delay", [(True, Tty, 0.0), (False, io.StringIO, 0.0), (False, Tty, 60.0)]
)
def test_shows_nothing_where_nobody_looks_or_it_is_quick(
    monkeypatch: pytest.MonkeyPatch, quiet: bool, stream: type[io.StringIO], delay: float
) -> None:
    stderr = stream()
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr(progress, "DELAY", delay)
    with ProgressBar(quiet, "reading", 10) as bar:
        begun = time.monotonic()
        wait_for(lambda: time.monotonic() > begun)
        bar.job.layer(LayerNumber(1)).report(5, 10)
    assert stderr.getvalue() == ""
