"""Find packages in many images."""

from __future__ import annotations

from collections.abc import Iterator

from layertui.content.read import Contents
from layertui.find.found import FoundPackage
from layertui.find.memo import LayerMemo, damage_of
from layertui.insight.package import package_pattern
from layertui.insight.packages import packages
from layertui.model.image import Image
from layertui.model.job import Job


class PackageFinder:
    """Finds packages that layers added or upgraded."""

    def __init__(self, memo: LayerMemo, glob: str) -> None:
        """``memo`` keeps :data:`~layertui.insight.package_databases.PACKAGE_FILES`; see :func:`package_pattern`."""
        self.damage: list[str] = []
        self._memo = memo
        self._pattern = package_pattern(glob)

    def in_image(self, image: Image, job: Job = Job.NONE) -> Iterator[FoundPackage]:
        """See :class:`layertui.find.found.Finder`."""
        layers = self._memo.layers(image, job)
        union = self._memo.union(image, layers)
        found = packages(union, Contents(image, union.indexes, union), job)
        self.damage = damage_of(image, layers) + list(map(str, found.unread))
        lasting = found.lasting()
        for number, change in enumerate(found.changes):
            if (package := change.after) is not None and package.is_any_of([self._pattern]):
                facts = package.kind, package.name, package.version, package.architecture
                yield FoundPackage(image.reference, change.layer, number in lasting, *facts)
