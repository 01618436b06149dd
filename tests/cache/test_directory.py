"""Files are complete or unchanged, locks exclude each other, eviction spares what is in use."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from layertui.cache import directory
from layertui.cache.directory import atomic_write, evict, lock, new_file, save, use
from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from tests.waiting import SECONDS

WRITE = """
import sys
from pathlib import Path
from layertui.cache.directory import new_file
with new_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("begun", flush=True)
    sys.stdin.read()
"""
HOLD = """
import sys
from pathlib import Path
from layertui.cache.directory import lock
with lock(Path(sys.argv[1]), "a"):
    print("begun", flush=True)
    sys.stdin.read()
"""


@contextmanager
def process(code: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process as far as it prints that it has begun; kill it in the end."""
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        try:
            assert started.stdout and started.stdout.readline() == b"begun\n"
            yield started
        finally:
            started.kill()


def hidden(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def entry(path: Path, used: float) -> None:
    """An entry of 10 bytes that was used ``used`` seconds ago."""
    path.write_bytes(bytes(10))
    then = time.time() - used
    os.utime(path, (then, then))


# Writing


def test_a_file_is_replaced(tmp_path: Path) -> None:
    for data in (b"one", b"two"):
        save(tmp_path / "a", data)
        assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", data)]


def test_modes(tmp_path: Path) -> None:
    """The cache is private; a file of the user's is as any other that the user writes."""
    mask = os.umask(0o022)
    try:
        save(tmp_path / "a", b"")
        atomic_write(tmp_path / "b", b"")
    finally:
        os.umask(mask)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "ab"] == [0o644, 0o600]


def test_a_symlink_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    save(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"x"


def test_what_is_no_regular_file_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    save(tmp_path / "pipe", b"x")
    reader.join(SECONDS)
    assert read == [b"x"] and (tmp_path / "pipe").is_fifo()


def test_what_cannot_be_written_leaves_the_file_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a", b"one")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(LayertuiError, match=r"cannot write .*/a, No space left on device"):
            save(tmp_path / "a", b"two")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"one")]
    with pytest.raises(LayertuiError, match="Is a directory"):
        save(tmp_path, b"x")


def test_a_new_file_that_is_deleted_before_it_is_locked_is_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To an eviction at that moment it looks abandoned."""
    flock = fcntl.flock
    deleted: list[Path] = []

    def late(descriptor: int, operation: int) -> None:
        if not deleted:
            deleted.extend(hidden(tmp_path))
            evict(tmp_path, 0, tmp_path)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    atomic_write(tmp_path / "a", b"one")
    assert deleted and (tmp_path / "a").read_bytes() == b"one" and entries(tmp_path) == ["a"]


# Locks


def test_a_lock_is_held_by_one_thread_at_a_time_and_leaves_nothing(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with lock(tmp_path, "a"):
                inside += 1
                most = max(most, inside)
                time.sleep(0.0002)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1) and not entries(tmp_path)


def test_two_locks_do_not_exclude_each_other(tmp_path: Path) -> None:
    with lock(tmp_path, "a"), lock(tmp_path, "b"):
        assert len(hidden(tmp_path)) == 2
    assert not entries(tmp_path)


def test_a_killed_process_releases_its_lock(tmp_path: Path) -> None:
    with process(HOLD, tmp_path) as holder:
        job = Job()
        job.cancel()
        with pytest.raises(Cancelled), lock(tmp_path, "a", job):
            pytest.fail("is held by two")
        holder.kill()
        holder.wait()
        with lock(tmp_path, "a"):
            assert len(hidden(tmp_path)) == 1
    assert not entries(tmp_path)


def test_nobody_waits_for_a_stopped_process(tmp_path: Path) -> None:
    """It may never go on; the work is then done twice, which is not wrong."""
    with process(HOLD, tmp_path) as holder:
        holder.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, holder.pid, os.WSTOPPED | os.WNOWAIT)
        with lock(tmp_path, "a"):
            pass
        assert len(hidden(tmp_path)) == 1  # it is still that of the stopped process


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_filesystem_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with lock(tmp_path, "a"), lock(tmp_path, "a"), new_file(tmp_path) as file:
        evict(tmp_path, 0, tmp_path)
        file.publish(tmp_path / "key")
    assert entries(tmp_path) == ["key"]


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError), lock(tmp_path / "file", "a"):
        pass


# Eviction


def test_the_longest_unused_are_evicted(tmp_path: Path) -> None:
    for name, used in (("a", 300), ("b", 500), ("c", 100), ("d", 400)):
        entry(tmp_path / name, used)
    evict(tmp_path, 25, tmp_path / "e")
    assert entries(tmp_path) == ["a", "c"]
    evict(tmp_path, 20, tmp_path / "e")
    assert entries(tmp_path) == ["a", "c"]


def test_use_counts_and_leaves_the_modification_time(tmp_path: Path) -> None:
    for name, used in (("a", 500), ("b", 400)):
        entry(tmp_path / name, used)
    modified = (tmp_path / "a").stat().st_mtime_ns
    assert use(tmp_path / "a") and not use(tmp_path / "none")
    evict(tmp_path, 10, tmp_path / "e")
    assert entries(tmp_path) == ["a"] and (tmp_path / "a").stat().st_mtime_ns == modified


def test_what_was_just_written_is_kept(tmp_path: Path) -> None:
    """By this process whatever its time, by another for as long as it may need to open it."""
    for name, used in (("mine", 500), ("theirs", 1), ("old", 100)):
        entry(tmp_path / name, used)
    evict(tmp_path, 0, tmp_path / "mine")
    assert entries(tmp_path) == ["mine", "theirs"]


def test_a_time_in_the_future_is_no_protection(tmp_path: Path) -> None:
    entry(tmp_path / "a", -3600)
    evict(tmp_path, 0, tmp_path / "b")
    assert not entries(tmp_path)


def test_another_process_may_delete_the_same_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        entry(tmp_path / f"{number}", 500 - number)

    class Vanishing:
        """An entry that is deleted before it is looked at."""

        def __init__(self, found: os.DirEntry[str]) -> None:
            self.name, self.path = found.name, found.path
            if found.name == "1":
                Path(found.path).unlink()
            self.stat = found.stat

    @contextmanager
    def scan(folder: Path) -> Iterator[Iterator[Vanishing]]:
        with os_scandir(folder) as found:
            yield map(Vanishing, found)

    os_scandir = os.scandir
    monkeypatch.setattr(os, "scandir", scan)
    unlink = Path.unlink

    def twice(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        unlink(path, missing_ok)  # as if another had been quicker

    monkeypatch.setattr(Path, "unlink", twice)
    evict(tmp_path, 20, tmp_path / "none")
    assert entries(tmp_path) == ["3", "4"]


def test_eviction_of_a_folder_that_is_deleted_is_no_error(tmp_path: Path) -> None:
    evict(tmp_path / "none", 0, tmp_path / "none/a")


def test_what_a_killed_process_left_is_deleted_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    with process(WRITE, tmp_path) as writer:
        (path,) = hidden(tmp_path)
        entry(path, 3600)
        evict(tmp_path, 0, tmp_path / "a")
        assert hidden(tmp_path) == [path]
        writer.kill()
        writer.wait()
        assert hidden(tmp_path) == [path]
        evict(tmp_path, 0, tmp_path / "a")
        assert not entries(tmp_path)


def test_the_lock_of_a_killed_process_is_deleted_and_a_held_one_is_not(tmp_path: Path) -> None:
    with process(HOLD, tmp_path) as holder:
        evict(tmp_path, 0, tmp_path / "a")
        assert len(hidden(tmp_path)) == 1
        holder.kill()
        holder.wait()
        evict(tmp_path, 0, tmp_path / "a")
        assert not entries(tmp_path)


def test_eviction_takes_no_lock_from_who_waits_for_it(tmp_path: Path) -> None:
    """Threads that evict all the time, and threads that lock: one at a time gets through."""
    stop = threading.Event()
    inside, most = 0, 0

    def evicting() -> None:
        while not stop.is_set():
            evict(tmp_path, 0, tmp_path / "a")

    def locking() -> None:
        nonlocal inside, most
        for _ in range(50):
            with lock(tmp_path, "a"):
                inside += 1
                most = max(most, inside)
                time.sleep(0.0002)
                inside -= 1

    evictor = threading.Thread(target=evicting)
    lockers = [threading.Thread(target=locking) for _ in range(3)]
    for thread in (evictor, *lockers):
        thread.start()
    for thread in lockers:
        thread.join()
    stop.set()
    evictor.join()
    assert (inside, most) == (0, 1) and not entries(tmp_path)


def test_the_directory_is_that_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert directory.cache_directory() == tmp_path / "layertui"


def test_a_lock_does_not_follow_a_symlink(tmp_path: Path) -> None:
    """What it leads to would be overwritten with the process ID."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    with lock(tmp_path, "key"):
        (name,) = [path.name for path in tmp_path.iterdir() if path != victim]
    (tmp_path / name).symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"), lock(tmp_path, "key"):
        pass
    assert victim.read_bytes() == b"precious"
