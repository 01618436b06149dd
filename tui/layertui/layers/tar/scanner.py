"""Scan the tar of a layer for its entries, reading headers and as little else as possible.

Formats: v7, ustar and pax (POSIX.1-2017, pax), GNU (long names, base-256 numbers, sparse),
as GNU tar, libarchive and Go's archive/tar write them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from layertui.layers.compression.format import Damaged
from layertui.layers.tar.collected import Collected
from layertui.layers.tar.header import (
    KIND_OF_TYPEFLAG,
    LINKNAME_FIELD,
    MAGIC_FIELD,
    MAX_META,
    MAX_TIME,
    MAX_UID,
    MTIME_FIELD,
    OWNER_FIELDS,
    PREFIX_FIELD,
    SCANNED_FIELDS,
    TAR_BLOCK,
    TYPEFLAG_GNU_DIRECTORY,
    TYPEFLAG_GNU_LONG_LINK,
    TYPEFLAG_GNU_LONG_NAME,
    TYPEFLAG_GNU_SPARSE,
    TYPEFLAG_PAX,
    TYPEFLAG_PAX_GLOBAL,
    TYPEFLAG_SUN_PAX,
    TYPEFLAG_V7_FILE,
    TYPEFLAGS_IGNORED,
    USTAR,
    Broken,
    Fields,
    Owner,
    expected_sum,
    full_name,
    padding,
    resolved,
    signed_sum_fits,
    until_nul,
)
from layertui.layers.tar.passing import Passing
from layertui.layers.tar.pax import Pax, parse_pax
from layertui.layers.tar.sparse import Stretches, gnu_sparse, pax_sparse
from layertui.layers.tar.tar_warnings import TarWarnings
from layertui.layers.tar.window import Window
from layertui.layers.visit import LayerVisit
from layertui.layers.whiteout import parse_whiteout
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import MAX_PATH, Extra, Kind, LayerIndex
from layertui.model.typed import NamedTuple

try:
    from zlib_ng.zlib_ng import adler32
except ImportError:  # the standard library's is slower
    from zlib import adler32

ZERO_BLOCK = bytes(TAR_BLOCK)
DOT = ord(".")
MAX_ALL_META = 1 << 30
"""Bytes of extended headers that are read of a layer at most: they are kept in memory."""
MAX_EXTENTS = 1 << 19
"""Extents of all sparse files of a layer at most: each takes 120 bytes of memory."""
MAX_XATTRS = 1 << 27
"""Bytes of memory for the extended attributes of a layer at most; those that several entries share count once."""
XATTR_COST = 250
"""Bytes of memory for an attribute besides its name and value."""
MAX_DIRECTORIES = 100_000
"""Directory names whose keys are remembered."""
PROGRESS_STEP = 1 << 22
"""Bytes between two reports of progress."""


def scan(tar: Window, job: Job = Job.NONE, visits: Sequence[LayerVisit] = ()) -> LayerIndex:
    """Return the entries of a tar, as far as it can be read, and have its contents visited on the way.

    What prevents reading further is in the index's ``damage``. Reports the offset every few
    MiB, and leaves it to ``tar`` to raise :class:`Cancelled`. Raises :class:`LayertuiError` if
    nothing can be read.
    """
    return _TarScan(tar, job, visits).run()


class _Content(NamedTuple):
    """Where a tar has the content of an entry."""

    offset: int
    size: int
    """Bytes of the file, its holes too."""
    stored: int
    sparse: Stretches | None
    following: int
    """Where the next header starts."""


class _TarScan:
    def __init__(self, tar: Window, job: Job, visits: Sequence[LayerVisit]) -> None:
        self._tar = tar
        self._job = job
        self._index = LayerIndex()
        self._passing = Passing(visits, self._index) if visits else None
        self._warnings = TarWarnings(self._index.warnings)
        self._fields = Fields(self._warnings)
        self._collected = Collected(self._index)
        self._keys, self._kinds = self._collected.keys, self._collected.kinds
        self._meta_read = 0
        self._extents = 0
        self._xattrs: dict[tuple[tuple[str, bytes], ...], Mapping[str, bytes]] = {}
        self._xattr_bytes = 0
        self._directories: dict[bytes, bytes] = {b"": b""}
        self._sums: dict[bytes, int] = {}

    def run(self) -> LayerIndex:
        index, collected = self._index, self._collected
        try:
            self._entries()
        except (Damaged, LayertuiError, Broken) as problem:
            collected.take()
            if isinstance(problem, LayertuiError) and not collected.kinds:
                raise
            index.damage = f"{problem}; {len(collected.kinds):,} entries read before"
        collected.finish()
        self._warnings.finish(index.keys)
        return index

    def _entries(self) -> None:
        """Read all headers. The hot path: one that resembles the last costs a few dictionary lookups."""
        tar, index, passing, collected = self._tar, self._index, self._passing, self._collected
        core, keys, kinds, owners = collected.core, collected.keys, collected.kinds, collected.owners
        sizes, mtimes, offsets = index.size, index.mtime, index.offset
        numbers, owner_of, device_of = self._fields.numbers, self._fields.owner_of, self._fields.device_of
        sums, directories = self._sums, self._directories
        scanned_fields, kind_of_typeflag = SCANNED_FIELDS.unpack_from, KIND_OF_TYPEFLAG
        last_directory: bytes | None = None
        prefix: bytes | None = b""
        chunk, base, limit, offset, size, reported = b"", 0, -1, 0, 0, 0
        local: Pax | None = None
        while True:
            if core is not None and local is None:
                offset, size = core.read(chunk, base, offset, size)
                if passing is not None or offset - base <= limit:
                    collected.take()
            start = offset - base
            if start > limit:
                if passing is not None:
                    passing.look(keys, tar, chunk, base)
                chunk, start = tar.at(offset, TAR_BLOCK)
                base = offset - start
                limit = len(chunk) - TAR_BLOCK
                if offset - reported > PROGRESS_STEP:
                    self._job.report(offset)
                    reported = offset
                if limit < 0:
                    if chunk.strip(b"\0") or (offset == 0 and chunk):
                        raise Broken(f"the tar ends in the middle of a header at byte {offset:,}")
                    if chunk:
                        self._warnings.half_block(offset)
                    if local is not None:
                        raise Broken(
                            f"the tar ends at byte {offset:,}, after an extended header without an entry"
                        )
                    index.tar_size = min(offset + len(chunk), tar.end)
                    if offset - padding(size) > tar.end:  # the last content need not be padded, as in Go
                        raise Broken(
                            f"the tar ends early: its last entry reaches to byte {offset:,} of {tar.end:,}"
                        )
                    collected.take()
                    if keys:
                        self._warnings.no_end()
                    return
                if core is not None:
                    continue
            name, owner_field, size_field, mtime_field, checksum, flag, devices, prefixed = scanned_fields(
                chunk, start
            )
            header = chunk[start : start + TAR_BLOCK]
            wanted = sums.get(checksum)
            if wanted is None:
                if header == ZERO_BLOCK:
                    if local is not None:
                        raise Broken(
                            f"the tar ends at byte {offset:,}, after an extended header without an entry"
                        )
                    if passing is not None:
                        passing.look(keys, tar, chunk, base)
                    index.tar_size = offset + TAR_BLOCK
                    data, start = tar.at(offset + TAR_BLOCK, TAR_BLOCK)
                    after = data[start : start + TAR_BLOCK]
                    if 0 < len(after) < TAR_BLOCK and not after.strip(b"\0"):
                        self._warnings.half_block(offset + TAR_BLOCK)
                    if after.strip(b"\0"):
                        self._warnings.lone_zero_block(offset)
                    return
                wanted = sums[checksum] = expected_sum(checksum)
            if adler32(header, 0) & 0xFFFF != wanted and not signed_sum_fits(header):
                if offset == 0:
                    raise Broken("it is not a tar")
                raise Broken(f"bad checksum of the header at byte {offset:,}")
            offset += TAR_BLOCK
            size = numbers.get(size_field, -1)
            if size < 0:
                size = self._fields.number(size_field, offset, "size")
                if size < 0:
                    raise Broken(f"an entry with a negative size at byte {offset - TAR_BLOCK:,}")
            if devices not in device_of:
                self._fields.device(header, offset)
            kind = kind_of_typeflag.get(flag, -1)
            if kind < 0 or local is not None:
                offset, size, local = self._special(header, flag, size, offset, local)
                continue
            # The rest does what _entry and _append do, without the calls.
            name = name.rstrip(b"\0")
            if 0 in name:
                name = name[: name.index(0)]
            if prefixed:
                if header[MAGIC_FIELD] == USTAR:
                    name = until_nul(header[PREFIX_FIELD]) + b"/" + name
                else:
                    name = full_name(header)
            directory, _, last = name.rpartition(b"/")
            if not last:
                name = name.rstrip(b"/")
                directory, _, last = name.rpartition(b"/")
                if flag == TYPEFLAG_V7_FILE:
                    kind = Kind.DIRECTORY
            if directory != last_directory:
                last_directory = directory
                known = directories.get(directory)
                prefix = self._directory(directory) if known is None else known
            # ".", "..", a whiteout, a hidden file, or a name that leads out
            if not last or last[0] == DOT or prefix is None:
                self._append(name, kind, header, size, offset)
            else:
                keys.append(prefix + last)
                kinds.append(kind)
                if kind:
                    if kind <= Kind.SYMLINK:
                        self._link(until_nul(header[LINKNAME_FIELD]), kind)
                    elif kind <= Kind.BLOCK:
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
            if size and not kind:  # others have no content, whatever size they claim
                offset += size + (-size % TAR_BLOCK)

    # Entries that need more

    def _special(
        self, header: bytes, flag: int, size: int, offset: int, local: Pax | None
    ) -> tuple[int, int, Pax | None]:
        """Read a header of a rare type or after an extended one.

        Return where the next header starts, the size of what is before it, and the extensions that apply to it.
        """
        if flag == TYPEFLAG_PAX_GLOBAL:
            self._global_records(self._meta(offset, size), offset)
            local = None  # as in Go, for which it is an entry
        elif flag in (TYPEFLAG_PAX, TYPEFLAG_SUN_PAX):
            # Replaces another before it, but not GNU headers.
            local = Pax(local.long_name, local.long_link) if local is not None else Pax()
            self._records(self._meta(offset, size), local, offset)
            if flag == TYPEFLAG_SUN_PAX:
                self._warnings.entry_type(b"", flag, "read as a pax extended header")
        elif flag == TYPEFLAG_GNU_LONG_NAME:
            local = local or Pax()
            local.long_name = until_nul(self._meta(offset, size))
        elif flag == TYPEFLAG_GNU_LONG_LINK:
            local = local or Pax()
            local.long_link = until_nul(self._meta(offset, size))
        else:
            size = size if local is None or local.size is None else local.size
            return self._entry(header, flag, size, offset, local or Pax()), size, None
        return offset + size + padding(size), size, local

    def _entry(self, header: bytes, flag: int, size: int, offset: int, pax: Pax) -> int:
        """Append an entry of which extended headers may tell more; return where the next header starts."""
        name = pax.sparse_name or pax.long_name or pax.path or full_name(header)
        kind = KIND_OF_TYPEFLAG.get(flag, Kind.FILE)  # as POSIX has it for unknown types
        if name.endswith(b"/") and flag == TYPEFLAG_V7_FILE:
            kind = Kind.DIRECTORY
        is_gnu_sparse = flag == TYPEFLAG_GNU_SPARSE
        content = (
            self._gnu_sparse(header, size, offset)
            if is_gnu_sparse
            else self._content(pax, kind, size, offset)
        )
        if flag == TYPEFLAG_GNU_DIRECTORY:
            kind = Kind.DIRECTORY
        if flag not in KIND_OF_TYPEFLAG:
            what = "left out" if flag in TYPEFLAGS_IGNORED else f"a {Kind(kind).name.lower()}"
            self._warnings.entry_type(resolved(name)[0], flag, what)
        if flag in TYPEFLAGS_IGNORED:
            return content.following
        number = len(self._kinds)
        self._append(name, kind, header, content.size, content.offset, pax)
        is_sparse = content.sparse is not None
        if len(self._kinds) > number and (pax.xattrs or is_sparse):
            device = self._index.extra[number].device if number in self._index.extra else None
            stored = content.stored if is_sparse else -1
            xattrs = self._attributes(pax.xattrs, self._keys[-1])
            self._index.extra[number] = Extra(xattrs, device, content.sparse, stored)
        return content.following

    def _attributes(self, xattrs: Mapping[str, bytes], key: bytes) -> Mapping[str, bytes]:
        """Return an entry's extended attributes, shared with entries that have the same."""
        items = tuple(sorted(xattrs.items()))
        kept = self._xattrs.get(items)
        is_new = kept is None
        if kept is None:
            self._xattr_bytes += sum(XATTR_COST + len(name) + len(value) for name, value in items)
            if self._xattr_bytes > MAX_XATTRS:
                raise Broken(f"extended attributes take more than {MAX_XATTRS:,} bytes of memory")
            kept = self._xattrs[items] = xattrs
        if not self._warnings.attributes(key, items) and is_new:
            self._collected.share(kept)
        return kept

    def _content(self, pax: Pax, kind: int, size: int, offset: int) -> _Content:
        following = offset if kind else offset + size + padding(size)
        if pax.sparse_real is None and not pax.sparse:
            return _Content(offset, size, size, None, following)
        start, real, sparse = pax_sparse(pax, offset, size, self._meta)
        self._count_extents(sparse)
        return _Content(start, real, max(size - (start - offset), 0), sparse, following)

    def _gnu_sparse(self, header: bytes, size: int, offset: int) -> _Content:
        start, real, sparse = gnu_sparse(header, offset, self._fields, self._meta)
        self._count_extents(sparse)
        return _Content(start, real, size, sparse, start + size + padding(size))

    def _count_extents(self, sparse: Stretches) -> None:
        self._extents += len(sparse)
        if self._extents > MAX_EXTENTS:
            raise Broken(f"sparse files of more than {MAX_EXTENTS:,} extents")

    def _append(
        self, name: bytes, kind: int, header: bytes, size: int, offset: int, pax: Pax | None = None
    ) -> None:
        """Append one entry, whatever its name (the general case)."""
        key = self._fields.clean(name)
        if len(key) > MAX_PATH:
            self._warnings.too_long(key[:100], "a name of", len(key))
            return
        self._warnings.long_names(key)
        target = until_nul(header[LINKNAME_FIELD])
        if pax is not None:
            target = pax.long_link or pax.linkpath or target
        if (whiteout := parse_whiteout(key)) is not None:
            self._warnings.whiteout(kind, key, size, *whiteout)
            kind, key = whiteout
        elif kind in (Kind.SYMLINK, Kind.HARDLINK) and len(target) > MAX_PATH:
            self._warnings.too_long(key, "a link to", len(target))
            return
        number = len(self._kinds)
        self._keys.append(key)
        self._kinds.append(kind)
        if kind in (Kind.SYMLINK, Kind.HARDLINK):
            self._link(target, kind)
        elif kind in (Kind.CHAR, Kind.BLOCK):
            self._device(header)
        owner = self._fields.owner(header[OWNER_FIELDS], offset)
        mtime = self._fields.number(header[MTIME_FIELD], offset, "mtime")
        if pax is not None:
            owner = self._pax_owner(pax, owner, offset)
            if pax.mtime is not None:
                mtime = self._fields.clamp(pax.mtime[0], MAX_TIME, "mtime", offset, -MAX_TIME)
                if pax.mtime[1]:
                    self._collected.nanoseconds[number] = pax.mtime[1]
        self._collected.owners.append(owner)
        index = self._index
        index.size.append(size if kind == Kind.FILE else 0)
        index.mtime.append(mtime)
        index.offset.append(offset)

    def _pax_owner(self, pax: Pax, owner: Owner, offset: int) -> Owner:
        if pax.uid is None and pax.gid is None:
            return owner
        return Owner(
            owner.mode,
            owner.uid if pax.uid is None else self._fields.clamp(pax.uid, MAX_UID, "uid", offset),
            owner.gid if pax.gid is None else self._fields.clamp(pax.gid, MAX_UID, "gid", offset),
        )

    def _global_records(self, data: bytes, offset: int) -> None:
        pax = Pax()
        self._records(data, pax, offset)
        if not pax.is_empty:
            self._warnings.global_header(offset)

    def _link(self, target: bytes, kind: int) -> None:
        if kind == Kind.HARDLINK:
            target, escapes = resolved(target)
            if escapes:
                self._warnings.target_escapes(self._keys[-1])
        self._collected.links[len(self._kinds) - 1] = target

    def _device(self, header: bytes) -> None:
        major, minor = self._fields.device(header, 0)  # warned of already
        number = len(self._kinds) - 1
        self._index.extra[number] = Extra(device=(major, minor))
        if not major and not minor and self._kinds[number] == Kind.CHAR:
            self._warnings.overlay_whiteout(self._keys[-1])

    def _records(self, data: bytes, pax: Pax, offset: int) -> None:
        unreadable = parse_pax(data, pax)
        if unreadable:
            self._warnings.bad_records(unreadable, offset)

    def _meta(self, offset: int, size: int) -> bytes:
        if size > MAX_META:
            raise Broken(f"{size:,} bytes of header at byte {offset:,}, more than {MAX_META:,}")
        self._meta_read += size
        core = self._collected.core
        if self._meta_read + (core.meta_read if core is not None else 0) > MAX_ALL_META:
            raise Broken(f"more than {MAX_ALL_META:,} bytes of extended headers")
        chunk, start = self._tar.at(offset, size)
        data = chunk[start : start + size]
        if len(data) < size:
            raise Broken(f"the tar ends in the middle of a header at byte {offset:,}")
        return data

    # Names

    def _directory(self, directory: bytes) -> bytes | None:
        """Return the cleaned directory as the prefix of its entries' keys; None if it leads out of the image."""
        key, escapes = resolved(directory)
        if escapes:
            return None
        prefix = key + b"\0" if key else b""
        if len(self._directories) > MAX_DIRECTORIES:
            self._directories.clear()
        self._directories[directory] = prefix
        return prefix
