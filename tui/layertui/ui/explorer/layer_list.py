"""The list of layers: an image's history, each layer with its colour, size, and state."""

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
"""Characters of a step that are laid out."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(slots=True)
class LayerState:
    """What has become of a layer so far."""

    done: int = 0
    """Bytes read, or entries where it lies unpacked."""
    total: int = -1
    read: bool = False
    problem: str = ""
    """Why its entries are missing, end early, or cannot be trusted."""
    checked: bool = False
    """Its bytes have been found to have the digest that the image names."""

    @property
    def share(self) -> float | None:
        """How much of it has been read, 0 to 1; None if that is not known."""
        return 1.0 if self.read else self.done / self.total if self.total > 0 else None


class LayerList(ListView):
    """Says which layer is at hand: a step without a layer stands for the layer below it."""

    HELP_NAME: ClassVar[str] = "Layers"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "tree", tooltip="Go to the tree of this layer"),
        Binding(
            "n",
            "screen.change(1)",
            "next change",
            tooltip="Show the next path that the layer changed",
            group=CHANGE_KEYS,
        ),
        Binding(
            "N", "screen.change(-1)", "change before", tooltip="Show the change before", group=CHANGE_KEYS
        ),
        Binding("r", "turn", "turn round", show=False, tooltip="Newest or oldest first"),
        Binding("e", "fold", "steps", tooltip="Hide or show the steps that made no layer"),
        Binding(
            "w",
            "raw",
            "as recorded",
            show=False,
            tooltip="Show steps as the builder recorded them, or as written",
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
        """The cursor is on another step now."""

    class Opened(Message):
        """Enter or a second click."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.image: Image | None = None
        self.states: dict[LayerNumber, LayerState] = {}
        self.merged = 0
        """Layers that the tree can be shown at so far."""
        self.failure = ""
        """Why no more layers come; may be hostile."""
        self.note = ""
        """What keeps the layers from being read at once; may be hostile."""
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
        """Lists the steps of ``image``, the cursor on the newest layer."""
        self.image, self._base_steps = image, 0
        self.states = {layer.number: LayerState() for layer in image.layers}
        self.layer_count = max(len(self.states), 1)
        # What a container wrote has none.
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
        """Lists the steps of an image that has been read again; the cursor stays on its layer."""
        layer, step, newest = self.merged_layer, self.step, self.merged_layer == len(self.states)
        self.show(image)
        if 0 <= step < len(self._below) and self._below[step] == layer:
            self.go_to_row(self._steps.index(step))
        elif not newest:
            self.go_to_layer(LayerNumber(min(layer, len(image.layers))))

    def mark_base(self, steps: int) -> None:
        """Marks the first steps of the history as those of the base image."""
        self._base_steps = steps
        self.refresh()

    def update(self) -> None:
        """Shows what has changed in the states."""
        self._title()
        self.refresh()

    def update_layer(self, layer: LayerNumber) -> None:
        """Shows what has changed in the state of one layer; to paint all of them takes its time."""
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
        """Number of the history entry at hand; -1 if there are none."""
        return self._steps[self.cursor] if self._steps else -1

    @property
    def merged_layer(self) -> LayerNumber:
        """The layer at hand, or that below a step without one; 0 if the image has none."""
        return self._below[self.step] if self._steps else EMPTY

    @property
    def checked(self) -> int:
        """How many layers have been found to have their digests."""
        return sum(state.checked for state in self.states.values())

    def go_to_layer(self, layer: LayerNumber) -> None:
        """Puts the cursor on the step that made ``layer``."""
        if self.image is None:
            return
        for at, step in enumerate(self._steps):
            if self.image.history[step].layer == layer:
                self.go_to_row(at)

    def _arrange(self, step: int) -> None:
        """Works out the rows; the cursor stays on ``step``, or goes to the layer that it stands for."""
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
        if (text, style) != self._titled:  # setting it paints the whole pane again
            self._titled = text, style
            self.border_subtitle = Content.styled(text, style)

    def _subtitle(self) -> tuple[str, str]:
        """The state of the layer at hand, else of all."""
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
                return f"✓ {count_text(count, 'digest')} checked" if count else "no digests to check", ""
            return f"{self.checked} of {count_text(count, 'digest')} checked", ""
        read = sum(state.read for state in self.states.values())
        said = f"reading, {read} of {count_text(count, 'layer')} done"
        if 0 < self.merged < self.merged_layer:
            said = f"reading, the tree is at layer {self.merged} so far"
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
        """Hides the steps without a layer, or shows them again."""
        before = self.step
        self.folded = not self.folded
        if self.image is not None:
            self._arrange(before)
            if self.step != before:
                self.post_message(self.Highlighted())

    def action_raw(self) -> None:
        """Shows what the builder recorded, or what a person wrote."""
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
        """A row of ``width`` cells."""
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
        """The step of a history entry in at most ``width`` cells."""
        assert self.image is not None
        entry = self.image.history[number]
        gone = entry.layer is not None and bool(self.image.layers[entry.layer - 1].missing)
        quiet = entry.layer is None or gone
        if self.raw:
            return [(clip(visible((entry.created_by or entry.comment)[:_LONGEST]), width), "quiet" * quiet)]
        step = step_of(entry)
        arguments = visible(command_line(step.arguments[:_LONGEST]))
        if not step.instruction and not arguments:
            return [(clip("step not recorded", width), "quiet")]
        if not step.instruction:
            return [(clip(arguments, width), "quiet" * quiet)]
        head = clip(step.instruction + " ", width)
        return [(head, "quiet"), (clip(arguments, width - cell_len(head)), "quiet" * quiet)]

    def _bar(self, state: LayerState, stored: int, width: int) -> list[Span]:
        """How large a layer is beside the largest, or while it is read how much has been."""
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
