"""The lists of a root and of additional roots (github.com/containers/storage: images.go, layers.go)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from layertui.model.blob import FileBlob
from layertui.model.errors import LayertuiError, NotFound, few
from layertui.sources.containers_storage.records import Record, container_name, repo_digests
from layertui.sources.files import listed, parse_json

IDENTITY = re.compile(r"[0-9a-zA-Z][0-9a-zA-Z_.-]*")


class Lists:
    """The lists of a root and of additional roots, each read at its first use."""

    def __init__(
        self,
        driver: str,
        roots: tuple[Path, ...],
        first: Path | None = None,
        problems: Sequence[LayertuiError] = (),
    ) -> None:
        """``first``: the root whose images take precedence over others of the same name."""
        self.driver = driver
        self.roots = roots
        self._image_roots = sorted(roots, key=lambda root: root != first)
        self.problems = list(problems)
        """Why images of additional roots may be missing; complete after images and layers have been read."""

    @cached_property
    def images(self) -> list[Record]:
        """The images of all roots in lookup order; one that is in several roots is the first, with all its names."""
        found: dict[str, Record] = {}
        for record in self._records(self._image_roots, "images", "images.json"):
            known = found.get(record.id)
            found[record.id] = known.also_called(record.texts("names")) if known else record
        return list(found.values())

    @cached_property
    def _named(self) -> dict[str, str]:
        """The ID of the image of each name: the first image that has it."""
        return {name: record.id for record in reversed(self.images) for name in record.tags}

    def selector(self, image: Record, name: str = "") -> str:
        """Return the selector of an image: its (first) name, or its ID if another image has that name."""
        name = name or next(iter(image.tags), "")
        return name if self._named.get(name) == image.id else image.id

    @cached_property
    def _every_layer(self) -> list[Record]:
        return self._records(self.roots, "layers", "layers.json", "volatile-layers.json")

    @cached_property
    def layers(self) -> dict[str, Record]:
        """The complete layers, by ID."""
        return {record.id: record for record in reversed(self._every_layer) if not record.is_incomplete}

    @cached_property
    def incomplete(self) -> dict[str, Record]:
        """The incomplete layers, by ID: being created, or left over from an aborted creation."""
        return {record.id: record for record in reversed(self._every_layer) if record.is_incomplete}

    def layers_of(self, image: Record) -> tuple[list[str], str]:
        """Return the IDs of an image's layers, base first, with those for user namespaces, and why there may be more."""
        top = image.text("layer")
        chain, broken = self.chain(top)
        ended = chain[0].text("parent") if chain else top
        partial = [ended] if ended in self.incomplete else []
        return [*partial, *(layer.id for layer in chain), *image.texts("mapped-layers")], broken

    @cached_property
    def containers(self) -> list[Record]:
        """The containers of the first root; additional roots only provide images."""
        return self._records(self.roots[:1], "containers", "containers.json", "volatile-containers.json")

    def _records(self, roots: Sequence[Path], kind: str, *names: str) -> list[Record]:
        found = []
        for root in roots:
            try:
                for name in names:
                    found += self._listed(root, root / f"{self.driver}-{kind}" / name)
            except LayertuiError as error:
                if root == self.roots[0]:
                    raise
                self.problems.append(error)
        return found

    def _listed(self, root: Path, path: Path) -> list[Record]:
        if path.name not in listed(path.parent):
            return []
        value, _ = parse_json(FileBlob(path), str(path))
        if not isinstance(value, list):
            raise LayertuiError(f"{path} is not a JSON list")
        records = [Record(root, each) for each in value if isinstance(each, dict)]
        return [record for record in records if IDENTITY.fullmatch(record.id)]

    def find(self, name: str) -> Record:
        """Return the image of a name, tag, digest or (part of an) ID. Raises :class:`LayertuiError`."""
        wanted = {name, f"{name}:latest"}
        before, at, digest = name.partition("@")
        identity = (digest or name).removeprefix("sha256:")
        ways: tuple[Callable[[Record], bool], ...] = (
            lambda each: bool(wanted & set(each.texts("names"))) or each.id == identity,
            lambda each: any(known.endswith(f"/{one}") for known in each.tags for one in wanted),
            lambda each: (
                bool(at)
                and (name in repo_digests(each) or (before == each.id and digest in each.manifest_digests))
            ),
            lambda each: len(identity) >= 2 and each.id.startswith(identity),
        )
        for way in ways:
            matching = [each for each in self.images if way(each)]
            found = {each.id: each for each in reversed(matching) if each.root == matching[0].root}
            if len(found) == 1:
                return next(iter(found.values()))
            if found:
                raise LayertuiError(f"{name} could be several images", few(sorted(found)))
        known = few(sorted(tag for each in self.images for tag in each.tags)) or "no names"
        why = "; ".join([f"its {self.driver} store has {known}", *map(str, self.problems)])
        raise NotFound(f"{self.roots[0]} has no image {name}", why)

    def chain(self, top: str) -> tuple[list[Record], str]:
        """Return a layer and all layers below, base first, and why there may be more."""
        chain: list[Record] = []
        seen: set[str] = set()
        while top:
            if top in seen:
                return chain[::-1], f"the parents of its layers form a cycle at {top}"
            if top not in self.layers:
                why = [f"the store has no layer {top}, or only a part of it", *map(str, self.problems)]
                return chain[::-1], "; ".join(why)
            seen.add(top)
            chain.append(self.layers[top])
            top = chain[-1].text("parent")
        return chain[::-1], ""

    def find_container(self, name: str) -> Record:
        """Return the container of a name or (part of an) ID. Raises :class:`LayertuiError`."""
        found = [each for each in self.containers if name in each.texts("names")] or [
            each for each in self.containers if len(name) >= 2 and each.id.startswith(name)
        ]
        if len(found) != 1:
            known = few(map(container_name, self.containers)) or "none"
            raise NotFound(f"{self.roots[0]} has no container {name}", f"it has {known}")
        return found[0]
