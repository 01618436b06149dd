"""Whatever is asked of a store, by commands and on every screen, nothing of it is written.

Each store is what a real program wrote; of daemons that run, the one that they work on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from layertui import demo
from layertui.sources import list_containers, list_images
from layertui.ui.anatomy.screen import AnatomyScreen
from layertui.ui.app import LayertuiApp
from layertui.ui.dialogs.extract import ExtractDialog
from layertui.ui.dialogs.verify import VerifyDialog
from layertui.ui.dockerfile.screen import DockerfileScreen
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.insight.screen import InsightScreen
from layertui.ui.search.screen import SearchScreen
from layertui.ui.store.screen import StoreScreen, UsageScreen
from tests.commands.running import Run, runner
from tests.other_projects import docker_root as other_people
from tests.programs import need_root
from tests.sources.fingerprint import fingerprint
from tests.ui.places import until
from tests.ui.readings import quiet

SECONDS = 60
ON_SCREENS = {"docker overlay2", "docker running", "docker 1.9 aufs", "podman overlay", "containerd running"}
"""Those that the app is run on: one of each kind, for screens read all of a kind by the same code as commands."""


@dataclass(frozen=True)
class Store:
    """What is asked."""

    reference: str
    """The store as a whole."""
    roots: tuple[Path, ...]
    """All directories that belong to it."""
    image: str = demo.SAMPLE_NAME.partition(":")[0]
    """What the name of the image to look at ends in."""
    is_live: bool = False


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """One of a kind, made as it is asked for first."""
    made: Callable[[str], Any] = request.getfixturevalue

    def podmans(root: Path) -> Store:
        return Store(f"containers-storage:{root}", (root,))

    match request.param.split():
        case ["docker", "1.9", "aufs"]:
            root = other_people("aufs.v1", tmp_path)
            return Store(f"docker-root:{root}", (root,), "busybox")
        case ["docker", "1.9", driver]:
            root = made("old_docker_roots")(driver)
            return Store(f"docker-root:{root}", (root,), "old")
        case ["docker", "29"]:
            root = made("embedded_root")
            return Store(f"docker-root:{root}", (root,))
        case ["docker", "running"]:
            docker = made("docker")
            docker("load", "--input", made("archive"))
            return Store(f"docker-root:{docker.data_root}", (docker.data_root,), is_live=True)
        case ["docker", driver]:
            root = made("docker_roots")(driver)
            return Store(f"docker-root:{root}", (root,))
        case ["podman", "btrfs"]:
            return podmans(Path(made("podman_on_btrfs")[1].partition("=")[2]))
        case ["podman", "user"]:
            return podmans(made("user_stores")("overlay")[0])
        case ["podman", "additional"]:
            other = Path(made("podman_stores")("overlay")[1].partition("=")[2])
            own = Path(made("podman_stores")("overlay")[1].partition("=")[2]).with_name("own")
            (own / "overlay-images").mkdir(parents=True, exist_ok=True)
            (tmp_path / "storage.conf").write_text(
                f'[storage]\ndriver = "overlay"\ngraphroot = "{own}"\n'
                f'[storage.options]\nadditionalimagestores = ["{other}"]\n'
            )
            monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "storage.conf"))
            return Store("containers-storage:", (own, other))
        case ["podman", driver]:
            return podmans(Path(made("podman_stores")(driver)[1].partition("=")[2]))
        case _:
            _, root = made("containerd_live")
            return Store(f"containerd:{root}", (root,), is_live=True)


@pytest.fixture
def command(capsysbinary: pytest.CaptureFixture[bytes]) -> Iterator[Run]:
    yield from runner(capsysbinary)


@pytest.mark.parametrize(
    "store",
    [
        *(
            "docker overlay2",
            "docker vfs",
            "docker 29",
            "docker running",
            "docker 1.9 aufs",
            "docker 1.9 overlay",
        ),
        *("podman overlay", "podman vfs", "podman btrfs", "podman user", "podman additional"),
        "containerd running",
    ],
    indirect=True,
)
async def test_nothing_of_a_store_is_written(
    store: Store,
    command: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.chdir(tmp_path)
    before = state(store)
    by_commands(store, command, tmp_path)
    if request.node.callspec.id.partition("@")[0] in ON_SCREENS:
        await on_screens(store, tmp_path / "screens")
    after = [fingerprint(root) for root in store.roots]
    for one, other in zip(before, after, strict=True):
        assert {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)} == set()


def rewritten(root: Path) -> None:
    """Other bytes, and the time put back."""
    status = (root / "file").stat()
    (root / "file").write_bytes(b"two")
    os.utime(root / "file", ns=(status.st_atime_ns, status.st_mtime_ns))


def turned(root: Path) -> None:
    """A link that leads elsewhere, of the same length."""
    (root / "link").unlink()
    (root / "link").symlink_to("elif")


@pytest.mark.parametrize(
    "change",
    [
        rewritten,
        turned,
        lambda root: (root / "new").touch(),
        lambda root: (root / "file").unlink(),
        lambda root: (root / "file").rename(root / "other"),
        lambda root: (root / "file").chmod(0o600),
        lambda root: os.chown(root / "link", 1, 1, follow_symlinks=False),
        lambda root: os.setxattr(root / "file", "user.a", b"c"),
        lambda root: os.removexattr(root / "folder", "user.a"),
        lambda root: os.utime(root / "file", ns=(0, (root / "file").stat().st_mtime_ns)),
        lambda root: root.chmod(0o700),
        lambda root: os.link(root / "file", root.with_name("outside")),
    ],
)
def test_every_change_would_be_seen(change: Callable[[Path], object], tmp_path: Path) -> None:
    need_root()
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True, mode=0o755)
    (root / "file").write_bytes(b"one")
    (root / "link").symlink_to("file")
    for name in ("file", "folder"):
        os.setxattr(root / name, "user.a", b"b")
    before = fingerprint(root)
    for name in ("file", "link", "folder"):  # to read is no change
        os.lstat(root / name)
    (root / "file").read_bytes()
    os.listdir(root / "folder")  # noqa: PTH208 (for its access time)
    assert fingerprint(root) == before
    change(root)
    assert fingerprint(root) != before


def state(store: Store) -> list[dict[str, str]]:
    """The fingerprint of each directory, once a daemon has done what other tests had it do."""
    found = [fingerprint(root) for root in store.roots]
    while store.is_live and found != (found := [fingerprint(root) for root in store.roots]):
        pass
    return found


def by_commands(store: Store, command: Run, folder: Path) -> None:
    (folder / ".dive-ci").write_text("rules:\n  lowestEfficiency: 0.1\n")
    for words in (["images"], ["images", "--json"], ["containers"], ["store"], ["store", "--json"]):
        done = command(words[0], store.reference, *words[1:])
        assert (done.status, done.err) == (0, "") and done.out, words
    image = next(row.reference for row in list_images(store.reference) if row.name.endswith(store.image))
    container = next((row.reference for row in list_containers(store.reference)), image)
    file, out = "/etc/passwd", folder / "out"
    asked: list[list[object]] = [
        ["history", image],
        ["inspect", image],
        ["dockerfile", image],
        ["tree", image],
        ["tree", image, "/etc", "--layer", 1, "--json"],
        ["changes", image],
        ["changes", image, "--from", 0, "--to", 1],
        ["log", image, file],
        ["diff", image, file, "--from", 0, "--to", 1],
        ["cat", image, file, "--layer", 1],
        ["search", image, "root", "--hidden"],
        ["insight", image, "--show-secrets", "--all"],
        ["check", image],
        ["verify", image],
        ["anatomy", image],
        ["extract", image, "/", out / "image", "--owner"],
        ["extract", image, "/etc", "-"],
        ["compare", image, "--from", 0, "--to", 1],
        ["compare", image, container],
        ["tree", container],
        ["changes", container],
        ["insight", container],
        ["verify", container],
        ["anatomy", container],
        ["extract", container, "/", out / "container"],
    ]
    for arguments in asked:
        done = command(*arguments)
        whole = "keeps it together with what is below it" not in done.err  # a container with Docker's vfs
        assert done.status in ((0, 1) if whole else (2,)), (words, done.err)
    assert list((out / "image").iterdir()) and list((out / "container").iterdir())


async def on_screens(store: Store, folder: Path) -> None:
    app = LayertuiApp(store.reference)
    folder.mkdir()
    async with app.run_test(size=(120, 40)) as pilot:
        await on(pilot, StoreScreen, lambda screen: screen._images.whole and screen._containers.whole)
        await pilot.press("u")
        await on(pilot, UsageScreen, lambda screen: not screen.busy)
        await pilot.press("escape", "slash", *store.image, "enter", "enter")
        await explored(pilot)
        await pilot.press("bracketleft", "tab", "d", "j", "j", "2", "4", "E")
        await quiet(pilot)
        await pilot.press("I")
        await on(pilot, InsightScreen, lambda screen: not screen.busy)
        await pilot.press("m", "escape")
        await explored(pilot)
        await pilot.press("F")
        await on(pilot, SearchScreen)
        app.screen.query_one(Input).value = "root"
        await pilot.press("enter")
        await on(pilot, SearchScreen, lambda screen: bool(screen.found.said) and not screen.busy)
        await pilot.press("escape")
        await explored(pilot)
        await pilot.press("x")
        await on(pilot, ExtractDialog, lambda screen: screen.state == "choosing")
        app.screen.query_one(Input).value = str(folder)
        await pilot.press("enter")
        await explored(pilot)
        assert list(folder.iterdir())
        await pilot.press("V")
        await on(pilot, VerifyDialog, lambda screen: screen.ended)
        await pilot.press("escape", "A")
        await on(pilot, AnatomyScreen, lambda screen: screen.ready)
        await pilot.press("escape", "B")
        await on(pilot, DockerfileScreen, lambda screen: screen.ready)
        await pilot.press("escape")
        await explored(pilot)


async def on(pilot: Pilot[None], kind: type[Any], ready: Callable[[Any], bool] = lambda _: True) -> None:
    """The app is on a screen, which shows all that it will."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and ready(pilot.app.screen), SECONDS)


async def explored(pilot: Pilot[None]) -> None:
    """The explorer has read all layers, and nothing is being worked out for it."""
    await on(pilot, ExplorerScreen, lambda screen: screen._reading.paths is not None)
    await quiet(pilot)
