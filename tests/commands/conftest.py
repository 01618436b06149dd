"""Commands without the cache and the clock of the machine."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from layertui.text import format
from tests.commands.running import Run, runner


@pytest.fixture
def run(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Run]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(format, "now", lambda: datetime(2026, 11, 24, 12, tzinfo=UTC))
    yield from runner(capsysbinary)
