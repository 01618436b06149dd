"""Images written out for other programs to read: OCI layouts and docker-archives."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import zstandard

from layertui.model.blob import BytesBlob
from layertui.model.image import Image

LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": lambda tar: gzip.compress(tar, mtime=0),
    "zstd": zstandard.ZstdCompressor().compress,
}


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class OciLayout:
    """An OCI image layout that grows by an image a tag."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._manifests: list[dict[str, Any]] = []
        (directory / "blobs" / "sha256").mkdir(parents=True)
        (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def clear(self) -> None:
        """Have index.json name no image; the blobs stay."""
        self._manifests = []

    def add(
        self, tag: str, tars: Sequence[bytes], compression: str = "", config: Mapping[str, Any] = {}
    ) -> None:
        """An image of tar layers, base first, each compressed by ``gzip``, ``zstd`` or not at all.

        ``config`` are fields of its config in place of those of an image of no use.
        """
        document = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]},
            "history": [{"created_by": f"layer {number}"} for number in range(1, len(tars) + 1)],
            **config,
        }
        media_type = f"{LAYER}+{compression}" if compression else LAYER
        layers = [self._blob(media_type, COMPRESS[compression](tar)) for tar in tars]
        self._tag(tag, self._manifest(json.dumps(document).encode(), layers))

    def add_blob(self, tag: str, media_type: str, data: bytes, tar: bytes) -> None:
        """An image of one layer by its media type and stored bytes, whatever these are of ``tar``."""
        rootfs = {"type": "layers", "diff_ids": [digest(tar)]}
        config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}
        self._tag(tag, self._manifest(json.dumps(config).encode(), [self._blob(media_type, data)]))

    def add_image(self, tag: str, image: Image) -> None:
        """An image whose blobs are in memory, byte for byte."""
        for layer in image.layers:
            self._blob(layer.descriptor.media_type, blob_bytes(layer.blob))
        self._blob(CONFIG, image.config_bytes)
        self._tag(tag, image.manifest_bytes)

    def add_index(self, tag: str, *images: Image) -> None:
        """One index of images for several platforms, byte for byte."""
        manifests = []
        for image in images:
            for layer in image.layers:
                self._blob(layer.descriptor.media_type, blob_bytes(layer.blob))
            self._blob(CONFIG, image.config_bytes)
            platform = {key: image.config[key] for key in ("os", "architecture")}
            manifests.append({**self._blob(MANIFEST, image.manifest_bytes), "platform": platform})
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        self._tag(tag, json.dumps(index).encode(), INDEX)

    def add_base(self, tag: str, image: Image, layers: int) -> None:
        """An image of the first layers of one whose blobs are in memory."""
        base = image.layers[:layers]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in base]},
        }
        stored = [self._blob(layer.descriptor.media_type, blob_bytes(layer.blob)) for layer in base]
        self._tag(tag, self._manifest(json.dumps(config).encode(), stored))

    def _manifest(self, config: bytes, layers: list[dict[str, Any]]) -> bytes:
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(CONFIG, config),
            "layers": layers,
        }
        return json.dumps(manifest).encode()

    def _tag(self, tag: str, manifest: bytes, media_type: str = MANIFEST) -> None:
        descriptor = self._blob(media_type, manifest)
        descriptor["annotations"] = {"org.opencontainers.image.ref.name": tag}
        self._manifests.append(descriptor)
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self._manifests}
        (self.directory / "index.json").write_text(json.dumps(index))

    def _blob(self, media_type: str, data: bytes) -> dict[str, Any]:
        name = digest(data)
        (self.directory / "blobs" / name.replace(":", "/")).write_bytes(data)
        return {"mediaType": media_type, "digest": name, "size": len(data)}


def docker_archive(path: Path, image: Image) -> None:
    """Write an image whose blobs are in memory as what ``docker load`` reads."""
    with tarfile.open(path, "w") as archive:
        layers = []
        for layer in image.layers:
            layers.append(f"{layer.number}/layer.tar")
            _add(archive, layers[-1], blob_bytes(layer.blob))
        config = f"{image.id.removeprefix('sha256:')}.json"
        _add(archive, config, image.config_bytes)
        manifest = [{"Config": config, "RepoTags": list(image.tags), "Layers": layers}]
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def blob_bytes(blob: object) -> bytes:
    assert isinstance(blob, BytesBlob)
    return blob.data


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))
