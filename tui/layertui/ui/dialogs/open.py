"""Ask for a reference or path, with completion."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.ui.dialogs.completed_field import CompletedField
from layertui.ui.dialogs.completion import complete, expanded
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.worker.background import background_each

_HINT = (
    "A path to an archive or a directory, an image of Docker or Podman by its name, "
    "or a transport and what it holds, like oci:DIR:TAG or docker://REPO:TAG"
)


class OpenDialog(Dialog[str | None]):
    """Dismissed with the typed or selected reference, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel"),
    ]
    DEFAULT_CSS = """
    OpenDialog {
        align: center top;

        #hint {
            height: auto;
            margin-top: 1;
            color: $quiet;
        }
    }
    """

    def __init__(self, title: str = "Open an image") -> None:
        super().__init__()
        self._title = title
        self._names: dict[str, Sequence[str]] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="open", classes="pane asking") as pane:
            pane.border_title = Content(self._title)
            pane.border_subtitle = Content("tab completes · enter opens · esc cancels")
            yield CompletedField(self._complete, "reference or path")
            yield Static(Content(_HINT), id="hint")

    def on_mount(self) -> None:
        background_each(self, _engine_names, self._add_names, name="names")

    def on_completed_field_submitted(self, event: CompletedField.Submitted) -> None:
        """Dismiss with the typed or selected reference."""
        if text := expanded(event.text):
            self.dismiss(text)

    def _add_names(self, named: tuple[str, Sequence[str]]) -> None:
        """Complete what has been typed so far with an engine's names too."""
        engine, image_names = named
        self._names[engine] = image_names
        self.query_one(CompletedField).look_again()

    def action_cancel(self) -> None:
        """Cancel."""
        self.dismiss(None)

    def _complete(self, text: str) -> list[str]:
        return complete(text, dict(self._names))


def _engine_names(_job: Job) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each engine, and the names of its images."""
    from layertui.sources import LOCAL
    from layertui.sources.engine import image_names

    for engine in LOCAL:
        with suppress(LayertuiError):  # the list of images shows why
            yield engine, image_names(engine)
