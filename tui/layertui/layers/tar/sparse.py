"""Sparse maps: the extents of a sparse file that a tar contains, in the four formats of GNU tar."""

from __future__ import annotations

from collections.abc import Callable

from layertui.layers.tar.header import MAX_META, TAR_BLOCK, Broken, Fields
from layertui.layers.tar.pax import Pax

Meta = Callable[[int, int], bytes]
"""Returns bytes of a header by offset and length."""

Stretches = tuple[tuple[int, int], ...]
"""Offset and length of each."""


def gnu_sparse(header: bytes, offset: int, fields: Fields, meta: Meta) -> tuple[int, int, Stretches]:
    """Return where the content starts, its real size and the stored extents (GNU tar, 'S')."""
    stretches: list[tuple[int, int]] = []
    block, at, count, more = header, 386, 4, header[482]
    while True:
        for entry in range(at, at + 24 * count, 24):
            if block[entry : entry + 12].strip(b"\0 "):
                start, length = (
                    fields.number(block[part : part + 12], offset, "sparse map")
                    for part in (entry, entry + 12)
                )
                stretches.append((start, length))
        if not more:
            break
        if len(stretches) > MAX_META // 24:
            raise Broken(f"an endless sparse map at byte {offset:,}")
        block = meta(offset, TAR_BLOCK)
        offset += TAR_BLOCK
        at, count, more = 0, 21, block[504]
    return offset, max(fields.number(header[483:495], offset, "size"), 0), _sane(stretches)


def pax_sparse(pax: Pax, offset: int, size: int, meta: Meta) -> tuple[int, int, Stretches]:
    """Return the same of the three formats in pax records (0.0, 0.1, 1.0)."""
    real = pax.sparse_real if pax.sparse_real is not None else size
    if not pax.sparse_in_data:
        return offset, real, _sane(pax.sparse)
    # Version 1.0: decimal numbers, one per line, before the content, padded to a block.
    blocks: list[bytes] = []
    lines, wanted = 0, 1
    while lines < wanted and TAR_BLOCK * len(blocks) < min(size, MAX_META):
        blocks.append(meta(offset + TAR_BLOCK * len(blocks), TAR_BLOCK))
        if len(blocks) == 1:
            first = blocks[0].split(b"\n", 1)[0]
            if not first.isdigit():
                break
            wanted = 2 * int(first[:18]) + 1
        lines += blocks[-1].count(b"\n")
    else:
        if lines >= wanted:
            numbers = b"".join(blocks).split(b"\n")[1:wanted]
            values = [int(line[:18]) if line.isdigit() else 0 for line in numbers]
            content = offset + TAR_BLOCK * len(blocks)
            return content, real, _sane(list(zip(values[::2], values[1::2], strict=True)))
    raise Broken(f"a malformed sparse map at byte {offset:,}")


def _sane(stretches: list[tuple[int, int]]) -> Stretches:
    return tuple((start, length) for start, length in stretches if start >= 0 and length > 0)
