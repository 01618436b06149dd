"""Which store is the system's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from layertui.errors import LayertuiError
from layertui.sources.containers_storage import system
from layertui.sources.containers_storage.system import Place, system_place


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with no configuration at all."""
    for name in (
        "CONTAINERS_STORAGE_CONF",
        "STORAGE_DRIVER",
        "STORAGE_OPTS",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(system, "CONFIGURATIONS", (str(tmp_path / "etc.conf"), str(tmp_path / "usr.conf")))
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def rootless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)


def test_without_configuration() -> None:
    assert system_place() == Place(Path("/var/lib/containers/storage"), "")


def test_the_administrators_file_hides_the_distributions(tmp_path: Path) -> None:
    (tmp_path / "usr.conf").write_text('[storage]\ndriver = "vfs"\ngraphroot = "/usr"\n')
    assert system_place() == Place(Path("/usr"), "vfs")
    (tmp_path / "etc.conf").write_text('[storage]\ngraphroot = "/etc/store"\n')
    assert system_place() == Place(Path("/etc/store"), "")


def test_the_environment_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc.conf").write_text('[storage]\ndriver = "vfs"\ngraphroot = "/etc/store"\n')
    (tmp_path / "own.conf").write_text('[storage]\ndriver = "btrfs"\ngraphroot = "/own"\n')
    monkeypatch.setenv("STORAGE_DRIVER", "overlay")
    assert system_place() == Place(Path("/etc/store"), "overlay")
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "own.conf"))
    assert system_place() == Place(Path("/own"), "overlay")
    monkeypatch.delenv("STORAGE_DRIVER")
    assert system_place() == Place(Path("/own"), "btrfs")


def test_of_a_user(tmp_path: Path, rootless: None, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    assert system_place() == Place(home / ".local/share/containers/storage", "")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert system_place().root == Path("/data/containers/storage")
    (tmp_path / "etc.conf").write_text(
        '[storage]\ndriver = "vfs"\ngraphroot = "/x"\nrootless_storage_path = "$HOME/$UID/store"\n'
    )
    assert system_place() == Place(home / "1234/store", "vfs")
    (home / ".config/containers").mkdir(parents=True)
    (home / ".config/containers/storage.conf").write_text('[storage]\ndriver = "overlay"\n')
    assert system_place() == Place(Path("/data/containers/storage"), "overlay")
    (home / ".config/containers/storage.conf").write_text('[storage]\ngraphroot = "/mine"\n')
    assert system_place() == Place(Path("/mine"), "")


def test_additional_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc.conf").write_text(
        '[storage]\nimagestore = "/a"\n[storage.options]\nadditionalimagestores = ["/b", "/c"]\n'
    )
    monkeypatch.setenv("STORAGE_OPTS", "overlay.imagestore=/d,overlay.mountopt=nodev,additionalimagestore=/e")
    assert system_place().additional == tuple(map(Path, ("/a", "/b", "/c", "/d", "/e")))


def test_a_broken_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc.conf").write_text("[storage")
    with pytest.raises(LayertuiError, match="is not valid TOML"):
        system_place()
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "none"))
    with pytest.raises(LayertuiError, match=r"cannot read .*none"):
        system_place()
