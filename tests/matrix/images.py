"""What the matrix runs the commands on: images and stores of this suite, and of other programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from layertui import demo
from layertui.model.image import Image
from tests import every_entry_type, hostile
from tests.layers.tars import END, file
from tests.layouts import CONFIG, LAYER, MANIFEST, OciLayout, digest, docker_archive
from tests.other_projects import ROOT, docker_root, engine_fixture, fixture


def _archive(image: Callable[[], Image]) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        docker_archive(folder / "image.tar", image())
        return f"docker-archive:{folder / 'image.tar'}"

    return make


def _without_layers() -> Image:
    """As ``FROM scratch`` with ``LABEL`` alone makes one."""
    config = {
        "architecture": "amd64", "os": "linux", "config": {"Labels": {"a": "b"}},
        "history": [{"created_by": "LABEL a=b", "empty_layer": True}], "rootfs": {"type": "layers", "diff_ids": []},
    }  # fmt: skip
    data = json.dumps(config).encode()
    return demo.image()._replace(layers=[], id=digest(data), config=config, config_bytes=data)


def _layout(*layers: bytes, compression: str = "gzip", **config: object) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        OciLayout(folder / "layout").add("1", list(layers), compression, config)
        return f"oci:{folder / 'layout'}"

    return make


def _platforms(folder: Path) -> str:
    """An index of two platforms."""
    other = demo.image()
    config = {**other.config, "architecture": "arm64"}
    OciLayout(folder / "layout").add_index("1", demo.image(), hostile.image("arm64"))
    assert config != other.config
    return f"oci:{folder / 'layout'}"


def _artifact(folder: Path) -> str:
    """An artifact whose blob is no tar."""
    layout = OciLayout(folder / "layout")
    layout.add("1", [b"GGUF model"], config={"rootfs": {}, "history": []})
    blobs = folder / "layout/blobs/sha256"
    (old,) = [path for path in blobs.iterdir() if b"schemaVersion" in path.read_bytes()]
    manifest = json.loads(old.read_bytes())
    manifest["layers"][0]["mediaType"] = "application/vnd.example.model"
    data = json.dumps(manifest).encode()
    (blobs / digest(data).partition(":")[2]).write_bytes(data)
    index = json.loads((folder / "layout/index.json").read_bytes())
    index["manifests"][0].update(digest=digest(data), size=len(data))
    (folder / "layout/index.json").write_text(json.dumps(index))
    return f"oci:{folder / 'layout'}"


def _damaged(folder: Path) -> str:
    """A layer that is cut off."""
    docker_archive(folder / "image.tar", every_entry_type.image())
    data = (folder / "image.tar").read_bytes()
    (folder / "image.tar").write_bytes(data[: len(data) // 2])
    return f"docker-archive:{folder / 'image.tar'}"


def _directory(folder: Path) -> str:
    """As ``skopeo copy … dir:`` writes one."""
    layer, config = file(b"a", b"1") + END, json.dumps({"os": "linux", "architecture": "amd64"}).encode()
    described = [
        {"mediaType": kind, "digest": digest(data), "size": len(data)}
        for kind, data in ((CONFIG, config), (LAYER, layer))
    ]
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": described[1:]}
    for data in (layer, config):
        (folder / digest(data).partition(":")[2]).write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "version").write_text("Directory Transport Version: 1.1\n")
    return f"dir:{folder}"


OWN: dict[str, Callable[[Path], str]] = {
    "sample": lambda _: "demo:",
    "archive": _archive(demo.image),
    "every-entry-type": _archive(every_entry_type.image),
    "hostile": _archive(hostile.image),
    "without-layers": _archive(_without_layers),
    "empty-layer": _layout(END),
    "no-platform": _layout(file(b"a", b"1") + END, architecture="", os=""),
    "zstd": _layout(file(b"a", b"1") + END, compression="zstd"),
    "only-a-whiteout": _layout(file(b".wh.a") + END),
    "platforms": _platforms,
    "artifact": _artifact,
    "damaged": _damaged,
    "directory": _directory,
}
"""Name to a function that makes it below a folder and returns its reference."""


def _engines() -> dict[str, Callable[[Path], str]]:
    """Stores of current engines, and archives of theirs."""
    stores = {
        "docker29-root": "docker-root:{}", "docker29-root-partial": "docker-root:{}", "containerd24-root": "containerd:{}",
        "storage165-4": "containers-storage:{}", "storage165-6": "containers-storage:{}",
        "oras-regctl-layouts/oras-oci": "oci:{}", "oras-regctl-layouts/regctl-dir": "oci:{}",
        "buildkit-cache/cache-local": "oci:{}", "buildkit-cache/cache-local-old": "oci:{}",
    }  # fmt: skip

    def store(name: str, form: str) -> Callable[[Path], str]:
        packed, _, inner = name.partition("/")
        return lambda folder: form.format(engine_fixture(packed, folder) / inner)

    return {name: store(name, form) for name, form in stores.items()}


def _fixture(name: str, _folder: Path) -> str:
    return str(fixture(name))


def _root(name: str, folder: Path) -> str:
    return f"docker-root:{docker_root(name, folder)}"


def _others() -> dict[str, Callable[[Path], str]]:
    """Files of other projects that are archives or layouts."""
    archives = [path for path in ROOT.rglob("*.tar") if path.is_file()]
    layouts = [path.parent for path in ROOT.rglob("index.json")]
    names = sorted(str(path.relative_to(ROOT)) for path in (*archives, *layouts))
    roots = sorted(path.stem for path in ROOT.glob("google+docker-explorer/test_data/*.tgz"))
    return {
        **{name: partial(_fixture, name) for name in names},
        **{name: partial(_root, name) for name in roots},
    }


SOURCES = {**OWN, **_engines(), **_others()}
