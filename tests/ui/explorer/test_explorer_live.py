"""The explorer on what is alive: engines that send, containers that change, registries that are asked."""

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from layertui.model.blob import BytesBlob
from layertui.model.digest import digest_of
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Image, Link
from layertui.model.job import Job
from layertui.sources import UnknownName
from layertui.sources.attachment_kinds import kind_of
from layertui.sources.attachments import AttachedDocument, Attachment
from layertui.ui.app import LayertuiApp
from layertui.ui.dialogs.attachments import AttachmentsDialog
from layertui.ui.dialogs.reader import ReaderDialog
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.widgets.lines import LongDocument
from layertui.ui.widgets.text_view import TextView
from tests.textual_internals import screen_text
from tests.ui.places import HOSTILE, until
from tests.ui.readings import (
    Reading,
    at_layer,
    explorer,
    image_of,
    layers,
    loaded,
    merged,
    quiet,
    sample,
    subject,
    tree,
    use_reading,
)
from tests.union import small

Compare = Callable[..., bool]
Run = Callable[[Pilot[None]], Awaitable[None]]
Live = Callable[[Reading], Reading]
Told = list[Attachment | LayertuiError]
STEPS = ["COPY busybox /bin/", "init layer: stubs of what Docker mounts into every container"]


class Explorer(LayertuiApp):
    def __init__(self, reference: str = "docker-container:web", theme: str = "layertui-dark") -> None:
        super().__init__(reference, cache=False)
        self.theme = theme


class Sent:
    """Stands in for an engine's stream."""

    def watch(self, job: Job) -> None:
        pass

    def documents(self) -> Sequence[Link]:
        return ()


def container(*files: str) -> Reading:
    """A container that has written files; its layers are read from the engine's directories."""
    indexes = [
        small.layer(("d", "/srv"), ("-", "/bin/busybox", {"size": 1000})),
        small.layer(("-", "/etc/hosts", {"size": 0})),
        small.layer(("d", "/srv"), *(("-", f"/srv/{name}", {"size": 3}) for name in files)),
    ]
    image = image_of(indexes, [*STEPS, "read-write layer of container web (running)"], name="web (work:1)")
    none = Descriptor("", "", -1)
    own = [layer._replace(descriptor=none, diff_id="", blob=None) for layer in image.layers[1:]]
    image = image._replace(transport="docker-container", layers=[image.layers[0], *own])
    return Reading(image, indexes)


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Live:
    """Have the explorer open the image of a reading, as it is at that moment."""

    def use(reading: Reading) -> Reading:
        return use_reading(monkeypatch, reading)

    return use


async def read(pilot: Pilot[None]) -> None:
    """All has been read, and the first layer checked."""
    await until(pilot, lambda: layers(pilot).checked == 1 and explorer(pilot)._reading.paths is not None)
    await quiet(pilot)


def subtitle(pilot: Pilot[None]) -> str:
    return str(layers(pilot).border_subtitle)


def paths(pilot: Pilot[None]) -> str:
    return screen_text(pilot)


# Engines and containers


def test_container(snap_compare: Compare, live: Live, size: tuple[int, int], theme: str) -> None:
    live(container("new", "other"))
    assert snap_compare(Explorer(theme=theme), terminal_size=size, run_before=read)


def test_receiving(snap_compare: Compare, live: Live, size: tuple[int, int]) -> None:
    image = sample()._replace(transport="docker-daemon", arrival=Sent())
    reading = live(Reading(image, at_once=False))

    async def run(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: bool(layers(pilot).states))
        reading.progress(0, 120_000_000, 700_000_000)
        await until(pilot, lambda: " sent " in subtitle(pilot))
        await until(pilot, lambda: "has not been read yet" in screen_text(pilot))

    assert snap_compare(Explorer("docker-daemon:quarry"), terminal_size=size, run_before=run)


async def test_what_a_container_wrote_has_no_digest_to_check(live: Live) -> None:
    live(container("new"))
    async with Explorer().run_test(size=(200, 40)) as pilot:
        await read(pilot)
        assert "✓ digests: 1/1 verified" in subtitle(pilot)
        assert "from Docker's directories" in screen_text(pilot)
        await pilot.press("i")
        assert "no digest known" in screen_text(pilot)


async def test_a_stream_of_unknown_length(live: Live) -> None:
    reading = live(Reading(sample()._replace(transport="podman", arrival=Sent()), at_once=False))
    async with Explorer("podman:quarry").run_test(size=(200, 40)) as pilot:
        await until(pilot, lambda: bool(layers(pilot).states))
        assert "sent by Podman, cached" in screen_text(pilot)
        reading.progress(0, 5000, -1)
        await until(pilot, lambda: subtitle(pilot) == "Podman sent 5.00 kB")
        reading.rest(1)
        await loaded(pilot)
        assert "✓ digests: 9/9 verified" in subtitle(pilot)


# Read again


async def test_R_reads_a_container_again_and_keeps_cursor_layer_and_open_directories(live: Live) -> None:
    reading = live(container("new", "other"))
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await read(pilot)
        await pilot.press("tab", "G", "enter", "j", "j")
        await quiet(pilot)
        view = tree(pilot)
        assert merged(pilot).union.path(view.node) == "/srv/other"
        after = container("later", "new", "other")
        reading.image, reading.indexes = after.image, after.indexes
        await pilot.press("R")
        await until(pilot, lambda: "later" in screen_text(pilot))
        await read(pilot)
        assert merged(pilot).union.path(view.node) == "/srv/other"
        assert at_layer(pilot) == layers(pilot).merged_layer == 3
        assert subject(pilot).union is merged(pilot).union


async def test_R_stays_on_a_lower_layer_and_shows_the_tree_until_all_has_come(live: Live) -> None:
    reading = live(container("new"))
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await read(pilot)
        await pilot.press("j", "j")
        await quiet(pilot)
        reading.at_once = False
        await pilot.press("R")
        await until(pilot, lambda: "reloading" in subtitle(pilot))
        reading.index(1)
        reading.union(1)
        await pilot.pause()
        assert len(layers(pilot).states) == 3 and at_layer(pilot) == 1
        reading.rest(2)
        await read(pilot)
        assert layers(pilot).merged_layer == at_layer(pilot) == 1


async def test_R_tries_again_what_could_not_be_opened(monkeypatch: pytest.MonkeyPatch, live: Live) -> None:
    live(container("new"))
    opened: list[LayertuiError | Image] = [
        LayertuiError("cannot reach Docker", "it is not running"),
        container("new").image,
    ]

    def open_image(_reference: str, *_: object) -> Image:
        found = opened.pop(0)
        if isinstance(found, LayertuiError):
            raise found
        return found

    monkeypatch.setattr("layertui.sources.open_image", open_image)
    monkeypatch.setattr("layertui.sources.list_images", lambda _reference: [])
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "it is not running" in screen_text(pilot))
        await pilot.press("R")
        await read(pilot)
        assert "busybox" in screen_text(pilot) or "bin" in screen_text(pilot)
        assert not explorer(pilot).query_one(".message", Static).display


# Names that nothing here has


def unknown(_reference: str, *_: object) -> Image:
    error = UnknownName("no image nosuch:1", "Docker has no such image", "docker://nosuch:1 may")
    error.tried = [("path", "no such file"), ("Docker", "no such image"), ("Podman", "not running")]
    error.similar = ["acme/nosuch:1.0"]
    raise error


async def test_shift_y_looks_a_name_up_in_its_registry_and_nothing_does_before(
    monkeypatch: pytest.MonkeyPatch, live: Live
) -> None:
    live(container())
    asked: list[str] = []

    def open_image(reference: str, *_: object) -> Image:
        asked.append(reference)
        return unknown(reference) if reference == "nosuch:1" else sample()

    monkeypatch.setattr("layertui.sources.open_image", open_image)
    monkeypatch.setattr("layertui.sources.list_images", lambda _reference: [])
    async with Explorer("nosuch:1").run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Y looks it up at docker://nosuch:1" in screen_text(pilot))
        assert asked == ["nosuch:1"]
        for line in ("path    no such file", "Docker  no such image", "Podman  not running"):
            assert line in screen_text(pilot)
        assert "Did you mean acme/nosuch:1.0? o finds them." in screen_text(pilot)
        await pilot.press("Y")
        await until(pilot, lambda: asked[1:] == ["docker://nosuch:1"])
        assert isinstance(pilot.app.screen, ExplorerScreen)
        assert pilot.app.screen.reference == "docker://nosuch:1"


# Attachments


def attached() -> list[Attachment]:
    def document(kind: str, data: bytes, predicate: str = "") -> AttachedDocument:
        descriptor = Descriptor(kind, digest_of(data), len(data))
        return AttachedDocument(descriptor, BytesBlob(data, "here"), kind_of((predicate, kind), kind))

    statement = b'{"buildType": "https://mobyproject.org"}'
    provenance = document("application/vnd.in-toto+json", statement, "https://slsa.dev/provenance/v1")
    absent = Descriptor("application/spdx+json", "sha256:" + "e" * 64, 48_000)
    found = {
        "application/vnd.in-toto+json": provenance,
        f"application/{HOSTILE}": document(f"text/{HOSTILE}", f"first {HOSTILE}\nsecond".encode()),
        "application/spdx+json": AttachedDocument(absent, None, kind_of((absent.media_type,), "")),
    }
    return [Attachment(Descriptor("", "", -1), kind, [each], "") for kind, each in found.items()]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Told:
    return attach(monkeypatch)


def attach(monkeypatch: pytest.MonkeyPatch) -> Told:
    """The attachments of the current image, in order; an error ends the list."""
    use_reading(monkeypatch, Reading(sample()._replace(transport="docker")))
    told: Told = list(attached())

    def attachments(_image: Image) -> Iterator[Attachment]:
        for each in told:
            if isinstance(each, LayertuiError):
                raise each
            yield each

    monkeypatch.setattr("layertui.sources.attachments.attachments", attachments)
    return told


async def asked(pilot: Pilot[None]) -> None:
    await loaded(pilot)
    await pilot.press("a")
    await until(pilot, lambda: isinstance(pilot.app.screen, AttachmentsDialog))
    await until(pilot, lambda: "Looking for" not in screen_text(pilot))
    await quiet(pilot)  # the explorer below


def test_attachments(snap_compare: Compare, registry: Told, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Explorer(theme=theme), terminal_size=size, run_before=asked)


async def test_enter_reads_an_attachment(registry: Told) -> None:
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await asked(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReaderDialog))
        await until(pilot, lambda: '  "buildType": "https://mobyproject.org"' in screen_text(pilot))
        await pilot.press("escape", "j", "enter")
        await until(pilot, lambda: "second" in screen_text(pilot))
        assert not any(char in screen_text(pilot) for char in "\x1b\u202e")


async def test_a_long_attachment_is_read_to_its_end(registry: Told) -> None:
    lines = 2 * LongDocument.STEP + 7
    text = json.dumps([f"package {number}" for number in range(lines)]).encode()
    descriptor = Descriptor("application/spdx+json", digest_of(text), len(text))
    kind = kind_of((descriptor.media_type,), "")
    document = AttachedDocument(descriptor, BytesBlob(text, "here"), kind)
    registry[:] = [Attachment(descriptor, "application/spdx+json", [document], "")]
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await asked(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "package 5" in screen_text(pilot))
        view = pilot.app.screen.query_one(TextView)
        assert len(view.document) == LongDocument.STEP
        for shown in range(2, 4):
            await pilot.press("G")
            whole = min(shown * LongDocument.STEP, lines + 2)
            await until(pilot, partial(lambda whole: len(view.document) == whole, whole))
        await pilot.press("G")
        await until(pilot, lambda: f"package {lines - 1}" in screen_text(pilot))


async def test_what_is_not_here_cannot_be_chosen_and_keys_close(registry: Told) -> None:
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await asked(pilot)
        options = pilot.app.screen.query_one(OptionList)
        for key, at in [("j", 1), ("j", 0), ("k", 1), ("k", 0)]:
            await pilot.press(key)
            assert options.highlighted == at, key
        for key in ("escape", "q", "a"):
            await pilot.press(key)
            assert not isinstance(pilot.app.screen, AttachmentsDialog), key
            await pilot.press("a")


async def test_nothing_attached_and_why_not_all_is_known(registry: Told) -> None:
    registry.clear()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await asked(pilot)
        assert "No attachments." in screen_text(pilot)
        await pilot.press("escape")
        registry += [attached()[0], LayertuiError("the registry says no", "status 500")]
        await pilot.press("a")
        await until(pilot, lambda: "the registry says no, status 500" in screen_text(pilot))
        assert "provenance (SLSA 1)" in screen_text(pilot)


async def test_an_engine_does_not_list_attachments(live: Live) -> None:
    live(Reading(sample()._replace(transport="docker-daemon")))
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await asked(pilot)
        assert "Docker does not list attachments" in screen_text(pilot)
