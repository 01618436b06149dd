"""rpm's older databases, written by Berkeley DB itself and by the layout of ndb."""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import adler32

import pytest

from layertui.insight.file_lists import rpm_files
from layertui.insight.rpm import rpm, rpm_headers
from layertui.model.errors import LayertuiError
from tests.commands.samples import tar
from tests.insight.test_packages import of, rpm_header, told
from tests.programs import lacking, need

PERL = """
use DB_File;
my ($path, $order, $size, @headers) = @ARGV;
my $info = DB_File::HASHINFO->new;
$info->{lorder} = $order;
$info->{bsize} = $size;
tie(my %db, "DB_File", $path, O_RDWR | O_CREAT, 0644, $info) or die "$path: $!";
my $format = $order == 1234 ? "V" : "N";
$db{pack($format, 0)} = pack($format, scalar(@headers));
for my $number (1 .. @headers) {
    open(my $file, "<:raw", $headers[$number - 1]) or die;
    local $/;
    $db{pack($format, $number)} = <$file>;
}
delete $db{pack($format, 2)} if @headers > 2;
untie %db;
"""
"""Writes a hash of Berkeley DB as rpm does: number and header, and at 0 the last number; deletes the second header."""


def bdb(folder: Path, headers: Sequence[bytes], order: int = 1234, page: int = 4096) -> bytes:
    need("perl")
    if subprocess.run(["perl", "-MDB_File", "-e", "1"], capture_output=True).returncode:
        lacking("perl has no DB_File")
    paths = []
    for number, header in enumerate(headers):
        paths.append(folder / f"header{number}")
        paths[-1].write_bytes(header)
    subprocess.run(["perl", "-e", PERL, folder / "Packages", str(order), str(page), *paths], check=True)
    return (folder / "Packages").read_bytes()


def ndb(headers: Sequence[bytes]) -> bytes:
    """A database by the layout of rpm's ``lib/backend/ndb/rpmpkg.c``, with an unused slot between two packages."""
    slots, blobs = b"", b""
    for number, header in enumerate(headers, 1):
        start = struct.pack("<4sIII", b"BlbS", number, 1, len(header)) + header
        start += bytes(-(len(start) + 12) % 16)
        blob = start + struct.pack("<II4s", adler32(start), len(header), b"BlbE")
        slots += struct.pack("<4sIII", b"Slot", number, 256 + len(blobs) // 16, len(blob) // 16)
        slots += struct.pack("<4sIII", b"Slot", 0, 0, 0)
        blobs += blob
    head = struct.pack("<4sIII", b"RpmP", 0, 1, 1) + bytes(16) + slots
    return head + struct.pack("<4sIII", b"Slot", 0, 0, 0) * ((4096 - len(head)) // 16) + blobs


def headers_of(count: int) -> list[bytes]:
    """Headers of all sizes: some in the page of their key, some in chains of pages."""
    return [
        rpm_header(
            name=f"package{number}",
            version="1" * (number * 37 % 9000),
            release="2",
            size=number,
            arch="noarch",
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("order", [1234, 4321])
@pytest.mark.parametrize("page", [512, 4096, 65536])
def test_berkeley_db(tmp_path: Path, order: int, page: int) -> None:
    headers = headers_of(300)
    data = bdb(tmp_path, headers, order, page)
    assert sorted(rpm_headers("db", data)) == sorted(headers[:1] + headers[2:])


def test_berkeley_db_against_rpm(tmp_path: Path) -> None:
    need("rpm")
    bdb(tmp_path, headers_of(20), page=4096)
    shown = "%{NAME} %{VERSION}-%{RELEASE} %{SIZE} %{ARCH}\\n"
    result = subprocess.run(
        [
            "rpm",
            "-qa",
            "--dbpath",
            tmp_path,
            "--define",
            "_db_backend bdb_ro",
            "--nosignature",
            "--qf",
            shown,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if "bdb_ro" in result.stderr:
        lacking("rpm reads no Berkeley DB")
    found = rpm("db", (tmp_path / "Packages").read_bytes())
    lines = [f"{each.name} {each.version} {each.size} {each.architecture}" for each in found]
    assert sorted(lines) == sorted(result.stdout.splitlines()) and len(lines) == 19


def test_ndb() -> None:
    headers = headers_of(50)
    assert list(rpm_headers("db", ndb(headers))) == headers


def test_ndb_has_a_checksum() -> None:
    data = ndb([rpm_header(name="bash", version="5", release="2")])
    with pytest.raises(LayertuiError, match="package 1 is damaged"):
        list(rpm_headers("db", data.replace(b"bash", b"dash")))


@pytest.mark.parametrize("path", ["/var/lib/rpm/Packages", "/usr/lib/sysimage/rpm/Packages.db"])
def test_databases_of_images(tmp_path: Path, path: str) -> None:
    write: Callable[[Sequence[bytes]], bytes] = (
        ndb if path.endswith(".db") else lambda each: bdb(tmp_path, each)
    )
    header = rpm_header(name="bash", epoch=1, version="5", release="2")
    found = of(tar((path, write([header]))))
    assert told(found) == [(1, "added", "bash", None, "1:5-2")] and not found.unread


@pytest.mark.parametrize("kind", ["bdb", "ndb"])
def test_damaged_databases_end_in_an_error_or_in_packages(tmp_path: Path, kind: str) -> None:
    """In no loop, and in no more bytes than the database has."""
    headers = headers_of(30)
    good = ndb(headers) if kind == "ndb" else bdb(tmp_path, headers, page=512)
    rng, refused = random.Random(3), 0
    for _ in range(1500):
        data = bytearray(good)
        for _ in range(rng.choice((1, 1, 3))):
            position = rng.choice(
                (rng.randrange(len(data)), rng.randrange(128), 512 * rng.randrange(len(data) // 512))
            )
            data[position : position + 4] = rng.randbytes(rng.choice((1, 2, 4)))
        if rng.random() < 0.2:
            del data[rng.randrange(len(data)) :]
        try:
            assert sum(map(len, rpm_headers("db", bytes(data)))) <= len(data)
            rpm_files("db", bytes(data))
        except LayertuiError as error:
            assert "cannot read db" in str(error)
            refused += 1
    assert refused > 200


def test_pages_in_a_circle(tmp_path: Path) -> None:
    """A chain of overflow pages that returns to its start, for a value that claims to be longer."""
    data = bytearray(bdb(tmp_path, [bytes(3000)], page=512))
    pages = [start for start in range(0, len(data), 512) if data[start + 25] == 7]
    last = next(start for start in pages if not struct.unpack_from("<I", data, start + 16)[0])
    struct.pack_into("<I", data, last + 16, pages[0] // 512)
    at = next(
        start
        for start in range(len(data))
        if data[start : start + 1] == b"\3" and struct.unpack_from("<I", data, start + 8)[0] == 3000
    )
    struct.pack_into("<I", data, at + 8, len(data))
    with pytest.raises(LayertuiError, match="ends early"):
        list(rpm_headers("db", bytes(data)))
    struct.pack_into("<I", data, at + 8, 1 << 31)
    with pytest.raises(LayertuiError, match="as a Berkeley DB database: a value of"):
        list(rpm_headers("db", bytes(data)))


def test_what_is_no_database() -> None:
    for data in (b"", b"\0", b"RpmQ", bytes(5000), b"text" * 100):
        with pytest.raises(LayertuiError, match="cannot read db, it is not a database of rpm"):
            rpm("db", data)


def test_what_sqlite_takes_for_a_lack_of_memory() -> None:
    """Found by fuzzing: the module then raises :class:`MemoryError`; not with newer versions of SQLite (3.53)."""
    seed = Path(__file__).parent.parent / "fuzz/corpus/packages/rpm-malformed"
    with pytest.raises(
        LayertuiError, match=r"cannot read db, as an sqlite database: (it|database disk image) is malformed"
    ):
        rpm("db", seed.read_bytes()[1:])
