"""The finder: pictures, every key of it, and what it finds in the image that is open."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from layertui.cache.image_bytes import remember_bytes
from layertui.cache.indexes import IndexCache
from layertui.cache.recent import recent_file, remember
from layertui.model.sizes import Bytes
from layertui.sources import list_images as real_list_images
from layertui.ui.app import LayertuiApp
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.finder.dialog import FinderDialog
from layertui.ui.finder.found_list import FoundList
from layertui.ui.finder.preview import PREVIEWED
from layertui.ui.tree.view import TreeView
from layertui.ui.widgets.span_lines import SpanLines
from tests.commands.samples import tar
from tests.layouts import OciLayout
from tests.textual_internals import screen_text
from tests.ui.images_app import Images, settled
from tests.ui.places import Places, summary, until
from tests.ui.readings import Reading, layers, loaded, quiet, sample, tree, use_reading

Compare = Callable[..., bool]


@pytest.fixture
def folder(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: two archives, one of them of a hostile name, and folders."""
    here = tmp_path / "here"
    for name in ("layouts/alpine", "nightly"):
        (here / name).mkdir(parents=True)
    for name in ("shop-2.0.tar", "shop-2.1.tar", "evil\x1b[2J[@click=app.quit].tar", ".hidden.tar"):
        (here / name).touch()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def engine(folder: Path, places: Places) -> None:
    use(places)


def use(places: Places) -> None:
    """Docker and Podman have images."""
    names = [("acme/orders", "1.0"), ("acme/orders", "1.1"), ("debian", "12")]
    places.given["docker-daemon:"] = [
        summary(f"docker-daemon:{name}:{tag}", name, tag, 1, None, 1) for name, tag in names
    ]
    places.given["podman:"] = [summary("podman:shell:1", "shell", "1", 1, None, 1)]


async def opened(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("o")
    await listed(pilot, "")


async def listed(pilot: Pilot[None], text: str) -> None:
    """The rows of what was typed are there."""
    dialog = pilot.app.screen
    assert isinstance(dialog, FinderDialog)
    await until(pilot, lambda: field(pilot).value == text and dialog.listed == text)


async def previewed(pilot: Pilot[None]) -> list[str]:
    """The lines about the selected item, once they are there."""
    dialog = pilot.app.screen
    assert isinstance(dialog, FinderDialog)
    await until(pilot, lambda: dialog.previewed is dialog.query_one(FoundList).item)
    lines = dialog.query_one(SpanLines)
    return [lines.render_line(y).text.rstrip() for y in range(PREVIEWED)]


def field(pilot: Pilot[None]) -> Input:
    return pilot.app.screen.query_one(Input)


def rows(pilot: Pilot[None]) -> list[str]:
    """Kind and text of the rows; the rule is a dash."""
    items = pilot.app.screen.query_one(FoundList).items
    return ["-" if item is None else f"{item.kind} {item.text}" for item in items]


async def typed(pilot: Pilot[None], text: str) -> None:
    await pilot.press(*("space" if letter == " " else letter for letter in text))
    await listed(pilot, text)


async def chosen(pilot: Pilot[None], app: Images, *keys: str) -> str:
    """What enter opens after ``keys``."""
    await pilot.press(*keys, "enter")
    await until(pilot, lambda: bool(app.explored))
    return app.explored[-1]


def test_open(snap_compare: Compare, engine: None, size: tuple[int, int], theme: str) -> None:
    remember("docker-daemon:acme/orders:1.1")

    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await until(pilot, lambda: "image shell:1" in rows(pilot))
        await previewed(pilot)

    assert snap_compare(Images(theme=theme), terminal_size=size, run_before=run)


def test_found_in_sixteen_colours(
    snap_compare: Compare, engine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")

    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await until(pilot, lambda: "image shell:1" in rows(pilot))
        await typed(pilot, "sh")
        await previewed(pilot)

    assert snap_compare(Images(theme="layertui-ansi"), run_before=run)


def test_inside(snap_compare: Compare, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleted paths are struck through."""
    use_reading(monkeypatch, Reading(sample()))

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("ctrl+k")
        await typed(pilot, "ed25519")
        await previewed(pilot)

    assert snap_compare(LayertuiApp("demo:", cache=False), terminal_size=(120, 40), run_before=run)


async def test_images_are_found_by_any_part_of_their_name_and_enter_takes_the_first(engine: None) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        await until(pilot, lambda: "image shell:1" in rows(pilot))
        await typed(pilot, "ord")
        assert rows(pilot)[:2] == ["image acme/orders:1.0", "image acme/orders:1.1"]
        assert rows(pilot)[-1] == "reference open ord as a reference"
        assert await chosen(pilot, app) == "docker-daemon:acme/orders:1.0"


async def test_letters_in_order_and_several_words_find_too(engine: None) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        await until(pilot, lambda: "image shell:1" in rows(pilot))
        await typed(pilot, "odrs")
        assert rows(pilot)[:2] == ["image acme/orders:1.0", "image acme/orders:1.1"]
        field(pilot).value = "acme 1.1"
        await listed(pilot, "acme 1.1")
        assert rows(pilot)[0] == "image acme/orders:1.1"


async def test_recent_images_come_first_and_once(engine: None) -> None:
    remember("docker-daemon:debian:12")
    remember("oci:layouts/old:1")
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        await until(
            pilot, lambda: rows(pilot)[:2] == ["recent oci:layouts/old:1", "recent docker-daemon:debian:12"]
        )
        await typed(pilot, "debian")
        assert sum("debian" in row for row in rows(pilot)) == 2  # the other is what was typed
        field(pilot).value = ""
        await listed(pilot, "")
        assert await chosen(pilot, app, "down") == "docker-daemon:debian:12"


async def test_files_then_transports_below_a_rule(folder: Path) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        assert rows(pilot)[:6] == [
            "file evil\x1b[2J[@click=app.quit].tar",
            "file layouts/",
            "file nightly/",
            "file shop-2.0.tar",
            "file shop-2.1.tar",
            "-",
        ] or rows(pilot)[:6] == [
            "file layouts/",
            "file nightly/",
            "file evil\x1b[2J[@click=app.quit].tar",
            "file shop-2.0.tar",
            "file shop-2.1.tar",
            "-",
        ]
        assert "transport oci:" in rows(pilot)
        await pilot.press("up")
        assert rows(pilot)[pilot.app.screen.query_one(FoundList).cursor].startswith("transport ")
        await typed(pilot, "layouts/")
        assert "file layouts/alpine/" in rows(pilot)


async def test_tab_completes_as_far_as_all_agree_or_to_the_selected_row(folder: Path) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        await typed(pilot, "s")
        await pilot.press("tab")
        await listed(pilot, "shop-2.")
        await pilot.press("down", "tab")
        await listed(pilot, "shop-2.1.tar")
        assert field(pilot).has_focus


async def test_enter_on_a_folder_or_transport_goes_on_with_it(folder: Path) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        await typed(pilot, "layo")
        await pilot.press("enter")
        await listed(pilot, "layouts/")
        assert not app.explored


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("demo:", "demo:"),
        ("docker://example.com/app:1", "docker://example.com/app:1"),
        (" shop-2.0.tar ", "shop-2.0.tar"),
        ("nosuch", "nosuch"),
    ],
)
async def test_what_was_typed_can_be_opened_as_a_reference(folder: Path, text: str, reference: str) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        field(pilot).value = text
        await listed(pilot, text)
        assert await chosen(pilot, app) == reference


async def test_enter_waits_for_the_rows_of_what_was_typed(engine: None) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        await until(pilot, lambda: "image shell:1" in rows(pilot))
        for key in (*"shell", "enter", "enter"):
            app.simulate_key(key)
        await until(pilot, lambda: bool(app.explored))
        assert app.explored == ["podman:shell:1"]


async def test_enter_opens_nothing_where_nothing_was_typed(folder: Path) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, FinderDialog)


async def test_home_is_read_as_a_shell_would(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "layouts"))
    (folder / "layouts" / "app.tar").touch()
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        await typed(pilot, "~/ap")
        assert rows(pilot)[0] == "file ~/app.tar"
        assert await chosen(pilot, app) == f"{folder}/layouts/app.tar"


async def test_a_click_opens(folder: Path) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        at = rows(pilot).index("file shop-2.0.tar")
        await pilot.click(FoundList, offset=(12, at))
        await until(pilot, lambda: app.explored == ["shop-2.0.tar"])


async def test_escape_cancels(folder: Path) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("s", "escape")
        assert not isinstance(pilot.app.screen, FinderDialog)
        assert app.explored == []


async def test_names_are_shown_and_not_obeyed(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff\x1b]52;c;aGk=\x07")).touch()
    async with Images().run_test() as pilot:
        await opened(pilot)
        assert not any(char in screen_text(pilot) for char in "\x1b\x07\udcff")


async def test_a_comparison_does_not_offer_the_image_itself(engine: None, places: Places) -> None:
    places.here = []
    async with Images().run_test() as pilot:
        await settled(pilot)
        await pilot.press("g", "D")
        await until(pilot, lambda: "image shell:1" in rows(pilot))
        assert "image acme/orders:1.1" in rows(pilot) and "image acme/orders:1.0" not in rows(pilot)


# In the image that is open


@pytest.fixture
def read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_reading(monkeypatch, Reading(sample()))


async def finding(pilot: Pilot[None], text: str, key: str = "o") -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
    await loaded(pilot)
    await pilot.press(key)
    await typed(pilot, text)


def path(pilot: Pilot[None]) -> str:
    shown = tree(pilot).rows
    assert shown is not None
    return shown.merged.union.path(tree(pilot).node)


@pytest.mark.parametrize("key", ["o", "ctrl+k"])
async def test_a_path_is_found_by_its_name_and_gone_to(read: None, key: str) -> None:
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await finding(pilot, "python3", key)
        assert rows(pilot)[0] == "path /usr/bin/python3"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await until(pilot, lambda: path(pilot) == "/usr/bin/python3")
        assert isinstance(pilot.app.focused, TreeView)


async def test_a_deleted_path_is_found_and_gone_to(read: None) -> None:
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await finding(pilot, "id_ed25519")
        item = pilot.app.screen.query_one(FoundList).item
        assert item is not None and item.is_deleted and item.note.startswith("deleted by layer ")
        await pilot.press("enter")
        await until(pilot, lambda: path(pilot) == item.text)


async def test_layers_and_packages_and_commands_are_found(read: None) -> None:
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await finding(pilot, "toggle dark")
        assert rows(pilot)[0] == "command Toggle dark and light colors"
        theme = pilot.app.theme
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.theme != theme)
        await finding(pilot, "adduser")
        assert rows(pilot)[0].startswith("layer ")
        number = int(rows(pilot)[0].split()[1])
        await pilot.press("enter")
        await until(pilot, lambda: layers(pilot).merged_layer == number and layers(pilot).has_focus)
        await finding(pilot, "sqlite")
        await until(pilot, lambda: any(row.startswith("package sqlite-libs ") for row in rows(pilot)))


async def test_while_layers_load_images_and_layers_are_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = use_reading(monkeypatch, Reading(sample(), at_once=False))
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await until(
            pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen) and bool(layers(pilot).states)
        )
        await pilot.press("o")
        await typed(pilot, "adduser")
        assert rows(pilot)[0].startswith("layer ")
        reading.rest(1)
        await quiet(pilot)


@pytest.mark.parametrize("cache", [False, True])
async def test_what_was_opened_is_remembered_unless_nothing_is_to_be_kept(read: None, cache: bool) -> None:
    async with LayertuiApp("demo:", cache=cache).run_test() as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await loaded(pilot)
        await until(pilot, lambda: not cache or recent_file().exists())
    assert recent_file().exists() == cache
    assert not cache or json.loads(recent_file().read_text()) == ["demo:"]


async def test_what_the_selected_item_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Images as their files say, whether they have been read; a path with its layers; nothing of a pipe or registry."""
    use_reading(monkeypatch, Reading(sample()))
    monkeypatch.setattr("layertui.sources.list_images", real_list_images)
    layout = OciLayout(tmp_path / "two")
    for tag in ("a", "b"):
        layout.add(tag, [tar((f"/{tag}", b"x"))])
    layout.add("a-again", [tar(("/a", b"x"))])
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large.tar.gz").write_bytes(b"\x1f\x8b" + b"\0" * 14)
    os.truncate(tmp_path / "large.tar.gz", 100_000_000)
    reference = f"oci:{tmp_path}/two:b"
    (b,) = real_list_images(reference)
    remember_bytes(IndexCache(), reference, b.id, Bytes(60, 40))
    async with LayertuiApp("demo:").run_test(size=(120, 40)) as pilot:
        await loaded(pilot)

        async def about(text: str) -> str:
            await pilot.press("ctrl+k")
            await until(pilot, lambda: isinstance(pilot.app.screen, FinderDialog))
            field(pilot).value = text
            await listed(pilot, text)
            lines = " | ".join(await previewed(pilot)).rstrip(" |")
            await pilot.press("escape")
            return lines

        two, one = f"oci:{tmp_path}/two", f"oci:{tmp_path}/two:a"
        assert re.fullmatch(
            r"2 images \| a \(([\d.]+ kB)\), b \([\d.]+ kB\), a-again \(\1\)", await about(two)
        )
        assert (await about(one)).startswith("a | ")
        assert " as stored | 1 layer  linux/amd64" in await about(one)
        assert "100 B = 60 B live + 40 B dead (40%) | 1 layer" in await about(reference)
        assert await about(f"docker-archive:{tmp_path}/pipe") == "a pipe or device, read when opened"
        assert (
            await about(f"docker-archive:{tmp_path}/large.tar.gz")
            == "gzip archive of 100 MB, decompressed when opened"
        )
        assert await about("docker://shop:1") == "in a registry, fetched when opened"
        assert (await about("docker-archive:none.tar")).startswith("none.tar does not exist")
        assert (await about("ed25519")).endswith("| stored by ▌  4  ▌  5")
        assert (await about("6 RUN try-out")).startswith("▌  6  RUN ./try-out.sh")
