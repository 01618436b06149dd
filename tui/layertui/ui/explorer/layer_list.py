"""The list of layers: the history, with color, size and state of each layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip

from layertui.model.history_step import command_line, step_of, step_text
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.text.format import count_text, rate_text, share_text, short_size, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import clip, shorten
from layertui.ui.clipboard import copy
from layertui.ui.keys import CHANGE_KEYS, bind
from layertui.ui.widgets.bars import scale_of, two_part_bar
from layertui.ui.widgets.lines import Span
from layertui.ui.widgets.list_view import ListView

if TYPE_CHECKING:
    from layertui.model.image import Image
    from layertui.model.sizes import Bytes

_SIZE = 8
"""Cells of a size."""
_LONGEST = 2000
"""Most characters of a step."""
_DEAD = 4
"""Cells of the dead share, ``100%``."""
ROOMY = 30
"""Lines of the screen from which steps without a layer may be shown by default."""


class Progress(NamedTuple):
    """How far an image has been read."""

    done: int
    """Stored bytes."""
    total: int
    """-1: unknown."""
    rate: float
    """Bytes a second."""


@dataclass(slots=True)
class LayerState:
    """The state of a layer."""

    done: int = 0
    """Bytes read, or entries where it is stored unpacked."""
    total: int = -1
    rate: float = 0.0
    """Stored bytes a second; 0: not known."""
    read: bool = False
    problem: str = ""
    """Why the layer is missing, truncated or wrong."""
    checked: bool = False
    """Its digest has been verified."""

    @property
    def share(self) -> float | None:
        """The share that has been read, 0 to 1; None if unknown."""
        return 1.0 if self.read else self.done / self.total if self.total > 0 else None


class LayerList(ListView):
    """Report the selected layer; a step without a layer stands for the layer below it."""

    HELP_NAME: ClassVar[str] = "Layers"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "open", "tree", tooltip="Go to the tree"),
        bind(
            "n",
            "screen.change(1)",
            "next change",
            tooltip="Next path changed by the layer",
            group=CHANGE_KEYS,
        ),
        bind("N", "screen.change(-1)", "previous change", tooltip="Previous change", group=CHANGE_KEYS),
        bind("r", "turn", "reverse", show=False, tooltip="Newest or oldest first"),
        bind("e", "fold", "steps", tooltip="Hide or show steps without a layer"),
        bind(
            "W",
            "raw",
            "as recorded",
            show=False,
            tooltip="Toggle recorded and parsed commands",
        ),
        bind("y", "copy", "copy", show=False, tooltip="Copy the digest of the layer, or the step"),
    ]
    DEFAULT_CSS = """
    LayerList {
        background: $surface;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    class Highlighted(Message):
        """Another step is selected."""

    class Opened(Message):
        """Enter or a second click."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.image: Image | None = None
        self.states: dict[LayerNumber, LayerState] = {}
        self.failure = ""
        """Why loading failed; may be hostile."""
        self.rate: float | None = None
        """Stored bytes received per second, of all layers; None: not known yet."""
        self.note = ""
        """What loading waits for; may be hostile."""
        self.newest_first = True
        self._folded: bool | None = None  # None: unless there is room
        self.raw = False
        self._steps: list[int] = []  # numbers of the history entries that are shown, in order
        self._below: list[LayerNumber] = []  # the layer at or below each history entry
        self._base_steps = 0
        self._titled = ("", "")
        self._sizes: Sequence[Bytes] = ()
        self._digests = 0
        self.border_title = Content("Layers")

    # What is shown

    @property
    def sizes(self) -> "Sequence[Bytes]":
        """Bytes of each layer's files, base first; empty: not known yet."""
        return self._sizes

    @sizes.setter
    def sizes(self, sizes: "Sequence[Bytes]") -> None:
        if sizes != self._sizes:
            self._sizes = sizes
            self.refresh()

    @property
    def folded(self) -> bool:
        """Whether steps without a layer are hidden: as the user chose, else if not all steps fit."""
        if self._folded is not None or self.image is None:
            return bool(self._folded)
        height = self.content_size.height
        return self.screen.size.height < ROOMY or 0 < height < len(self.image.history)

    @property
    def steps_wanted(self) -> bool | None:
        """Whether steps without a layer are to be listed; None: if there is room."""
        return None if self._folded is None else not self._folded

    def order(self, newest_first: bool, steps: bool | None) -> None:
        """Set the initial order of the layers, and whether steps without a layer are listed."""
        self.newest_first = newest_first
        self._folded = None if steps is None else not steps

    def show(self, image: "Image") -> None:
        """List the steps of ``image``, the cursor on the newest layer."""
        self.image, self._base_steps = image, 0
        self.states = {layer.number: LayerState() for layer in image.layers}
        # A container's read-write layer has no digest.
        self._digests = sum(bool(layer.descriptor.digest or layer.diff_id) for layer in image.layers)
        below, self._below = EMPTY, []
        for entry in image.history:
            below = entry.layer or below
            self._below.append(below or LayerNumber(min(len(image.layers), 1)))
        self._arrange(len(image.history) - 1)
        self.go_to_layer(LayerNumber(len(image.layers)))
        self.post_message(self.Highlighted())

    def show_reread(self, image: "Image") -> None:
        """List the steps of a reloaded image; the cursor stays on its layer."""
        layer, step, newest = self.merged_layer, self.step, self.merged_layer == len(self.states)
        self.show(image)
        if 0 <= step < len(self._below) and self._below[step] == layer:
            self.go_to_row(self._steps.index(step))
        elif not newest:
            self.go_to_layer(LayerNumber(min(layer, len(image.layers))))

    def mark_base(self, steps: int) -> None:
        """Mark the first steps of the history as those of the base image."""
        self._base_steps = steps
        self.refresh()

    def update(self) -> None:
        """Update all states."""
        self._title()
        self.refresh()

    def update_layer(self, layer: LayerNumber) -> None:
        """Update the state of one layer; painting all takes longer."""
        assert self.image is not None
        self._title()
        for row, step in enumerate(self._steps):
            if self.image.history[step].layer == layer:
                self._refresh_line(row)

    @property
    def count(self) -> int:
        return len(self._steps)

    @property
    def step(self) -> int:
        """Number of the selected history entry; -1 if there are none."""
        return self._steps[self.cursor] if self._steps else -1

    @property
    def merged_layer(self) -> LayerNumber:
        """The selected layer, or that below a step without one; 0 if the image has none."""
        return self._below[self.step] if self._steps else EMPTY

    @property
    def checked(self) -> int:
        """Number of verified layers."""
        return sum(state.checked for state in self.states.values())

    def go_to_layer(self, layer: LayerNumber) -> None:
        """Put the cursor on the step that made ``layer``."""
        if self.image is None:
            return
        for at, step in enumerate(self._steps):
            if self.image.history[step].layer == layer:
                self.go_to_row(at)

    def go_to_step(self, step: int) -> None:
        """Put the cursor on a history entry, or on its layer if the entry is not shown."""
        if step in self._steps:
            self.go_to_row(self._steps.index(step))
        elif 0 <= step < len(self._below):
            self.go_to_layer(self._below[step])

    def _arrange(self, step: int) -> None:
        """Compute the rows; the cursor stays on ``step``, or moves to its layer."""
        assert self.image is not None
        history = self.image.history
        self._steps = [
            number for number, entry in enumerate(history) if entry.layer is not None or not self.folded
        ]
        if self.newest_first:
            self._steps.reverse()
        if step not in self._steps and step >= 0:
            layer = self._below[step]
            step = next((at for at, entry in enumerate(history) if entry.layer == layer), -1)
        self.cursor = self._steps.index(step) if step in self._steps else 0
        self._head()
        self._fit()
        self._reveal()
        self.update()

    def _head(self) -> None:
        """Show the number of layers, and of steps without one."""
        assert self.image is not None
        hidden = len(self.image.history) - len(self._steps)
        said = f"  {len(self.image.layers)}"
        if hidden:
            said += f" · {count_text(hidden, 'config step')} (e)"
        self.border_title = Content("Layers").append(Content.styled(said, "$quiet not bold"))

    def _title(self) -> None:
        text, style = self._subtitle()
        if (text, style) != self._titled:  # setting it repaints the whole pane
            self._titled = text, style
            self.border_subtitle = Content.styled(text, style)

    def _subtitle(self) -> tuple[str, str]:
        """Show the state of the selected layer, else of all."""
        if not self.states:
            return "", ""
        room = max(self.size.width - 4, 1)
        problem = self.states[self.merged_layer].problem if self.merged_layer in self.states else ""
        if problem:
            return shorten(visible(f"layer {self.merged_layer}: {problem}"), room), "$deleted"
        if self.failure:
            return shorten(visible(self.failure), room), "$deleted"
        if self.note:
            return shorten(visible(self.note), room), ""
        count = len(self.states)
        if all(state.read for state in self.states.values()):
            count = self._digests
            if self.checked == count:
                return f"✓ digests: {count}/{count} verified" if count else "no digests to verify", ""
            return f"digests: {self.checked}/{count} verified", ""
        read = sum(state.read for state in self.states.values())
        return shorten(f"loading · {read} of {count_text(count, 'layer')}", room), ""

    @property
    def progress(self) -> Progress | None:
        """The progress over all layers, in stored bytes; None: not known."""
        if self.image is None or self.rate is None:
            return None
        done = total = 0
        for layer in self.image.layers:
            state, size = self.states[layer.number], layer.descriptor.size
            if layer.unpacked is not None or self.image.arrival is not None:
                return None  # entries are counted, or the stream
            size = max(size, state.total)
            done += size if state.read else state.done
            total = total + size if size >= 0 and total >= 0 else -1
        return Progress(done, total, self.rate)

    @property
    def waiting(self) -> str:
        """Why the selected layer is not shown yet: its progress."""
        layer, state = self.merged_layer, self.states.get(self.merged_layer)
        if self.failure or state is None or self.image is None:
            return self.failure or "Loading layers …"
        others = " [ ] go to other layers." if any(each.read for each in self.states.values()) else ""
        if not state.done:
            return f"Layer {layer} has not been read yet.{others}"
        if self.image.layers[layer - 1].unpacked is not None:
            return f"Reading layer {layer}: {count_text(state.done, 'path')}.{others}"
        of = f" of {size_text(state.total)}" if state.total >= state.done else ""
        rate = f", {rate_text(state.rate)}" if state.rate else ""
        return f"Reading layer {layer}: {size_text(state.done)}{of}{rate}.{others}"

    # Keys and mouse

    def on_resize(self) -> None:
        if self.image is not None and self._folded is None:
            self._arrange(self.step)
        self._fit()
        self._title()
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        if self.go_to_click(event) and event.chain == 2:
            self.action_open()

    def action_open(self) -> None:
        self.post_message(self.Opened())

    def action_turn(self) -> None:
        """Toggle between newest and oldest first."""
        self.newest_first = not self.newest_first
        if self.image is not None:
            self._arrange(self.step)

    def action_fold(self) -> None:
        """Hide the steps without a layer, or shows them again."""
        before = self.step
        self._folded = not self.folded
        if self.image is not None:
            self._arrange(before)
            if self.step != before:
                self.post_message(self.Highlighted())

    def action_copy(self) -> None:
        """Copy the digest of the layer, or a step without one."""
        if self.image is None or self.step < 0:
            return
        entry = self.image.history[self.step]
        layer = self.image.layers[entry.layer - 1] if entry.layer is not None else None
        digest = (layer.descriptor.digest or layer.diff_id) if layer is not None else ""
        copy(self, digest or step_text(entry))

    def action_raw(self) -> None:
        """Toggle recorded and parsed commands."""
        self.raw = not self.raw
        self.refresh()

    def put_cursor(self, line: int) -> None:
        before = self.cursor
        super().put_cursor(line)
        if self.cursor != before:
            self._title()
            self.post_message(self.Highlighted())

    # Painting

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        if row >= self.count:
            return Strip.blank(self.content_size.width, self.rich_style)
        spans = self._spans(self._steps[row], row == self.cursor, self.scrollable_content_region.width)
        return self.strip(spans, self._over(row))

    def _spans(self, step: int, at_hand: bool, width: int) -> list[Span]:
        """Return a row of ``width`` cells."""
        assert self.image is not None
        layer = self.image.history[step].layer
        numbers = max(len(str(len(self.states))), 2)
        mark = ("▶" if at_hand else " ", "accent" if self.has_focus else "quiet")
        if step < self._base_steps and not at_hand:
            mark = ("┆", "quiet")
        if layer is None:
            return [mark, (" " + "·".rjust(numbers) + " ", "quiet"), *self._step(step, width - numbers - 3)]
        state = self.states[layer]
        bar = 0 if width < 36 else 6 if width < 44 else 10 if width < 70 else 16
        left = numbers + 3 + _SIZE + 1 + (bar + _DEAD + 1 if bar else 0) + 2
        size = self._sizes[layer - 1] if len(self._sizes) >= layer else None
        stored = size.size if size is not None else self.image.layers[layer - 1].descriptor.size
        spans = [
            mark,
            ("▌", f"layer:{layer}"),
            (f"{layer:>{numbers}} ", f"layer:{layer}"),
            (f"{size_text(stored):>{_SIZE}} ", "" if size is not None and stored else "quiet"),
        ]
        if bar and size is not None:
            dead = share_text(size.dead, size.size) if size.dead else ""
            spans += [
                *two_part_bar(size, scale_of(self._sizes), bar, f"layer:{layer}"),
                (f"{dead:>{_DEAD}} ", "quiet"),
            ]
        elif bar:
            spans += self._progress(layer, state, bar + _DEAD + 1)
        return [*spans, _state_mark(state), (" ", ""), *self._step(step, max(width - left, 0))]

    def _step(self, number: int, width: int) -> list[Span]:
        """Return the step of a history entry in at most ``width`` cells."""
        assert self.image is not None
        entry = self.image.history[number]
        gone = entry.layer is not None and bool(self.image.layers[entry.layer - 1].missing)
        quiet = entry.layer is None or gone
        if self.raw:
            return [(clip(visible((entry.created_by or entry.comment)[:_LONGEST]), width), "quiet" * quiet)]
        step = step_of(entry)
        arguments = visible(command_line(step.arguments[:_LONGEST]))
        if not step.instruction and not arguments:
            return [(clip("not recorded", width), "quiet")]
        if not step.instruction:
            return [(clip(arguments, width), "quiet" * quiet)]
        head = clip(step.instruction + " ", width)
        return [(head, "quiet"), (clip(arguments, width - cell_len(head)), "quiet" * quiet)]

    def _progress(self, layer: LayerNumber, state: LayerState, width: int) -> list[Span]:
        """Return how much of a layer has been read, and how fast, in as many cells as its bar and share will have."""
        assert self.image is not None
        if state.read or not state.done:
            return [(" " * width, "")]
        share = state.share
        if self.image.layers[layer - 1].unpacked is not None:
            return [(clip(f"{state.done:,} paths", width - 1).rjust(width - 1) + " ", "quiet")]
        done, rate = _narrow(state.done), f" {_narrow(state.rate)}/s" if state.rate else " " * 8
        if width <= len(done + rate):
            rate = f" {min(int(share * 100), 99):>2}%" if share is not None else ""
        bar = width - len(done + rate) - 2
        spans: list[Span] = [((done + rate).ljust(width), "quiet")]
        if bar > 0:
            filled = round(share * bar) if share is not None else 0
            spans = [("━" * filled, "accent"), ("━" * (bar - filled), "line"), (f" {done}{rate} ", "quiet")]
        return spans


def _narrow(size: float) -> str:
    """Return bytes in five cells: ``4.1MB``."""
    return f"{short_size(size).replace(' ', ''):>5}"


def _state_mark(state: LayerState) -> Span:
    if state.problem:
        return "✗", "deleted"
    if not state.read:
        return "…", "quiet"
    return ("✓", "quiet") if state.checked else (" ", "")
