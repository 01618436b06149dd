"""Runs of the worker process without a client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import IO, Any

from layertui.model.identity import Identity, identity_of
from layertui.sources import open_image
from layertui.worker.protocol import Frame, Message, Sender, receive


def pin(reference: str) -> Identity:
    """What a reference names now."""
    return identity_of(open_image(reference))


def start(request: Message, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """A worker with its request; ``arguments`` are for Python, in place of the worker's module."""
    process = subprocess.Popen(
        [sys.executable, *(arguments or ("-m", "layertui.worker.main"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **options,
    )
    assert process.stdin is not None
    with process.stdin as requests:
        Sender(requests.fileno()).send(request)
    return process


def frames(stream: IO[bytes] | None) -> Iterator[Frame]:
    assert stream is not None
    return iter(partial(receive, stream), None)


def run(request: Message) -> list[Frame]:
    """All frames of a worker that ends well."""
    with start(request, stderr=subprocess.PIPE) as process:
        sent = list(frames(process.stdout))
        assert process.stderr is not None and process.stderr.read() == b""
    assert process.returncode == 0
    return sent
