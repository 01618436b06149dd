"""Read BuildKit's record of a build.

It is a statement (in-toto) attached to the image, with a predicate of SLSA 0.2 or 1 (BuildKit,
docs/attestations/slsa-definitions.md and solver/llbsolver/provenance/types). It is not signed: it is trusted
if it names the image's manifest and its layers.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from layertui.dockerfile.provenance import BuildStep, Provenance
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Image
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.sources.attachments import AttachedDocument, attachments
from layertui.sources.files import parse_object
from layertui.sources.oci_layout import descriptor_of

BUILD_TYPES = (
    "https://mobyproject.org/buildkit@v1",
    "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
)
"""Build types of BuildKit, in predicates of SLSA 0.2 and 1."""
MAX_SOURCE = 1 << 20
"""Bytes of a Dockerfile at most."""
MAX_SOURCE_LINES = 10_000
"""Lines of a Dockerfile at most."""
_IN_PARTS = (
    "containerd.io/snapshot/stargz/toc.digest",
    "io.github.containers.zstd-chunked.manifest-checksum",
)
"""Annotations of layers that were compressed so that they can be read in parts."""


def provenance_of(image: Image, job: Job = Job.NONE) -> Provenance | None:
    """Return BuildKit's record of the build of an image; None if none is known to be attached.

    The first statement that has the Dockerfile counts, else the first one.
    """
    found: Provenance | None = None
    try:
        for document in (each for attachment in attachments(image) for each in attachment.documents):
            job.check()
            each = _read(document, image) if document.kind.name == "provenance" else None
            if each is not None and (found is None or not each.why):
                found = each
            if found is not None and not found.why:
                break
    except LayertuiError as error:
        if found is None and image.attestations:  # else the source cannot list attachments
            return Provenance("", why=f"it cannot be read: {error}")
    return found


def _read(document: AttachedDocument, image: Image) -> Provenance | None:
    """Return what a document records; None if BuildKit did not write it."""
    digest = document.descriptor.digest
    if document.blob is None:
        return Provenance(digest, document.predicate, why="it is not stored here")
    try:
        statement, _ = parse_object(document.verified(), f"the provenance {digest}")
    except LayertuiError as error:
        return Provenance(digest, document.predicate, why=f"it cannot be read: {error}")
    predicate = _at(statement, "predicate")
    if predicate.get("buildType") == BUILD_TYPES[0]:
        build = _Build.of_slsa_02(predicate)
    elif _at(predicate, "buildDefinition").get("buildType") == BUILD_TYPES[1]:
        build = _Build.of_slsa_1(predicate)
    else:
        return None
    kind = _text(statement.get("predicateType"))
    known = Provenance(digest, kind, build.file, build.arguments, build.builder_platform)
    subjects = [f"sha256:{_at(each, 'digest').get('sha256')}" for each in _list(statement.get("subject"))]
    if image.manifest_digest not in subjects:
        return replace(known, why="it is about another image")
    return build.read(known, image)


@dataclass(frozen=True, slots=True)
class _Build:
    """The parts of a predicate, in either version."""

    file: str
    arguments: Mapping[str, str]
    builder_platform: str
    definition: Sequence[Mapping[str, Any]]
    """The steps, each after those that it is based on; the last one only names the result."""
    source: Mapping[str, Any]
    layers: Mapping[str, Any]

    @classmethod
    def of_slsa_02(cls, predicate: Mapping[str, Any]) -> _Build:
        invocation = _at(predicate, "invocation")
        metadata = _at(predicate, "metadata", f"{BUILD_TYPES[0]}#metadata")
        return cls(
            _text(_at(invocation, "configSource").get("entryPoint")),
            _texts(_at(invocation, "parameters", "args")),
            _text(_at(invocation, "environment").get("platform")),
            _list(_at(predicate, "buildConfig").get("llbDefinition")),
            _at(metadata, "source"),
            _at(metadata, "layers"),
        )

    @classmethod
    def of_slsa_1(cls, predicate: Mapping[str, Any]) -> _Build:
        external = _at(predicate, "buildDefinition", "externalParameters")
        internal = _at(predicate, "buildDefinition", "internalParameters")
        metadata = _at(predicate, "runDetails", "metadata", "buildkit_metadata")
        return cls(
            _text(_at(external, "configSource").get("path")),
            _texts(_at(external, "request", "args")),
            _text(internal.get("builderPlatform")),
            _list(_at(internal, "buildConfig").get("llbDefinition")),
            _at(metadata, "source"),
            _at(metadata, "layers"),
        )

    def read(self, known: Provenance, image: Image) -> Provenance:
        """Return the rest of a provenance: text and steps, or why they are not trusted."""
        infos = _list(self.source.get("infos"))
        number = self._main_file()
        if number >= len(infos):
            was_asked = "mode=min leaves the Dockerfile out, mode=max has it"
            return replace(known, why="it has no Dockerfile" if self.definition else was_asked)
        info = infos[number]
        known = replace(known, file=known.file or _text(info.get("filename")))
        if info.get("language") not in (None, "", "Dockerfile"):
            return replace(
                known, why=f"the build is described in {_text(info.get('language'))}, not a Dockerfile"
            )
        try:
            data = base64.b64decode(_text(info.get("data")), validate=True)
        except (binascii.Error, ValueError):
            return replace(known, why="its Dockerfile is damaged")
        if not data:
            return replace(known, why="it has no Dockerfile")
        if len(data) > MAX_SOURCE or data.count(b"\n") > MAX_SOURCE_LINES:
            return replace(known, why=f"its Dockerfile is too large ({len(data):,} bytes)")
        result = self._result(image)
        if result is None:
            return replace(known, why="its layers are not those of the image")
        chain, is_by_position = result
        text = data.decode("utf-8", "surrogateescape")
        steps, images = list(self._steps(chain, number)), dict(self._images(number))
        return replace(known, text=text, steps=steps, images=images, is_by_position=is_by_position)

    def _main_file(self) -> int:
        """Return the number of the file that the last step is from."""
        for step in reversed(self.definition):
            for number, _ in self._locations(step):
                return number
        return 0

    def _locations(self, step: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
        """Yield the files and first lines of a step's instructions."""
        recorded = _at(self.source, "locations", _text(step.get("id")))
        for location in _list(recorded.get("locations")):
            lines = [_at(each, "start").get("line") for each in _list(location.get("ranges"))]
            number = location.get("sourceIndex", 0)
            if isinstance(number, int) and number >= 0 and lines and isinstance(lines[0], int):
                yield number, lines[0]

    def _chains(self, edge: str) -> list[list[Descriptor]]:
        """Return the layers of the result of a step, in each form that it was stored in."""
        chains = self.layers.get(edge)
        lists = [each for each in chains if isinstance(each, list)] if isinstance(chains, list) else []
        found = [[descriptor_of(each) for each in chain] for chain in lists]
        return [[each for each in chain if each is not None] for chain in found if None not in chain]

    def _result(self, image: Image) -> tuple[list[Descriptor], bool] | None:
        """Return the layers of the build's result, and whether only their positions can be compared; None if others."""
        inputs = self.definition[-1].get("inputs") if self.definition else None
        edges = [each for each in inputs if isinstance(each, str)] if isinstance(inputs, list) else []
        chains = [chain for edge in edges for chain in self._chains(edge)]
        mine = [layer.descriptor for layer in image.layers]
        if [each.digest for each in mine] in ([each.digest for each in chain] for chain in chains):
            return mine, False
        if not mine and not chains:
            return [], False
        for chain in chains:
            if len(chain) == len(mine) and all(map(_may_be, chain, mine)):
                return chain, True
        return None

    def _steps(self, result: Sequence[Descriptor], main: int) -> Iterator[BuildStep]:
        """Yield the step that each layer of the result is from, base first."""
        steps = {_text(each.get("id")): each for each in self.definition}
        digests = [each.digest for each in result]
        made: dict[int, Mapping[str, Any]] = {}  # by the number of layers of its result
        for edge in self.layers:
            for chain in self._chains(edge):
                count = len(chain)
                if count and digests[:count] == [each.digest for each in chain]:
                    if count not in made or not any(self._locations(made[count])):
                        made[count] = steps.get(edge.rpartition(":")[0], {})
        base = max((count for count, step in made.items() if _is_source(step)), default=0)
        for number in range(1, len(digests) + 1):
            yield self._step(LayerNumber(number), made.get(max(number, base), {}), main)

    def _step(self, layer: LayerNumber, step: Mapping[str, Any], main: int) -> BuildStep:
        locations = list(self._locations(step))
        lines = tuple(line for number, line in locations if number == main)
        return BuildStep(layer, lines, _is_source(step) or (bool(locations) and not lines))

    def _images(self, main: int) -> Iterator[tuple[int, str]]:
        for step in self.definition:
            scheme, _, name = _text(_at(step, "op", "Op", "source").get("identifier")).partition("://")
            if scheme in ("docker-image", "oci-layout"):
                yield from ((line, name) for number, line in self._locations(step) if number == main)


def _is_source(step: Mapping[str, Any]) -> bool:
    return "source" in _at(step, "op", "Op")


def _may_be(recorded: Descriptor, stored: Descriptor) -> bool:
    """Return whether a layer may be the recorded one: it is, or it was compressed again, or its digest is unknown.

    The exporter compresses after the layers were recorded.
    """
    if recorded.digest == stored.digest or not stored.digest:
        return True
    of_recorded, of_stored = (
        (each.media_type.rpartition("+")[2] if "+" in each.media_type else each.media_type.rpartition(".")[2])
        for each in (recorded, stored)
    )
    return of_recorded != of_stored or any(name in stored.annotations for name in _IN_PARTS)


def _at(value: object, *names: str) -> Mapping[str, Any]:
    """Return the object below some names; empty if there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Mapping[str, Any]) -> dict[str, str]:
    return {name: each for name, each in value.items() if isinstance(each, str)}
