"""Find paths in the layers of many images by a glob."""

from __future__ import annotations

from collections.abc import Iterator

from layertui.find.found import FoundPath
from layertui.find.memo import LayerMemo, MemoLayer, damage_of
from layertui.model.entry import ENTRY_TYPES
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.layer_index import keys_ending
from layertui.model.numbers import Event
from layertui.union.model import LayerUnion
from layertui.union.path_filter import compile_pattern, glob_pattern, literal_ending


class PathFinder:
    """Finds the entries of all layers whose paths match a glob; implied directories are not entries."""

    def __init__(self, memo: LayerMemo, glob: str) -> None:
        """For globs see :func:`layertui.union.path_filter.glob_pattern`."""
        raw = glob.encode("utf-8", "surrogateescape")
        self.damage: list[str] = []
        self._memo = memo
        self._is_match = compile_pattern(glob_pattern(raw), glob, 0).search
        self._ending = literal_ending(raw)
        self._in_keys = keys_ending([self._ending]).search
        self._may_match: dict[str, bool] = {}

    def in_image(self, image: Image, job: Job = Job.NONE) -> Iterator[FoundPath]:
        """See :class:`layertui.find.found.Finder`."""
        layers = self._memo.layers(image, job)
        self.damage = damage_of(image, layers)
        # Entries keep their names in the union, whatever symlinks lead to their directories.
        if not any(map(self._layer_may_match, layers)):
            return
        union = self._memo.union(image, layers)
        for node, _ in union.matching(self._ending):
            if self._is_match(union.key(node)):
                for event in union.versions(node):
                    if union.ev_entry[event] >= 0:
                        yield FoundPath(image.reference, union.ev_layer[event], *facts_of(union, event))

    def _layer_may_match(self, row: MemoLayer) -> bool:
        name = row.identity
        if name not in self._may_match or not name:
            self._may_match[name] = self._in_keys(b"/" + row.index.keys) is not None
        return self._may_match[name]


def facts_of(union: LayerUnion, event: Event) -> tuple[bool, str, str, int]:
    """Return whether the final tree shows the version of an event, its path, type and size."""
    node = union.ev_node[event]
    is_shown = union.last[node] == event
    return is_shown, union.path(node), ENTRY_TYPES[union.ev_kind[event]], union.size(event)
