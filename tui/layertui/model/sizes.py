"""Live and dead bytes, the two parts of a size."""

from __future__ import annotations

from collections.abc import Sequence

from layertui.model.typed import NamedTuple


class Bytes(NamedTuple):
    """Bytes of files that layers store."""

    live: int
    """Those that the final merged tree shows."""
    dead: int
    """Those that it does not: a later layer overwrites or deletes them, they are still stored."""

    @property
    def size(self) -> int:
        """All of them."""
        return self.live + self.dead


def total_of(parts: Sequence[Bytes]) -> Bytes:
    """Return the sum of sizes."""
    return Bytes(sum(part.live for part in parts), sum(part.dead for part in parts))
