"""Live bytes by the package that owns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layertui.insight.package import Package
from layertui.insight.package_files import PackageFiles
from layertui.insight.sizes import SizeMap
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import ROOT, Node


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
    left = {place: union.size(event) for place, event in sizes.live_files if node <= place < union.end[node]}
    found = []
    for package, nodes in installed:
        own = {each: left.pop(each) for each in nodes if each in left}
        if own:
            found.append((package, sum(own.values()), own.keys()))
    found.sort(key=lambda row: (-row[1], row[0].name))
    owners = {each: number for number, (_, _, own) in enumerate(found) for each in own}
    rows = [(package, size) for package, size, _ in found]
    return PackageSizes(rows, owners, sum(left.values()), known.unlisted, known.unread)
