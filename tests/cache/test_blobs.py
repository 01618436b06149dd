"""Blobs kept by digest."""

import os
import subprocess
import sys
import time
from pathlib import Path

from layertui.cache.blobs import BlobCache
from tests.layouts import digest

BEGIN = """
import sys
from pathlib import Path
from layertui.cache.blobs import BlobCache
with BlobCache(Path(sys.argv[1])).writer() as writer:
    writer.write(b"half")
    writer.flush()
    print("begun", flush=True)
    sys.stdin.read()
"""


def unfinished(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout and process.stdout.readline() == b"begun\n"
    (path,) = unfinished(tmp_path)
    past = time.time() - 3600
    os.utime(path, (past, past))
    cache.put(digest(b"one"), b"one")
    assert unfinished(tmp_path) == [path]
    process.kill()
    process.communicate()
    cache.put(digest(b"two"), b"two")
    assert unfinished(tmp_path) == []
    assert cache.get(digest(b"one")) and cache.get(digest(b"two"))
