"""Signatures as Skopeo and Podman store them beside an image, without a manifest of their own.

Format: containers/image, internal/signature (``Blob``, ``FromBlob``): a signature of simple signing
as it is, any other as a NUL, the name of its format, a line feed, and its data.
"""

from __future__ import annotations

import base64
import binascii

from layertui.model.blob import BytesBlob
from layertui.model.digest import digest_of
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor
from layertui.sources.attachment_kinds import DocumentKind, kind_of
from layertui.sources.attachments import AttachedDocument, Attachment
from layertui.sources.files import parse_object

SIGSTORE = b"\0sigstore-json\n"
MAX_SIGNATURE = 4 << 20
"""Largest signature that is read, in bytes (containers/image, ``MaxSignatureBodySize``)."""
SIMPLE_SIGNING = DocumentKind("signature", "signature (simple signing)")


def signature_attachment(data: bytes, location: str, subject: str) -> Attachment:
    """Return a stored signature of a subject. Raises :class:`LayertuiError` if it is malformed."""
    stored = Descriptor("", digest_of(data), len(data))
    if data[:1] != b"\0":
        document = AttachedDocument(stored, BytesBlob(data, location), SIMPLE_SIGNING)
        return Attachment(stored, "", [document], subject, is_recorded=False)
    if not data.startswith(SIGSTORE):
        other = data[1:].partition(b"\n")[0].decode("utf-8", "replace")
        kind = DocumentKind("signature", f"signature ({other})")
        return Attachment(
            stored,
            "",
            [AttachedDocument(stored, BytesBlob(data, location), kind)],
            subject,
            is_recorded=False,
        )
    value, _ = parse_object(BytesBlob(data.removeprefix(SIGSTORE), location), f"the signature {location}")
    media_type, annotations = str(value.get("mimeType", "")), value.get("annotations")
    try:
        payload = base64.b64decode(str(value.get("payload", "")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise LayertuiError(f"the signature {location} is malformed", str(error)) from error
    notes = (
        {str(key): str(each) for key, each in annotations.items()} if isinstance(annotations, dict) else {}
    )
    described = Descriptor(media_type, digest_of(payload), len(payload), notes)
    document = AttachedDocument(described, BytesBlob(payload, location), kind_of((media_type,), "signature"))
    return Attachment(stored, media_type, [document], subject, is_recorded=False)
