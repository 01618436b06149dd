"""Live files that images rarely need: package caches, documentation, bytecode, repositories."""

from __future__ import annotations

import re
from array import array
from itertools import accumulate
from typing import NamedTuple

from layertui.insight.size_rows import Labels
from layertui.insight.sizes import SizeMap
from layertui.model.numbers import ROOT, Node


class LeftoverRule(NamedTuple):
    """A kind of leftovers."""

    name: str
    pattern: str
    """Regular expression that matches paths of directories and files from their start to their end."""
    remedy: str
    """How not to have them; in the same RUN, since a later one only hides them."""


LEFTOVER_RULES = (
    LeftoverRule("APT packages", "/var/cache/apt(/archives)?", "apt-get clean, or a cache mount for /var/cache/apt"),
    LeftoverRule("APT lists", "/var/lib/apt/lists", "rm -rf /var/lib/apt/lists/*"),
    LeftoverRule("apk cache", "/var/cache/apk|/etc/apk/cache", "apk add --no-cache"),
    LeftoverRule("dnf and yum cache", "/var/cache/(dnf|libdnf5|yum)", "dnf clean all"),
    LeftoverRule("zypper cache", "/var/cache/zypp", "zypper clean --all"),
    LeftoverRule("pip cache", "(/root|/home/[^/]+)/[.]cache/pip", "pip install --no-cache-dir"),
    LeftoverRule("npm and yarn cache", "(/root|/home/[^/]+)/[.](npm|yarn|cache/(yarn|node-gyp))", "npm cache clean --force"),
    LeftoverRule("Go build cache", "(/root|/home/[^/]+)/[.]cache/go-build|/go/pkg/mod/cache", "a cache mount, or a stage of its own"),
    LeftoverRule("Cargo registry", "(/root|/home/[^/]+|/usr/local/cargo)/([.]cargo/)?registry", "a cache mount, or a stage of its own"),
    LeftoverRule("other caches", "(/root|/home/[^/]+)/[.]cache", "rm -rf ~/.cache"),
    LeftoverRule("Python bytecode", ".*/__pycache__", "PYTHONDONTWRITEBYTECODE=1, pip install --no-compile"),
    LeftoverRule("Git repositories", ".*/[.]git", "list .git in .dockerignore"),
    LeftoverRule("documentation", "/usr/(local/)?share/(doc|man|info)", "dpkg: path-exclude=/usr/share/doc/*; dnf: tsflags=nodocs"),
    LeftoverRule("locales", "/usr/share/locale", "dpkg: path-exclude=/usr/share/locale/*"),
    LeftoverRule("temporary files", "/tmp|/var/tmp", "rm -rf /tmp/*"),
    LeftoverRule("logs", "/var/log", "rm -rf /var/log/*"),
)  # fmt: skip
_ANY_RULE = re.compile(
    "|".join(f"(?P<r{number}>{rule.pattern})" for number, rule in enumerate(LEFTOVER_RULES))
)


class Leftover(NamedTuple):
    """Leftovers of a kind at and below one path."""

    rule: LeftoverRule
    path: str
    node: Node
    size: int
    """Live bytes."""


def leftovers(sizes: SizeMap, node: Node = ROOT) -> list[Leftover]:
    """Return the leftovers at and below a path, largest first; none is inside another."""
    union, found = sizes.union, []
    at, end = node, union.end[node]
    while at < end:
        path = union.path(at)
        rule = _rule_of(path)
        size = sizes.below(at).live
        if rule is None and size:
            at = Node(at + 1)
            continue
        if rule is not None and size:
            found.append(Leftover(rule, path, at, size))
        at = union.end[at]
    return sorted(found, key=lambda row: (-row.size, row.path))


def leftover_labels(sizes: SizeMap) -> Labels:
    """Return the kinds of leftovers that live files belong to, in the order of :data:`LEFTOVER_RULES`."""
    rows = sizes.rows
    found = array("i", [-1]) * len(rows)
    for left in leftovers(sizes):
        number = LEFTOVER_RULES.index(left.rule)
        for row in rows.span(left.node):
            if rows.is_live(row):
                found[row] = number
    return Labels(found, [rule.name for rule in LEFTOVER_RULES])


def rule_above(path: str) -> tuple[LeftoverRule | None, str]:
    """Return the rule that a directory or one above it matches, and that path; None and empty for none."""
    for above in accumulate(path.split("/")[1:], "{}/{}".format, initial=""):
        if above and (rule := _rule_of(above)) is not None:
            return rule, above
    return None, ""


def _rule_of(path: str) -> LeftoverRule | None:
    match = _ANY_RULE.fullmatch(path)
    return None if match is None else LEFTOVER_RULES[int((match.lastgroup or "r0")[1:])]
