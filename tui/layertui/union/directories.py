"""Sums of what paths hold, by directory."""

from collections import Counter
from collections.abc import Iterable


def directory_sums(sizes: Iterable[tuple[str, int]]) -> dict[str, int]:
    """From paths and numbers of bytes to those at and below every directory, largest first.

    Left out are directories in which one other has it all, and those that come to nothing.
    Bytes may be negative.
    """
    sums: Counter[str] = Counter()
    for path, size in sizes:
        above = path
        while above := above.rpartition("/")[0]:
            sums[above] += size
    explained = {above for path, size in sums.items() if sums.get(above := path.rpartition("/")[0]) == size}
    kept = {path: size for path, size in sums.items() if size and path not in explained}
    return dict(sorted(kept.items(), key=lambda item: (-abs(item[1]), item[0])))
