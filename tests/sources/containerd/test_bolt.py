"""Bolt databases: what a real program wrote, and what nobody would."""

from __future__ import annotations

import fcntl
import io
import random
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from layertui import demo
from layertui.model.errors import LayertuiError
from layertui.sources.containerd import bolt
from layertui.sources.containerd.bolt import Bucket, read_bolt
from layertui.sources.containerd.namespace import METADATA_DB
from layertui.sources.containerd.store import ContainerdStore
from tests.engines import run
from tests.sources.stores import HUB

SIZE = 4096


def walk(bucket: Bucket) -> int:
    """Looks at everything; how many keys there are."""
    return sum(1 + (walk(each) if isinstance(each, Bucket) else 0) for each in bucket.entries.values())


def meta(root_page: int, transaction: int, size: int = SIZE) -> bytes:
    body = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, size, 0, root_page, 0, 2, 9, transaction)
    page = struct.pack("<QHHI", transaction % 2, 4, 0, 0) + body
    return (page + struct.pack("<Q", bolt._fnv64a(memoryview(body)))).ljust(size, b"\0")


def leaf(number: int, elements: list[tuple[int, bytes, bytes]], size: int = SIZE) -> bytes:
    heads, rest = b"", b""
    for place, (flags, key, value) in enumerate(elements):
        position = 16 * (len(elements) - place) + len(rest)
        heads += struct.pack("<IIII", flags, position, len(key), len(value))
        rest += key + value
    return (struct.pack("<QHHI", number, 2, len(elements), 0) + heads + rest).ljust(size, b"\0")


def branch(number: int, pages: list[int]) -> bytes:
    heads = b"".join(
        struct.pack("<IIQ", 16 * (len(pages) - place), 0, page) for place, page in enumerate(pages)
    )
    return (struct.pack("<QHHI", number, 1, len(pages), 0) + heads).ljust(SIZE, b"\0")


def database(path: Path, *pages: bytes, root_page: int = 3) -> Path:
    """Pages from number 3 on."""
    path.write_bytes(meta(root_page, 4) + meta(root_page, 5) + bytes(SIZE) + b"".join(pages))
    return path


def test_a_database_of_a_real_program(root: Path) -> None:
    assert walk(read_bolt(root / METADATA_DB)) > 200


def test_values_and_buckets_inline_or_not(tmp_path: Path) -> None:
    inline = struct.pack("<QQ", 0, 0) + leaf(0, [(0, b"deep", b"2")], 16)
    pages = [
        branch(3, [4, 5]),
        leaf(4, [(0, b"a", b"1"), (1, b"b", inline)]),
        leaf(5, [(1, b"c", struct.pack("<QQ", 6, 0)), (0, b"\xff", b"")]),
        leaf(6, [(0, b"far", b"3")]),
    ]
    found = read_bolt(database(tmp_path / "db", *pages))
    assert list(found.entries) == ["a", "b", "c", "\udcff"]
    assert (found.text("a"), found.bucket("b").text("deep"), found.bucket("c").text("far")) == ("1", "2", "3")
    assert found.bucket("none", "none").entries == {}
    assert found.bucket("a").entries == {}
    assert found.value("b") == b""


def test_the_later_whole_state_counts(tmp_path: Path) -> None:
    old, new = leaf(3, [(0, b"state", b"old")]), leaf(4, [(0, b"state", b"new")])
    path = tmp_path / "db"
    path.write_bytes(meta(4, 6) + meta(3, 5) + bytes(SIZE) + old + new)
    assert read_bolt(path).text("state") == "new"
    path.write_bytes(b"x" + path.read_bytes()[1:-1])  # the page's ID is not checked by its sum
    path.write_bytes(path.read_bytes()[:20] + b"x" + path.read_bytes()[21:] + b"\0")
    assert read_bolt(path).text("state") == "old"


@pytest.mark.parametrize("size", [1024, 16384, 65536])
def test_other_page_sizes_and_a_first_page_that_is_lost(tmp_path: Path, size: int) -> None:
    path = tmp_path / "db"
    path.write_bytes(bytes(size) + meta(3, 5, size) + bytes(size) + leaf(3, [(0, b"a", b"1")], size))
    assert read_bolt(path).text("a") == "1"


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([branch(3, [3])], "page 3 is used twice"),
        ([branch(3, [4]), branch(4, [3])], "page 3 is used twice"),
        ([leaf(3, [(1, b"itself", struct.pack("<QQ", 3, 0))])], "page 3 is used twice"),
        ([branch(3, [9])], "there is no page 9"),
        ([branch(3, [1])], "there is no page 1"),
        ([branch(3, [1 << 63])], "there is no page"),
        ([leaf(4, [])], "page 3 says that it is page 4"),
        ([struct.pack("<QHHI", 3, 2, 0, 1 << 31).ljust(SIZE, b"\0")], "with 2147483648 more"),
        ([struct.pack("<QHHI", 3, 2, 65535, 0).ljust(SIZE, b"\0")], "page 3 is not a page of a tree"),
        ([struct.pack("<QHHI", 3, 16, 0, 0).ljust(SIZE, b"\0")], "page 3 is not a page of a tree"),
        ([struct.pack("<QHHIIIII", 3, 2, 1, 0, 0, 1 << 31, 1, 1).ljust(SIZE, b"\0")], "is outside of it"),
        ([struct.pack("<QHHIIIII", 3, 2, 1, 0, 0, 16, 1 << 31, 1).ljust(SIZE, b"\0")], "is outside of it"),
        ([leaf(3, [(1, b"short", b"12345678")])], "the bucket short is cut short"),
        ([leaf(3, [(1, b"odd", struct.pack("<QQ", 0, 0) + b"12345")])], "its pages lead nowhere"),
        ([branch(3 + place, [4 + place]) for place in range(100)], "its pages lead nowhere"),
    ],
)
def test_wild_offsets(tmp_path: Path, pages: list[bytes], why: str) -> None:
    with pytest.raises(LayertuiError, match=why):
        walk(read_bolt(database(tmp_path / "db", *pages)))


@pytest.mark.timeout(60)
def test_elements_that_overlap_end_soon(tmp_path: Path) -> None:
    """Each of thousands of elements claims the whole file."""
    pages, count = 256, 60_000
    header = struct.pack("<QHHI", 3, 2, count, pages - 1)
    heads = b"".join(
        struct.pack("<IIII", 0, 16 * (count - place), 8, pages * SIZE - 16 * count - 64)
        for place in range(count)
    )
    path = database(tmp_path / "db", (header + heads).ljust(pages * SIZE, b"\0"))
    with pytest.raises(LayertuiError, match="is outside of it"):
        walk(read_bolt(path))


def test_any_damage_ends_in_an_error_or_a_tree(root: Path, tmp_path: Path) -> None:
    whole = (root / METADATA_DB).read_bytes().rstrip(b"\0")
    chance = random.Random(7)
    path = tmp_path / "db"
    outcomes = {"read": 0, "refused": 0}
    for _ in range(400):
        data = bytearray(whole)
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        for _ in range(chance.choice([0, 1, 3, 30])):
            if len(data) > 8192:
                # Headers and elements more often than contents; the two metas have their sum.
                place = 8192 + chance.randrange(len(data) - 8192) // 4096 * 4096 + chance.randrange(256)
                if place < len(data):
                    data[place] = chance.choice([0, 1, 2, 255, chance.randrange(256)])
        path.write_bytes(data)
        try:
            walk(read_bolt(path))
            outcomes["read"] += 1
        except LayertuiError as error:
            assert str(path) in str(error)
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 20


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [
        database(tmp_path / "db", leaf(3, [(0, b"n", b"%d" % number)])).read_bytes() for number in range(3)
    ]
    fresh = meta(3, 6) + states[2][SIZE:]

    def changing(reads: int) -> bytes:
        return states[0] if reads == 1 else fresh

    assert read_bolt(busy(monkeypatch, changing)).text("n") == "2"


def test_a_file_that_never_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look finds another state, as where a disk is slow and containerd busy."""
    page = leaf(3, [])
    with pytest.raises(
        LayertuiError, match="/live changes all the time, stop its containerd, or copy the store"
    ):
        read_bolt(busy(monkeypatch, lambda reads: meta(3, reads) + meta(3, reads + 1) + bytes(SIZE) + page))


def busy(monkeypatch: pytest.MonkeyPatch, content: Callable[[int], bytes]) -> Path:
    """A file that another program writes to: what is in it whenever it is read, counted from 1."""

    class Changing(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            return content(self.reads)[: size if size is not None and size >= 0 else None]

    monkeypatch.setattr(bolt, "open_regular", lambda _path: Changing())
    return Path("/live")


def test_a_database_that_containerd_has_locked_and_writes_to(
    live: tuple[list[str], Path],
) -> None:
    """It is read without the lock, which nobody else gets while containerd runs."""
    ctr, root = live
    with (root / METADATA_DB).open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    name = f"{HUB}{demo.SAMPLE_NAME}"
    script = f'for n in $(seq 15); do "$@" images tag {name} busy:$n; done >/dev/null'
    writer = subprocess.Popen(["sh", "-ec", script, "sh", *ctr, "--namespace=packed"])
    seen = []
    while writer.poll() is None:
        found = ContainerdStore(root).namespace("packed")
        seen.append(len(found.names))
        # What is there in any state is there in each.
        assert found.names.keys() == {name, *(f"busy:{number}" for number in range(1, seen[-1]))}
        assert walk(read_bolt(root / METADATA_DB)) > 200
    assert writer.returncode == 0 and seen == sorted(seen) and len(set(seen)) > 2
    run(*ctr, "--namespace=packed", "images", "rm", *(f"busy:{number}" for number in range(1, 16)))


def test_what_is_no_database(tmp_path: Path) -> None:
    for data in (b"", b"x", bytes(SIZE * 4), meta(3, 1)[:70]):
        (tmp_path / "db").write_bytes(data)
        with pytest.raises(LayertuiError, match="is no Bolt database"):
            read_bolt(tmp_path / "db")
    with pytest.raises(LayertuiError, match=r"cannot read .*none"):
        read_bolt(tmp_path / "none")
    (tmp_path / "db").write_bytes(meta(3, 1) + meta(3, 2))
    with pytest.raises(LayertuiError, match=r"there is no page 3"):
        walk(read_bolt(tmp_path / "db"))
