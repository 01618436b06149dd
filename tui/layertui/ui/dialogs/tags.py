"""Select a tag of a repository."""

import re
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.text.format import count_text
from layertui.text.matching import match_positions
from layertui.text.sanitize import visible
from layertui.ui.dialogs.completed_field import LISTED
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.keys import bind
from layertui.ui.worker.background import background

_OF_A_DIGEST = re.compile(r"sha256-[0-9a-f]{64}")
"""Tags of attachments (cosign, referrers fallback)."""


class TagsDialog(Dialog[str | None]):
    """Dismissed with the reference of the selected tag, or None; typing filters the tags."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("escape", "dismiss", "cancel"),
        bind("down", "move('cursor_down')", "down", show=False, priority=True),
        bind("up", "move('cursor_up')", "up", show=False, priority=True),
        bind("pagedown", "move('page_down')", "page down", show=False, priority=True),
        bind("pageup", "move('page_up')", "page up", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    TagsDialog {
        align: center top;

        OptionList {
            max-height: 16;
        }

        #told {
            height: auto;
            margin-top: 1;
            color: $quiet;
        }

        #told.failed {
            color: $deleted;
        }
    }
    """

    def __init__(self, repository: str) -> None:
        """``repository`` is a reference without a tag."""
        super().__init__()
        self._repository = repository
        self._tags: dict[str, str] = {}
        self._shown: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="tags", classes="pane asking") as pane:
            pane.border_title = Content(visible(self._repository))
            pane.border_subtitle = Content("enter opens · esc cancels")
            yield Input(placeholder="tag", compact=True)
            yield OptionList(classes="choices", compact=True)
            yield Static(Content("Fetching tags …"), id="told")

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.can_focus = False
        options.display = False
        self.query_one(Input).focus()
        repository = self._repository

        def tags(_job: Job) -> dict[str, str]:
            from layertui.sources import list_images

            return {row.tag: row.reference for row in list_images(repository)}

        background(self, tags, self._list, self._say_failure, name="tags")

    def _say_failure(self, error: LayertuiError) -> None:
        message = self.query_one("#told", Static)
        message.add_class("failed")
        message.update(Content(visible(f"{error}. Type a tag to open it anyway.")))

    def _list(self, tags: dict[str, str]) -> None:
        """List tags; ``tags`` are the references by tag."""
        self._tags = tags
        self._narrow(self.query_one(Input).value)

    def on_input_changed(self, event: Input.Changed) -> None:
        if self._tags:
            self._narrow(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None and self._shown:
            self.dismiss(self._tags[self._shown[at]])
        elif typed := event.value.strip():
            self.dismiss(f"{self._repository}:{typed}")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._tags[self._shown[event.option_index]])

    def action_move(self, action: str) -> None:
        getattr(self.query_one(OptionList), f"action_{action}")()

    def _narrow(self, query: str) -> None:
        """List the tags that contain the typed text, an exact match first, attachments last."""
        found = [tag for tag in self._tags if match_positions(query, tag) is not None]
        first = query or "latest"
        self._shown = sorted(
            found, key=lambda tag: (tag != first, query not in tag, bool(_OF_A_DIGEST.match(tag)))
        )[:LISTED]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Content(visible(tag)) for tag in self._shown])
        options.display = bool(self._shown)
        options.highlighted = 0 if self._shown else None
        total = count_text(len(self._tags), "tag")
        told = f"{len(found)} of {total}" if query else total
        self.query_one("#told", Static).update(Content(told))
