"""What takes long with the rows of a tree, done to a copy of them in a thread."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from layertui.union.tree_rows import TreeRows

Change = Callable[["TreeRows"], None]

computing = threading.Lock()
"""Held by a thread while it computes: each that does so beside the one that paints takes its share of time from it."""


class RowsDone(Message):
    """A thread has worked out ``rows`` to follow those ``before``."""

    def __init__(self, before: "TreeRows", rows: "TreeRows") -> None:
        super().__init__()
        self.before = before
        self.rows = rows


class RowWork:
    """What is still to be done to the rows that ``target`` shows, and the thread that is at it.

    The thread posts :class:`RowsDone`; ``target`` then calls :meth:`done`, and :meth:`start` for the rest.
    """

    def __init__(self, target: MessagePump) -> None:
        self._target = target
        self.following: TreeRows | None = None
        """Those of a new union, to be shown as the ones before: view, sort, filter, open directories."""
        self.busy = False
        self._waiting: dict[object, Change] = {}  # in order

    def add(self, change: Change, key: object) -> None:
        """Has something done once what waits has been; what waits under the same key no longer is wanted."""
        self._waiting.pop(key, None)
        self._waiting[key] = change

    def drop(self, key: object = None) -> None:
        """Forgets what waits under a key, without one all that waits."""
        if key is not None:
            self._waiting.pop(key, None)
        else:
            self._waiting.clear()
            self.following = None

    def start(self, before: "TreeRows | None") -> None:
        """Starts on what waits, if anything does and the thread before has ended."""
        if self.busy or before is None or not (self._waiting or self.following):
            return
        following, changes = self.following, list(self._waiting.values())
        self.drop()

        def run() -> None:
            with computing:
                if following is None:
                    rows = before.copy()
                else:
                    rows = following
                    rows.adopt(before)
                for change in changes:
                    change(rows)
            self._target.post_message(RowsDone(before, rows))

        self.busy = True
        thread = threading.Thread(target=run, name="tree", daemon=True)
        # The frame that shows what asked for it goes first: a cursor that has moved, a letter.
        self._target.call_after_refresh(thread.start)

    def done(self) -> None:
        """The thread has ended."""
        self.busy = False
