"""The screen that searches many images: pictures, every key, and what comes of it while it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import pytest
from textual.geometry import Offset
from textual.pilot import Pilot

from layertui import sources
from layertui.model.errors import LayertuiError
from layertui.model.identity import identity_of
from layertui.model.image import HistoryEntry, Image
from layertui.model.numbers import LayerNumber
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.find.result_list import ResultList
from layertui.ui.find.screen import FindScreen, PatternField
from layertui.ui.images.screen import ImagesScreen
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.widgets.span_lines import SpanLines
from layertui.ui.worker import find as worker_find
from layertui.ui.worker.find import FindEnded, ImagesSearch
from layertui.worker.main import find_many
from layertui.worker.protocol import FilesRead, FindRequest, Frame, ItemsFound, Message, Sender
from tests.commands.samples import tar
from tests.images import layers_of
from tests.textual_internals import screen_text
from tests.ui.images import test_live as live
from tests.ui.images_app import Images, settled
from tests.ui.places import ALPINE, EVIL, GATEWAY, HOSTILE, SHOP, SHOP_BEFORE, UNNAMED, Places, until
from tests.ui.places import image as opened_image
from tests.ui.readings import layers, loaded, sample

Compare = Callable[..., bool]
OPEN_IMAGE = sources.open_image

BASE = tar(
    ("/usr/share/java/log4j-core-2.14.1.jar", b"x" * 1_790_000),
    ("/etc/shop.conf", b"# shop\nurl = http://old.example.com\n"),
)
STATUS = "Package: liblog4j2-java\nStatus: install ok installed\nVersion: 2.14.1-1\nArchitecture: all\n\n"
NEXT = tar(
    ("/usr/share/java/.wh.log4j-core-2.14.1.jar", b""),
    ("/usr/share/java/log4j-core-2.17.0.jar", b"y" * 1_800_000),
    ("/etc/shop.conf", b"# shop\nurl = http://new.example.com\n"),
    ("/var/lib/dpkg/status", STATUS.encode()),
)
ODD = tar((f"/{HOSTILE.replace('/', '')}log4j.jar", b""), ("/srv", None))
TARS = {
    SHOP.reference: [BASE, NEXT],
    SHOP_BEFORE.reference: [BASE],
    ALPINE.reference: [tar(("/etc/alpine-release", b"3.20\n"))],
    GATEWAY.reference: [BASE[:9000]],
    EVIL.reference: [ODD],
}
STEPS = ["COPY lib /usr/share/java # buildkit", "RUN /bin/sh -c apt-get install -y liblog4j2-java # buildkit"]


def made(reference: str) -> Image:
    """The image of a row, as long as it can be opened."""
    if reference == UNNAMED.reference:
        raise LayertuiError("cannot open unnamed", "manifest.json names a blob that is not there", "")
    if reference == "demo:":
        return sample()
    row = next(row for row in (SHOP, SHOP_BEFORE, ALPINE, GATEWAY, EVIL) if row.reference == reference)
    history = [HistoryEntry(None, text, "", "", LayerNumber(number)) for number, text in enumerate(STEPS, 1)]
    return opened_image(row)._replace(layers=layers_of(TARS[reference]), history=history)


class Collecting(Sender):
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Frame] = []

    def send(self, message: Message, pieces: Iterable[bytes | memoryview] = ()) -> None:
        assert isinstance(message, Frame)
        self.sent.append(message)


class Here(ImagesSearch):
    """Searches in this process, and reports all of it or as much as a test lets it."""

    requests: list[FindRequest]
    holds: bool
    """Whether searches stop at the first matches, and do not end."""

    def start(self) -> None:
        request = self._requests.get()
        assert isinstance(request, FindRequest)
        self.requests.append(request)
        outbox = Collecting()
        find_many(request, outbox)
        frames = outbox.sent
        if self.holds:
            found = next(number for number, frame in enumerate(frames) if isinstance(frame, ItemsFound))
            frames = [*frames[: found + 1], FilesRead(1_000_000, 4_000_000)]
        self._read(iter(frames))


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, places: Places) -> type[Here]:
    return use(monkeypatch)


def use(monkeypatch: pytest.MonkeyPatch) -> type[Here]:
    monkeypatch.setattr("layertui.sources.open_image", lambda reference, *_: made(reference))
    monkeypatch.setattr("layertui.ui.find.screen.ImagesSearch", Here)
    Here.requests, Here.holds = [], False
    return Here


def screen(pilot: Pilot[None]) -> FindScreen:
    shown = pilot.app.screen
    assert isinstance(shown, FindScreen)
    return shown


def results(pilot: Pilot[None]) -> ResultList:
    return pilot.app.screen.query_one(ResultList)


def answered(pilot: Pilot[None]) -> list[str]:
    """The references of the images that have rows."""
    return list(dict.fromkeys(row.image.reference for row in screen(pilot).results.rows))


async def opened(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("F")
    await until(pilot, lambda: isinstance(pilot.app.screen, FindScreen))


async def type_in(pilot: Pilot[None], text: str) -> None:
    field = pilot.app.screen.query_one(PatternField)
    assert field.has_focus
    field.value = text


async def ended(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: not screen(pilot).busy and bool(screen(pilot).results.said))


async def searched(pilot: Pilot[None], text: str, kind: str = "path") -> None:
    await opened(pilot)
    await type_in(pilot, text)
    while screen(pilot).results.kind != kind:
        await pilot.press("ctrl+t")
    await pilot.press("enter")
    await ended(pilot)


def asking(text: str, kind: str, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await searched(pilot, text, kind)
        await pilot.press(*keys)

    return run


def test_paths(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    """Images that have it, at which layer; a hidden version; an image in part, and one that cannot be opened."""
    run = asking("*log4j*.jar", "path", "j", "j")
    assert snap_compare(Images(theme=theme), terminal_size=size, run_before=run)


@pytest.mark.parametrize(
    ("kind", "text", "keys"),
    [
        ("content", "shop", "jj"),
        ("package", "lib*", "j"),
        ("digest", "sha256:", "jjj"),
    ],
    ids=["content", "package", "digest"],
)
def test_other_kinds(snap_compare: Compare, kind: str, text: str, keys: str) -> None:
    assert snap_compare(Images(), terminal_size=(100, 30), run_before=asking(text, kind, *keys))


def test_before_the_first_search(snap_compare: Compare) -> None:
    assert snap_compare(Images(), terminal_size=(80, 24), run_before=opened)


def test_while_it_runs(snap_compare: Compare, here: type[Here]) -> None:
    here.holds = True

    async def run(pilot: Pilot[None]) -> None:
        await searching(pilot)

    assert snap_compare(Images(), terminal_size=(80, 24), run_before=run)


async def test_the_images_that_have_it_and_those_that_cannot_be_read() -> None:
    async with Images().run_test(size=(120, 40)) as pilot:
        await searched(pilot, "*log4j*.jar")
        images = [SHOP, SHOP_BEFORE, GATEWAY, EVIL, UNNAMED]
        assert answered(pilot) == [row.reference for row in images]
        text = screen_text(pilot)
        assert "5 matches in 4 of 7 images" in text and "2 of 7 images not read completely" in text
        assert "cannot open unnamed, manifest.json names a blob that is not there" in text
        await pilot.press("end")
        about = pilot.app.screen.query_one(SpanLines)
        whole = "cannot open unnamed, manifest.json names a blob that is not there"
        assert [line[0][0] for line in about._lines] == [whole]
        await pilot.resize_terminal(50, 30)
        await until(pilot, lambda: len(about._lines) == 2)
        assert "".join(line[0][0] for line in about._lines) == whole


async def test_enter_opens_the_layer_and_path_and_escape_returns(
    monkeypatch: pytest.MonkeyPatch, places: Places
) -> None:
    """With the process of the real app, and its sample; other images of the list do not exist for it."""
    monkeypatch.setattr("layertui.sources.open_image", OPEN_IMAGE)
    monkeypatch.setattr("layertui.ui.find.screen.ImagesSearch", ImagesSearch)
    places.here = [UNNAMED]
    async with Images().run_test(size=(120, 40)) as pilot:
        await searched(pilot, "id_ed25519")
        assert answered(pilot) == [UNNAMED.reference, "demo:"]
        assert screen(pilot).results.rows[0].image.problems
        await pilot.press("end")
        chosen = results(pilot).cursor
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await loaded(pilot)
        assert layers(pilot).merged_layer == 5
        assert "deploy/id_ed25519" in screen_text(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, FindScreen))
        assert results(pilot).cursor == chosen and results(pilot).has_focus


async def searching(pilot: Pilot[None]) -> None:
    """A search has found something, and goes on as long as it is held."""
    await opened(pilot)
    await type_in(pilot, "*.jar")
    await pilot.press("enter")
    await until(pilot, lambda: bool(screen(pilot).results.rows))


async def test_escape_stops_then_leaves_and_f_has_the_results_again(here: type[Here]) -> None:
    here.holds = True
    async with Images().run_test(size=(100, 30)) as pilot:
        await searching(pilot)
        assert screen(pilot).busy and "image 1 of 7, 1.00 MB of 4.00 MB · esc stops" in screen_text(pilot)
        assert "2 matches in 1 of 7 images" in screen_text(pilot)
        await pilot.press("escape")
        assert not screen(pilot).busy and "stopped in image 1 of 7" in screen_text(pilot)
        assert "2 matches in 1 of 1 image searched" in screen_text(pilot)
        await pilot.press("down", "escape")
        assert isinstance(pilot.app.screen, ImagesScreen)
        await pilot.press("F")
        await until(pilot, lambda: isinstance(pilot.app.screen, FindScreen))
        assert results(pilot).has_focus and results(pilot).cursor == 1
        assert "stopped in image 1 of 7" in screen_text(pilot)


async def test_leaving_with_q_stops_it_too(here: type[Here]) -> None:
    here.holds = True
    async with Images().run_test(size=(100, 30)) as pilot:
        await searching(pilot)
        left = screen(pilot)
        await pilot.press("q")
        assert isinstance(pilot.app.screen, ImagesScreen)
        assert not left.busy and left.results.said == "stopped in image 1 of 7"


async def test_what_the_list_shows_is_searched(here: type[Here]) -> None:
    async with Images().run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"shop", "enter", "F")
        await until(pilot, lambda: isinstance(pilot.app.screen, FindScreen))
        assert "Find in 2 of 7 images" in screen_text(pilot)
        await type_in(pilot, "log4j-core-2.14*")
        await pilot.press("enter")
        await ended(pilot)
        assert here.requests[0].images == [SHOP.reference, SHOP_BEFORE.reference]
        assert "2 matches in 2 of 2 images" in screen_text(pilot)
        await pilot.press("escape", "slash", "escape", "F")
        await until(pilot, lambda: isinstance(pilot.app.screen, FindScreen))
        assert "Find in 7 images" in screen_text(pilot)


async def test_files_that_could_not_be_listed_are_counted(places: Places, here: type[Here]) -> None:
    places.here.append(LayertuiError("cut.tar is not an image", "the tar ends early"))
    async with Images().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert "Find in 7 images, 1 unreadable: path" in screen_text(pilot)


async def test_containers_are_searched_where_they_are_shown(places: Places, here: type[Here]) -> None:
    places.containers["docker-daemon:"] = live.CONTAINERS
    async with Images().run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("c", "F")
        await until(pilot, lambda: isinstance(pilot.app.screen, FindScreen))
        assert f"Find in {len(live.CONTAINERS)} containers" in screen_text(pilot)


async def test_keys_and_mouse(here: type[Here]) -> None:
    app = Copying()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert "/ pattern" not in str(pilot.app.screen.query_one(KeyBar).render())
        await pilot.press("down")
        assert pilot.app.screen.query_one(PatternField).has_focus  # there are no results to go to
        await pilot.press("enter")
        assert not here.requests  # nothing was asked
        await type_in(pilot, "*log4j*.jar")
        await pilot.press("enter")
        await ended(pilot)
        rows = screen(pilot).results.rows
        await pilot.press("right_square_bracket")
        assert rows[results(pilot).cursor].image.reference == SHOP_BEFORE.reference
        await pilot.press("down", "y")
        assert app.copied == "/usr/share/java/log4j-core-2.14.1.jar"
        await pilot.press("left_square_bracket", "left_square_bracket", "y")
        assert results(pilot).cursor == 0 and app.copied == SHOP.reference
        await pilot.press("left_square_bracket", "enter")
        assert app.explored == [SHOP.reference]
        await pilot.press("slash")
        assert pilot.app.screen.query_one(PatternField).has_focus
        await pilot.press("down")
        assert results(pilot).has_focus
        await pilot.click(ResultList, offset=Offset(10, 3), times=2)
        await until(pilot, lambda: app.explored == [SHOP.reference, SHOP_BEFORE.reference])
        title = "─ Find in 7 images: path │ content │ package │ "
        await pilot.click("#asked", offset=Offset(len(title) + 3, 0))
        assert screen(pilot).results.kind == "digest"
        await pilot.press("enter")
        await until(pilot, lambda: len(here.requests) == 2)
        assert (here.requests[1].kind, here.requests[1].pattern) == ("digest", "*log4j*.jar")
        await ended(pilot)
        assert "No digest in 7 images matches “*log4j*.jar”." not in screen_text(
            pilot
        )  # one could not be opened
        assert "No matches in 7 images" in screen_text(pilot)


async def test_a_line_opens_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    went: list[tuple[object, ...]] = []
    async with Images().run_test(size=(120, 40)) as pilot:
        await searched(pilot, "new.example.com", "content")
        monkeypatch.setattr(pilot.app, "explore_path", lambda *place: went.append(place))
        await pilot.press("down", "enter")
        ((reference, _platform, path, layer, identity, line),) = went
        assert (reference, path, layer, line) == (SHOP.reference, b"/etc/shop.conf", 2, 2)
        assert identity == identity_of(made(SHOP.reference))


async def test_an_image_without_a_match_is_not_listed() -> None:
    async with Images().run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"alpine", "enter", "F")
        await until(pilot, lambda: isinstance(pilot.app.screen, FindScreen))
        await type_in(pilot, "nowhere")
        await pilot.press("enter")
        await ended(pilot)
        assert not screen(pilot).results.rows
        assert (
            "No path in 1 image matches “nowhere”. Names are matched whole: *nowhere* finds parts"
            in screen_text(pilot)
        )


async def test_as_many_matches_as_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_find, "MOST_ITEMS", 3)
    monkeypatch.setattr("layertui.ui.find.screen.MOST_ITEMS", 3)
    async with Images().run_test(size=(100, 30)) as pilot:
        await searched(pilot, "*")
        assert screen(pilot).results.matches == 3
        text = screen_text(pilot)
        assert "first 3 matches; narrow the pattern" in text and "in 1 of 1 image searched" in text


async def test_the_process_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Images().run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        shown = screen(pilot)
        await type_in(pilot, "x")
        monkeypatch.setattr(Here, "start", lambda _search: None)
        await pilot.press("enter")
        await until(pilot, lambda: shown.busy)
        search = shown._search
        assert search is not None
        shown.post_message(FindEnded(search, error=LayertuiError("reading stopped", "it was ended")))
        await ended(pilot)
        assert "reading stopped, it was ended. / edits the pattern, enter retries." in screen_text(pilot)


async def test_names_are_shown_and_not_obeyed() -> None:
    async with Images().run_test(size=(120, 40)) as pilot:
        await searched(pilot, "*evil*")
        await pilot.press("end", "up")
        text = screen_text(pilot)
        assert "\x1b" not in text and "\u202e" not in text and "[@click=app.quit]" in text


class Copying(Images):
    """Notes what is copied."""

    copied = ""

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text
