"""What is in an engine's own store beside the directories of an image's layers.

The engine hands out neither: the config as it is, and the records of the tars that were unpacked
(:mod:`layertui.layers.unpacked.tar_split`). Docker has them in ``image/<driver>`` (moby, layer/filestore.go,
image/fs.go), Podman in ``<driver>-images`` and ``<driver>-layers`` (containers/storage).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from layertui.model.digest import digest_of
from layertui.model.regular_file import open_regular
from layertui.sources.containers_storage.store import big_data_name
from layertui.sources.files import read_text


def config_bytes(identity: str, directories: Sequence[Path]) -> bytes:
    """Return the config of an image by its digest; empty if it is not stored there, or is another."""
    for directory in directories[-1:]:
        root, driver = _place(directory)
        hexadecimal = identity.removeprefix("sha256:")
        for path in (
            root / "image" / driver / "imagedb" / "content" / "sha256" / hexadecimal,
            root / f"{driver}-images" / hexadecimal / big_data_name(f"sha256:{hexadecimal}"),
        ):
            try:
                with open_regular(path) as file:
                    data = file.read()
            except OSError:
                continue
            if digest_of(data) == identity:
                return data
    return b""


def record_of(directory: Path, chain_id: str) -> Path | None:
    """Return the record of the tar that a layer's directory was unpacked from, if it can be read."""
    root, driver = _place(directory)
    name = directory.parent.name
    facts = root / "image" / driver / "layerdb" / chain_id.replace(":", "/")
    docker = facts / "tar-split.json.gz"
    if read_text(facts / "cache-id") == name and os.access(docker, os.R_OK):
        return docker
    podman = root / f"{driver}-layers" / f"{name}.tar-split.gz"
    return podman if os.access(podman, os.R_OK) else None


def _place(directory: Path) -> tuple[Path, str]:
    """Return the store's root, and its driver: a layer is in ``<root>/<driver>/<name>/diff``."""
    driver = directory.parents[1]
    return driver.parent, driver.name
