"""Tools on cases: run a command on an image, and see what it made of it."""

import os
import shlex
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from conformance.case import REFUSED, Answer, Case, Tree, write_image

SECONDS = 120
"""That a tool may take for a case of some hundred bytes."""


def answer(tool: str, case: Case) -> tuple[Answer, str]:
    """Return what a tool makes of a case, and the last line that it wrote to stderr.

    A command with ``{out}`` has to unpack the image there; another one prints paths, one a line, after a tab also what
    is there. A status other than 0 means that it refuses the image.

    Raises:
        subprocess.TimeoutExpired: it takes over :data:`SECONDS`.
    """
    with _directory() as directory:
        write_image(case, directory)
        out = directory / "out"
        places = {
            "{image}": f"{directory}/layout:1",
            "{archive}": f"{directory}/archive.tar",
            "{out}": str(out),
        }
        words = shlex.split(tool)
        for place, value in places.items():
            words = [word.replace(place, value) for word in words]
        done = subprocess.run(words, capture_output=True, timeout=SECONDS, check=False)
        said = done.stderr.decode(errors="backslashreplace").strip().splitlines()[-1:]
        if done.returncode != 0:
            return REFUSED, "".join(said)
        if "{out}" in tool:
            return tree_of(out), ""
        rows = (line.partition("\t") for line in done.stdout.decode(errors="backslashreplace").splitlines())
        named = ((path.removeprefix(".").strip("/"), kind) for path, _, kind in rows)
        return {f"/{path}": kind for path, kind in named if path}, ""


@contextmanager
def _directory() -> Iterator[Path]:
    """Make a directory for a while, in whose name engines see no malformed name of an image, as with ``-_``."""
    directory = Path(tempfile.gettempdir(), f"conformance-{token_hex(8)}")
    directory.mkdir(mode=0o700)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def is_same(one: Answer, other: Answer) -> bool:
    """Return whether two answers agree; of trees without kinds, only the paths are compared."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    if any(not kind for kind in (*one.values(), *other.values())):
        return one.keys() == other.keys()
    return one == other


def tree_of(root: Path) -> Tree:
    """Return what is at each path below a directory; a file's further names are hardlinks to the first."""
    tree: Tree = {}
    first: dict[tuple[int, int], str] = {}
    paths: list[str] = []
    for directory, directories, files in os.walk(root, onerror=_fail):
        paths += [f"{directory}/{name}" for name in (*directories, *files)]
    for path in sorted(paths):
        status = os.lstat(path)
        name = _text(path.removeprefix(str(root)))
        link = first.setdefault((status.st_dev, status.st_ino), name)
        tree[name] = _kind(path, status) if link == name else f"hardlink {link}"
    return tree


def _kind(path: str, status: os.stat_result) -> str:
    match stat.S_IFMT(status.st_mode):
        case stat.S_IFREG:
            content = Path(path).read_bytes().decode(errors="backslashreplace")
            return f"file {content}" if content else "file"
        case stat.S_IFLNK:
            return f"symlink {_text(os.readlink(path))}"  # noqa: PTH115 (a Path tidies it up)
        case stat.S_IFDIR:
            return "directory"
        case stat.S_IFIFO:
            return "fifo"
        case stat.S_IFCHR | stat.S_IFBLK as kind:
            word = "char" if kind == stat.S_IFCHR else "block"
            return f"{word} {os.major(status.st_rdev)},{os.minor(status.st_rdev)}"
    return "socket"


def _fail(error: OSError) -> None:
    raise error


def _text(path: str) -> str:
    return os.fsencode(path).decode(errors="backslashreplace")
