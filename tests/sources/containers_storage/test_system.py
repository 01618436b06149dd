"""Which store is the system's.

Podman 6 was not available: what it makes of a configuration is what the function ``LoadStoreOptions``
of its library said (container-libs f0ddf1a7), which was tried with each of these and many more.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from layertui.model.errors import LayertuiError
from layertui.sources.containers_storage import system
from layertui.sources.containers_storage.system import ROOTFUL, StoreLocation, system_place


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
    assert system_place() == StoreLocation(Path("/var/lib/containers/storage"), "")


def test_the_administrators_file_hides_the_distributions(tmp_path: Path) -> None:
    (tmp_path / "usr.conf").write_text('[storage]\ndriver = "vfs"\ngraphroot = "/usr"\n')
    assert system_place() == StoreLocation(Path("/usr"), "vfs")
    (tmp_path / "etc.conf").write_text('[storage]\ngraphroot = "/etc/store"\n')
    assert system_place() == StoreLocation(Path("/etc/store"), "")


def test_the_environment_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc.conf").write_text('[storage]\ndriver = "vfs"\ngraphroot = "/etc/store"\n')
    (tmp_path / "own.conf").write_text('[storage]\ndriver = "btrfs"\ngraphroot = "/own"\n')
    monkeypatch.setenv("STORAGE_DRIVER", "overlay")
    assert system_place() == StoreLocation(Path("/etc/store"), "overlay")
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "own.conf"))
    assert system_place() == StoreLocation(Path("/own"), "overlay")
    monkeypatch.delenv("STORAGE_DRIVER")
    assert system_place() == StoreLocation(Path("/own"), "btrfs")


def test_of_a_user(tmp_path: Path, rootless: None, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    assert system_place() == StoreLocation(home / ".local/share/containers/storage", "")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert system_place().root == Path("/data/containers/storage")
    (tmp_path / "etc.conf").write_text(
        '[storage]\ndriver = "vfs"\ngraphroot = "/x"\nrootless_storage_path = "$HOME/$UID/store"\n'
    )
    assert system_place() == StoreLocation(home / "1234/store", "vfs")
    (home / ".config/containers").mkdir(parents=True)
    (home / ".config/containers/storage.conf").write_text('[storage]\ndriver = "overlay"\n')
    assert system_place() == StoreLocation(home / "1234/store", "overlay")
    (home / ".config/containers/storage.conf").write_text('[storage]\ngraphroot = "/mine"\n')
    assert system_place() == StoreLocation(Path("/mine"), "")


def test_additional_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc.conf").write_text(
        '[storage]\nimagestore = "/a"\n[storage.options]\nadditionalimagestores = ["/b", "/c"]\n'
    )
    assert system_place() == StoreLocation(Path(ROOTFUL), "", (Path("/b"), Path("/c")), Path("/a"))
    monkeypatch.setenv("STORAGE_OPTS", "overlay.imagestore=/d,overlay.mountopt=nodev,additionalimagestore=/e")
    assert system_place() == StoreLocation(Path(ROOTFUL), "", (Path("/d"), Path("/e")), Path("/a"))


def test_a_broken_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc.conf").write_text("[storage")
    with pytest.raises(LayertuiError, match="is not valid TOML"):
        system_place()
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "none"))
    with pytest.raises(LayertuiError, match=r"cannot read .*none"):
        system_place()


# Podman 6


STORE = "home/.config/containers/storage.conf"
DROPPED = {
    "in order of their names": (
        {
            "etc.conf": "graphroot=etc",
            "etc.conf.d/20.conf": "graphroot=etc20",
            "etc.conf.d/10.conf": "graphroot=etc10 driver=vfs",
            "etc.conf.d/30.txt": "graphroot=etc30",
        },
        ("etc20", "vfs"),
        ("etc20", "vfs"),
    ),
    "the nearest of a name": (
        {
            "usr.conf.d/10.conf": "graphroot=usr10 driver=vfs",
            "etc.conf.d/10.conf": "driver=overlay",
            f"{STORE}.d/05.conf": "graphroot=home05 driver=vfs",
        },
        ("home05", "overlay"),
        ("home05", "overlay"),
    ),
    "for whom they are": (
        {
            "etc.rootful.conf.d/10.conf": "graphroot=full driver=vfs",
            "etc.rootless.conf.d/10.conf": "graphroot=less driver=vfs",
            "usr.rootless.conf.d/1234/20.conf": "graphroot=uid",
            "home/.config/containers/storage.rootful.conf.d/30.conf": "graphroot=never",
        },
        ("full", "vfs"),
        ("uid", "vfs"),
    ),
    "one file alone, then what is dropped in": (
        {
            STORE: "graphroot=own",
            "etc.conf": "graphroot=etc driver=vfs",
            "etc.conf.d/10.conf": "driver=overlay",
        },
        ("own", "overlay"),
        ("own", "overlay"),
    ),
    "the system's for users too": ({"etc.conf": "graphroot=etc driver=vfs"}, ("etc", "vfs"), ("etc", "vfs")),
}


def lay(folder: Path, files: dict[str, str]) -> None:
    """Files of ``key=value`` with the stores that they name below a folder."""
    for name, text in files.items():
        lines = ["[storage]"]
        for pair in text.split():
            key, _, value = pair.partition("=")
            lines.append(f"{key} = {json.dumps(str(folder / value) if key != 'driver' else value)}")
            (folder / value / "vfs-images").mkdir(parents=True, exist_ok=True)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("uid", [0, 1234])
@pytest.mark.parametrize("name", DROPPED)
def test_what_is_dropped_in(name: str, uid: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    files, *expected = DROPPED[name]
    lay(tmp_path, files)
    root, driver = expected[uid > 0]
    assert system_place() == StoreLocation(tmp_path / root, driver)


def test_the_place_of_before_where_there_is_none_today(tmp_path: Path, rootless: None) -> None:
    """Up to Podman 5 nobody read these files, and a user's store was where that user's files say."""
    lay(tmp_path, {"etc.conf": "graphroot=etc driver=vfs", "etc.conf.d/10.conf": "graphroot=dropped"})
    assert system_place() == StoreLocation(tmp_path / "dropped", "vfs")
    (tmp_path / "dropped/vfs-images").rmdir()
    assert system_place() == StoreLocation(tmp_path / "home/.local/share/containers/storage", "vfs")


def test_a_file_that_goes_over_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, {"etc.conf.d/10.conf": "graphroot=dropped", "own.conf": "graphroot=own driver=vfs"})
    lay(tmp_path, {"last.conf": "graphroot=last"})
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "own.conf"))
    assert system_place() == StoreLocation(tmp_path / "own", "vfs")
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF_OVERRIDE", str(tmp_path / "last.conf"))
    assert system_place() == StoreLocation(tmp_path / "last", "vfs")


def test_lists_that_go_on(tmp_path: Path) -> None:
    def stores(name: str, *listed: str) -> None:
        (tmp_path / "etc.conf.d").mkdir(exist_ok=True)
        text = f"[storage.options]\nadditionalimagestores = [{', '.join(listed)}]\n"
        (tmp_path / name).write_text(text)

    stores("etc.conf", '"/a"', '"/b"')
    stores("etc.conf.d/1.conf", '"/c"', "{append=true}")
    assert system_place().additional == (Path("/a"), Path("/b"), Path("/c"))
    stores("etc.conf.d/2.conf", '"/d"')
    assert system_place().additional == (Path("/a"), Path("/b"), Path("/c"), Path("/d"))
    stores("etc.conf.d/3.conf", '"/e"', "{append=false}")
    assert system_place().additional == (Path("/e"),)


def test_a_broken_file_that_is_dropped_in(tmp_path: Path) -> None:
    (tmp_path / "etc.conf.d").mkdir()
    (tmp_path / "etc.conf.d/1.conf").write_text("[storage")
    with pytest.raises(LayertuiError, match=r"etc\.conf\.d/1\.conf is not valid TOML"):
        system_place()
