"""A store of Podman beside others whose images it offers, or which has its images elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layertui import demo
from layertui.layers.unpacked.tar_split import RecordedDirectory
from layertui.model.errors import LayertuiError
from layertui.model.reference import parse_reference
from layertui.sources import containers_storage, list_images, open_image
from layertui.sources.store_usage import StoreUsage, usage_of
from layertui.verify.image import verify_image
from tests.engines import run
from tests.observable import Seen, seen
from tests.sources.stores import PODMANS

WORK = "localhost/work:1"


@pytest.fixture(params=["overlay", "vfs"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def root(driver: str, podman_stores: Callable[[str], list[str]], tmp_path: Path) -> Path:
    """A copy to be changed."""
    run("cp", "--archive", podman_stores(driver)[1].partition("=")[2], tmp_path / "root")
    return tmp_path / "root"


Configure = Callable[..., None]


@pytest.fixture
def configure(root: Path, driver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Make the root the system's store, with additional ones, and images in another place."""

    def write(*additional: Path, images: Path | None = None) -> None:
        lines = ["[storage]", f'driver = "{driver}"', f'graphroot = "{root}"']
        lines += [f'imagestore = "{images}"'] if images else []
        lines += ["[storage.options]", f"additionalimagestores = {json.dumps(list(map(str, additional)))}"]
        (tmp_path / "storage.conf").write_text("\n".join(lines))
        monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "storage.conf"))

    return write


def rows_of(source: str, message: str) -> list[str]:
    """The names of the images that are listed before what is wrong is said."""
    found: list[str] = []
    with pytest.raises(LayertuiError) as raised:
        for row in list_images(source):
            found.append(f"{row.name}:{row.tag}")
    assert message in str(raised.value)
    return found


def names(found: StoreUsage) -> set[str]:
    return {name for image in found.images for name in image.names}


def take_out(root: Path, driver: str, kind: str, wanted: Callable[[dict[str, Any]], bool]) -> list[Any]:
    """The records of a list that are wanted, which no longer has them."""
    path = root / f"{driver}-{kind}" / f"{kind}.json"
    records = json.loads(path.read_text())
    path.write_text(json.dumps([each for each in records if not wanted(each)]))
    return [each for each in records if wanted(each)]


def put_in(root: Path, driver: str, kind: str, records: list[Any]) -> None:
    path = root / f"{driver}-{kind}" / f"{kind}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text()) if path.exists() else []
    path.write_text(json.dumps([*known, *records]))


def gone(path: Path, driver: str) -> None:
    pass


def no_directory(path: Path, driver: str) -> None:
    path.write_text("a file")


def junk_images(path: Path, driver: str) -> None:
    (path / f"{driver}-images").mkdir(parents=True)
    (path / f"{driver}-images/images.json").write_text("{")


def junk_layers(path: Path, driver: str) -> None:
    (path / f"{driver}-layers").mkdir(parents=True)
    (path / f"{driver}-layers/layers.json").write_text("[{]")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (gone, "the additional image store {} is not there, mount it, or remove it from storage.conf"),
        (no_directory, "cannot list {}, Not a directory"),
        (junk_images, "images.json is not valid JSON"),
        (junk_layers, "layers.json is not valid JSON"),
    ],
)
def test_an_additional_store_that_is_gone_or_broken_leaves_the_rest(
    driver: str, configure: Configure, tmp_path: Path, spoil: Callable[[Path, str], None], said: str
) -> None:
    broken = tmp_path / "broken"
    spoil(broken, driver)
    configure(broken)
    said = said.format(broken)
    assert sorted(rows_of("containers-storage:", said)) == [PODMANS, WORK]
    for name in (PODMANS, WORK):
        assert open_image(f"containers-storage:{name}").tags == [name]
        assert [row.name for row in list_images(f"containers-storage:{name}")] == [name.partition(":")[0]]
    with pytest.raises(
        LayertuiError, match=f"has no image none:1, its .* store has {PODMANS}, {WORK}"
    ) as raised:
        open_image("containers-storage:none:1")
    if spoil is not junk_layers:  # which has nothing to do with what images there are
        assert said in str(raised.value)
    assert {
        row.name for row in containers_storage.list_containers(parse_reference("containers-storage:"))
    } >= {"worked"}
    assert open_image("containers-storage:[]/worked").layers[-1].unpacked is not None
    found = usage_of(parse_reference("containers-storage:"))
    assert names(found) == {PODMANS, WORK} and found.layers and found.parts
    assert len(found.problems) == 1 and said in found.problems[0]


def test_a_layer_whose_store_is_gone_says_so(
    root: Path, driver: str, configure: Configure, tmp_path: Path
) -> None:
    """A base that is kept on a disk which is not mounted."""
    base = demo.image().layers[0].diff_id
    take_out(root, driver, "layers", lambda layer: layer.get("diff-digest") == base)
    configure(tmp_path / "unmounted")
    image = open_image(f"containers-storage:{PODMANS}")
    assert f"the additional image store {tmp_path / 'unmounted'} is not there" in image.layers[0].missing
    assert "the store has no layer" in image.warnings[0]


def test_one_that_may_not_be_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="layertui-") as folder:
        own, closed, file = Path(folder, "own"), Path(folder, "closed"), Path(folder, "storage.conf")
        Path(folder).chmod(0o755)
        (own / "vfs-images").mkdir(parents=True)
        (own / "vfs-images/images.json").write_text(json.dumps([{"id": "ab" * 32, "names": ["one:1"]}]))
        closed.mkdir(0o700)
        file.write_text(
            f'[storage]\ngraphroot = "{own}"\n[storage.options]\nadditionalimagestores = ["{closed}"]\n'
        )
        monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(file))
        os.seteuid(65534)
        try:
            said = f"cannot list {closed}, Permission denied, run as root"
            assert rows_of("containers-storage:", said) == ["one:1"]
        finally:
            os.seteuid(0)


def test_a_name_that_two_stores_have_is_that_of_the_first(
    root: Path, driver: str, configure: Configure, tmp_path: Path
) -> None:
    """As where an image of a shared store was pulled anew; the other is there by its ID."""
    other = tmp_path / "other"
    run("cp", "--archive", root, other)
    (sample,) = take_out(other, driver, "images", lambda image: PODMANS in image["names"])
    (work,) = take_out(other, driver, "images", lambda image: WORK in image["names"])
    put_in(
        other,
        driver,
        "images",
        [{**sample, "names": [WORK, "localhost/more:1"]}, {**work, "names": [PODMANS]}],
    )
    take_out(root, driver, "images", lambda image: PODMANS in image["names"])
    configure(other)
    assert open_image(f"containers-storage:{WORK}").id == f"sha256:{work['id']}"
    rows = list(list_images("containers-storage:"))
    # That of the same ID in both is one, with the names of both.
    assert {f"{row.name}:{row.tag}": row.id[7:] for row in rows if row.id[7:] == work["id"]} == {
        WORK: work["id"],
        PODMANS: work["id"],
    }
    assert [f"{row.name}:{row.tag}" for row in rows if row.id[7:] == sample["id"]] == [
        WORK,
        "localhost/more:1",
    ]
    assert len({row.reference for row in rows}) == len(rows) == 4
    for row in rows:
        assert open_image(row.reference).id == row.id
    for image in usage_of(parse_reference("containers-storage:")).images:
        assert open_image(image.reference).id == image.id


def test_options_of_a_reference_name_them_too(
    root: Path, driver: str, tmp_path: Path, expected: Seen
) -> None:
    """containers-transports(5): ``[DRIVER@ROOT+RUNROOT:OPTIONS]``."""
    own = tmp_path / "own"
    (own / f"{driver}-images").mkdir(parents=True)
    reference = f"containers-storage:[{driver}@{own}+{tmp_path}/run:{driver}.imagestore={root},x=y]{PODMANS}"
    assert seen(open_image(reference)) == expected


@pytest.fixture
def split(root: Path, driver: str, tmp_path: Path) -> Path:
    """The images of a root in a store of their own, as newer ones have it with ``imagestore``.

    No program here can do it: so did ``containers-storage`` of container-libs lay it out with
    ``--image-store``. Lists of images, and directories of layers, are elsewhere; records of tars
    stay beside the list of containers' layers.
    """
    images = tmp_path / "images"
    images.mkdir()
    containers = json.loads((root / f"{driver}-containers/containers.json").read_text())
    own = {container["layer"] for container in containers}
    layers = take_out(root, driver, "layers", lambda layer: layer["id"] not in own)
    put_in(images, driver, "layers", layers)
    shutil.move(root / f"{driver}-images", images / f"{driver}-images")
    (root / f"{driver}-images").mkdir()
    where = "overlay/{}" if driver == "overlay" else "vfs/dir/{}"
    for layer in layers:
        place = where.format(layer["id"])
        (images / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).rename(images / place)
    return images


def test_images_in_a_store_of_their_own(
    split: Path, root: Path, configure: Configure, expected: Seen
) -> None:
    configure(images=split)
    image = open_image(f"containers-storage:{PODMANS}")
    assert seen(image) == expected and not image.warnings
    for layer in image.layers:
        assert isinstance(layer.unpacked, RecordedDirectory)
        assert layer.unpacked.record.is_relative_to(root) and layer.unpacked.directory.is_relative_to(split)
    assert {check.status for check in verify_image(image)} == {"ok"}
    container = open_image("containers-storage:[]/worked")
    assert len(container.layers) == 2 and not any(layer.missing for layer in container.layers)
    found = usage_of(parse_reference("containers-storage:"))
    assert names(found) == {PODMANS, WORK} and not found.problems and not found.strays
    configure()
    assert not list(list_images("containers-storage:"))


def test_images_that_were_there_before_are_offered_still(
    root: Path, driver: str, configure: Configure, tmp_path: Path
) -> None:
    """After those in the place for images, where both have one of a name."""
    images = tmp_path / "images"
    (work,) = take_out(root, driver, "images", lambda image: WORK in image["names"])
    put_in(images, driver, "images", [{**work, "names": [PODMANS]}])
    shutil.copytree(root / f"{driver}-images" / work["id"], images / f"{driver}-images" / work["id"])
    configure(images=images)
    assert open_image(f"containers-storage:{PODMANS}").id == f"sha256:{work['id']}"
    assert open_image(f"containers-storage:{demo.image().id}").id == demo.image().id
