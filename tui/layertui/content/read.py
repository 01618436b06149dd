"""Read the content of any version of any file in an image, hidden ones included."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from layertui.content.extents import FileExtent, LargeFile, coalesce
from layertui.content.hashing import content_hash
from layertui.content.layer_readers import LayerReaders
from layertui.content.tar_reader import READ_CHUNK, Cursor
from layertui.layers.compression.format import Damaged
from layertui.layers.sparse import merged_ranges, segments, sparse_map_error, zeros_of
from layertui.layers.visit import MAX_READ, ContentBatch, in_pieces
from layertui.model.errors import ImageChanged, LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import Kind, LayerIndex, path_of
from layertui.model.numbers import EMPTY, NO_EVENT, EntryNumber, Event, LayerNumber

if TYPE_CHECKING:
    from layertui.model.image import Image
    from layertui.union.model import LayerUnion

MAX_HOLES = 64 << 30
"""Bytes of holes in a file that is hashed: a few bytes of tar can claim 2**63."""
HASHING_THREADS = 2
"""Layers hashed at once."""

_NO_CONTENT = {
    Kind.SYMLINK: "is a symlink",
    Kind.CHAR: "is a character device",
    Kind.BLOCK: "is a block device",
    Kind.DIRECTORY: "is a directory",
    Kind.FIFO: "is a named pipe",
    Kind.SOCKET: "is a socket",
}


class Contents:
    """Reads the contents of a union's events; safe to share between threads.

    A hardlink's event has the content of the file that it links to. A compressed layer is
    decompressed up to the content once; later reads before that start from seek points in
    memory.

    Every method raises :class:`LayertuiError` if the event is not of a file or cannot be read,
    and :class:`~layertui.model.job.Cancelled`.
    """

    def __init__(
        self,
        image: Image,
        indexes: Sequence[LayerIndex],
        union: LayerUnion,
        explain: Callable[[LayertuiError], LayertuiError] = lambda error: error,
    ) -> None:
        """``indexes`` are those of ``union``, base first, perhaps not of all layers of the image.

        ``explain`` returns what to raise when a layer cannot be read; it may take long.
        """
        self._explain = explain
        self._changed: ImageChanged | None = None
        self._layers = LayerReaders(image.layers, indexes)
        self._union = union

    def grow(self, indexes: Sequence[LayerIndex], union: LayerUnion) -> None:
        """Replace the union by one with more layers on top: existing events keep their numbers."""
        self._layers.indexes, self._union = indexes, union

    def read(self, event: Event, offset: int = 0, length: int = -1, job: Job = Job.NONE) -> bytes:
        """Return up to ``length`` bytes from ``offset``, all that follow for -1."""
        file = self._find(event)
        length = max(file.size - offset, 0) if length < 0 else max(min(length, file.size - offset), 0)
        if file.sparse is not None or length > READ_CHUNK:
            return b"".join(self._pieces(file, offset, length, job))
        if not length:
            return b""
        try:
            data = self._layers.source(file).read(file.offset + offset, length, job)
        except Damaged as damage:
            raise self._unreadable(file, str(damage)) from damage
        except LayertuiError as error:
            raise self._cause(error) from error
        if len(data) < length:
            raise self._unreadable(file, "the layer ends in the middle of it")
        return data

    def pieces(self, event: Event, offset: int = 0, length: int = -1, job: Job = Job.NONE) -> Iterator[bytes]:
        """Yield the bytes of :meth:`read` in pieces of at most 1 MiB; before damage, those that are intact."""
        file = self._find(event)
        length = max(file.size - offset, 0) if length < 0 else max(min(length, file.size - offset), 0)
        return self._pieces(file, offset, length, job)

    def open(self, event: Event) -> ContentFile:
        """Return a file object; nothing is read yet."""
        return ContentFile(self, event, self._find(event).size)

    def digest(self, event: Event, job: Job = Job.NONE) -> str:
        """Return the content's digest, ``sha256:`` and hex; cached."""
        return "sha256:" + self._digest(self._find(event), job).hex()

    def same(self, one: Event, other: Event, job: Job = Job.NONE) -> bool:
        """Return whether two events have equal content; files of different sizes are not read."""
        if self._union.ev_inode[one] == self._union.ev_inode[other]:
            return True
        left, right = self._find(one), self._find(other)
        if left.size != right.size:
            return False
        if left.sparse is None and right.sparse is None:
            return self._digest(left, job) == self._digest(right, job)
        # Where both have holes both are zeros, however many bytes of them they claim.
        return all(
            self._alike(left, right, start, min(start + length, left.size), job)
            for start, length in merged_ranges(left.stored_ranges, right.stored_ranges)
        )

    def prepare(self, events: Iterable[Event], job: Job = Job.NONE) -> None:
        """Compute the digests of many contents, reading each layer at most once, front to back.

        Reports bytes of files, from several threads. Skips what has no readable content, for
        which :meth:`digest` raises the reason, and sparse files, which :meth:`same` compares
        without digests.
        """
        from concurrent.futures import ThreadPoolExecutor  # costs as much as a small image

        files: dict[tuple[LayerNumber, EntryNumber], FileExtent] = {}
        for event in events:
            try:
                file = self._find(event)
            except LayertuiError:
                continue
            if file.sparse is None and file.entry not in self._digests(file):
                files[file.layer, file.entry] = file
        ordered = sorted(files.values(), key=lambda file: (file.layer, file.offset))
        layers = [list(group) for _layer, group in groupby(ordered, key=lambda file: file.layer)]
        total = sum(file.size for file in ordered)
        done = [0] * len(layers)
        part = job.part()  # cancelled when a thread fails, so that the others end

        def work(number: int) -> None:
            for size in self._hash_layer(layers[number], part):
                done[number] += size
                job.report(sum(done), total)

        with ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="contents") as pool:
            try:
                for _ in pool.map(work, range(len(layers))):
                    pass
            finally:
                part.cancel()

    def in_order(
        self, events: Iterable[Event], job: Job = Job.NONE
    ) -> Iterator[tuple[Event, Iterator[bytes]]]:
        """Yield events with their contents in pieces, reading each layer once, front to back.

        An event's pieces must be consumed, all or some, before the next event. Iterating over
        them raises as :meth:`pieces` does.
        """
        read_layer = EMPTY
        cursor: Cursor | None = None
        for event in sorted(events, key=self._place):
            try:
                file = self._find(event)
                if file.layer != read_layer:
                    read_layer, cursor = file.layer, None
                    cursor = self._layers.cursor(file)
            except LayertuiError as error:
                yield event, _failing(self._cause(error))
            except Damaged as damage:
                yield event, _failing(self._unreadable(file, str(damage)))
            else:
                yield event, self._pieces(file, 0, file.size, job, cursor)

    def batches(self, events: Iterable[Event], job: Job = Job.NONE) -> Iterator[ContentBatch[Event]]:
        """Yield the contents of events of one layer in few batches, reading it once, front to back.

        Skips what is not a file, cannot be read, or is stored after damage.
        """
        for batch in self.streams(events, job):
            if not isinstance(batch, LargeFile):
                yield batch
                continue
            with suppress(LayertuiError):
                data = b"".join(self.pieces(batch.event, job=job))
                yield ContentBatch(data, [(batch.event, 0, batch.size)])

    def streams(
        self, events: Iterable[Event], job: Job = Job.NONE
    ) -> Iterator[ContentBatch[Event] | LargeFile]:
        """Yield contents as :meth:`batches`, but files larger than a batch unread; reading these may fail."""
        files: list[tuple[FileExtent, Event]] = []
        empty: list[tuple[Event, int, int]] = []
        for event in events:
            try:
                file = self._find(event)
            except LayertuiError:
                continue
            if (content := self._layers.captured(file)) is not None:
                yield ContentBatch(content, [(event, 0, file.size)])
            elif not file.size:
                empty.append((event, 0, 0))
            else:
                files.append((file, event))
        job.check()
        if empty:
            yield ContentBatch(b"", empty)
        files.sort(key=lambda item: item[0].offset)
        is_tar = bool(files) and files[0][0].layer not in self._layers.unpacked
        cursor: Cursor | None = None
        for group in coalesce(files) if is_tar else ([item] for item in files):
            first, last = group[0][0], group[-1][0]
            read: list[bytes] = []
            damage = None
            try:
                cursor = cursor or self._layers.cursor(first)
                if len(group) == 1 and first.size > MAX_READ:
                    pieces = in_pieces(self._stored_pieces(first, job, cursor))
                    yield LargeFile(group[0][1], first.size, pieces)
                    continue
                if cursor is None or len(group) == 1:
                    read.extend(self._pieces(first, 0, first.size, job, cursor))
                else:
                    read.extend(cursor.pieces(first.offset, last.end - first.offset, job))
            except (LayertuiError, Damaged) as error:
                damage = error
            data = b"".join(read)
            placed = [
                (event, file.offset - first.offset, file.offset - first.offset + file.size)
                for file, event in group
            ]
            yield ContentBatch(data, [place for place in placed if place[2] <= len(data)])
            if damage is not None and is_tar:
                return

    def stored_ranges(self, event: Event) -> Sequence[tuple[int, int]]:
        """Return the ranges of a file that are stored, as (offset, length); the rest reads as zeros."""
        return self._find(event).stored_ranges

    def read_all(self, events: Iterable[Event], job: Job = Job.NONE) -> dict[Event, bytes]:
        """Return the contents of events of one layer, but for those that :meth:`batches` skips."""
        return {
            event: batch.data[start:end]
            for batch in self.batches(events, job)
            for event, start, end in batch.files
        }

    # Inside

    def _hash_layer(self, files: Sequence[FileExtent], job: Job) -> Iterator[int]:
        """Hash files of one layer in the order of the tar; yield the bytes of those of each read."""
        try:
            cursor = self._layers.cursor(files[0])
            items = [(file, NO_EVENT) for file in files]
            for group in coalesce(items) if cursor is not None else ([item] for item in items):
                job.check()
                first, last = group[0][0], group[-1][0]
                if cursor is None or len(group) == 1:
                    self._hash(first, self._pieces(first, 0, first.size, job, cursor))
                else:
                    read = cursor.pieces(first.offset, last.end - first.offset, job)
                    data = memoryview(b"".join(read))
                    if len(data) < last.end - first.offset:
                        return  # digest() reads each again, and raises for those that are missing
                    for file, _ in group:
                        self._hash(file, (data[file.offset - first.offset : file.end - first.offset],))
                yield sum(file.size for file, _ in group)
        except (LayertuiError, Damaged):
            return  # nothing after the damage can be read

    def _digest(self, file: FileExtent, job: Job) -> bytes:
        known = self._digests(file).get(file.entry)
        if known is not None:
            return known
        holes = file.size - sum(length for _start, length in file.stored_ranges)
        if holes > MAX_HOLES:
            raise LayertuiError(f"no digest of {file.path}", f"it claims {holes:,} bytes of zeros")
        return self._hash(file, self._pieces(file, 0, file.size, job))

    def _hash(self, file: FileExtent, pieces: Iterable[bytes | memoryview]) -> bytes:
        known = self._digests(file)[file.entry] = content_hash(pieces)
        return known

    def _digests(self, file: FileExtent) -> dict[int, bytes]:
        """Return the known digests of a file's layer, by entry."""
        return self._layers.indexes[file.layer - 1].digests

    def _alike(self, left: FileExtent, right: FileExtent, start: int, end: int, job: Job) -> bool:
        while start < end:
            length = min(end - start, READ_CHUNK)
            one, other = (b"".join(self._pieces(file, start, length, job)) for file in (left, right))
            if one != other:
                return False
            start += length
        return True

    def _place(self, event: Event) -> tuple[int, int]:
        """Return layer and offset, the sort key for the order in which contents are stored."""
        inode = self._union.ev_inode[event]
        if self._union.ev_entry[inode] < 0:
            return 0, 0  # nothing is stored
        layer, entry = self._entry(inode)
        return layer, self._layers.indexes[layer - 1].offset[entry]

    def _find(self, event: Event) -> FileExtent:
        """Return the extent of an event's content, for a hardlink that of the file it links to."""
        union = self._union
        if event < 0:
            raise LayertuiError("no such path", "no layer stores it")
        path = union.path(union.ev_node[event])
        kind = union.ev_kind[event]
        if not union.shows(event):
            raise LayertuiError(f"no {path}", f"layer {union.ev_layer[event]} deletes it")
        inode = union.ev_inode[event]
        layer, entry = self._entry(inode)
        index = self._layers.indexes[layer - 1]
        if kind == Kind.HARDLINK:
            target = path_of(index.links[index.link[entry]])
            raise LayertuiError(f"cannot read {path}", f"it is a hardlink to {target}, which is not there")
        if kind != Kind.FILE:
            raise LayertuiError(f"cannot read {path}", f"it {_NO_CONTENT[Kind(kind)]}")
        if layer in self._layers.unpacked:  # a whole file, holes included
            return FileExtent(path, layer, entry, index.size[entry], 0, None)
        extra = index.extra.get(entry)
        file = FileExtent(
            path, layer, entry, index.size[entry], index.offset[entry], extra.sparse if extra else None
        )
        if extra and extra.sparse is not None and (wrong := sparse_map_error(extra.sparse, extra.stored)):
            raise self._unreadable(file, wrong)
        return file

    def _entry(self, inode: Event) -> tuple[LayerNumber, EntryNumber]:
        """Return the layer that stores an event's content, and the number of its entry there."""
        return self._union.ev_layer[inode], self._union.ev_entry[inode]

    def _name(self, layer: LayerNumber) -> str:
        """Return the name of a layer for messages."""
        return f"layer {layer}"

    def _cause(self, error: LayertuiError) -> LayertuiError:
        """Return what keeps a layer from being read."""
        cause = self._changed or self._explain(error)
        if isinstance(cause, ImageChanged):
            self._changed = cause
        return cause

    def _unreadable(self, file: FileExtent, why: str) -> LayertuiError:
        return LayertuiError(f"cannot read {file.path} of {self._name(file.layer)}", why)

    def _stored_pieces(self, file: FileExtent, job: Job, cursor: Cursor | None) -> Iterator[bytes]:
        """Yield what is stored of a file, each hole as one zero."""
        if file.sparse is None:
            yield from self._pieces(file, 0, file.size, job, cursor)
            return
        place = 0
        for _, length in file.sparse:
            dense = replace(file, offset=file.offset + place, size=length, sparse=None)
            yield from self._pieces(dense, 0, length, job, cursor)
            yield b"\0"
            place += length

    def _pieces(
        self, file: FileExtent, offset: int, length: int, job: Job, cursor: Cursor | None = None
    ) -> Iterator[bytes]:
        """Yield a part of a file, which must be within its size; holes as zeros."""
        if length <= 0:
            return
        try:
            source = cursor or self._layers.source(file)
            for part in segments(file.stored_ranges, offset, offset + length):
                if part.stored < 0:
                    for zeros in zeros_of(part.length):
                        job.check()
                        yield zeros
                    continue
                missing = part.length
                for piece in source.pieces(file.offset + part.stored, part.length, job):
                    missing -= len(piece)
                    yield piece
                if missing:
                    raise self._unreadable(file, "the layer ends in the middle of it")
        except Damaged as damage:
            raise self._unreadable(file, str(damage)) from damage
        except LayertuiError as error:
            raise self._cause(error) from error


class ContentFile(io.RawIOBase):
    """A seekable binary file over a content; reads on demand, without loading the file or its layer.

    A read that reaches damage returns the bytes before it, and the next one raises
    :class:`LayertuiError`. Not safe to share between threads.
    """

    def __init__(self, contents: Contents, event: Event, size: int) -> None:
        super().__init__()
        self.size = size
        """Bytes."""
        self._contents = contents
        self._event = event
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def pread(self, length: int, offset: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``, less only at the end; the position stays."""
        return self._contents.read(self._event, offset, length)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        done = 0
        try:
            for piece in self._contents.pieces(self._event, self._position, len(view)):
                view[done : done + len(piece)] = piece
                done += len(piece)
        except LayertuiError:
            if not done:
                raise
        self._position += done
        return done


def _failing(error: LayertuiError) -> Iterator[bytes]:
    """Return an iterator that raises."""
    raise error
    yield b""
