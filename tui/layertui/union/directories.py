"""Sums of what paths hold, by directory."""

from collections import Counter
from collections.abc import Iterable, Mapping


def directory_sums(sizes: Iterable[tuple[str, int]]) -> dict[str, int]:
    """From paths and numbers of bytes to those at and below every directory, as :func:`telling` gives them."""
    sums: Counter[str] = Counter()
    for path, size in sizes:
        above = path
        while above := above.rpartition("/")[0]:
            sums[above] += size
    return telling(sums)


def telling(sums: Mapping[str, int]) -> dict[str, int]:
    """Directories with their sums, largest first, without those in which one other has it all.

    Those that come to nothing are left out too. Bytes may be negative.
    """
    explained = {above for path, size in sums.items() if sums.get(above := path.rpartition("/")[0]) == size}
    kept = {path: size for path, size in sums.items() if size and path not in explained}
    return dict(sorted(kept.items(), key=lambda item: (-abs(item[1]), item[0])))
