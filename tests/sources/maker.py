"""Layouts of any form, blob by blob."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from layertui.model.digest import digest_of
from tests.layers.tars import END, file
from tests.layouts import CONFIG, LAYER, MANIFEST, digest

TAR = file(b"f") + END


class Maker:
    """Writes blobs and an index.json into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)

    def blob(
        self, data: bytes | dict[str, Any], kind: str, algorithm: str = "sha256", **more: Any
    ) -> dict[str, Any]:
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        name = digest_of(data, f"{algorithm}:")
        path = self.folder / "blobs" / name.replace(":", "/")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return {"mediaType": kind, "digest": name, "size": len(data), **more}

    def image(
        self, architecture: str = "amd64", layers: list[Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        layers = [self.blob(TAR, LAYER)] if layers is None else layers
        rootfs = {"diff_ids": [digest(TAR)] * len(layers)}
        config = self.blob({"os": "linux", "architecture": architecture, "rootfs": rootfs}, CONFIG)
        platform = {"os": "linux", "architecture": architecture}
        return self.blob({"config": config, "layers": layers}, MANIFEST, platform=platform, **more)

    def index(self, *manifests: Any) -> str:
        (self.folder / "index.json").write_text(json.dumps({"manifests": manifests}))
        return f"oci:{self.folder}"
