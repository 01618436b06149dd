"""Finds the entries of a layer in its tar, reading headers and as little else as it can.

Formats: v7, ustar and pax (POSIX.1-2017, pax), GNU (long names, base-256 numbers, sparse),
as GNU tar, libarchive and Go's archive/tar write them.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from operator import itemgetter

from zlib_ng.zlib_ng import adler32

from layertui.layers.compression.format import Damaged
from layertui.layers.tar.capture import Keep, Keeper
from layertui.layers.tar.header import (
    BLOCK,
    MAX_META,
    MAX_TIME,
    MAX_UID,
    Broken,
    Fields,
    Owner,
    expected_sum,
    signed_sum_fits,
)
from layertui.layers.tar.pax import Pax, parse_pax
from layertui.layers.tar.sparse import gnu_sparse, pax_sparse
from layertui.layers.tar.window import Window
from layertui.layers.whiteout import hides_nothing, parse_whiteout
from layertui.model.errors import LayertuiError
from layertui.model.layer_index import MAX_PATH, Extra, Kind, LayerIndex

ZEROS = bytes(BLOCK)
MAX_ALL_META = 1 << 30
"""And of all of them in a layer: they are kept in memory."""
ESTARGZ = (b"stargz.index.json", b".prefetch.landmark", b".no.prefetch.landmark")
"""An eStargz layer's table of contents, its last entry, and landmarks (stargz-snapshotter, estargz.md)."""


def scan(tar: Window, progress: Callable[[int], None] | None = None, keep: Keep | None = None) -> LayerIndex:
    """The entries of a tar, as far as it can be read, and the contents of the files that are to be kept.

    What keeps it from being read further stands in the index's ``damage``. ``progress`` is
    told the offset now and then. Raises :class:`Cancelled` if ``tar`` does, and
    :class:`LayertuiError` if nothing can be read.
    """
    return _Scan(tar, progress, keep).run()


class _Scan:
    def __init__(self, tar: Window, progress: Callable[[int], None] | None, keep: Keep | None) -> None:
        self._tar = tar
        self._progress = progress
        self._index = LayerIndex()
        self._keeper = Keeper(keep, self._index) if keep is not None else None
        self._fields = Fields(self._index.warnings)
        self._owners: list[Owner] = []
        self._keys: list[bytes] = []
        self._kinds = self._index.kind
        self._links: dict[int, bytes] = {}
        self._nanoseconds: dict[int, int] = {}
        self._meta_read = 0
        self._directories: dict[bytes, bytes] = {b"": b""}
        self._sums: dict[bytes, int] = {}

    def run(self) -> LayerIndex:
        index = self._index
        try:
            self._entries()
        except (Damaged, LayertuiError, Broken) as problem:
            if isinstance(problem, LayertuiError) and not self._keys:
                raise
            index.damage = f"{problem}; {len(self._keys):,} entries read before"
        keys, owners = self._keys, self._owners
        if keys and keys[-1] == ESTARGZ[0]:
            for key in ESTARGZ:
                if key in keys:
                    self._fields.warn(
                        "estargz", key, "belongs to the eStargz format; containers see it all the same"
                    )
        index.count = len(keys)
        index.keys = b"/".join(keys)
        index.mode = array("H", map(itemgetter(0), owners))
        index.uid = array("I", map(itemgetter(1), owners))
        index.gid = array("I", map(itemgetter(2), owners))
        index.mtime_ns = array("I", bytes(4 * len(keys)))
        for number, value in self._nanoseconds.items():
            index.mtime_ns[number] = value
        index.link = array("i", b"\xff" * (4 * len(keys)))
        for number, target in self._links.items():
            index.link[number] = len(index.links)
            index.links.append(target)
        return index

    def _entries(self) -> None:
        """The hot path: a header that is like the one before costs a few dictionary look-ups."""
        tar, index, keeper = self._tar, self._index, self._keeper
        keys, kinds, owners = self._keys, self._kinds, self._owners
        sizes, mtimes, offsets = index.size, index.mtime, index.offset
        numbers, owner_of = self._fields.numbers, self._fields.owner_of
        sums, directories = self._sums, self._directories
        last_directory: bytes | None = None
        prefix = b""
        chunk, base, limit, offset, reported = b"", 0, -1, 0, 0
        local: Pax | None = None
        while True:
            start = offset - base
            if start > limit:
                if keeper is not None:
                    keeper.look(keys, tar, chunk, base)
                chunk, base, start = tar.at(offset, BLOCK), offset, 0
                limit = len(chunk) - BLOCK
                if self._progress is not None and offset - reported > 1 << 22:
                    self._progress(offset)
                    reported = offset
                if limit < 0:
                    if chunk.strip(b"\0") or (offset == 0 and chunk):
                        raise Broken(f"the tar ends in the middle of a header at byte {offset:,}")
                    if local is not None:
                        raise Broken(f"the tar ends at byte {offset:,}, before the entry that was announced")
                    index.tar_size = min(offset + len(chunk), tar.end)
                    if offset > tar.end:
                        raise Broken(
                            f"the tar ends early: its last entry reaches to byte {offset:,} of {tar.end:,}"
                        )
                    if keys:
                        self._fields.warn("no-end", b"", "the tar has no end marker: it may have been cut")
                    return
            name, owner_field, size_field, mtime_field, checksum, flag, prefixed = _fields(chunk, start)
            header = chunk[start : start + BLOCK]
            wanted = sums.get(checksum)
            if wanted is None:
                if header == ZEROS:
                    if local is not None:
                        raise Broken(f"the tar ends at byte {offset:,}, before the entry that was announced")
                    if keeper is not None:
                        keeper.look(keys, tar, chunk, base)
                    index.tar_size = offset + BLOCK
                    if tar.at(offset + BLOCK, BLOCK)[:BLOCK].strip(b"\0"):
                        self._fields.warn(
                            "lone-zero-block",
                            b"",
                            "more follows after one block of zeros at byte "
                            f"{offset:,}: it is not read here, Docker refuses the layer",
                        )
                    return
                wanted = sums[checksum] = expected_sum(checksum)
            if adler32(header, 0) & 0xFFFF != wanted and not signed_sum_fits(header):
                if offset == 0:
                    raise Broken("it is not a tar")
                raise Broken(f"bad checksum of the header at byte {offset:,}")
            offset += BLOCK
            size = numbers.get(size_field, -1)
            if size < 0:
                size = self._fields.number(size_field, offset, "size")
                if size < 0:
                    raise Broken(f"an entry of negative size at byte {offset - BLOCK:,}")
            if flag > 54 or local is not None:  # beyond a plain '0' to '6'
                offset, local = self._special(header, flag, size, offset, local)
                continue
            # What follows is the same as in _special, without the calls.
            name = name.rstrip(b"\0")
            if 0 in name:
                name = name[: name.index(0)]
            if prefixed and header[257:263] == b"ustar\0":
                name = header[345:500].split(b"\0", 1)[0] + b"/" + name
            directory, _, last = name.rpartition(b"/")
            if not last:
                name = name.rstrip(b"/")
                directory, _, last = name.rpartition(b"/")
                if not flag:
                    flag = 53  # v7 knows directories by the slash
            if directory != last_directory:
                last_directory = directory
                known = directories.get(directory)
                prefix = self._directory(directory) if known is None else known
            if not last or last[0] == 46:  # a dot: ".", "..", a whiteout, or just hidden
                self._odd(name, flag, header, size, offset)
            else:
                keys.append(prefix + last)
                kind = flag - 48 if flag else 0
                kinds.append(kind)
                if kind:
                    if kind < 3:
                        self._link(header[157:257].split(b"\0", 1)[0], kind)
                    elif kind < 5:
                        self._device(header)
                    sizes.append(0)
                else:
                    sizes.append(size)
                owner = owner_of.get(owner_field)
                if owner is None:
                    owner = self._fields.owner(owner_field, offset)
                owners.append(owner)
                mtime = numbers.get(mtime_field)
                if mtime is None:
                    mtime = self._fields.number(mtime_field, offset, "mtime")
                mtimes.append(mtime)
                offsets.append(offset)
            if size and flag not in _EMPTY:
                offset += size + (-size % BLOCK)

    # Entries that need more

    def _special(
        self, header: bytes, flag: int, size: int, offset: int, local: Pax | None
    ) -> tuple[int, Pax | None]:
        """One header with extensions or of a rare type: where the next is, and what holds for it."""
        if flag in b"xXgKL":
            data = self._meta(offset, size)
            following = offset + size + (-size % BLOCK)
            if flag == ord("g"):
                named = Pax()
                self._records(data, named, offset)
                if named != Pax():
                    self._fields.warn(
                        "global-header",
                        b"",
                        f"a global extended header at byte {offset:,}: passed over here as in Docker and "
                        "Podman, umoci refuses the layer",
                    )
                return following, local
            local = local if local is not None else Pax()
            if flag in b"xX":
                self._records(data, local, offset)
            elif flag == ord("L"):
                local.path = data.split(b"\0", 1)[0]
            else:
                local.linkpath = data.split(b"\0", 1)[0]
            return following, local
        pax = local if local is not None else Pax()
        if pax.size is not None:
            size = pax.size
        name = pax.sparse_name or pax.path
        if name is None:
            name = header[:100].split(b"\0", 1)[0]
            if header[345] and header[257:263] == b"ustar\0":
                name = header[345:500].split(b"\0", 1)[0] + b"/" + name
        if name.endswith(b"/") and not flag:
            flag = 53
        content, stored, real, sparse = offset, size, size, None
        if flag == ord("S"):
            content, real, sparse = gnu_sparse(header, offset, self._fields, self._meta)
            following = content + stored + (-stored % BLOCK)
        else:
            if pax.sparse_real is not None or pax.sparse:
                content, real, sparse = pax_sparse(pax, offset, size, self._meta)
                stored = max(size - (content - offset), 0)
            following = offset if flag in _EMPTY else offset + size + (-size % BLOCK)
        before = len(self._keys)
        self._odd(name, flag, header, real, content, pax)
        if len(self._keys) > before:
            xattrs = pax.xattrs
            old = self._index.extra.get(before)
            if xattrs or sparse is not None:
                self._index.extra[before] = Extra(
                    xattrs, old.device if old else None, sparse, stored if sparse is not None else -1
                )
        return following, None

    def _odd(
        self, name: bytes, flag: int, header: bytes, size: int, offset: int, pax: Pax | None = None
    ) -> None:
        """Write down one entry, whatever its name."""
        number = len(self._keys)
        if flag == 0 or flag == 55 or flag == 83:
            kind: int = Kind.FILE  # '\0' of v7, '7' contiguous, 'S' sparse
        elif 48 <= flag <= 54:
            kind = flag - 48
        elif flag in b"DVMN":
            return  # GNU's own: dumped directory, volume header, continuation, old long name
        else:
            kind = Kind.FILE  # POSIX: what is not known is a file
        key = self._fields.clean(name)
        if len(key) > MAX_PATH:
            self._fields.warn(
                "name-too-long", key[:100], f"a name of {len(key):,} bytes: left out here, engines refuse it"
            )
            return
        target = header[157:257].split(b"\0", 1)[0]
        if pax is not None and pax.linkpath is not None:
            target = pax.linkpath
        if (whiteout := parse_whiteout(key)) is not None:
            self._whiteout(kind, key, size, *whiteout)
            kind, key = whiteout
        elif kind in (Kind.SYMLINK, Kind.HARDLINK) and len(target) > MAX_PATH:
            self._fields.warn(
                "name-too-long", key, f"a link to {len(target):,} bytes: left out here, engines refuse it"
            )
            return
        self._keys.append(key)
        self._kinds.append(kind)
        if kind == Kind.SYMLINK or kind == Kind.HARDLINK:
            self._link(target, kind)
        elif kind in (Kind.CHAR, Kind.BLOCK):
            self._device(header)
        owner = self._fields.owner(header[100:124], offset)
        mtime = self._fields.number(header[136:148], offset, "mtime")
        if pax is not None:
            if pax.uid is not None or pax.gid is not None:
                owner = Owner(
                    owner.mode,
                    owner.uid if pax.uid is None else self._fields.clamp(pax.uid, MAX_UID, "uid", offset),
                    owner.gid if pax.gid is None else self._fields.clamp(pax.gid, MAX_UID, "gid", offset),
                )
            if pax.mtime is not None:
                mtime = self._fields.clamp(pax.mtime[0], MAX_TIME, "mtime", offset, -MAX_TIME)
                if pax.mtime[1]:
                    self._nanoseconds[number] = pax.mtime[1]
        self._owners.append(owner)
        index = self._index
        index.size.append(size if kind == Kind.FILE else 0)
        index.mtime.append(mtime)
        index.offset.append(offset)

    def _whiteout(self, kind: int, key: bytes, size: int, whiteout: Kind, hidden: bytes) -> None:
        """Warn of a whiteout on which engines disagree."""
        if whiteout == Kind.METADATA and hides_nothing(key.rpartition(b"\0")[2]):
            self._fields.warn(
                "whiteout-invalid",
                key,
                "names nothing that it could hide: ignored here, Docker and umoci refuse it",
            )
        elif whiteout == Kind.WHITEOUT and (kind != Kind.FILE or size):
            self._fields.warn(
                "whiteout-not-empty", hidden, "its whiteout is no empty file; it counts all the same"
            )

    def _link(self, target: bytes, kind: int) -> None:
        self._links[len(self._keys) - 1] = self._fields.clean(target) if kind == Kind.HARDLINK else target

    def _device(self, header: bytes) -> None:
        major, minor = (self._fields.number(header[at : at + 8], 0, "device") for at in (329, 337))
        self._index.extra[len(self._keys) - 1] = Extra(device=(max(major, 0), max(minor, 0)))

    def _records(self, data: bytes, pax: Pax, offset: int) -> None:
        unreadable = parse_pax(data, pax)
        if unreadable:
            self._fields.warn(
                "bad-pax-record",
                b"",
                f"unreadable {', '.join(unreadable)} in the extended header at byte {offset:,}: "
                "passed over here, Docker refuses the layer",
            )

    def _meta(self, offset: int, size: int) -> bytes:
        if size > MAX_META:
            raise Broken(f"{size:,} bytes of header at byte {offset:,}, more than {MAX_META:,}")
        self._meta_read += size
        if self._meta_read > MAX_ALL_META:
            raise Broken(f"more than {MAX_ALL_META:,} bytes of extended headers")
        data = self._tar.at(offset, size)
        if len(data) < size:
            raise Broken(f"the tar ends in the middle of a header at byte {offset:,}")
        return data[:size]

    # Names

    def _directory(self, directory: bytes) -> bytes:
        """The cleaned directory of entries, as what comes before their names in a key."""
        key = self._fields.clean(directory)
        prefix = key + b"\0" if key else b""
        if len(self._directories) > 100_000:
            self._directories.clear()
        self._directories[directory] = prefix
        return prefix


_EMPTY = (49, 50, 51, 52, 53, 54)
"""Types without content, whatever size their header says."""
_fields = struct.Struct("100s 24s 12s 12s 8s B 188x B 166x").unpack_from
"""A header's name, owner, size, mtime, checksum, type and the first byte of its prefix."""
