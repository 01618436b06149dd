"""All that the report of an image says, found in one pass over its questions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from layertui.anatomy.chain import System, system
from layertui.content.read import Contents
from layertui.dockerfile.base_candidates import neighbours
from layertui.dockerfile.bill import Bill, bill_of
from layertui.dockerfile.buildkit import provenance_of
from layertui.dockerfile.document import dockerfile_of
from layertui.insight.leftovers import Leftover, leftovers
from layertui.insight.package_files import PackageFiles
from layertui.insight.package_sizes import PackageSizes, package_sizes
from layertui.insight.packages import Packages, packages
from layertui.insight.permissions import Permission, permissions
from layertui.insight.secrets import Secrets, secrets
from layertui.insight.sizes import SizeMap
from layertui.insight.survey import damaged_layers
from layertui.insight.waste import Waste, waste
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.numbers import ROOT
from layertui.union.model import LayerUnion


class ReportFindings(NamedTuple):
    """The answers about one image."""

    image: Image
    union: LayerUnion
    system: System
    sizes: SizeMap
    bill: Bill
    waste: Waste
    packages: Packages
    package_sizes: PackageSizes
    secrets: Secrets
    permissions: Sequence[Permission]
    leftovers: Sequence[Leftover]

    @property
    def unread(self) -> list[str]:
        """What could not be read, a sentence each: the answers do not cover it."""
        errors = dict.fromkeys(map(str, chain(self.packages.unread, self.package_sizes.unread)))
        damage = [self.image.damage] if self.image.damage else []
        return [*damage, *damaged_layers(self.union), *errors, *self.secrets.problems]


def find_all(image: Image, union: LayerUnion, contents: Contents, job: Job = Job.NONE) -> ReportFindings:
    """Answer all questions; ``contents`` compares the files that waste has to. Raises :class:`Cancelled`."""
    provenance = provenance_of(image)
    around = list(neighbours(image)) if provenance is None or provenance.why else []
    found = system(union, contents)
    wasted, sizes = waste(union, contents, job), SizeMap(union, job)
    document = dockerfile_of(image, around, provenance, found.name, union)
    return ReportFindings(
        image,
        union,
        found,
        sizes,
        bill_of(image, union, sizes.layers, wasted, document.found),
        wasted,
        packages(union, contents, job),
        package_sizes(PackageFiles(union, contents), sizes, ROOT, job),
        secrets(image, union, contents, job),
        permissions(union, contents, job),
        leftovers(sizes, ROOT),
    )
