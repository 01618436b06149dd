"""Other tools that list the same images: each is one entry of ``PEERS``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.bench.data import Sample
from tests.bench.measure import Program, one_after_the_other

TARFILE = """
import sys, tarfile
for name in sys.argv[2:]:
    with tarfile.open(name, sys.argv[1]) as tar:
        for member in tar:
            tar.members.clear()
"""


@dataclass(frozen=True)
class Peer:
    """A tool, and how it reads the entries of all layers of an image without a terminal."""

    name: str
    """As in the tables and in ``make bench PEERS=…``."""
    command: Callable[[Sample], Sequence[str | os.PathLike[str]]]
    install: str
    """How to get it."""
    program: str = ""
    """What has to be in the PATH; the name if empty."""
    compressions: tuple[str, ...] = ("", "gzip", "zstd")
    """Of the layers that it reads."""
    entries: int = 1 << 62
    """Of an image at most: with more it would take minutes."""
    once: bool = False
    """Whether it is too slow for more than one run."""

    @property
    def is_installed(self) -> bool:
        return shutil.which(self.program or self.name) is not None

    def reads(self, sample: Sample) -> bool:
        return sample.shape.compression in self.compressions and sample.entries <= self.entries

    def on(self, sample: Sample) -> Program:
        return Program(self.name, self.command(sample), once=self.once)


PEERS = (
    Peer(
        "bsdtar",
        lambda sample: one_after_the_other(["bsdtar", "-tf"], sample.blobs),
        "install your distribution's libarchive-tools",
    ),
    Peer(
        "tar",
        lambda sample: one_after_the_other(["tar", "-tf"], sample.blobs),
        "install your distribution's tar",
        compressions=("gzip", "zstd"),  # what others are compared with where layers are plain
    ),
    Peer(
        "tarfile",
        # Each the faster one.
        lambda sample: [
            sys.executable, "-c", TARFILE, "r|*" if sample.shape.compression else "r:", *sample.blobs
        ],
        "it comes with Python",
        program=sys.executable,
        compressions=("", "gzip"),  # zstd from Python 3.14 on
        once=True,
    ),
    Peer(
        "dive",
        lambda sample: ["dive", f"docker-archive://{sample.docker_archive()}", "--json", os.devnull],
        "go install github.com/wagoodman/dive@v0.13.1",
        compressions=("", "gzip"),
        entries=100_000,
        once=True,
    ),
    Peer(
        "layerx",
        lambda sample: ["layerx", "--json", os.devnull, sample.docker_archive()],
        "go install github.com/deveshctl/layerx@latest",
        compressions=("", "gzip"),
        entries=100_000,
        once=True,
    ),
)  # fmt: skip


def peers_named(names: Iterable[str]) -> tuple[Peer, ...]:
    """Return the tools of these names, all that are installed if there are none. Raises ``ValueError``."""
    known, wanted = {peer.name: peer for peer in PEERS}, list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"unknown tool: {', '.join(unknown)}; known are {', '.join(known)}")
    for name in wanted:
        if not known[name].is_installed:
            raise ValueError(f"{name} is not installed: {known[name].install}")
    return tuple(known[name] for name in wanted) or tuple(peer for peer in PEERS if peer.is_installed)
