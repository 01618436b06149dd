"""Find anything by a few letters: images, and what is in the image that is open."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.reference import FILE_TRANSPORTS, TRANSPORTS, parse_reference
from layertui.sources.completion import common, complete, expanded
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.finder.found_list import FoundList
from layertui.ui.finder.items import MOST_FOUND, Findable, Inside, Ranked, best, rank
from layertui.ui.finder.preview import PREVIEWED, Preview, preview_of
from layertui.ui.keys import bind
from layertui.ui.navigator import navigator
from layertui.ui.widgets.span_lines import SpanLines
from layertui.ui.worker.background import background, background_each

_OPEN = "a name, path or reference such as oci:DIR:TAG or docker://REPO:TAG"
_FIND = "image, path, package, layer, command; or a reference"
_SETTLE = 0.12
"""Seconds that the cursor rests on an item before it is looked at."""
_RECENT = 5
"""Recent images that are listed before anything is typed."""


class FinderDialog(Dialog[Findable | None]):
    """Dismissed with what was chosen, or None. The first row is selected until the user moves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("escape", "cancel", "cancel"),
        bind("tab", "complete", "complete", priority=True),
        bind("down,ctrl+n", "move(1)", "next", show=False, priority=True),
        bind("up,ctrl+p", "move(-1)", "previous", show=False, priority=True),
        bind("pagedown", "page(1)", "page down", show=False, priority=True),
        bind("pageup", "page(-1)", "page up", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    FinderDialog {
        align: center top;

        #preview {
            margin-top: 1;
        }

        &.-low #preview, &.-low FoundList {
            margin-top: 0;
        }

        &.-low #preview {
            max-height: 2;
        }
    }
    """

    def __init__(
        self,
        title: str,
        inside: Inside | None = None,
        commands: Sequence[Findable] = (),
        without: str = "",
    ) -> None:
        """``inside``: the image that is open, if it is to be searched; ``without``: the reference of one that is
        not offered, but the other images of its file are."""
        super().__init__()
        self.listed: str | None = None
        """The text that the rows match."""
        self.previewed: Findable | None = None
        """The item that the preview is of."""
        self._title = title
        self._inside = inside
        self._fixed: list[Findable] = [*commands, *(inside.layers() if inside is not None else ())]
        self._without = without
        self._beside: list[Findable] = []
        self._images: list[Findable] = []
        self._names: dict[str, Sequence[str]] = {}
        self._looking = Job()
        self._entered = False  # enter was pressed before the rows of the text were there
        self._settle: Timer | None = None
        self._is_previewing = False

    def compose(self) -> ComposeResult:
        with Vertical(id="finder", classes="pane asking") as pane:
            pane.border_title = Content(self._title)
            pane.border_subtitle = Content("↑ ↓ choose · enter opens · tab completes · esc cancels")
            yield Input(placeholder=_FIND if self._inside is not None else _OPEN, compact=True)
            yield FoundList()
            yield SpanLines(PREVIEWED, id="preview")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        background_each(self, _images, self._add_images, name="names")
        background(
            self, lambda _job: _beside(self._without), self._add_beside, lambda _error: None, name="beside"
        )
        if self._inside is not None and self._inside.union is not None:
            background_each(
                self, self._packages, self._add_fixed, name="packages", failed=lambda _error: None
            )
        self._look()

    def on_resize(self) -> None:
        self._list.fit_height()

    def on_unmount(self) -> None:
        self._looking.cancel()

    @property
    def _list(self) -> FoundList:
        return self.query_one(FoundList)

    @property
    def _text(self) -> str:
        return self.query_one(Input).value

    # What is offered

    def _add_images(self, named: tuple[str, Sequence[str], list[Findable]]) -> None:
        engine, names, items = named
        if engine:
            self._names[engine] = names
        self._images += [item for item in items if item.reference != self._without]
        if not self._list.cursor:  # the user has not moved
            self._look()

    def _add_beside(self, items: list[Findable]) -> None:
        self._beside = [item for item in items if item.reference != self._without]
        if not self._list.cursor:
            self._look()

    def _add_fixed(self, items: list[Findable]) -> None:
        self._fixed += items
        if self._text and not self._list.cursor:
            self._look()

    def _packages(self, job: Job) -> Iterator[list[Findable]]:
        """Return the packages of the image, each at the layer that it came with."""
        from layertui.content.read import Contents
        from layertui.insight.packages import packages

        inside = self._inside
        assert inside is not None and inside.union is not None
        contents = Contents(inside.image, inside.union.indexes, inside.union)
        found = {}
        for each in packages(inside.union, contents, job).changes:
            found[each.package.name] = each
        yield [
            Findable(
                "package",
                f"{each.package.name} {each.package.version}",
                f"{each.change} by layer {each.layer}",
                each.after is None,
                run=partial(inside.show_layer, each.layer),
            )
            for each in found.values()
        ]

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._entered = False
        self._look()

    def _look(self) -> None:
        """Search for what has been typed in a thread; the next key cancels it."""
        self._looking.cancel()
        text = self._text
        beside, images, fixed = list(self._beside), list(self._images), list(self._fixed)
        query, names = text.strip(), dict(self._names)

        def look(job: Job) -> list[Findable]:
            if not query:
                recent = [item for item in images if item.kind == "recent"][:_RECENT]
                others = [item for item in images if item.kind == "image"]
                first = best([*enumerate([*beside, *recent]), *((MOST_FOUND, item) for item in others)])
                return [*first, *_completions("", {})]
            found: list[Ranked] = rank(query, [*beside, *images, *(fixed if len(query) > 1 else ())])
            if self._inside is not None:
                found += self._inside.paths(query, job)
            completed = _completions(text, names)
            typed = Findable("reference", f"open {query} as a reference", reference=expanded(query))
            files = [item for item in completed if item.kind == "file"]
            rows = best([*found, *((2, item) for item in files)])
            is_meant = query.partition(":")[0] in TRANSPORTS or (self._inside is None and _is_path(query))
            rows = [typed, *rows] if is_meant else [*rows, typed]
            return [*rows, *(item for item in completed if item.kind == "transport")]

        self._looking = background(self, look, lambda rows: self._show(text, rows), name="find")

    def _show(self, text: str, rows: list[Findable]) -> None:
        self.listed = text
        self._list.show(rows, text)
        count = sum(item.kind not in ("reference", "transport") for item in rows)
        found = f"  {count:,} found" if text.strip() else ""
        pane = self.query_one("#finder")
        pane.border_title = Content(self._title).append(Content.styled(found, "$quiet not bold"))
        if self._entered:
            self._choose()

    # What the selected item is

    def on_found_list_highlighted(self) -> None:
        """Show what the item is, once the cursor rests on it."""
        self.query_one(SpanLines).tell()
        self.previewed = None
        if self._settle is not None:
            self._settle.stop()
        self._settle = self.set_timer(_SETTLE, self._preview)

    def _preview(self) -> None:
        item, inside, with_cache = self._list.item, self._inside, navigator(self).cache
        if item is None or self._is_previewing:
            return  # one at a time: the next begins when it ends

        def show(lines: Preview) -> None:
            self._is_previewing = False
            if item is self._list.item:
                self.previewed = item
                self.query_one(SpanLines).tell(*lines)
            else:
                self._preview()

        self._is_previewing = True
        background(self, lambda job: preview_of(item, inside, with_cache, job), show, name="preview")

    # Keys

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose()

    def on_found_list_clicked(self, event: FoundList.Clicked) -> None:
        self._take(event.item)

    def _choose(self) -> None:
        """Open the selected row, once the rows match the text."""
        item = self._list.item
        self._entered = self.listed != self._text
        if self._entered or item is None:
            return
        if self._text.strip() or self._list.cursor or item.kind in ("image", "recent"):
            self._take(item)

    def _take(self, item: Findable) -> None:
        is_folder = item.kind == "file" and item.text.endswith("/") and not _is_image(item.text)
        if item.kind == "transport" or is_folder:
            self._fill(item.text)
        else:
            self.dismiss(item)

    def _fill(self, text: str) -> None:
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)

    def action_complete(self) -> None:
        """Complete the text: a path to the common prefix of the files, else to the selected row."""
        item, typed = self._list.item, self._text
        texts = [
            each.text for each in self._list.items if each is not None and each.kind in ("file", "transport")
        ]
        agreed = common([text for text in texts if text.startswith(typed)])
        if not self._list.cursor and len(agreed) > len(typed):
            self._fill(agreed)
        elif item is not None and item.kind != "reference":
            self._fill(common([item.text]))

    def action_move(self, by: int) -> None:
        self._list.action_move(by)

    def action_page(self, pages: int) -> None:
        self._list.action_page(pages)

    def action_cancel(self) -> None:
        """Cancel."""
        self.dismiss(None)


def _images(_job: Job) -> Iterator[tuple[str, Sequence[str], list[Findable]]]:
    """Yield the images that were opened last, then for each engine its transport, names and images."""
    from layertui.cache.recent import recent_references
    from layertui.sources import LOCAL
    from layertui.sources.engine import image_names

    yield "", (), [Findable("recent", each, reference=each) for each in recent_references()]
    for engine in LOCAL:
        with suppress(LayertuiError):  # the list of images shows why
            names = image_names(engine)
            yield (
                engine,
                names,
                [Findable("image", each, engine, reference=f"{engine}:{each}") for each in names],
            )


def _beside(reference: str) -> list[Findable]:
    """Return the images of the archive or layout that has the one that is open; none if that is the only one."""
    from layertui.sources import list_images

    opened = parse_reference(reference) if reference else None
    if opened is None or opened.transport not in FILE_TRANSPORTS or not opened.selector:
        return []
    whole = opened._replace(selector="")
    items = []
    for each in list_images(str(whole)):
        name = ":".join(part for part in (each.name, each.tag) if part) or each.id
        items.append(Findable("image", name, Path(opened.location).name, reference=each.reference))
    return items


def _completions(text: str, names: dict[str, Sequence[str]]) -> list[Findable]:
    """Return the files and transports that complete what was typed."""
    items = []
    for each in complete(text, names if ":" in text else {}):
        is_start = each.endswith((":", "//"))
        reference = "" if is_start else expanded(each).rstrip("/") or "/"
        items.append(Findable("transport" if is_start else "file", each, reference=reference))
    return items


def _is_path(text: str) -> bool:
    """Return whether the typed text is a path that exists."""
    try:
        return Path(expanded(text)).exists()
    except (OSError, ValueError):
        return False


def _is_image(text: str) -> bool:
    """Return whether a directory is an image, or a store."""
    path = Path(expanded(text.rpartition(":")[2]))
    return any((path / name).exists() for name in ("oci-layout", "index.json", "manifest.json", "overlay2"))
