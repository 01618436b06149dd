"""What a store of Podman and Buildah has about an image: signatures, and names of attestations.

Rules from containers/image, storage/storage_src.go (``GetSignaturesWithFormat``). Attestations
in an index are not pulled.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from layertui.model.blob import FileBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.sources.assemble import config_list
from layertui.sources.attachments import Attachment, absent_attachment
from layertui.sources.containers_storage.records import MANIFEST, Record
from layertui.sources.containers_storage.store import ContainersStore
from layertui.sources.oci_layout import descriptors_of, is_index
from layertui.sources.oci_subjects import REFERENCE_DIGEST
from layertui.sources.simple_signatures import signature_attachment


def attachments_of_record(store: ContainersStore, record: Record, image: Image) -> Iterator[Attachment]:
    """Yield what is about an image, by its record. Raises :class:`LayertuiError` if it cannot be read."""
    manifest = image.manifest_digest
    indexes = {}
    for digest in record.manifest_digests:
        key = record.manifest_key(digest)
        index, _ = store.document(record, key) if key != MANIFEST else ({}, b"")
        listed = list(descriptors_of(index)) if is_index(index) else []
        if any(found.digest == manifest for found in listed):
            indexes[digest] = listed
    for subject in (manifest, *indexes):
        yield from _signatures(store, record, subject)
    for found in chain.from_iterable(indexes.values()):
        if found.annotations.get(REFERENCE_DIGEST) == manifest:
            yield absent_attachment(found, manifest)


def _signatures(store: ContainersStore, record: Record, subject: str) -> Iterator[Attachment]:
    """Yield the signatures of a manifest or index: one after the other in one file, with their sizes in the metadata."""
    key, sizes = (
        f"signature-{subject.partition(':')[2]}",
        config_list(record.metadata, "signatures-sizes", subject),
    )
    if not sizes and subject == record.manifest_digest(MANIFEST):
        key, sizes = "signatures", config_list(record.metadata, "signature-sizes")
    if not sizes:
        return
    path = store.data_path(record, key)
    blob, offset = FileBlob(path), 0
    for size in sizes:
        if not isinstance(size, int) or not 0 < size <= blob.size - offset:
            raise LayertuiError(f"{path} is malformed", f"the store records signatures of {sizes} bytes")
        yield signature_attachment(blob.pread(size, offset), str(path), subject)
        offset += size
