"""Archives of image stores that no program here writes, put together after their source.

They are not recordings: :func:`docker25` follows moby's ``image/tarexport/save.go`` and
:func:`docker_with_containerd` its ``daemon/containerd/image_exporter.go``, which leaves the
archive to containerd's ``core/images/archive/exporter.go``.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.layouts import COMPRESS, CONFIG, INDEX, LAYER, MANIFEST, digest

EMPTY = "application/vnd.oci.empty.v1+json"
STATEMENT = "application/vnd.in-toto+json"
ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
Json = dict[str, Any]


class Blobs:
    """Blobs by digest, and the images that are made of them."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def add(self, media_type: str, value: bytes | Mapping[str, Any], **more: Any) -> Json:
        """The descriptor of a blob that is kept from now on."""
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.data[digest(data)] = data
        return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}

    def drop(self, descriptor: Json) -> None:
        """Forget an image's manifest and all that it names, as if it was never pulled."""
        manifest = json.loads(self.data.pop(descriptor["digest"]))
        for each in (manifest["config"], *manifest["layers"]):
            self.data.pop(each["digest"], None)

    def image(self, tars: Sequence[bytes], architecture: str = "amd64", compression: str = "") -> Json:
        """An image for a platform."""
        config = {
            "os": "linux",
            "architecture": architecture,
            "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]},
            "history": [{"created_by": "COPY . ."} for _ in tars],
        }
        kind = f"{LAYER}+{compression}" if compression else LAYER
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.add(CONFIG, config),
            "layers": [self.add(kind, COMPRESS[compression](tar)) for tar in tars],
        }
        return self.add(MANIFEST, manifest, platform={"architecture": architecture, "os": "linux"})

    def attestation(self, image: Json) -> Json:
        """What BuildKit wrote first: an image of JSON, of which its descriptor tells the rest."""
        statement = self.add(
            STATEMENT, {"_type": "https://in-toto.io/Statement/v0.1", "for": image["digest"]}
        )
        config = {
            "architecture": "unknown",
            "os": "unknown",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [statement["digest"]]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.add(CONFIG, config),
            "layers": [
                statement | {"annotations": {"in-toto.io/predicate-type": "https://spdx.dev/Document"}}
            ],
        }
        about = {
            "vnd.docker.reference.digest": image["digest"],
            "vnd.docker.reference.type": "attestation-manifest",
        }
        unknown = {"architecture": "unknown", "os": "unknown"}
        return self.add(MANIFEST, manifest, annotations=about, platform=unknown)

    def artifact(self, image: Json, **more: Any) -> Json:
        """What BuildKit writes since: an artifact that names its subject, whatever its descriptor tells."""
        statement = self.add(STATEMENT, {"_type": "https://in-toto.io/Statement/v1", "for": image["digest"]})
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": ATTESTATION,
            "config": self.add(EMPTY, b"{}"),
            "layers": [statement],
            "subject": {key: image[key] for key in ("mediaType", "digest", "size")},
        }
        return self.add(MANIFEST, manifest, **more)

    def manifest(self, descriptor: Json) -> Json:
        """A blob of JSON."""
        value: Json = json.loads(self.data[descriptor["digest"]])
        return value


def named(descriptor: Json, name: str) -> Json:
    """A descriptor of an index.json with a name, ``app:1``, as containerd and Docker write it."""
    notes = {
        "io.containerd.image.name": f"docker.io/library/{name}",
        "org.opencontainers.image.ref.name": name.partition(":")[2],
    }
    kept = {key: value for key, value in descriptor.items() if key != "platform"}
    return {**kept, "annotations": {**descriptor.get("annotations", {}), **notes}}


def docker25(path: Path, blobs: Blobs, images: Mapping[str, Json]) -> None:
    """What Docker 25 and later save of a classic store: plain layers, two lists of images in one tar."""
    items, top = [], []
    for name, descriptor in images.items():
        manifest = blobs.manifest(descriptor)
        items.append(_item(manifest, [name]))
        items[-1]["LayerSources"] = {layer["digest"]: layer for layer in manifest["layers"]}
        top.append(named(descriptor, name))
        # The old configs of layers are stored by their old ID, which is not the digest of their bytes.
        legacy = json.dumps({"id": "7" * 64, "os": "linux"}).encode()
        blobs.data[digest(legacy[1:])] = legacy
    repositories = {name.partition(":")[0]: {name.partition(":")[2]: "7" * 64} for name in images}
    _write(path, blobs, top, items, {"repositories": json.dumps(repositories).encode()})


def docker_with_containerd(path: Path, blobs: Blobs, top: Sequence[Json], host: Mapping[str, Json]) -> None:
    """What Docker saves of containerd's store: all that is there of each name in ``top``.

    ``host`` are the manifests for the host's platform by name; manifest.json has only those.
    """
    _write(path, blobs, top, [_item(blobs.manifest(each), [name]) for name, each in host.items()], {})


def _item(manifest: Json, tags: list[str]) -> Json:
    return {
        "Config": _place(manifest["config"]["digest"]),
        "RepoTags": tags,
        "Layers": [_place(layer["digest"]) for layer in manifest["layers"]],
    }


def _place(name: str) -> str:
    return "blobs/" + name.replace(":", "/")


def _write(
    path: Path, blobs: Blobs, top: Sequence[Json], items: Sequence[Json], more: Mapping[str, bytes]
) -> None:
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(top)}
    files = {
        **{_place(name): data for name, data in blobs.data.items()},
        "index.json": json.dumps(index).encode(),
        "manifest.json": json.dumps(list(items)).encode(),
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        **more,
    }
    with tarfile.open(path, "w") as tar:
        for name, data in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
