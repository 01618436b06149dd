"""Layer indexes as bytes: msgpack of columns of numbers and strings, nothing that could run.

A process that trusts the bytes uses :func:`unpack_index`; bytes of the cache are checked by :func:`unpack_index_checked`.
"""

from __future__ import annotations

import re
import sys
import threading
from array import array
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from layertui.cache.indexes import DamagedEntry
from layertui.layers.column_bounds import all_below
from layertui.model.layer_index import Extra, Kind, LayerIndex, LayerWarning, positions

if TYPE_CHECKING:
    import msgspec

INDEX_COLUMNS = (
    ("mode", "H"),
    ("uid", "I"),
    ("gid", "I"),
    ("size", "Q"),
    ("mtime", "q"),
    ("mtime_ns", "I"),
    ("offset", "Q"),
    ("link", "i"),
)
"""Columns of an index and their type codes (:mod:`array`); one that is unpacked may be narrower, see :data:`_HALF`."""
_HALF: dict[str, Any] = {"Q": "I", "q": "I", "I": "H", "H": "B", "i": "h"}
"""The type of half as many bytes that a column is stored in if all values fit."""
_LOW = int(sys.byteorder == "big")
"""Which half of a number is the lower one."""
_OTHER_SURROGATES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Lone surrogates that Python's ``surrogateescape`` does not use for bytes."""
_KINDS = bytes(Kind)
_FACTS = ("compression", "tar_size", "blob_digest", "diff_id", "damage")


def pack_index(index: LayerIndex) -> bytes:
    """Return an index as bytes."""
    import msgspec

    # Entries share attributes (see the scanner): stored with each, a few MB would become a GB.
    attributes = {id(extra.xattrs): extra.xattrs for extra in index.extra.values()}
    places = {key: place for place, key in enumerate(attributes)}
    body = {
        "keys": index.keys,
        "count": index.count,
        "kind": index.kind,
        "columns": [_narrowed(getattr(index, name)).tobytes() for name, _ in INDEX_COLUMNS],
        "links": index.links,
        "xattrs": [
            [(encode_text(name), value) for name, value in xattrs.items()] for xattrs in attributes.values()
        ],
        "extra": [(number, places[id(extra.xattrs)], *extra[1:]) for number, extra in index.extra.items()],
        "warnings": [(code, key, encode_text(text)) for code, key, text in index.warnings],
        "facts": [encode_text(value) if isinstance(value, str) else value for value in _facts(index)],
        "stamp": index.stamp.tobytes(),
    }
    return msgspec.msgpack.encode(body)


def narrow(index: LayerIndex) -> None:
    """Store each column of an index in the narrowest type for its values, as one that is unpacked has."""
    for name, _ in INDEX_COLUMNS:
        setattr(index, name, _narrowed(getattr(index, name)))


def unpack_index(data: bytes | memoryview) -> LayerIndex:
    """Return the index that :func:`pack_index` was given; for other bytes, raise whatever it happens to raise."""
    return _index(_decoder().decode(data))


def _narrowed(column: array[int]) -> array[int]:
    """Return a column in the narrowest type for its values: most owners fit into a byte, and few files have 4 GB."""
    while column and (half := _HALF.get(column.typecode)):
        halves = memoryview(column).cast("B").cast(half)
        if half.islower():  # -1 is a value, and the largest is left out: checking it would overflow
            fits = all_below(column, (1 << (4 * column.itemsize - 1)) - 1, lowest=-1)
        else:
            fits = not halves[1 - _LOW :: 2].tobytes().strip(b"\0")
        if not fits:
            break
        column = column_of(half, halves[_LOW::2].tobytes())
    return column


def _unpacked_column(code: str, data: memoryview, count: int) -> array[int]:
    """Return a column of ``count`` values in the type that :func:`_narrowed` chose."""
    while count > 0 and len(data) < count * array(code).itemsize and code in _HALF:
        code = _HALF[code]
    return column_of(code, data)


def column_of(code: str, data: bytes | memoryview) -> array[int]:
    """Return the column, an array of type ``code``, of these bytes."""
    column = array(code)
    column.frombytes(data)
    return column


def unpack_index_checked(data: bytes) -> LayerIndex:
    """Return the index that :func:`pack_index` was given. Raises :class:`DamagedEntry` for any other bytes."""
    import msgspec

    try:
        index = unpack_index(data)
        _check(index)
        return index
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, IndexError) as error:
        raise DamagedEntry(str(error)) from error


def _index(body: Any) -> LayerIndex:
    columns: dict[str, Any] = {
        name: _unpacked_column(code, column, body.count)
        for (name, code), column in zip(INDEX_COLUMNS, body.columns, strict=True)
    }
    facts: dict[str, Any] = {
        name: decode_text(value) if isinstance(value, bytes) else value
        for name, value in zip(_FACTS, body.facts, strict=True)
    }
    attributes = [{decode_text(name): value for name, value in xattrs} for xattrs in body.xattrs]
    index = LayerIndex(
        keys=bytes(body.keys),
        links=body.links,
        warnings=[LayerWarning(code, key, decode_text(text)) for code, key, text in body.warnings],
    )
    index.count = body.count
    index.kind = bytearray(body.kind)
    index.stamp = column_of("Q", body.stamp)
    index.extra = {
        number: Extra(attributes[place], device, sparse, stored)
        for number, place, device, sparse, stored in body.extra
    }
    for name, value in (columns | facts).items():
        setattr(index, name, value)
    return index


def _check(index: LayerIndex) -> None:
    """Raise :class:`DamagedEntry` unless every column fits the others."""
    count = index.count
    columns = [index.kind, *(getattr(index, name) for name, _ in INDEX_COLUMNS)]
    wrong = (
        count < 0
        or any(len(column) != count for column in columns)
        or len(index.stamp) not in (0, count)
        or (index.keys.count(b"/") + 1 != count if count else bool(index.keys))
        or index.kind.translate(None, delete=_KINDS)
        or not all_below(index.link, len(index.links), lowest=-1)
        or any(not 0 <= number < count for number in index.extra)
        or any(
            column.itemsize == 8 and not all_below(column, 1 << 63) for column in (index.offset, index.size)
        )
        or (count and _link_missing(index))
    )
    if wrong:
        raise DamagedEntry("its columns do not fit together")


def _link_missing(index: LayerIndex) -> bool:
    """Return whether a link has no target."""
    return any(
        index.link[number] < 0
        for kind in (Kind.HARDLINK, Kind.SYMLINK)
        for number in positions(index.kind, kind)
    )


def _facts(index: LayerIndex) -> list[str | int]:
    return [getattr(index, name) for name in _FACTS]


_compiling = threading.Lock()


def _decoder() -> msgspec.msgpack.Decoder[Any]:
    """Return the decoder of indexes, compiled once.

    msgspec 0.22 crashes where two threads compile one type at the same time; a decoder may be shared.
    """
    with _compiling:
        return _compiled_decoder()


@cache
def _compiled_decoder() -> msgspec.msgpack.Decoder[Any]:
    import msgspec

    body = msgspec.defstruct(
        "Body",
        [
            ("keys", memoryview),  # views are not copied where the columns are made of them
            ("count", int),
            ("kind", memoryview),
            ("columns", list[memoryview]),
            ("links", list[bytes]),
            ("xattrs", list[list[tuple[bytes, bytes]]]),
            (
                "extra",
                list[
                    tuple[
                        int,
                        Annotated[int, msgspec.Meta(ge=0)],  # place in ``xattrs``
                        tuple[int, int] | None,
                        tuple[tuple[int, int], ...] | None,
                        int,
                    ]
                ],
            ),
            ("warnings", list[tuple[str, bytes, bytes]]),
            ("facts", tuple[bytes, int, bytes, bytes, bytes]),
            ("stamp", memoryview),
        ],
    )
    return msgspec.msgpack.Decoder(body)


def encode_text(text: str) -> bytes:
    """Return text that may contain the lone surrogates of undecodable bytes, which msgpack's strings cannot.

    Other lone surrogates, which stand for no byte, are replaced.
    """
    return _OTHER_SURROGATES.sub("\ufffd", text).encode("utf-8", "surrogateescape")


def decode_text(data: bytes) -> str:
    """Return the text that :func:`encode_text` was given."""
    return data.decode("utf-8", "surrogateescape")
