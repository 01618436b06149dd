"""Live bytes by the package that owns them."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layertui.insight.package import Package
from layertui.insight.package_files import PackageFiles
from layertui.insight.size_rows import Labels
from layertui.insight.sizes import SizeMap
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import ROOT, Node
from layertui.text.format import count_text


@dataclass(frozen=True, slots=True)
class PackageSizes:
    """Live bytes of the packages in a part of the tree; with ``unowned`` they sum up to that part's."""

    packages: Sequence[tuple[Package, int]]
    """Packages that have bytes there, largest first."""
    owners: Mapping[Node, int]
    """Position in ``packages`` of the package that a live file counts for."""
    unowned: int
    """Bytes of files that no package's list has."""
    unlisted: int
    """Packages whose files are not known; they are in ``unowned``."""
    unread: Sequence[LayertuiError]
    """Why databases could not be read."""


def package_sizes(
    files: PackageFiles, sizes: SizeMap, node: Node = ROOT, job: Job = Job.NONE
) -> PackageSizes:
    """Return the live bytes at and below a path by package; a file of several counts for the first.

    Reads the databases of packages. Raises :class:`Cancelled`.
    """
    union = sizes.union
    installed, known = files.installed(union.layers, job)
    rows = sizes.rows
    left = {rows.node(row): rows.size(row) for row in rows.span(node) if rows.is_live(row)}
    found = []
    for package, nodes in installed:
        own = {each: left.pop(each) for each in nodes if each in left}
        if own:
            found.append((package, sum(own.values()), own.keys()))
    found.sort(key=lambda row: (-row[1], row[0].name))
    owners = {each: number for number, (_, _, own) in enumerate(found) for each in own}
    packages = [(package, size) for package, size, _ in found]
    return PackageSizes(packages, owners, sum(left.values()), known.unlisted, known.unread)


def package_labels(owned: PackageSizes, sizes: SizeMap) -> Labels:
    """Return the packages that live files count for; ``owned`` are those of the whole tree.

    Dead files have a label of their own: what owned them is not known.
    """
    rows, unowned = sizes.rows, len(owned.packages)
    unlisted = f"; {count_text(owned.unlisted, 'package')} without a list" if owned.unlisted else ""
    names = [f"{package.name} {package.version}" for package, _ in owned.packages]
    labels = (
        owned.owners.get(rows.node(row), unowned) if rows.is_live(row) else unowned + 1
        for row in range(len(rows))
    )
    return Labels(array("I", labels), [*names, f"not owned by a package{unlisted}", "dead files"])
