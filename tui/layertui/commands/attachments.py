"""``layertui attachments``: signatures, SBOMs and attestations of an image."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from layertui.commands.opening import image_of
from layertui.commands.output import Output
from layertui.commands.parsing import add_common, add_image
from layertui.model.errors import LayertuiError, NotFound, few
from layertui.model.image import Image
from layertui.sources.attachments import AttachedDocument, Attachment, attachments, blob_pieces
from layertui.text.format import size_text

DESCRIPTION = """\
List what is attached to an image or to the index that led to it: signatures,
SBOMs, provenance and other attestations. Signatures are not verified.
"""
EPILOG = """\
--read prints one of them if its digest is right. DIGEST may be abbreviated.
--json prints one object per line: Digest, MediaType, ArtifactType,
PredicateType, Size, Kind, Title, Subject (digest of the manifest it is about),
Manifest (digest of the manifest that carries it), Annotations, Stored (false:
referenced, but not stored).

examples:
  layertui attachments docker://alpine
  layertui attachments oci:app:1 --json
  layertui attachments oci:app:1 --read 4f2a9c | jq .predicate
"""


class ListedDocument(NamedTuple):
    """A document, and the attachment that carries it."""

    attachment: Attachment
    document: AttachedDocument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("--read", metavar="DIGEST", help="print the document of a digest")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    rows: list[ListedDocument] = []
    failed: LayertuiError | None = None
    try:
        for attachment in attachments(image):
            rows += [ListedDocument(attachment, document) for document in attachment.documents]
    except LayertuiError as error:
        failed = error  # after what was found
    if options.read is not None:
        found = _find(rows, options.read, failed or _absent(image, options.read, rows))
        Output().contents(blob_pieces(found.verified()))
        return 0
    out = Output(2 if failed else 0)
    if options.json:
        for row in rows:
            out.json(to_json(row))
    else:
        cells = [_cells(row, image) for row in rows]
        out.table(("TITLE", "SIZE", "OF", "DIGEST"), cells, right=(1,), shrink=(0,))
    if failed is not None:
        raise failed
    return 0


def to_json(row: ListedDocument) -> dict[str, object]:
    """Return a document; null for what is not recorded."""
    attachment, document = row
    known = document.descriptor
    return {
        "Digest": known.digest,
        "MediaType": known.media_type or None,
        "ArtifactType": attachment.type or None,
        "PredicateType": document.predicate or None,
        "Size": known.size if known.size >= 0 else None,
        "Kind": document.kind.name,
        "Title": document.kind.title,
        "Subject": attachment.subject,
        "Manifest": attachment.descriptor.digest,
        "Annotations": dict(known.annotations),
        "Stored": document.blob is not None,
    }


def _cells(row: ListedDocument, image: Image) -> tuple[str, ...]:
    title = row.document.kind.title + ("" if row.document.blob is not None else ", not stored")
    return (
        title,
        size_text(row.document.descriptor.size),
        "image" if row.attachment.subject == image.manifest_digest else "index",
        row.document.descriptor.digest,
    )


def _find(rows: list[ListedDocument], digest: str, otherwise: LayertuiError) -> AttachedDocument:
    """Return the document of a digest or of the beginning of its hexadecimal part, else raise an error."""
    digits = digest.rpartition(":")[2]
    found = {
        row.document.descriptor.digest: row.document
        for row in rows
        if digits and row.document.descriptor.digest.rpartition(":")[2].startswith(digits)
    }
    if len(found) > 1:
        raise LayertuiError(f"{digest} could be several documents", few(found))
    if not found:
        raise otherwise
    return next(iter(found.values()))


def _absent(image: Image, digest: str, rows: list[ListedDocument]) -> NotFound:
    known = few(dict.fromkeys(row.document.descriptor.digest for row in rows)) or "it has no attachments"
    return NotFound(f"{image.reference} has no attachment {digest}", known)
