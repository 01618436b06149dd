"""Write a selection as a tar, reproducibly: equal bytes for equal selections."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO

from layertui.content.extract.selection import LeftOut, Selection
from layertui.content.read import MAX_HOLES, Contents
from layertui.model.entry import Entry
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import Event

_READ_AHEAD = 16 << 20
"""Bytes of a file that are read before its header is written: a smaller damaged file is left out cleanly."""
_SURROGATE = re.compile("[\ud800-\udfff]")
"""A byte that is not UTF-8 (PEP 383)."""
_TYPES = {
    "file": tarfile.REGTYPE,
    "directory": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "char": tarfile.CHRTYPE,
    "block": tarfile.BLKTYPE,
    "fifo": tarfile.FIFOTYPE,
}


def write_selection(
    selection: Selection, contents: Contents, out: BinaryIO, job: Job = Job.NONE
) -> list[LeftOut]:
    """Write a tar (POSIX pax) with all metadata; return what it cannot represent.

    Whiteouts come first, then directories and what has no content, then the files in the order in which they
    are stored. Raises :class:`LayertuiError` where a large file breaks off, as then the tar does,
    and ``OSError`` if it cannot be written.
    """
    with tarfile.open(
        fileobj=out,
        mode="w|",
        bufsize=1 << 20,
        format=tarfile.PAX_FORMAT,
        encoding="utf-8",
        errors="surrogateescape",
    ) as archive:
        writer = _Writer(selection, contents, archive, job)
        writer.run()
    return writer.left_out


class _Writer:
    def __init__(self, selection: Selection, contents: Contents, archive: tarfile.TarFile, job: Job) -> None:
        self.left_out: list[LeftOut] = []
        self._selection = selection
        self._contents = contents
        self._archive = archive
        self._job = job
        self._done = 0

    def run(self) -> None:
        kinds, key_of, files = self._selection.union.ev_kind, self._selection.key, []
        for key in self._selection.whiteouts:  # first: engines delete what already has the name
            self._archive.addfile(tarfile.TarInfo(_tar_name(key)))
        for event in self._selection.events:
            if kinds[event] in (Kind.FILE, Kind.HARDLINK):  # the latter are dangling
                files.append(event)
            elif kinds[event] == Kind.SOCKET:
                self._leave_out(event, "a socket cannot be stored in a tar", True)
            else:
                self._add(event, self._info(event))
        absent = set()
        for event, pieces in self._contents.in_order(files):
            if not self._add_file(event, pieces):
                absent.add(event)
        for event, first in self._selection.links:
            if first in absent or kinds[first] == Kind.SOCKET:
                self._leave_out(event, "it is the same file as one that is left out")
                continue
            info = self._info(event)
            info.type, info.size, info.linkname = tarfile.LNKTYPE, 0, _tar_name(key_of(first))
            self._add(event, info)

    def _add_file(self, event: Event, pieces: Iterator[bytes]) -> bool:
        info = self._info(event)
        try:
            holes = info.size - sum(length for _start, length in self._contents.stored_ranges(event))
            if holes > MAX_HOLES:
                self._leave_out(event, f"it claims {holes:,} bytes of zeros")
                return False
            head: list[bytes] = []  # if reading fails here, the file is left out
            while sum(map(len, head)) < _READ_AHEAD and (piece := next(pieces, None)) is not None:
                head.append(piece)
        except LayertuiError as error:
            self._leave_out(event, error.why)
            return False
        return self._add(event, info, _PieceReader(chain(head, pieces), self._tell))

    def _add(self, event: Event, info: tarfile.TarInfo, content: _PieceReader | None = None) -> bool:
        try:
            self._archive.addfile(info, content)  # type: ignore[arg-type]  # it only reads
        except ValueError:
            self._leave_out(event, "its numbers do not fit a tar header")
            return False
        return True

    def _tell(self, count: int) -> None:
        self._done += count
        self._job.report(self._done, self._selection.size)

    def _leave_out(self, event: Event, why: str, is_usual: bool = False) -> None:
        path = self._selection.path(self._selection.key(event))
        self.left_out.append(LeftOut(path, why, is_usual))

    def _info(self, event: Event) -> tarfile.TarInfo:
        entry = self._selection.union.entry(event)
        info = tarfile.TarInfo(_tar_name(self._selection.key(event)))
        info.type = _TYPES[entry.type]
        info.mode, info.uid, info.gid, info.size = entry.mode, entry.uid, entry.gid, entry.size
        info.mtime, info.linkname = entry.mtime, entry.linkname or ""
        if entry.device is not None:
            info.devmajor, info.devminor = entry.device
        info.pax_headers = self._records(entry)
        return info

    def _records(self, entry: Entry) -> dict[str, str]:
        """Return the pax records: mtime in nanoseconds, xattrs as written by GNU tar and libarchive."""
        records = {}
        for name, value in entry.xattrs.items():
            if "=" in name or _SURROGATE.search(name):
                self.left_out.append(LeftOut(entry.path, f"a tar cannot store its attribute {name}"))
            else:
                records[f"SCHILY.xattr.{name}"] = value.decode("utf-8", "surrogateescape")
        if entry.mtime_ns:
            moment = entry.mtime * 1_000_000_000 + entry.mtime_ns
            seconds, fraction = divmod(abs(moment), 1_000_000_000)
            records["mtime"] = f"{'-' * (moment < 0)}{seconds}.{fraction:09d}"
        return records


class _PieceReader:
    """A file object over pieces, with what :mod:`tarfile` needs."""

    def __init__(self, pieces: Iterator[bytes], tell: Callable[[int], None]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")
        self._tell = tell

    def read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            if not self._rest:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._rest = memoryview(piece)
            taken = self._rest[: length - len(data)]
            data += taken
            self._rest = self._rest[len(taken) :]
        self._tell(len(data))
        return bytes(data)


def _tar_name(key: bytes) -> str:
    return key.replace(b"\0", b"/").decode("utf-8", "surrogateescape")
