"""Warnings about the tar of a layer: what is malformed, and what engines refuse or treat differently."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from layertui.layers.tar.pax import LIBARCHIVE_XATTR
from layertui.layers.whiteout import AUFS_PREFIX, hides_nothing
from layertui.model.layer_index import MAX_LISTED_WARNINGS, Kind, LayerWarning, more_warnings

MAX_XATTR = 1 << 16
"""Largest value of an attribute on Linux, in bytes (limits.h, XATTR_SIZE_MAX)."""
MAX_FILE_NAME = 255
"""Longest name of a file on Linux, in bytes (limits.h, NAME_MAX)."""
OVERLAY_XATTRS = "trusted.overlay."
"""Prefix of overlayfs' own attributes: opaque directories, redirects, metadata copies."""
ESTARGZ_FILES = (b"stargz.index.json", b".prefetch.landmark", b".no.prefetch.landmark")
"""An eStargz layer's table of contents, its last entry, and landmarks (stargz-snapshotter, estargz.md)."""
_AUFS_FILE = re.compile(b"/(" + re.escape(AUFS_PREFIX) + rb"[^/\0]*\0[^/]*)")
"""A key in one of AUFS' own directories."""


class TarWarnings:
    """Adds warnings to a list; those beyond :data:`MAX_LISTED_WARNINGS` are counted."""

    def __init__(self, listed: list[LayerWarning]) -> None:
        self._listed = listed
        self._unlisted = 0

    def warn(self, code: str, key: bytes, text: str) -> None:
        if len(self._listed) < MAX_LISTED_WARNINGS:
            self._listed.append(LayerWarning(code, key, text))
        else:
            self._unlisted += 1

    def finish(self, keys: bytes) -> None:
        """Add what is known once all entries are: their ``keys``, in tar order and joined by slashes."""
        if keys.endswith(ESTARGZ_FILES[0]):
            joined = b"/" + keys + b"/"
            found = [key for key in ESTARGZ_FILES if b"/" + key + b"/" in joined]
            for key in found if joined.endswith(b"/" + ESTARGZ_FILES[0] + b"/") else ():
                self.warn("estargz", key, "part of the eStargz format; visible in containers")
        inside = _AUFS_FILE.search(b"/" + keys) if AUFS_PREFIX in keys else None
        if inside is not None:
            self.warn(
                "aufs-directory",
                inside[1],
                "AUFS' own: shown here, in umoci and on overlayfs, not by Docker's vfs",
            )
        if self._unlisted:
            self._listed.append(more_warnings(self._unlisted))

    # The end of the tar

    def no_end(self) -> None:
        self.warn("no-end", b"", "the tar has no end marker: it may be truncated")

    def lone_zero_block(self, offset: int) -> None:
        text = f"data follows a single zero block at byte {offset:,}: ignored here, engines refuse the layer"
        self.warn("lone-zero-block", b"", text)

    def half_block(self, offset: int) -> None:
        text = f"the tar ends in the middle of a zero block at byte {offset:,}: engines refuse the layer"
        self.warn("half-block", b"", text)

    # Extended headers

    def global_header(self, offset: int) -> None:
        self.warn(
            "global-header",
            b"",
            f"a global extended header at byte {offset:,}: ignored, as by Docker and Podman; "
            "umoci refuses the layer",
        )

    def bad_records(self, unreadable: Sequence[str], offset: int) -> None:
        is_read = any(not key.startswith(LIBARCHIVE_XATTR) for key in unreadable)
        self.warn(
            "bad-pax-record",
            b"",
            f"malformed {', '.join(unreadable)} in the extended header at byte {offset:,}: ignored here"
            + (", Docker refuses the layer" if is_read else " and by Docker"),
        )

    # Entries

    def name_escapes(self, key: bytes) -> None:
        text = "its name leads out of the image: kept inside here, Docker 29 with overlay2 refuses the layer"
        self.warn("path-escapes", key, text)

    def target_escapes(self, key: bytes) -> None:
        """Warn of a hardlink, by its own key."""
        self.warn("path-escapes", key, "the target of its hardlink leads out of the image: kept inside here")

    def too_long(self, key: bytes, what: str, length: int) -> None:
        """Warn of an entry that is left out because of the length of its name or target."""
        self.warn("name-too-long", key, f"{what} {length:,} bytes: left out here, engines refuse the layer")

    def long_names(self, key: bytes) -> None:
        """Warn of a name that no file system of Linux takes, if the key has one."""
        if len(key) > MAX_FILE_NAME and (longest := max(map(len, key.split(b"\0")))) > MAX_FILE_NAME:
            text = f"a name of {longest:,} bytes, more than Linux allows: engines refuse the layer"
            self.warn("name-too-long", key, text)

    def entry_type(self, key: bytes, flag: int, what: str) -> None:
        """Warn of a type that engines do not know; ``what`` is made of it here."""
        text = f"an entry of type {chr(flag)!r}: {what} here, Docker, Podman and umoci refuse the layer"
        self.warn("entry-type", key, text)

    def whiteout(self, kind: int, key: bytes, size: int, whiteout: Kind, hidden: bytes) -> None:
        """Warn of a whiteout on which engines disagree."""
        if whiteout == Kind.METADATA and hides_nothing(key.rpartition(b"\0")[2]):
            self.warn("whiteout-invalid", key, "hides nothing: ignored here, engines refuse the layer")
        elif whiteout == Kind.WHITEOUT and (kind != Kind.FILE or size):
            self.warn("whiteout-not-empty", hidden, "its whiteout is not an empty file; applied regardless")

    def overlay_whiteout(self, key: bytes) -> None:
        self.warn(
            "overlay-whiteout",
            key,
            "a character device 0:0: a whiteout on overlayfs, so that Docker, Podman and containerd hide the "
            "path; a device here and in umoci",
        )

    def attributes(self, key: bytes, xattrs: Iterable[tuple[str, bytes]]) -> bool:
        """Warn of extended attributes that overlayfs applies, and of those that Linux does not take.

        Return whether there are any.
        """
        found = False
        for name, value in xattrs:
            if name.startswith(OVERLAY_XATTRS):
                found = True
                self.warn(
                    "overlay-xattr",
                    key,
                    f"{name}: Docker and Podman on overlayfs apply it, for which files below may be hidden or "
                    "others shown; an attribute without meaning here and in umoci",
                )
            if len(value) > MAX_XATTR:
                found = True
                text = f"{name}: {len(value):,} bytes, more than Linux allows: engines refuse the layer"
                self.warn("xattr-too-large", key, text)
        return found
