"""Run expensive row updates on a copy in a background thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.ui.worker.background import background, computing, notify_of

if TYPE_CHECKING:
    from layertui.union.tree_rows import TreeRows

RowsChange = Callable[["TreeRows"], None]


class RowWork:
    """Pending changes of ``owner``'s rows, and the thread that makes them.

    ``done`` is called with the old and new rows; it must call :meth:`start` for the rest.
    """

    def __init__(self, owner: MessagePump, done: Callable[[TreeRows, TreeRows], object]) -> None:
        self._owner = owner
        self._done = done
        self.following: TreeRows | None = None
        """Rows of a new union, to take over view, sort, filter and open directories."""
        self.busy = False
        self._waiting: dict[object, RowsChange] = {}  # in order

    def add(self, change: RowsChange, key: object) -> None:
        """Queue a change; a pending change with the same key is dropped."""
        self._waiting.pop(key, None)
        self._waiting[key] = change

    def drop(self, key: object = None) -> None:
        """Drop the pending change with a key, or all."""
        if key is not None:
            self._waiting.pop(key, None)
        else:
            self._waiting.clear()
            self.following = None

    def start(self, before: TreeRows | None) -> None:
        """Start the next change, if there is one and no thread is running."""
        if self.busy or before is None or not (self._waiting or self.following):
            return
        following, changes = self.following, list(self._waiting.values())
        self.drop()

        def compute(_job: Job) -> TreeRows:
            with computing:
                if following is None:
                    rows = before.copy()
                else:
                    rows = following
                    rows.adopt(before)
                for change in changes:
                    change(rows)
            return rows

        def done(rows: TreeRows) -> None:
            self.busy = False
            self._done(before, rows)

        def fail(error: LayertuiError) -> None:
            self.busy = False
            notify_of(self._owner, error)

        self.busy = True
        # The frame that shows the key (a moved cursor, a letter) goes first.
        self._owner.call_after_refresh(background, self._owner, compute, done, fail, name="tree")
