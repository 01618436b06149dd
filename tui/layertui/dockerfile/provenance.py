"""What a builder recorded of a build: the Dockerfile, and which of its lines made which layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from layertui.model.numbers import LayerNumber


@dataclass(frozen=True, slots=True)
class BuildStep:
    """The step of the build that a layer is from."""

    layer: LayerNumber
    lines: Sequence[int] = ()
    """Lines of its instruction, from 1, or of several, as equal ones of several stages are one step; empty if unknown."""
    is_base: bool = False
    """Whether it is part of a base image or the result of another build."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a statement about an image records."""

    digest: str
    """Of the statement; empty if it cannot be read."""
    predicate: str = ""
    """Its type."""
    file: str = ""
    """Name of the Dockerfile; empty if it is not recorded."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """What BuildKit was asked with: ``target``, ``build-arg:NAME``, ``context:NAME`` and others."""
    builder_platform: str = ""
    text: str = ""
    """The Dockerfile; bytes that are not UTF-8 are surrogates."""
    steps: Sequence[BuildStep] = ()
    """By layer, base first."""
    images: Mapping[int, str] = field(default_factory=dict)
    """The images that were used, with their digests, by the line that names them."""
    is_by_position: bool = False
    """Whether the layers are matched by their position, as digests cannot be compared."""
    why: str = ""
    """Why the Dockerfile is not taken from it, a clause; empty if it is."""

    def to_json(self) -> dict[str, Any]:
        """Format for the command line."""
        return {
            "digest": self.digest or None,
            "predicate": self.predicate or None,
            "file": self.file or None,
            "target": self.target or None,
            "arguments": self.build_arguments,
            "layers": None if self.why else "position" if self.is_by_position else "digest",
            "why": self.why or None,
        }

    @property
    def target(self) -> str:
        """The stage that was built; empty for the last one."""
        return self.arguments.get("target", "")

    @property
    def build_arguments(self) -> dict[str, str]:
        """The values given by ``--build-arg``."""
        return self._named("build-arg:")

    @property
    def contexts(self) -> set[str]:
        """The names, in lower case, that ``--build-context`` gave another meaning."""
        return {name.partition("::")[0].lower() for name in self._named("context:")}

    def _named(self, prefix: str) -> dict[str, str]:
        given = self.arguments.items()
        return {name.removeprefix(prefix): value for name, value in given if name.startswith(prefix)}
