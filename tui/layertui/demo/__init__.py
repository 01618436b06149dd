"""The built-in sample image, ``demo:``; the same bytes on every machine."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from layertui.model import media_types
from layertui.model.blob import BytesBlob
from layertui.model.digest import digest_of
from layertui.model.image import Descriptor, HistoryEntry, Image, Layer, Platform, chain_ids
from layertui.model.numbers import LayerNumber

if TYPE_CHECKING:
    from layertui.demo.steps import SampleStep

SAMPLE_REFERENCE = "demo:"
SAMPLE_NAME = "quarry:1.1"
LAYER_TYPE = f"{media_types.OCI_LAYER}+gzip"


@cache
def image() -> Image:
    """Return the sample: a web application on a small distribution, with common mistakes."""
    from layertui.demo.steps import build
    from layertui.demo.tar import gzip_stored

    steps = list(build())
    tars = [step.tar for step in steps if step.tar is not None]
    blobs = [gzip_stored(tar) for tar in tars]
    diff_ids = [digest_of(tar) for tar in tars]
    descriptors = [Descriptor(LAYER_TYPE, digest_of(blob), len(blob)) for blob in blobs]
    config = _config(steps, diff_ids)
    config_bytes = _json(config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": {
            "mediaType": media_types.OCI_CONFIG,
            "digest": digest_of(config_bytes),
            "size": len(config_bytes),
        },
        "layers": [
            {"mediaType": each.media_type, "digest": each.digest, "size": each.size} for each in descriptors
        ],
    }
    manifest_bytes = _json(manifest)
    numbers = map(LayerNumber, range(1, len(tars) + 1))
    return Image(
        reference=SAMPLE_REFERENCE,
        transport="demo",
        name=SAMPLE_NAME,
        tags=[SAMPLE_NAME],
        repo_digests=[],
        id=digest_of(config_bytes),
        config=config,
        config_bytes=config_bytes,
        manifest=manifest,
        manifest_bytes=manifest_bytes,
        manifest_digest=digest_of(manifest_bytes),
        platform=Platform("linux", "amd64"),
        history=[
            HistoryEntry(
                step.created, step.created_by, "", step.comment, None if step.tar is None else next(numbers)
            )
            for step in steps
        ],
        layers=[
            Layer(
                LayerNumber(number),
                descriptor,
                diff_id,
                chain_id,
                BytesBlob(blob, f"layer {number} of the sample"),
            )
            for number, (descriptor, diff_id, chain_id, blob) in enumerate(
                zip(descriptors, diff_ids, chain_ids(diff_ids), blobs, strict=True), 1
            )
        ],
    )


def _config(steps: list[SampleStep], diff_ids: list[str]) -> dict[str, Any]:
    history = []
    for step in steps:
        entry: dict[str, Any] = {"created": step.created, "created_by": step.created_by}
        if step.comment:
            entry["comment"] = step.comment
        if step.tar is None:
            entry["empty_layer"] = True
        history.append(entry)
    return {
        "created": steps[-1].created,
        "author": "Marl & Daughters",
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": "quarry",
            "ExposedPorts": {"8080/tcp": {}},
            "Env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LANG=C.UTF-8",
                "PYTHONUNBUFFERED=1",
            ],
            "Entrypoint": ["/usr/local/bin/entrypoint.sh"],
            "Cmd": ["python3", "app.py"],
            "Healthcheck": {
                "Test": ["CMD-SHELL", "wget -qO- localhost:8080/health"],
                "Interval": 30_000_000_000,
                "Timeout": 3_000_000_000,
                "Retries": 3,
            },
            "WorkingDir": "/srv/quarry",
            "Labels": {"org.opencontainers.image.title": "quarry"},
        },
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": history,
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
