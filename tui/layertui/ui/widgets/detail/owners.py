"""Names of users and groups, as the image's own files have them."""

import threading

from layertui.content.accounts import MOST, account_names
from layertui.errors import LayertuiError
from layertui.ui.widgets.detail.subject import Subject


class Owners:
    """Remembers what was read of an image's last union; safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], dict[int, str]] = {}

    def describe(self, subject: Subject, cancelled: threading.Event, uid: int, gid: int) -> str:
        """``1000:1000 quarry:quarry``; the numbers alone where the image has no name for them."""
        user = self._names(subject, cancelled, "/etc/passwd").get(uid)
        group = self._names(subject, cancelled, "/etc/group").get(gid)
        if user is None and group is None:
            return f"{uid}:{gid}"
        return f"{uid}:{gid} {user or uid}:{group or gid}"

    def _names(self, subject: Subject, cancelled: threading.Event, path: str) -> dict[int, str]:
        """What :func:`account_names` finds in a file; nothing if it cannot be read."""
        union = subject.union
        try:
            event = union.at(union.resolve(path, subject.merged_layer), subject.merged_layer)
            key = (id(union), event)
            if key not in self._known:
                self._known[key] = account_names(subject.contents.read(event, 0, MOST, cancelled))
            return self._known[key]
        except LayertuiError:
            return {}
