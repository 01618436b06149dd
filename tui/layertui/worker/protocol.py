"""Messages between the app and a worker process: one request, then frames, the last of them final.

On the wire a message is its length (four bytes, little endian) and its payload: msgpack, or JSON
where a text contains lone surrogates (paths that are not UTF-8), which msgpack cannot encode. The pieces of a union
follow theirs.
"""

import json
import os
import threading
from collections.abc import Iterable
from typing import IO, Any

import msgspec

from layertui.content.query import LineMatch, Query
from layertui.find.found import FoundDigest, FoundLine, FoundPackage, FoundPath
from layertui.insight.tally import Finding, Survey
from layertui.model.errors import ImageChanged, LayertuiError
from layertui.model.identity import Identity
from layertui.model.numbers import LayerNumber
from layertui.model.sizes import Bytes

_LENGTH = 4
"""Bytes of the length in front of a payload."""


class Message(msgspec.Struct, array_like=True, tag=True):
    """Base of everything sent; on the wire an array that starts with the name of its class."""


class FinalFrame(Message):
    """Base of the frames that no other follows."""


class Request(Message):
    """Base of what is asked for."""


class FindRequest(Request):
    """Send what matches in many images."""

    images: list[str]
    """The references that open them."""
    platform: str | None
    cache: bool
    """Whether to use the cache of indexes and unions."""
    kind: str
    """See :data:`layertui.find.asking.FIND_KINDS`."""
    pattern: str


class ImageRequest(Request):
    """An image, and what to do with it."""

    image: Identity
    cache: bool
    """Whether to use the cache of indexes and unions."""


class TreeRequest(ImageRequest):
    """Send the indexes of all layers and their unions."""


class SurveyRequest(ImageRequest):
    """Send what a part of the insight finds."""

    part: str
    """See :mod:`layertui.insight.survey`."""


class SearchRequest(ImageRequest):
    """Send the lines that match a query."""

    query: Query


class LayerRead(Message):
    """Progress of reading layers."""

    layer: LayerNumber
    """0: the stream that brings all layers."""
    done: int
    """Stored bytes read; entries of an unpacked layer."""
    total: int
    """-1: unknown."""


class LayerDone(Message):
    """The index of a layer; layers come in any order."""

    layer: LayerNumber
    index: memoryview
    """Packed (:func:`layertui.layers.codec.pack_index`)."""


class LayersMerged(Message):
    """The union of the layers from 1 to ``layers``, whose indexes have been sent before."""

    layers: LayerNumber
    sizes: list[int]
    """Bytes of the pieces, which follow the message: in it they would be copied."""
    pieces: list[bytes] = []
    """See :func:`layertui.union.codec.union_pieces`; empty in the process that sends them."""


class TreeDone(FinalFrame):
    """All layers have been read and merged."""

    paths: int
    """Of the merged tree."""
    layers: list[Bytes]
    """Bytes of the files of each layer, base first."""


class FilesRead(Message):
    """Progress of a survey or a search: bytes of files."""

    done: int
    total: int


class FindingsFound(Message):
    """Some findings of a survey."""

    findings: list[Finding]


class SurveyDone(FinalFrame):
    """The survey without its findings, which have been sent before."""

    survey: Survey


class LinesFound(Message):
    """Some matches of a search."""

    matches: list[LineMatch]


class SearchDone(FinalFrame):
    """All has been searched."""

    left_out: str
    """What was not searched, for display; empty if nothing."""


class ImageBegun(Message):
    """The search of the next image of a :class:`FindRequest` begins."""


class ImagePinned(Message):
    """That image has been opened."""

    image: Identity
    steps: list[str]
    """The build step of each layer on one line, base first; empty if not recorded. May be hostile."""


class ItemsFound(Message):
    """Some matches in that image."""

    items: list[FoundPath | FoundLine | FoundPackage | FoundDigest]


class ImageDone(Message):
    """That image has been searched."""

    problems: list[str]
    """Why it could not be opened, or what of it could not be read."""


class FindDone(FinalFrame):
    """Every image has been searched."""


class Changed(FinalFrame):
    """An :class:`ImageChanged` ended the work."""

    name: str
    is_removed: bool

    def error(self) -> ImageChanged:
        """Return the error in this process."""
        return ImageChanged(self.name, self.is_removed)


class Failed(FinalFrame):
    """Another :class:`LayertuiError` ended the work."""

    what: str
    why: str
    remedy: str

    def error(self) -> LayertuiError:
        """Return the error in this process."""
        return LayertuiError(self.what, self.why, self.remedy)


Frame = (
    LayerRead
    | LayerDone
    | LayersMerged
    | TreeDone
    | FilesRead
    | FindingsFound
    | SurveyDone
    | LinesFound
    | SearchDone
    | ImageBegun
    | ImagePinned
    | ItemsFound
    | ImageDone
    | FindDone
    | Changed
    | Failed
)
_MESSAGE: Any = TreeRequest | SurveyRequest | SearchRequest | FindRequest | Frame
_decoder = msgspec.msgpack.Decoder(_MESSAGE)


class Sender:
    """Writes messages to a file descriptor; safe to share between threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, message: Message, pieces: Iterable[bytes | memoryview] = ()) -> None:
        """Write a message and its pieces. Raises :class:`BrokenPipeError` if the other process does not read."""
        payload = _encode(message)
        with self._lock:
            for part in (len(payload).to_bytes(_LENGTH, "little"), payload, *pieces):
                rest = memoryview(part)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]


def receive(stream: IO[bytes]) -> Any:
    """Return the next message of a stream; None at its end, also in the middle of a message.

    The columns of a frame are views of the payload read.
    """
    head = stream.read(_LENGTH)
    length = int.from_bytes(head, "little")
    payload = stream.read(length)
    if len(head) < _LENGTH or len(payload) < length:
        return None
    message = _decode(payload)
    if isinstance(message, LayersMerged):
        message.pieces = [stream.read(size) for size in message.sizes]
        if list(map(len, message.pieces)) != message.sizes:
            return None
    return message


def _encode(message: Message) -> bytes:
    try:
        return msgspec.msgpack.encode(message)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(message)).encode()


def _decode(payload: bytes) -> Any:
    if payload.startswith(b"["):  # no msgpack array starts with this byte
        return msgspec.convert(json.loads(payload), _MESSAGE)
    return _decoder.decode(payload)
