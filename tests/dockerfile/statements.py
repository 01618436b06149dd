"""Provenance as BuildKit attaches it, of images that tests make."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from layertui.dockerfile.buildkit import BUILD_TYPES
from tests.commands.samples import tar
from tests.layouts import CONFIG, LAYER, MANIFEST, digest
from tests.sources.maker import Maker

IN_TOTO = "application/vnd.in-toto+json"
SLSA_1 = "https://slsa.dev/provenance/v1"
Change = Callable[[dict[str, Any]], None]


def edited(found: Any, *path: str | int) -> Any:
    """What is below some names and numbers."""
    for name in path:
        found = found[name]
    return found


def metadata(statement: dict[str, Any]) -> Any:
    """BuildKit's own part of a statement."""
    return edited(statement, "predicate", "runDetails", "metadata", "buildkit_metadata")


def statement_of(
    manifest: str, text: bytes, lines: Sequence[int], layers: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A statement about a manifest whose layers were made by the instructions at lines."""
    steps = [{"id": f"step{number}", "op": {"Op": {"file": {}}}} for number in range(len(lines))]
    last = [f"step{len(lines) - 1}:0"]
    locations = {
        f"step{number}": {"locations": [{"ranges": [{"start": {"line": line}, "end": {"line": line}}]}]}
        for number, line in enumerate(lines)
    }
    known = {
        "source": {
            "locations": locations,
            "infos": [
                {"filename": "Dockerfile", "language": "Dockerfile", "data": base64.b64encode(text).decode()}
            ],
        },
        "layers": {f"step{number}:0": [list(layers[: number + 1])] for number in range(len(lines))},
    }
    definition = [*steps, {"id": f"step{len(lines)}", "op": {"Op": None}, "inputs": last}]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": SLSA_1,
        "subject": [{"name": "pkg:docker/app@1", "digest": {"sha256": manifest.partition(":")[2]}}],
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPES[1],
                "externalParameters": {"configSource": {"path": "Dockerfile"}, "request": {"args": {}}},
                "internalParameters": {"buildConfig": {"llbDefinition": definition}},
            },
            "runDetails": {"metadata": {"buildkit_metadata": known}},
        },
    }


def attached(
    folder: Path,
    text: bytes,
    history: Sequence[Mapping[str, Any]],
    lines: Sequence[int],
    change: Change | bytes = lambda statement: None,
) -> str:
    """The reference of an image with a provenance, which ``change`` edits or replaces.

    Of its history, the entries without ``empty_layer`` have a layer each, and ``lines`` are those that made them.
    """
    maker = Maker(folder)
    tars = [tar((f"/line-{line}", b"x" * line)) for line in lines]
    layers = [maker.blob(each, LAYER) for each in tars]
    config = {
        "os": "linux",
        "architecture": "amd64",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest(each) for each in tars]},
        "history": list(history),
    }
    manifest = {"config": maker.blob(config, CONFIG), "layers": layers}
    image = maker.blob(manifest, MANIFEST, platform={"os": "linux", "architecture": "amd64"})
    if isinstance(change, bytes):
        data = change
    else:
        statement = statement_of(image["digest"], text, lines, layers)
        change(statement)
        data = json.dumps(statement).encode()
    document = maker.blob(data, IN_TOTO, annotations={"in-toto.io/predicate-type": SLSA_1})
    attestation = maker.blob(
        {"config": maker.blob({}, CONFIG), "layers": [document]},
        MANIFEST,
        platform={"os": "unknown", "architecture": "unknown"},
        annotations={
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image["digest"],
        },
    )
    return maker.index(image, attestation)
