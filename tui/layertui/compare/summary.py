"""Summarize a comparison in sentences, for the screen and the command."""

from __future__ import annotations

from collections import Counter

from layertui.compare.comparison import Comparison, stored_size
from layertui.text.format import count_text, growth_text, size_text


def verdict(found: Comparison, minus: str = "-") -> str:
    """Return the result in one sentence; ``minus`` is the sign of what is smaller."""
    if found.has_same_files:
        return short_verdict(found, minus)
    return f"{_growth_text(found, minus)}: {counts_text(found, minus)}."


def short_verdict(found: Comparison, minus: str = "-") -> str:
    """Return the result in one sentence without counts of files."""
    if found.has_same_files:
        return "Files are the same, the config is not." if found.config else "Config and files are the same."
    return f"{_growth_text(found, minus)}."


def _growth_text(found: Comparison, minus: str) -> str:
    """``B is 5.00 kB larger than A (+5.02 kB live, -24 B dead)``."""
    before, after = found.sums.size_a, found.sums.size_b
    grown = after.size - before.size
    size = f"{size_text(abs(grown))} {'larger' if grown > 0 else 'smaller'} than" if grown else "as large as"
    parts = ""
    if after.dead != before.dead:
        live, dead = (growth_text(size, minus) for size in (found.sums.growth, after.dead - before.dead))
        parts = f" ({live} live, {dead} dead)"
    return f"B is {size} A{parts}"


def counts_text(found: Comparison, minus: str = "-") -> str:
    """Return counts and sizes of changed files: ``3 added (+5.00 kB), 1 deleted (-5 B)``."""
    sums = found.sums
    parts = [
        f"{count:,} {change} ({growth_text(size, minus)})"
        for count, change, size in (
            (sums.added, "added", sums.added_bytes),
            (sums.modified, "modified", sums.modified_bytes),
            (sums.deleted, "deleted", -sums.deleted_bytes),
        )
        if count
    ]
    if sums.touched:
        parts.append(f"{sums.touched:,} mtime only")
    return ", ".join(parts) or "no path differs"


def layers_text(found: Comparison) -> str:
    """Return counts of layers: ``3 in common, the base of both, 2 only in B (2.1 MB)``."""
    layers, common = found.layers, len(found.layers.common)
    parts = [f"{common:,} in common"]
    if common and list(layers.common) == [(number, number) for number in range(1, common + 1)]:
        parts.append("the base of both")
    for name, side, numbers in (("A", found.a, layers.only_a), ("B", found.b, layers.only_b)):
        if numbers:
            size = size_text(stored_size(side.image.layers[number - 1] for number in numbers))
            parts.append(f"{len(numbers):,} only in {name} ({size})")
    return ", ".join(parts)


def config_text(found: Comparison) -> str:
    """Return the number of changed config fields: ``3 fields differ``."""
    rows = len(found.config)
    return f"{count_text(rows, 'field')} {'differs' if rows == 1 else 'differ'}" if rows else "the same"


def packages_text(found: Comparison) -> str:
    """Return counts of changed packages: ``1 added, 2 upgraded``."""
    changes = Counter(row.change for row in found.packages)
    parts = [
        f"{changes[change]:,} {change}" for change in ("added", "upgraded", "removed") if changes[change]
    ]
    return ", ".join(parts) or "the same, as far as they are known"
