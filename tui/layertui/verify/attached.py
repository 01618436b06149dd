"""Verify what is attached to an image: signatures, SBOMs, attestations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from layertui.model.blob import Blob
from layertui.model.digest import WrongDigest, algorithm_of, is_known
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Image
from layertui.model.job import Job
from layertui.sources.attachments import attachments, blob_pieces
from layertui.verify.layer import Check, compare_values


def attachment_checks(image: Image, job: Job = Job.NONE) -> Iterator[Check]:
    """Yield the checks of each attached manifest, and of size and digest of its config and documents.

    Raises :class:`Cancelled`.
    """
    known = {each.digest for each in image.attestations}
    try:
        for attachment in attachments(image):
            job.check()
            digest = attachment.descriptor.digest
            known.discard(digest)
            if not attachment.is_recorded:
                continue  # there is nothing to compare with
            if attachment.documents and attachment.documents[0].descriptor.digest != digest:
                yield Check("attached manifest", "digest", "ok", digest, digest)  # else it was not read
            if attachment.config is not None:
                yield from _checks_of_blob("attached config", *attachment.config, job)
            for document in attachment.documents:
                subject = f"attached {document.kind.title}"
                yield from _checks_of_blob(subject, document.descriptor, document.blob, job)
    except WrongDigest as wrong:
        if wrong.expected in known:
            known.discard(wrong.expected)
            yield Check("attached manifest", "digest", "wrong", wrong.expected, wrong.found)
    except LayertuiError as error:
        if known:  # else the source cannot list attachments
            yield Check("attachments", "digest", "unchecked", why=str(error))
            return
    for digest in sorted(known):
        yield Check("attached manifest", "digest", "unchecked", digest, why="not read")


def _checks_of_blob(subject: str, expected: Descriptor, blob: Blob | None, job: Job) -> Iterator[Check]:
    why = "not stored" if blob is None else ""
    if not is_known(expected.digest):
        why = "unsupported algorithm"
    if blob is None or why:
        yield Check(subject, "digest", "unchecked", expected.digest, why=why)
        return
    hashed, size = hashlib.new(algorithm_of(expected.digest)), 0
    try:
        for piece in blob_pieces(blob):
            job.check()
            hashed.update(piece)
            size += len(piece)
    except LayertuiError as error:
        yield Check(subject, "digest", "unchecked", expected.digest, why=str(error))
        return
    if expected.size >= 0:
        yield compare_values(subject, "size", str(expected.size), str(size))
    yield compare_values(subject, "digest", expected.digest, f"{hashed.name}:{hashed.hexdigest()}")
