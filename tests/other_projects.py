"""Images and data roots of other projects, and of the current engines, where a folder of them is available."""

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

ROOT = Path(os.environ.get("LAYERTUI_FIXTURES", Path(__file__).resolve().parents[2] / "shared" / "fixtures"))
XATTR = "SCHILY.xattr."


def fixture(name: str) -> Path:
    """The path of one; skips the test where it is absent."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"no fixture {name}")
    return path


def docker_root(name: str, folder: Path) -> Path:
    """A data root that people used, unpacked with the times of its symlinks, which tarfile does not set."""
    with tarfile.open(fixture(f"google+docker-explorer/test_data/{name}.tgz")) as archive:
        archive.extractall(folder, filter="fully_trusted" if os.geteuid() == 0 else "data")
        for member in archive:
            if member.issym():
                os.utime(folder / member.name, (member.mtime, member.mtime), follow_symlinks=False)
    return folder / "docker"


def engine_fixture(name: str, folder: Path) -> Path:
    """Unpack a store or layout that a current engine wrote; as root with devices and extended attributes."""
    packed = fixture(f"engines/{name}.tar.zst")
    is_root = os.geteuid() == 0
    with (
        packed.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        archive.extractall(folder / name, filter="fully_trusted" if is_root else "data")
        for member in archive.getmembers() if is_root else ():
            for key, value in member.pax_headers.items():
                if key.startswith(XATTR):
                    path, data = folder / name / member.name, value.encode("utf-8", "surrogateescape")
                    os.setxattr(path, key.removeprefix(XATTR), data, follow_symlinks=False)
    return folder / name


def engine_answer(name: str) -> Any:
    """What such an engine answered, of a file with JSON parsed."""
    path = fixture(f"engines/answers/{name}")
    return json.loads(path.read_text()) if path.suffix == ".json" else path.read_text()
