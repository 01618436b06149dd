"""Write a selection to a directory, and nothing outside of it.

No symlink is followed, whether it existed before, comes from the image, or is created by
somebody else in the meantime. A file gets its name when it is complete.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from layertui.content.extract.naming import UnnamedFile, make_empty, path_of_descriptor, put
from layertui.content.extract.obstacles import refuse
from layertui.content.extract.selection import LeftOut, Selection
from layertui.content.read import Contents
from layertui.layers.unpacked.safe_open import Beneath
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import Kind, path_of
from layertui.model.numbers import Event
from layertui.text.format import count_text

_NOT_TAKEN = {errno.ENAMETOOLONG, errno.EFBIG, errno.EILSEQ, errno.EINVAL, errno.EPERM, errno.EOPNOTSUPP}
"""Errors about a single name, size or type, which a file system may not support."""
_SAFE_BITS = 0o1777
"""Without the original owner, setuid and setgid would grant the rights of the extracting user."""


class Extraction:
    """The extraction of a selection to a directory, which is created if it does not exist."""

    def __init__(
        self,
        selection: Selection,
        contents: Contents,
        destination: Path,
        owner: bool = False,
        force: bool = False,
    ) -> None:
        """``owner`` keeps owners, setuid bits, xattrs and devices; ``force`` replaces files."""
        self.files = 0
        """Files written so far, hardlinks included."""
        self.bytes = 0
        """Bytes of contents written so far."""
        self.left_out: list[LeftOut] = []
        self._selection = selection
        self._union = selection.union
        self._contents = contents
        self._destination = destination
        self._owner = owner
        self._force = force
        self._made: list[Event] = []  # directories that still need their metadata
        self._absent: set[bytes] = set()  # keys of what could not be created

    def run(self, job: Job = Job.NONE) -> None:
        """Write all of it; what cannot be read is ``left_out``. Reports bytes.

        Raises :class:`~layertui.content.extract.obstacles.InTheWay` before anything is written,
        :class:`LayertuiError` if the directory cannot be written to, and :class:`Cancelled`: what
        was written until then is complete.
        """
        if os.stat not in os.supports_dir_fd:  # needed to follow no symlink out of the directory
            raise LayertuiError(
                f"cannot write into {self._destination}",
                "this system lacks openat(2)",
                "extract to - writes a tar",
            )
        try:
            refuse(self._selection, self._destination, self._force, job)
            self._destination.mkdir(parents=True, exist_ok=True)
            self._beneath = Beneath(self._destination)
        except OSError as error:
            raise LayertuiError(f"cannot write into {self._destination}", _why(error)) from error
        with closing(self._beneath):
            try:
                self._write(job)
            finally:
                self._finish()

    def _write(self, job: Job) -> None:
        key_of, files = self._selection.key, []
        for event in self._selection.events:
            job.check()
            kind = self._union.ev_kind[event]
            if kind in (Kind.FILE, Kind.HARDLINK):  # the latter are dangling
                files.append(event)
                continue
            with self._attempt(key_of(event)) as key:
                if kind == Kind.DIRECTORY:
                    self._make_directory(key, event)
                else:
                    self._make_special(key, event)
        for event, pieces in self._contents.in_order(files, job):
            with self._attempt(key_of(event)) as key:
                self._make_file(key, event, pieces, job)
        for event, first in self._selection.links:
            job.check()
            with self._attempt(key_of(event)) as key:
                self._link(key, key_of(first))
                self.files += self._union.ev_kind[event] == Kind.FILE
        for marker in self._selection.whiteouts:
            with self._attempt(marker) as key:
                self._put(key, make_empty)

    @contextmanager
    def _attempt(self, key: bytes) -> Iterator[bytes]:
        """Run the creation of a key; on an error that concerns only this one, leave it out."""
        is_usual = False
        try:
            yield key
            return
        except _Stopped:
            raise
        except _Skipped as skipped:
            why, is_usual = str(skipped), True
        except LayertuiError as error:
            why = error.why
        except ValueError:
            why = "its name leads elsewhere"
        except OSError as error:
            if key.rpartition(b"\0")[0] in self._absent:
                why = "its directory could not be made"
            elif error.errno in _NOT_TAKEN:
                why = _why(error)
            else:
                raise self._stopped(f"cannot write {self._destination}{path_of(key)}", error) from error
        self._absent.add(key)
        self.left_out.append(LeftOut(self._selection.path(key), why, is_usual))

    def _stopped(self, what: str, error: OSError, remedy: str = "") -> _Stopped:
        behind = f"{self.files:,} of {count_text(self._selection.files, 'file')} are written"
        return _Stopped(what, _why(error), f"{remedy}, {behind}" if remedy else behind)

    def _make_directory(self, key: bytes, event: Event) -> None:
        directory, name = self._beneath.place(key)
        try:
            os.mkdir(name, 0o700, dir_fd=directory)
        except FileExistsError:
            os.close(self._beneath.open(key))  # raises if it is not a directory
            if not self._force:
                return
        self._made.append(event)

    def _make_special(self, key: bytes, event: Event) -> None:
        """Create a symlink, named pipe or device."""
        kind = self._union.ev_kind[event]
        if kind == Kind.SOCKET:
            raise _Skipped("it is a socket, which only the program that made it can use")
        if kind in (Kind.CHAR, Kind.BLOCK) and not self._owner:
            raise _Skipped("it is a device, and those are made only where owners are kept")
        device = self._union.entry(event).device or (0, 0)

        def make(name: bytes, directory: int) -> None:
            if kind == Kind.SYMLINK:
                os.symlink(self._union.linkname(event) or b"", name, dir_fd=directory)
            elif kind == Kind.FIFO:
                os.mkfifo(name, 0o600, dir_fd=directory)
            else:
                type_ = stat.S_IFCHR if kind == Kind.CHAR else stat.S_IFBLK
                os.mknod(name, type_ | 0o600, os.makedev(*device), dir_fd=directory)
            # O_PATH: opening a pipe could block, opening a device could have side effects.
            descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
            try:
                self._dress(event, path_of_descriptor(descriptor))
            finally:
                os.close(descriptor)

        self._put(key, make)

    def _make_file(self, key: bytes, event: Event, pieces: Iterator[bytes], job: Job) -> None:
        size, stretches = self._union.size(event), self._contents.stored_ranges(event)
        directory, _ = self._beneath.place(key)
        file = UnnamedFile(directory)
        try:
            os.ftruncate(file.descriptor, size)
            if tuple(stretches) == ((0, size),):
                self._fill(file.descriptor, 0, pieces, job)
            else:
                for start, length in stretches:
                    stored = self._contents.pieces(event, start, length, job)
                    self._fill(file.descriptor, start, stored, job)
            self._dress(event, file.descriptor)
            self._put(key, file.name)
        finally:
            file.close()
        self.files += 1
        self.bytes += size

    def _fill(self, descriptor: int, offset: int, pieces: Iterator[bytes], job: Job) -> None:
        """Write pieces from an offset on; skip zeros, so that they stay holes."""
        for piece in pieces:
            if piece.strip(b"\0"):
                _write(descriptor, piece, offset)
            offset += len(piece)
            job.report(self.bytes + offset, self._selection.size)

    def _link(self, key: bytes, first: bytes) -> None:
        if first in self._absent:
            raise LayertuiError(
                "", f"it is the same file as {self._selection.path(first)}, which is left out"
            )
        above, target = self._beneath.place(first)
        above = os.dup(above)
        try:
            self._put(
                key,
                lambda name, directory: os.link(
                    target, name, src_dir_fd=above, dst_dir_fd=directory, follow_symlinks=False
                ),
            )
        finally:
            os.close(above)

    def _finish(self) -> None:
        """Set the metadata of directories, deepest first: it may make them read-only."""
        for event in reversed(self._made):
            with suppress(OSError):
                descriptor = self._beneath.open(self._selection.key(event))
                try:
                    self._dress(event, descriptor)
                finally:
                    os.close(descriptor)

    def _put(self, key: bytes, make: Callable[[bytes, int], None]) -> None:
        put(*self._beneath.place(key), make, self._force)

    def _dress(self, event: Event, target: int | str) -> None:
        """Set the metadata of an event on a descriptor or path; report what cannot be kept."""
        entry = self._union.entry(event)
        if self._owner:
            with self._keep(entry.path, f"owner {entry.uid}:{entry.gid}"):
                try:
                    os.chown(target, entry.uid, entry.gid)
                except PermissionError as error:
                    what = f"cannot give files to {entry.uid}:{entry.gid}"
                    raise self._stopped(what, error, "only root can") from error
        if entry.type != "symlink":
            with self._keep(entry.path, f"mode {entry.mode:04o}"):  # after chown(2), which clears setuid bits
                os.chmod(target, entry.mode if self._owner else entry.mode & _SAFE_BITS)  # noqa: PTH101 (a descriptor)
        for name, value in entry.xattrs.items() if self._owner else ():
            with self._keep(entry.path, f"attribute {name}"):
                os.setxattr(target, os.fsencode(name), value)
        if not entry.implied:
            with self._keep(entry.path, "time"):
                when = entry.mtime * 1_000_000_000 + entry.mtime_ns
                os.utime(target, ns=(when, when))

    @contextmanager
    def _keep(self, path: str, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, OverflowError) as error:
            self.left_out.append(LeftOut(path, f"{what} is not kept: {_why(error)}"))


class _Stopped(LayertuiError):
    """The extraction cannot continue."""


class _Skipped(Exception):
    """A path is left out, as expected."""


def _write(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _why(error: OSError | OverflowError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
