"""Changes to the file system become the layers that overlayfs would make of them."""

from __future__ import annotations

import io
import tarfile

import pytest

from layertui.demo.filesystem import Filesystem


@pytest.fixture
def system() -> Filesystem:
    """One with a base layer, and the clock a second later."""
    system = Filesystem(1)
    system.write("etc/conf", "one")
    system.write("srv/a", "a")
    system.write("srv/sub/b", "b")
    system.link("srv/again", "srv/a")
    system.commit()
    system.now = 2
    return system


def layer(system: Filesystem) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(system.commit())) as archive:
        return {member.name: member for member in archive}


def test_file_is_stored_with_its_directories_whose_times_stay(system: Filesystem) -> None:
    system.write("etc/conf", "two")
    members = layer(system)
    assert [(name, member.mtime) for name, member in members.items()] == [("etc", 1), ("etc/conf", 2)]


def test_new_name_changes_the_time_of_its_directory(system: Filesystem) -> None:
    system.write("etc/new", "")
    assert layer(system)["etc"].mtime == 2


def test_removed_paths_become_whiteouts(system: Filesystem) -> None:
    system.remove("srv/sub")
    system.remove("etc/conf")
    assert list(layer(system)) == ["etc", "etc/.wh.conf", "srv", "srv/.wh.sub"]


def test_what_a_layer_made_itself_needs_no_whiteout(system: Filesystem) -> None:
    system.write("tmp", "")
    system.remove("tmp")
    assert list(layer(system)) == []


def test_directory_made_again_is_opaque(system: Filesystem) -> None:
    system.remove("srv")
    system.write("srv/new", "")
    assert list(layer(system)) == ["srv", "srv/.wh..wh..opq", "srv/new"]


def test_directory_and_file_take_each_others_place(system: Filesystem) -> None:
    system.remove("srv")
    system.write("srv", "file")
    system.remove("etc/conf")
    system.mkdir("etc/conf")
    members = layer(system)
    assert list(members) == ["etc", "etc/conf", "srv"]
    assert members["etc/conf"].isdir() and members["srv"].isfile()


def test_change_of_one_name_leaves_the_other_as_it_was(system: Filesystem) -> None:
    system.chmod("srv/a", 0o600)
    members = layer(system)
    assert "srv/again" not in members
    assert members["srv/a"].isfile() and members["srv/a"].mode == 0o600


def test_hardlinks_of_a_layer_are_stored_once(system: Filesystem) -> None:
    system.link("srv/third", "srv/a")
    members = layer(system)
    assert members["srv/a"].isfile()
    assert members["srv/third"].islnk() and members["srv/third"].linkname == "srv/a"


def test_layers_below_are_not_changed(system: Filesystem) -> None:
    system.setcap("srv/a", b"x")
    assert "security.capability" in str(layer(system)["srv/a"].pax_headers)
    assert "srv/a" not in layer(system)


def test_moved_file_is_stored_under_its_new_name(system: Filesystem) -> None:
    system.move("srv/sub/b", "etc/b")
    members = layer(system)
    assert "srv/sub/.wh.b" in members and members["etc/b"].size == 1
