"""Marks of overlayfs in a tar, which take effect once it is unpacked into a directory of an overlay."""

from __future__ import annotations

from layertui.layers.unpacked.overlayfs import is_opaque, visible_xattrs
from layertui.model.layer_index import Extra, Kind, LayerIndex

MARK_CODES = ("overlay-whiteout", "overlay-xattr")
"""Codes of the scanner's warnings of such marks."""


def apply_overlay_marks(index: LayerIndex) -> None:
    """Turn character devices 0:0 into whiteouts and attributes of opaque directories into opaque whiteouts.

    Containers see this tree, although the tar has neither (Linux, Documentation/filesystems/overlayfs.rst).
    """
    keys = index.entry_keys()
    applied: set[bytes] = set()
    opaque: list[int] = []
    for number, extra in list(index.extra.items()):
        if index.kind[number] == Kind.CHAR and extra.device == (0, 0):
            index.kind[number] = Kind.WHITEOUT
            del index.extra[number]
        elif index.kind[number] == Kind.DIRECTORY and is_opaque(extra.xattrs):
            opaque.append(number)
            index.extra[number] = extra._replace(xattrs=dict(visible_xattrs(extra.xattrs)))
            if index.extra[number] == Extra():
                del index.extra[number]
        else:
            continue
        applied.add(keys[number])
    for number in opaque:
        index.kind.append(Kind.OPAQUE)
        for column in (index.mode, index.uid, index.gid, index.mtime, index.mtime_ns):
            column.append(column[number])
        index.size.append(0)
        index.offset.append(0)
        index.link.append(-1)
        keys.append(keys[number])
    index.count = len(keys)
    index.keys = b"/".join(keys)
    index.warnings = [
        warning for warning in index.warnings if warning.code not in MARK_CODES or warning.key not in applied
    ]
