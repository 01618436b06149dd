"""Verify a layer by reading all of its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal

from layertui.layers.compression.format import Damaged, Unsupported
from layertui.layers.compression.stream import STORED_CHUNK, DecompressedStream
from layertui.layers.unpacked.tar_split import NotRecorded
from layertui.model.blob import Blob
from layertui.model.digest import algorithm_of, is_known, wrong_digest
from layertui.model.errors import LayertuiError
from layertui.model.image import Layer, Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import LayerIndex
from layertui.verify.recorded_size import size_of_unpacked


@dataclass(frozen=True, slots=True)
class Check:
    """A value that an image records, compared with the actual one."""

    subject: str
    """``manifest``, ``config``, ``layer 3``, …"""
    what: str
    """``digest``, ``size``, ``diff ID``, ``recorded diff ID`` (by the store) or ``chain ID``."""
    status: Literal["ok", "wrong", "unchecked"]
    expected: str = ""
    """The recorded value; empty if there is none."""
    found: str = ""
    """The actual value; empty if it was not determined."""
    why: str = ""
    """Why it cannot be verified, or additional information."""


def compare_values(subject: str, what: str, expected: str, found: str) -> Check:
    """Return the check of two known values."""
    return Check(subject, what, "ok" if expected == found else "wrong", expected, found)


def expected_digest(layer: Layer) -> str:
    """Return the digest to verify a layer's bytes against; empty if the image has none.

    It is that of the stored bytes if known, else that of the uncompressed tar.
    """
    return _known(layer.descriptor.digest or layer.diff_id)


def was_checked(layer: Layer, index: LayerIndex) -> bool:
    """Return whether reading the index has verified the digest of the bytes.

    Layers sent by an engine are verified on arrival, before they are cached.
    """
    if layer.descriptor.digest:
        return index.blob_digest == layer.descriptor.digest
    if layer.blob is None or index.damage:
        return False
    return bool(layer.diff_id) and layer.blob.digest == layer.diff_id


def verify_layer(layer: Layer, job: Job = Job.NONE) -> str:
    """Verify a layer that has a blob and an expected digest; return the problem, empty if there is none.

    Reads all of it, in bounded memory, and decompresses it only if it has to. Raises
    :class:`LayertuiError` if it cannot be read, and :class:`Cancelled`.
    """
    assert layer.blob is not None
    expected = expected_digest(layer)
    try:
        with layer.blob.fetching(job):
            if layer.descriptor.digest:
                found, _ = _read(_stored(layer.blob), algorithm_of(expected), layer.blob.size, job)
            else:
                with closing(DecompressedStream(layer.blob, job=job)) as stream:
                    found, _ = _read(_uncompressed(stream), algorithm_of(expected), -1, job)
    except Damaged as damage:
        return str(damage)
    return "" if found == expected else wrong_digest(expected, found)


def checks(layer: Layer, job: Job = Job.NONE) -> Iterator[Check]:
    """Yield the checks of size and digest of a layer's stored bytes, and of the diff ID of its tar.

    Of an unpacked layer, the size is the one recorded by the store, and there is no digest. Reads
    the layer once and reports the bytes read. Raises :class:`LayertuiError` if it cannot be
    read, and :class:`Cancelled`.
    """
    recorded = layer.recorded.diff_id if layer.recorded else ""
    if recorded and layer.diff_id and recorded != layer.diff_id:
        yield compare_values(f"layer {layer.number}", "recorded diff ID", layer.diff_id, recorded)
    if layer.unpacked is not None:
        yield from _checks_of_unpacked(layer, layer.unpacked, job)
    elif layer.blob is not None:
        with layer.blob.fetching(job):
            found = list(_checks_of_blob(layer, layer.blob, job))
        yield from found
    elif layer.opaque is not None:
        with layer.opaque.fetching(job):
            found = list(_checks_of_opaque(layer, layer.opaque, job))
        yield from found
    else:
        for what, expected in (("digest", layer.descriptor.digest), ("diff ID", layer.diff_id)):
            if expected:
                yield Check(f"layer {layer.number}", what, "unchecked", expected, why=layer.missing)


def _checks_of_blob(layer: Layer, blob: Blob, job: Job) -> Iterator[Check]:
    subject, expected = f"layer {layer.number}", layer.descriptor.digest
    algorithm = algorithm_of(expected or layer.diff_id)
    diff_id, damage, unknown = "", "", ""
    with closing(DecompressedStream(blob, algorithm, job)) as stream:
        if not stream.compression:
            digest, size = _read(_stored(blob), algorithm, blob.size, job)
            if _known(layer.diff_id):  # both digests are of the same bytes, rarely by another algorithm
                other = algorithm_of(layer.diff_id)
                diff_id = digest if other == algorithm else _read(_stored(blob), other, blob.size, job)[0]
        else:
            try:
                if _known(layer.diff_id):
                    stored = job.part(lambda *_: job.report(stream.stored.position, blob.size))
                    diff_id, _ = _read(_uncompressed(stream), algorithm_of(layer.diff_id), -1, stored)
            except Unsupported as error:
                unknown = str(error)
            except Damaged as error:
                damage = str(error)
            digest, size = stream.digest(), stream.stored.position
    yield from _checks_of_stored(layer, digest, size)
    if damage:
        yield Check(subject, "diff ID", "wrong", layer.diff_id, "", damage)
    elif diff_id:
        yield compare_values(subject, "diff ID", layer.diff_id, diff_id)
    else:
        why = unknown or ("unsupported algorithm" if layer.diff_id else "none recorded")
        yield Check(subject, "diff ID", "unchecked", layer.diff_id, "", why)


def _checks_of_opaque(layer: Layer, blob: Blob, job: Job) -> Iterator[Check]:
    """Yield the checks of stored bytes that need not be a tar."""
    subject, expected = f"layer {layer.number}", layer.descriptor.digest
    digest, size = _read(_stored(blob), algorithm_of(expected), blob.size, job)
    yield from _checks_of_stored(layer, digest, size)
    if layer.diff_id:
        yield Check(subject, "diff ID", "unchecked", layer.diff_id, "", layer.missing)


def _checks_of_stored(layer: Layer, digest: str, size: int) -> Iterator[Check]:
    """Yield the checks of the size and digest of a layer as stored, if something records them."""
    subject, expected = f"layer {layer.number}", layer.descriptor.digest
    if layer.descriptor.size >= 0 and expected:  # else none is recorded, or of something else
        yield compare_values(subject, "size", str(layer.descriptor.size), str(size))
    if _known(expected):
        yield compare_values(subject, "digest", expected, digest)
    elif expected:
        yield Check(subject, "digest", "unchecked", expected, "", "unsupported algorithm")


def _checks_of_unpacked(layer: Layer, unpacked: Unpacked, job: Job) -> Iterator[Check]:
    """Yield the checks of the recorded size, and of the diff ID of the tar reassembled from record and files."""
    subject, diff_id, size, damage = f"layer {layer.number}", "", -1, ""
    unknown = "stored unpacked, without a record of its tar"
    if (tar := unpacked.tar()) is not None:
        try:
            algorithm = algorithm_of(layer.diff_id)
            diff_id, size = _read(tar, algorithm, layer.descriptor.size, job)
        except NotRecorded as error:
            unknown = str(error.why)
        except (Damaged, LayertuiError) as error:
            if isinstance(error.__cause__, PermissionError):
                raise
            damage = str(error)  # the record is damaged, or a file is missing or has changed
    if layer.recorded is not None and layer.recorded.size >= 0 and not damage:
        found, why = size_of_unpacked(layer.recorded, unpacked, size, job)
        check = compare_values(subject, "size", str(layer.recorded.size), str(found))
        yield replace(check, why=why) if found >= 0 else replace(check, status="unchecked", found="", why=why)
    if not _known(layer.diff_id):
        yield Check(subject, "diff ID", "unchecked", layer.diff_id, "", "no digest recorded")
    elif damage:
        yield Check(subject, "diff ID", "wrong", layer.diff_id, "", damage)
    elif diff_id:
        yield compare_values(subject, "diff ID", layer.diff_id, diff_id)
    else:
        yield Check(subject, "diff ID", "unchecked", layer.diff_id, "", unknown)


def _known(digest: str) -> str:
    """Return the digest if it can be recomputed, else an empty string."""
    return digest if is_known(digest) else ""


def _read(
    pieces: Iterator[bytes] | Iterator[memoryview], algorithm: str, total: int, job: Job
) -> tuple[str, int]:
    """Return the digest of pieces and how many bytes they are."""
    hashed = hashlib.new(algorithm)
    size = 0
    for piece in pieces:
        job.check()
        hashed.update(piece)
        size += len(piece)
        job.report(size, total)
    return f"{hashed.name}:{hashed.hexdigest()}", size


def _stored(blob: Blob) -> Iterator[bytes]:
    offset = 0
    while piece := blob.pread(STORED_CHUNK, offset):
        offset += len(piece)
        yield piece


def _uncompressed(stream: DecompressedStream) -> Iterator[bytes]:
    while piece := stream.read(STORED_CHUNK):
        yield piece
