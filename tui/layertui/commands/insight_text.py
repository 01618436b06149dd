"""Human-readable report of ``layertui insight``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from layertui.commands.output import Output
from layertui.model.history_step import step_text
from layertui.model.image import Image
from layertui.model.numbers import LayerNumber
from layertui.text.format import mode_text, owner, size_text

if TYPE_CHECKING:
    from layertui.insight.duplicates import Duplicates
    from layertui.insight.efficiency import Efficiency
    from layertui.insight.packages import PackageChange, Packages
    from layertui.insight.permissions import Permission
    from layertui.insight.secrets import Secret, Secrets
    from layertui.insight.waste import Waste

TOP = 10
"""Rows of a table without ``--all``."""


class Report:
    """Prints one section of tables per part, within 80 columns."""

    def __init__(self, out: Output, image: Image, is_whole: bool, is_unmasked: bool) -> None:
        from layertui.insight.secrets import without_secrets

        self._out = out
        steps = {entry.layer: step_text(entry) for entry in image.history}
        self._steps = {layer: text if is_unmasked else without_secrets(text) for layer, text in steps.items()}
        self._most = None if is_whole else TOP
        self._is_first = True

    def waste(self, found: Waste, figures: Efficiency, stored: int) -> None:
        """Print wasted bytes by reason, layer, directory and file; ``stored`` are the bytes of all layers' files."""
        share = f" ({found.reclaimable_bytes / stored:.1%})" if stored else ""
        self._title(
            "Waste",
            f"{size_text(found.reclaimable_bytes)} of {size_text(stored)} stored are not in the final tree{share}",
        )
        percent = figures.user_wasted_percent
        above = "" if percent is None else f" ({percent:.1%} of the layers above the first)"
        self._out.line(
            f"dive: efficiency {figures.efficiency:.2%}, {size_text(figures.wasted_bytes)} wasted{above}"
        )
        if not found.paths:
            return
        files = Counter(row.reason for row in found.paths)
        self._table(
            ("SIZE", "FILES", "REASON"),
            [
                (size_text(size), f"{files[reason]:,}", reason.words)
                for reason, size in found.by_reason().items()
            ],
            right=(0, 1),
        )
        self._table(
            ("SIZE", "LAYER", "HIDDEN BY"),
            [
                (size_text(size), str(layer), self._steps.get(layer, ""))
                for layer, size in found.by_layer().items()
            ],
            right=(0, 1),
        )
        self._table(
            ("SIZE", "DIRECTORY"),
            [(size_text(size), path) for path, size in found.by_directory().items()],
            right=(0,),
        )
        self._table(
            ("SIZE", "LAYER", "HIDDEN BY", "REASON", "PATH"),
            [
                (
                    size_text(row.size),
                    str(row.layer),
                    str(row.by),
                    row.reason.words,
                    row.path if row.moved_to is None else f"{row.path} -> {row.moved_to}",
                )
                for row in found.paths
            ],
            right=(0, 1, 2),
        )

    def permissions(self, rows: Sequence[Permission]) -> None:
        """Print unusual permissions, the first of each kind."""
        kinds = Counter(row.right for row in rows)
        counts = ", ".join(f"{count:,} {right}" for right, count in kinds.items())
        self._title("Permissions", counts or "nothing unusual")
        if not rows:
            return
        # Some of each kind, not ten of the most common one.
        shown = [row for right in kinds for row in [row for row in rows if row.right == right][: self._most]]
        self._table(
            ("RIGHT", "MODE", "OWNER", "LAYER", "PATH"),
            [
                (
                    str(row.right),
                    mode_text(row.entry),
                    owner(row.entry),
                    str(row.entry.layer),
                    row.entry.path
                    + (f"  {row.capabilities}" if row.capabilities else "")
                    + (f"  and {row.paths - 1:,} below" if row.paths > 1 else ""),
                )
                for row in shown
            ],
            right=(3,),
            rest=len(rows) - len(shown),
        )

    def packages(self, found: Packages) -> None:
        """Print package changes by layer, and the largest packages."""
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.installed.most_common())
        unread = "; not every database could be read" if found.unread else ""
        self._title("Packages", f"{kinds or 'none found'} in the final tree{unread}")
        if not found.changes:
            return
        layers: dict[LayerNumber, list[PackageChange]] = {}
        for row in found.changes:
            layers.setdefault(row.layer, []).append(row)
        self._table(
            ("LAYER", "ADDED", "UPGRADED", "REMOVED", "STEP"),
            [
                (
                    str(layer),
                    *(
                        f"{sum(row.change == change for row in rows):,}"
                        for change in ("added", "upgraded", "removed")
                    ),
                    self._steps.get(layer, ""),
                )
                for layer, rows in layers.items()
            ],
            right=(0, 1, 2, 3),
        )
        self._table(
            ("SIZE", "LAYER", "CHANGE", "KIND", "PACKAGE"),
            [
                (
                    size_text(row.package.size),
                    str(row.layer),
                    row.change,
                    row.package.kind,
                    f"{row.package.name} {_versions(row)}",
                )
                for row in sorted(found.changes, key=lambda row: -row.package.size)
            ],
            right=(0, 1),
        )

    def duplicates(self, found: Duplicates) -> None:
        """Print duplicate contents with their copies."""
        surplus = sum(group.surplus_bytes for group in found.groups)
        links = sum(group.hardlink_bytes for group in found.groups)
        self._title(
            "Duplicates",
            f"{size_text(surplus)} duplicated, of which hardlinks would save {size_text(links)}",
        )
        if not found.groups:
            return
        rows = []
        for group in found.groups[: self._most]:
            size, link = size_text(group.surplus_bytes), size_text(group.hardlink_bytes)
            for number, copy in enumerate(group.copies[: self._most]):
                place = (str(copy.layer), _view(copy.is_visible), copy.path)
                rows.append((size, link, *place) if not number else ("", "", *place))
            if self._most and len(group.copies) > self._most:
                rows.append(("", "", "", "", f"… and {len(group.copies) - self._most:,} more copies"))
        rest = len(found.groups[self._most :]) if self._most else 0
        self._table(("SURPLUS", "LINKS SAVE", "LAYER", "VIEW", "PATHS"), rows, right=(0, 1, 2), rest=rest)

    def secrets(self, found: Secrets, is_shown: bool) -> None:
        """Print secrets, masked unless ``is_shown``."""
        rows = found.found
        hidden = sum(not row.is_visible for row in rows)
        self._title("Secrets", f"{len(rows):,} found, {hidden:,} of them deleted, but still shipped")
        if not rows:
            return
        self._table(
            ("LAYER", "VIEW", "RULE", "SECRET", "WHERE"),
            [
                (
                    "" if row.layer is None else str(row.layer),
                    _view(row.is_visible),
                    row.rule,
                    row.text if is_shown else row.masked,
                    _place(row),
                )
                for row in rows
            ],
            right=(0,),
        )

    def _title(self, name: str, text: str) -> None:
        if not self._is_first:
            self._out.line("")
        self._is_first = False
        self._out.line(f"{self._out.colour(name, 'bold')}: {text}")

    def _table(
        self,
        headers: Sequence[str],
        rows: Sequence[Sequence[str]],
        right: Sequence[int],
        rest: int | None = None,
    ) -> None:
        """Print a table; ``rest`` rows were already left out, by default all after the first ten are."""
        if rest is None:
            rest = len(rows[self._most :]) if self._most else 0
            rows = rows[: self._most]
        self._out.line("")
        self._out.table(headers, rows, right, shrink=(len(headers) - 1,))
        if rest:
            self._out.line(f"… and {rest:,} more, see --all")


def _versions(change: PackageChange) -> str:
    return " -> ".join(package.version for package in (change.before, change.after) if package is not None)


def _place(secret: Secret) -> str:
    if secret.where != "file":
        return f"{secret.where}: {secret.name}"
    return f"{secret.name}:{secret.line}"


def _view(is_visible: bool) -> str:
    return "" if is_visible else "hidden"
