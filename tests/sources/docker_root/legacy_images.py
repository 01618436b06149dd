"""Images of Docker up to 1.9, and its data root made of what a newer daemon has left.

What drivers keep is the same on disk before and after: Docker 1.10 took the directories over as
they were (migrate/v1 of v1.10.0). Rules of the rest from the tag v1.9.1 of moby: graph/graph.go,
graph/export.go, daemon/graphdriver/overlay/copy.go, pkg/chrootarchive.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layertui.model.image import Image, chain_ids
from tests.images import tars_of

EMPTY = bytes(1024)
"""A tar of nothing."""
DIRECTORIES = {"overlay": "overlay", "vfs": "vfs/dir", "btrfs": "btrfs/subvolumes"}


@dataclass(frozen=True)
class V1Image:
    """An image of one layer, on another one."""

    id: str
    document: Mapping[str, Any]
    tar: bytes = EMPTY


def documents_of(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What the file ``json`` says of the image that each step of a config made."""
    parent = ""
    for number, step in enumerate(config["history"], 1):
        identity = hashlib.sha256(f"{number} {parent} {step}".encode()).hexdigest()
        yield {
            "id": identity,
            **({"parent": parent} if parent else {}),
            **({"comment": step["comment"]} if "comment" in step else {}),
            "created": step["created"],
            "container_config": {"Cmd": [step["created_by"]], "Labels": None},
            "docker_version": "1.9.1",
            "author": config.get("author", ""),
            "config": config["config"],
            "architecture": config["architecture"],
            "os": config["os"],
        }
        parent = identity


def images_of(image: Image) -> list[V1Image]:
    """An image as one for each of its steps; those that made no layer have an empty one."""
    tars = tars_of(image.layers)
    return [
        V1Image(document["id"], document, tars[step.layer - 1] if step.layer else EMPTY)
        for step, document in zip(image.history, documents_of(image.config), strict=True)
    ]


def archive(path: Path, name: str, tag: str, images: Sequence[V1Image]) -> None:
    """Write images, base first, as ``docker save`` of 1.9 did."""
    with tarfile.open(path, "w") as tar:
        for image in images:
            members = {"VERSION": b"1.0", "json": json.dumps(image.document).encode(), "layer.tar": image.tar}
            for member, data in members.items():
                _add(tar, f"{image.id}/{member}", data)
        _add(tar, "repositories", json.dumps({name: {tag: images[-1].id}}).encode())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def downgrade(root: Path, images: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Turn a data root with one of these drivers into one of Docker 1.9.

    ``images`` are the names of those that stay, with the documents of their steps, each of
    which has made a layer.
    """
    (store,) = (path for path in (root / "image").iterdir() if path.is_dir())
    folder = root / DIRECTORIES[store.name]
    known = json.loads((store / "repositories.json").read_text())["Repositories"]
    repositories: dict[str, dict[str, str]] = {}
    names: dict[str, str] = {}
    tops: dict[str, str] = {}
    for full, documents in images.items():
        name, _, tag = full.partition(":")
        content = store / "imagedb/content" / known[name][full].replace(":", "/")
        chain = chain_ids(json.loads(content.read_text())["rootfs"]["diff_ids"])
        for document, chain_id in zip(documents, chain, strict=True):
            facts = store / "layerdb" / chain_id.replace(":", "/")
            names[(facts / "cache-id").read_text()] = document["id"]
            graph = root / "graph" / document["id"]
            graph.mkdir(parents=True)
            (graph / "json").write_text(json.dumps(document))
            (facts / "size").rename(graph / "layersize")
            (facts / "tar-split.json.gz").rename(graph / "tar-data.json.gz")
        tops[known[name][full]] = documents[-1]["id"]
        repositories.setdefault(name, {})[tag] = documents[-1]["id"]
    for config in root.glob("containers/*/config.v2.json"):
        value = json.loads(config.read_text())
        config.with_name("config.json").write_text(json.dumps({**value, "Image": tops[value["Image"]]}))
        config.unlink()
        mount = (store / "layerdb/mounts" / value["ID"] / "mount-id").read_text()
        names |= {mount: value["ID"], f"{mount}-init": f"{value['ID']}-init"}
    for directory in list(folder.iterdir()):
        if directory.name not in names:
            shutil.rmtree(directory)
            continue
        if (lower := directory / "lower-id").exists():
            lower.write_text(names[lower.read_text()])
        directory.rename(folder / names[directory.name])
    for config in root.glob("containers/*/config.json"):
        _copy_as_1_9(store.name, folder, config.parent.name)
    shutil.rmtree(root / "image")
    (root / "graph/_tmp").mkdir()
    (root / f"repositories-{store.name}").write_text(json.dumps({"Repositories": repositories}))


def _copy_as_1_9(driver: str, folder: Path, container: str) -> None:
    """Give what was copied out of an init layer the times that copying gave it in 1.9.

    The overlay driver set those of directories before it copied what is in them, and the tar by
    which the vfs driver copied had whole seconds.
    """
    tail = "upper" if driver == "overlay" else "."
    init, own = folder / f"{container}-init" / tail, folder / container / tail
    for path in sorted(own.rglob("*")):
        other = init / path.relative_to(own)
        if not os.path.lexists(other) or path.lstat().st_mtime_ns != other.lstat().st_mtime_ns:
            continue
        if driver == "vfs":
            moment = path.lstat().st_mtime_ns // 1_000_000_000 * 1_000_000_000
            os.utime(path, ns=(moment, moment), follow_symlinks=False)
        elif driver == "overlay" and path.is_dir() and not path.is_symlink() and any(path.iterdir()):
            os.utime(path)  # btrfs makes a snapshot


def copy_directories_as_1_9(tree: Path, tar: bytes) -> None:
    """Give the directories of an image's tree that its tar has not the time of now, as the overlay driver of 1.9 did."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as members:
        own = {os.path.normpath(name) for name in members.getnames()}
    for path in tree.rglob("*"):
        if path.is_dir() and not path.is_symlink() and str(path.relative_to(tree)) not in own:
            os.utime(path)
