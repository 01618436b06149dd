"""What is reported of the contents of a folder."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from layertui.model.errors import LayertuiError
from layertui.sources import UnknownName, list_directory, open_image
from layertui.sources.containerd.namespace import METADATA_DB
from layertui.sources.detect import detect_reference
from tests.content.archives import tar_of


def archive(path: Path, files: Mapping[str, bytes], length: int | None = None) -> None:
    """A tar archive of ``files``, or the first ``length`` bytes of it."""
    path.write_bytes(tar_of(files)[:length])


def said(folder: Path) -> dict[str, str]:
    """The sentence about each file that could not be read, by the file's name in it."""
    problems = [str(item) for item in list_directory(folder) if isinstance(item, LayertuiError)]
    return {path.name: line for path in folder.iterdir() for line in problems if path.name in line}


def test_an_image_archive_that_cannot_be_read_is_told_of_whatever_its_name(tmp_path: Path) -> None:
    archive(tmp_path / "app.tar", {"manifest.json": b"[{"})
    assert "not valid JSON" in said(tmp_path)["app.tar"]


def test_an_archive_that_ends_early_is_told_of(tmp_path: Path) -> None:
    archive(tmp_path / "app.tar", {"layer.tar": bytes(5000), "manifest.json": b"[]"}, 2000)
    assert "the tar ends early" in said(tmp_path)["app.tar"]


def test_whole_archives_of_something_else_are_passed_over(tmp_path: Path) -> None:
    archive(tmp_path / "backup.tar", {"home/notes.txt": b"hello"})
    (tmp_path / "notes.txt").write_text("hello")
    assert said(tmp_path) == {}


def test_a_name_that_promises_an_image_is_told_of(tmp_path: Path) -> None:
    archive(tmp_path / "docker-backup.tar", {"home/notes.txt": b"hello"})
    assert "not an image" in said(tmp_path)["docker-backup.tar"]


def test_stores_are_recognised(tmp_path: Path) -> None:
    podman, containerd, other = (tmp_path / name for name in ("podman", "containerd", "other"))
    (podman / "overlay-images").mkdir(parents=True)
    (podman / "overlay-layers").mkdir()
    (containerd / METADATA_DB).parent.mkdir(parents=True)
    (containerd / METADATA_DB).touch()
    (other / "holiday-images").mkdir(parents=True)
    assert detect_reference(str(podman)).transport == "containers-storage"
    assert detect_reference(str(containerd)).transport == "containerd"
    with pytest.raises(LayertuiError, match="is not an image"):
        detect_reference(str(other))


@pytest.mark.parametrize("folder", ["image", "a/b"])
@pytest.mark.parametrize(
    "names", [("manifest.json", "c.json"), ("index.json", "oci-layout"), ("repositories",)]
)
def test_an_archive_packed_with_its_folder_is_told_how_to_pack_it(
    folder: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    archive(tmp_path / "app.tar", {f"{folder}/{name}": b"[]" for name in names})
    with pytest.raises(LayertuiError) as raised:
        detect_reference(str(tmp_path / "app.tar"))
    assert raised.value.why.endswith(f"at the top: they are in {folder}")
    assert raised.value.remedy == f"unpack it, then tar -C {folder} -cf image.tar ."
    assert "is not an image" in said(tmp_path)["app.tar"]


def test_what_was_unpacked_is_told_how_to_pack_it(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(LayertuiError) as raised:
        detect_reference(str(tmp_path))
    assert raised.value.remedy == f"pack it again: tar -C {tmp_path} -cf image.tar ."


def test_a_layout_below_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/index.json").write_text("{}")
    with pytest.raises(LayertuiError, match=f"a directory without index.json, give {tmp_path}/app"):
        detect_reference(str(tmp_path))


def test_a_host_with_capital_letters_is_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docker reads names (distribution/reference, splitDockerDomain): the repository alone is lower case."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/podman.sock")
    with pytest.raises(UnknownName, match="cannot reach Docker"):
        open_image("Ghcr.io/owner/app:1")
    with pytest.raises(UnknownName, match="no such path; repositories are lower case"):
        open_image("ghcr.io/Owner/app:1")
