"""Attestations of one platform as an engine sends them (Docker Engine API 1.55, "AttestationStatement")."""

from __future__ import annotations

import json

from layertui.model import media_types
from layertui.model.blob import Blob, BytesBlob
from layertui.model.digest import digest_of
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor
from layertui.sources.attachment_kinds import kind_of
from layertui.sources.attachments import AttachedDocument
from layertui.sources.documents import json_problem
from layertui.sources.engine.client import Engine
from layertui.sources.engine.description import Description
from layertui.sources.engine.values import objects
from layertui.sources.oci_layout import descriptor_of

ATTESTATIONS_VERSION = (1, 55)
"""API version from which on an engine sends attestations."""
_STATEMENT = '"Statement":'


def statements_of(engine: Engine, described: Description) -> list[AttachedDocument]:
    """Return the statements about the described platform. Raises :class:`LayertuiError`."""
    parameters = {**described.query, "statement": "1"}
    pieces = engine.stream("/images/{0}/attestations", described.identity, **parameters)
    text = b"".join(pieces).decode("utf-8", "replace")
    try:
        answer = objects(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise LayertuiError(f"{engine.endpoint.engine} gives no JSON", json_problem(error)) from error
    documents, position = [], 0
    for each in answer:
        descriptor, predicate = descriptor_of(each.get("Descriptor")), each.get("PredicateType")
        start = text.find(_STATEMENT, position) + len(_STATEMENT)
        if descriptor is None or not isinstance(predicate, str) or start < len(_STATEMENT):
            continue
        _, position = json.JSONDecoder().raw_decode(text, start)
        kind = kind_of((predicate, descriptor.media_type), media_types.ATTESTATION)
        blob = _blob(text[start:position], descriptor)
        documents.append(AttachedDocument(descriptor, blob, kind, predicate))
    return documents


def _blob(text: str, descriptor: Descriptor) -> Blob | None:
    """Return a statement as it is stored; the engine leaves out white space, which BuildKit does, too."""
    data = text.encode()
    return BytesBlob(data, "sent by the engine") if digest_of(data) == descriptor.digest else None
