"""The archives are what every reader of them expects."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from layertui.demo.tar import TarMember, gzip_stored, write_tar


def read(data: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getmembers()


def test_members_read_back_as_written() -> None:
    written = [
        TarMember("d/", "5", 0o1755, 1_700_000_000, uid=1000, gid=2000),
        TarMember("d/f", "0", 0o4644, 5, b"content" * 200),
        TarMember("d/l", "2", 0o777, 5, target="f"),
        TarMember("d/h", "1", 0o644, 5, target="d/f"),
    ]
    data = write_tar(written)
    directory, file, symlink, hardlink = read(data)
    assert (directory.name, directory.mode, directory.mtime) == ("d", 0o1755, 1_700_000_000)
    assert (directory.uid, directory.gid) == (1000, 2000)
    assert directory.isdir() and symlink.issym() and hardlink.islnk()
    assert (file.mode, file.size) == (0o4644, 1400)
    assert data[file.offset_data :].startswith(b"content" * 200)
    assert (symlink.linkname, hardlink.linkname) == ("f", "d/f")
    assert len(data) % 512 == 0 and data.endswith(bytes(1024))


@pytest.mark.parametrize("length", [*range(84, 106), *range(975, 1000)])
def test_names_of_every_length(length: int) -> None:
    name, target = "n" * length, "t" * length
    (member,) = read(write_tar([TarMember(name, "2", 0o777, 0, target=target)]))
    assert (member.name, member.linkname) == (name, target)


def test_names_of_other_scripts_and_xattrs() -> None:
    value = b"\x01\0\0\x02\n="
    (member,) = read(
        write_tar([TarMember("größe/中文", "0", 0o644, 0, xattrs={"security.capability": value})])
    )
    assert member.name == "größe/中文"
    assert member.pax_headers["SCHILY.xattr.security.capability"].encode() == value


@pytest.mark.parametrize("length", [0, 1, 0xFFFF - 1, 0xFFFF, 0xFFFF + 1, 2 * 0xFFFF, 200_000])
def test_gzip_of_stored_blocks(length: int) -> None:
    data = bytes(range(256)) * (length // 256) + bytes(length % 256)
    assert gzip.decompress(gzip_stored(data)) == data
