"""Bolt databases, read only (go.etcd.io/bbolt: page.go, meta.go, bucket.go).

A database is a tree of pages whose leaves have keys with values or further buckets. It is read
completely first, since its owner may write to it; every page is visited once at most and every
offset checked against its page, so that the time is bounded by the size of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from layertui.model.errors import LayertuiError
from layertui.model.regular_file import open_regular

MAGIC, VERSION = 0xED0CDAED, 2
META_PAGE = struct.Struct("<16xIIIIQQQQQQ")
"""Magic, version, page size, flags, root page, sequence, freelist, high water, transaction, checksum."""
PAGE_HEADER = struct.Struct("<QHHI")
"""ID, flags, elements, further pages that belong to it."""
BRANCH, LEAF = struct.Struct("<IIQ"), struct.Struct("<IIII")
BUCKET = struct.Struct("<QQ")
IS_BRANCH, IS_LEAF, IS_BUCKET = 1, 2, 1
PAGE_SIZES = tuple(1 << power for power in range(9, 17))
MAX_DATABASE = 1 << 30
MAX_TREE_DEPTH = 64
READ_TRIES = 5


class Bucket:
    """Keys with their values, and with further buckets; a key that is not UTF-8 has surrogates."""

    def __init__(self, database: _Database, root: int, inline: memoryview) -> None:
        self._database = database
        self._root = root
        self._inline = inline

    @cached_property
    def entries(self) -> dict[str, Bucket | bytes]:
        """Its values and buckets by key. Raises :class:`LayertuiError` if the file is damaged."""
        found: dict[str, Bucket | bytes] = {}
        page = self._database.page(self._root) if self._root else self._inline
        for flags, key, value in self._database.leaves(page, 0):
            name = str(key, "utf-8", "surrogateescape")
            if flags & IS_BUCKET:
                if len(value) < BUCKET.size:
                    raise self._database.damaged(f"the bucket {name} is cut short")
                root, _ = BUCKET.unpack_from(value)
                found[name] = Bucket(self._database, root, value[BUCKET.size :])
            else:
                found[name] = bytes(value)
        return found

    def bucket(self, *path: str) -> Bucket:
        """Return a bucket inside; an empty one if there is none."""
        found: Bucket | bytes = self
        for name in path:
            found = found.entries.get(name, b"") if isinstance(found, Bucket) else b""
        return found if isinstance(found, Bucket) else Bucket(self._database, 0, memoryview(b""))

    def buckets(self) -> Iterator[tuple[str, Bucket]]:
        """Return the buckets directly inside, by name."""
        return ((name, each) for name, each in self.entries.items() if isinstance(each, Bucket))

    def value(self, name: str) -> bytes:
        """Return a value; empty if there is none."""
        found = self.entries.get(name, b"")
        return found if isinstance(found, bytes) else b""

    def text(self, name: str) -> str:
        return self.value(name).decode("utf-8", "surrogateescape")

    def texts(self, name: str) -> dict[str, str]:
        """Return all values of a bucket inside: labels, annotations."""
        found = self.bucket(name)
        return {key: found.text(key) for key in found.entries}


def read_bolt(path: Path) -> Bucket:
    """Return the root of a database. Raises :class:`LayertuiError` if it cannot be read or is none."""
    try:
        with open_regular(path) as file:
            for _ in range(READ_TRIES):
                data = file.read(MAX_DATABASE + 1)
                file.seek(0)
                # Pages that a state names are written again only once that state has been replaced.
                if file.read(2 * PAGE_SIZES[-1]) == data[: 2 * PAGE_SIZES[-1]]:
                    break
                file.seek(0)
            else:
                raise LayertuiError(
                    f"{path} changes all the time", "", "stop its containerd, or copy the store"
                )
    except OSError as error:
        raise LayertuiError(f"cannot read {path}", error.strerror or str(error)) from error
    if len(data) > MAX_DATABASE:
        raise LayertuiError(f"{path} is too large", f"over {MAX_DATABASE:,} bytes")
    return _Database(path, memoryview(data)).root


class _Database:
    def __init__(self, path: Path, data: memoryview) -> None:
        self._path = path
        self._data = data
        self._seen: set[int] = set()
        first = self._meta(0)
        sizes = (first[1],) if first else PAGE_SIZES
        metas = [meta for meta in (first, *map(self._meta, sizes)) if meta]
        if not metas:
            raise LayertuiError(f"{path} is no Bolt database", "neither of its first pages is whole")
        _, self._size, root = max(metas)
        self.root = Bucket(self, root, data[:0])

    def _meta(self, offset: int) -> tuple[int, int, int] | None:
        """Transaction, page size and root page, if a meta page is whole."""
        raw = self._data[offset : offset + META_PAGE.size]
        if len(raw) < META_PAGE.size:
            return None
        magic, version, size, _, root, _, _, _, transaction, checksum = META_PAGE.unpack(raw)
        whole = checksum == _fnv64a(raw[PAGE_HEADER.size : META_PAGE.size - 8])
        if (magic, version) != (MAGIC, VERSION) or size not in PAGE_SIZES or not whole:
            return None
        return transaction, size, root

    def page(self, number: int) -> memoryview:
        """Return a page with all that belongs to it."""
        start = number * self._size
        header = self._data[start : start + PAGE_HEADER.size]
        if number < 2 or len(header) < PAGE_HEADER.size:
            raise self.damaged(f"there is no page {number}")
        itself, _, _, overflow = PAGE_HEADER.unpack(header)
        end = start + (overflow + 1) * self._size
        if itself != number or end > len(self._data):
            raise self.damaged(f"page {number} says that it is page {itself} with {overflow} more")
        pages = range(number, number + overflow + 1)
        if not self._seen.isdisjoint(pages):
            raise self.damaged(f"page {number} is used twice")
        self._seen.update(pages)
        return self._data[start:end]

    def leaves(self, page: memoryview, depth: int) -> Iterator[tuple[int, memoryview, memoryview]]:
        """Flags, key and value of each element below a page, in order."""
        if not page:
            return
        if len(page) < PAGE_HEADER.size or depth > MAX_TREE_DEPTH:
            raise self.damaged("its pages lead nowhere")
        number, kind, count, _ = PAGE_HEADER.unpack_from(page)
        element = BRANCH if kind & IS_BRANCH else LEAF
        if not kind & (IS_BRANCH | IS_LEAF) or PAGE_HEADER.size + count * element.size > len(page):
            raise self.damaged(f"page {number} is not a page of a tree")
        left = len(page)  # elements may not overlap: they are no longer than their page together
        for place in range(PAGE_HEADER.size, PAGE_HEADER.size + count * element.size, element.size):
            if kind & IS_BRANCH:
                yield from self.leaves(self.page(BRANCH.unpack_from(page, place)[2]), depth + 1)
                continue
            flags, position, key_size, size = LEAF.unpack_from(page, place)
            start = place + position
            left -= key_size + size
            if left < 0 or start + key_size + size > len(page):
                raise self.damaged(f"an element of page {number} is outside of it")
            yield flags, page[start : start + key_size], page[start + key_size : start + key_size + size]

    def damaged(self, why: str) -> LayertuiError:
        return LayertuiError(f"{self._path} is damaged", why)


def _fnv64a(data: memoryview) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value
