"""The list of layers: the history, with color, size and state of each layer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip

from layertui.model.history_step import command_line, step_of
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import clip, shorten
from layertui.ui.keys import CHANGE_KEYS
from layertui.ui.widgets.lines import Span
from layertui.ui.widgets.list_view import ListView

if TYPE_CHECKING:
    from layertui.model.image import Image

_SIZE = 8
"""Cells of a size."""
_LONGEST = 2000
"""Most characters of a step."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(slots=True)
class LayerState:
    """The state of a layer."""

    done: int = 0
    """Bytes read, or entries where it is stored unpacked."""
    total: int = -1
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
        Binding("enter", "open", "tree", tooltip="Go to the tree"),
        Binding(
            "n",
            "screen.change(1)",
            "next change",
            tooltip="Next path changed by the layer",
            group=CHANGE_KEYS,
        ),
        Binding("N", "screen.change(-1)", "previous change", tooltip="Previous change", group=CHANGE_KEYS),
        Binding("r", "turn", "reverse", show=False, tooltip="Newest or oldest first"),
        Binding("e", "fold", "steps", tooltip="Hide or show steps without a layer"),
        Binding(
            "w",
            "raw",
            "as recorded",
            show=False,
            tooltip="Toggle recorded and parsed commands",
        ),
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
        self.merged = 0
        """The highest layer that is merged so far."""
        self.failure = ""
        """Why loading failed; may be hostile."""
        self.note = ""
        """What loading waits for; may be hostile."""
        self.newest_first = True
        self.folded = False
        self.raw = False
        self._steps: list[int] = []  # numbers of the history entries that are shown, in order
        self._below: list[LayerNumber] = []  # the layer at or below each history entry
        self._base_steps = 0
        self._titled = ("", "")
        self._largest = 0
        self._digests = 0
        self.border_title = Content("Layers")

    # What is shown

    def show(self, image: "Image") -> None:
        """List the steps of ``image``, the cursor on the newest layer."""
        self.image, self._base_steps = image, 0
        self.states = {layer.number: LayerState() for layer in image.layers}
        self.layer_count = max(len(self.states), 1)
        # A container's read-write layer has no digest.
        self._digests = sum(bool(layer.descriptor.digest or layer.diff_id) for layer in image.layers)
        self._largest = max((layer.descriptor.size for layer in image.layers), default=0)
        below, self._below = EMPTY, []
        for entry in image.history:
            below = entry.layer or below
            self._below.append(below or LayerNumber(min(len(image.layers), 1)))
        steps = len(image.history)
        counts = count_text(len(image.layers), "layer")
        if steps > len(image.layers):
            counts += f", {count_text(steps, 'step')}"
        self.border_title = Content("Layers").append(Content.styled(f"  {counts}", "$quiet not bold"))
        self._arrange(len(image.history) - 1)
        self.go_to_layer(LayerNumber(len(image.layers)))
        self.post_message(self.Highlighted())

    def show_anew(self, image: "Image") -> None:
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
        self._fit()
        self._reveal()
        self.update()

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
        said = f"loading · {read} of {count_text(count, 'layer')}"
        if 0 < self.merged < self.merged_layer:
            said = f"loading · tree at layer {self.merged}"
        return shorten(said, room), ""

    # Keys and mouse

    def on_resize(self) -> None:
        self._fit()
        self._title()
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        row = self.row_at(event)
        if not 0 <= row < self.count:
            return
        self.go_to_row(row)
        if event.chain == 2:
            self.action_open()

    def action_open(self) -> None:
        self.post_message(self.Opened())

    def action_turn(self) -> None:
        """Newest first or oldest first."""
        self.newest_first = not self.newest_first
        if self.image is not None:
            self._arrange(self.step)

    def action_fold(self) -> None:
        """Hide the steps without a layer, or shows them again."""
        before = self.step
        self.folded = not self.folded
        if self.image is not None:
            self._arrange(before)
            if self.step != before:
                self.post_message(self.Highlighted())

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
        bar = 0 if width < 40 else 4 if width < 48 else 8 if width < 64 else 16
        right = 1 + _SIZE + 2 + (bar + 1 if bar else 0)
        text = self._step(step, max(width - numbers - 3 - right, 0))
        pad = width - numbers - 3 - right - sum(cell_len(part) for part, _style in text)
        stored = self.image.layers[layer - 1].descriptor.size
        spans = [
            mark,
            ("▌", f"layer:{layer}"),
            (f"{layer:>{numbers}} ", f"layer:{layer}"),
            *text,
            (" " * (pad + 1), ""),
            (f"{size_text(stored):>{_SIZE}} ", "quiet" if stored == 0 else ""),
            _state_mark(state),
        ]
        if bar:
            spans += [(" ", ""), *self._bar(state, stored, bar)]
        return spans

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

    def _bar(self, state: LayerState, stored: int, width: int) -> list[Span]:
        """Return a bar: the size relative to the largest layer, or the progress while reading."""
        share = state.share
        if not state.read:
            if share is None or not state.done:
                return [(" " * width, "")]
            percent = f"{min(int(share * 100), 99):>3}%"
            filled = round(share * (width - 5))
            return [
                ("━" * filled, "accent"), ("━" * (width - 5 - filled), "line"), (f" {percent}", "quiet"),
            ]  # fmt: skip
        if stored <= 0 or self._largest <= 0:
            return [(" " * width, "")]
        eighths = max(round(stored / self._largest * width * 8), 1)
        bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
        return [(bar.ljust(width), "line")]


def _state_mark(state: LayerState) -> Span:
    if state.problem:
        return "✗", "deleted"
    if not state.read:
        return "…", "quiet"
    return ("✓", "quiet") if state.checked else (" ", "")
