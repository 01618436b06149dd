"""The references that were opened last: limited in number and length, and without passwords."""

import json
from pathlib import Path

import pytest

from layertui.cache.recent import KEPT, recent_file, recent_references, remember


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_the_last_is_first_and_each_is_there_once() -> None:
    for each in ("a:1", "b:1", "a:1"):
        remember(each)
    assert recent_references() == ["a:1", "b:1"]
    assert json.loads(recent_file().read_text()) == ["a:1", "b:1"]
    assert recent_file().stat().st_mode & 0o077 == 0


def test_as_many_as_are_of_use() -> None:
    for number in range(KEPT + 5):
        remember(f"app:{number}")
    assert len(recent_references()) == KEPT and recent_references()[0] == f"app:{KEPT + 4}"


@pytest.mark.parametrize(
    "reference", ["-", "/dev/fd/63", "docker://user:secret@example.com/app:1", "x" * 2000]
)
def test_pipes_and_passwords_are_not_kept(reference: str) -> None:
    remember(reference)
    assert recent_references() == [] and not recent_file().exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, null]", b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_none(content: bytes) -> None:
    recent_file().parent.mkdir(parents=True)
    recent_file().write_bytes(content)
    assert recent_references() == []
    remember("a:1")
    assert recent_references() == ["a:1"]


def test_a_directory_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    remember("a:1")
    assert recent_references() == []
