"""Layers stored by composefs (containers/storage, drivers/overlay/composefs.go and pkg/chunked).

The tree is an EROFS image, which is not read here. Its files are stored beside it, each once, by
content digest, and the store has the table of contents that the image was generated from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from layertui.layers.unpacked.safe_open import DirectoryBlob
from layertui.layers.unpacked.toc_table import MAX_TABLE, TocEntry, index_of, parse_table
from layertui.model.blob import Blob, BytesBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import LayerIndex, LayerWarning, key_of, path_of
from layertui.model.regular_file import open_regular

FILE_DIGEST = re.compile(r"sha256:([0-9a-f]{2})([0-9a-f]{62})")


class ComposefsDirectory(Unpacked):
    """A layer that is read by its table of contents and the files in its directory."""

    def __init__(self, table: Path, directory: Path) -> None:
        self._table = table
        self._directory = directory

    @property
    def location(self) -> str:
        return str(self._directory)

    def scan(self, job: Job = Job.NONE) -> LayerIndex:
        index = index_of(self._entries, self._name, job)
        text = (
            "composefs: listed by the table of contents that its EROFS image was generated from; "
            "the image itself was not read"
        )
        index.warnings.append(LayerWarning("composefs", b"", text))
        return index

    def open(self, key: bytes, size: int, stamp: int = 0) -> Blob:
        digest = self._digests.get(key, "")
        if not size:
            return BytesBlob(b"", f"{path_of(key)} in {self._name}")
        match = FILE_DIGEST.fullmatch(digest)
        if match is None:
            raise LayertuiError(f"cannot read {path_of(key)}", f"{self._name} lacks its digest")
        return DirectoryBlob(self._directory, b"\0".join(part.encode() for part in match.groups()), size)

    @property
    def _name(self) -> str:
        return f"the table of contents {self._table}"

    @cached_property
    def _entries(self) -> Sequence[TocEntry]:
        try:
            with open_regular(self._table) as file:
                data = file.read(MAX_TABLE + 1)
        except OSError as error:
            raise LayertuiError(f"cannot read {self._name}", error.strerror or str(error)) from error
        if len(data) > MAX_TABLE:
            raise LayertuiError(f"{self._name} cannot be read", f"it exceeds {MAX_TABLE:,} bytes")
        return parse_table(data, self._name)

    @cached_property
    def _digests(self) -> dict[bytes, str]:
        return {key_of(entry.name): entry.digest for entry in self._entries if entry.type == "reg"}
