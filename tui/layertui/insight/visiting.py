"""What has to see the contents of layers while they are scanned, for parts of the insight."""

from __future__ import annotations

from collections.abc import Collection

from layertui.layers.capture import Keep
from layertui.layers.visit import Visitor


def visitors_of(parts: Collection[str]) -> list[Visitor]:
    """Return the visitors of some parts, named as in :data:`layertui.insight.survey.FINDING_CELLS`."""
    # Imported here: no part pays for the imports of another.
    visitors: list[Visitor] = []
    if "secrets" in parts:
        from layertui.insight.secret_search import NAMED_FILES
        from layertui.insight.secret_visit import SecretVisit

        visitors += (SecretVisit, Keep(NAMED_FILES))
    if "duplicates" in parts:
        from layertui.content.hashing import HashVisit

        visitors.append(HashVisit)
    if "packages" in parts:
        from layertui.insight.package_databases import PACKAGE_FILES

        visitors.append(Keep(PACKAGE_FILES))
    return visitors
