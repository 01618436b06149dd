"""Owners of files: users and groups from the image's own files, and packages."""

import threading
from typing import TYPE_CHECKING

from layertui.content.accounts import MAX_ACCOUNTS_BYTES, account_names
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import Event
from layertui.text.format import count_text
from layertui.ui.detail.subject import Subject

if TYPE_CHECKING:
    from layertui.insight.package_files import PackageFiles, PackageOwners
    from layertui.union.model import LayerUnion

_LISTED = 3
"""Packages that are named; directories may have hundreds."""


class Owners:
    """Cache of owner names and packages of an image. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], dict[int, str]] = {}
        self._union: LayerUnion | None = None
        self._packages: PackageFiles | None = None
        self._lock = threading.Lock()

    def describe(self, subject: Subject, job: Job, uid: int, gid: int) -> str:
        """Return ``1000:1000 quarry:quarry``; only the numbers if the image has no names for them."""
        user = self._names(subject, job, "/etc/passwd").get(uid)
        group = self._names(subject, job, "/etc/group").get(gid)
        if user is None and group is None:
            return f"{uid}:{gid}"
        return f"{uid}:{gid} {user or uid}:{group or gid}"

    def _names(self, subject: Subject, job: Job, path: str) -> dict[int, str]:
        """Return the names in an account file; empty if it cannot be read."""
        union = subject.union
        try:
            event = union.at(union.resolve(path, subject.merged_layer), subject.merged_layer)
            key = (id(union), event)
            if key not in self._known:
                self._known[key] = account_names(subject.contents.read(event, 0, MAX_ACCOUNTS_BYTES, job))
            return self._known[key]
        except LayertuiError:
            return {}

    def package(self, subject: Subject, event: Event, job: Job) -> str:
        """Return the packages that own a version of the path, or why they are unknown."""
        from layertui.insight.package_files import PackageFiles

        union = subject.union
        with self._lock:
            if self._union is not union or self._packages is None:
                self._union, self._packages = union, PackageFiles(union, subject.contents)
            files = self._packages
        # A hidden version belongs to the packages of a layer at which it was visible.
        is_shown = union.at(subject.node, subject.merged_layer) == event
        layer = subject.merged_layer if is_shown else union.ev_layer[event]
        return package_text(files.owners(union.path(subject.node), layer, job))


def package_text(found: "PackageOwners") -> str:
    """``libc6 2.36-9 (dpkg)``; may be hostile."""
    if found.packages:
        named = [f"{each.name} {each.version} ({each.kind})" for each in found.packages[:_LISTED]]
        rest = len(found.packages) - _LISTED
        return ", ".join(named) + (f" and {rest:,} more" if rest > 0 else "")
    if found.unread:
        return f"unknown: {found.unread[0]}"
    if not found.kinds:
        return "unknown: no readable package database"
    said = f"not owned by a package ({', '.join(found.kinds)})"
    return said + (f"; {count_text(found.unlisted, 'package')} without a file list" if found.unlisted else "")
