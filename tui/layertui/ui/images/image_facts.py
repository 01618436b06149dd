"""The facts of an image, from its config and manifest."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from layertui.sources.assemble import created_of
from layertui.text.format import age_text, count_text, size_text
from layertui.ui.widgets.facts import Fact

if TYPE_CHECKING:
    from layertui.model.image import Image


def image_facts(image: "Image", shared: str) -> list[Fact]:
    """Return the facts of ``image``, the most important first; empty ones are left out.

    ``shared`` is the part of its size that other images share, if known.
    """
    config = _mapping(image.config.get("config"))
    created = created_of(image.config)
    steps = sum(entry.recorded for entry in image.history)
    layers = f"{count_text(len(image.layers), 'layer')}, {count_text(steps, 'build step')}"
    facts = [
        Fact("warnings", image.warnings, "$modified"),
        Fact("tags", image.tags),
        Fact("platform", [str(image.platform)]),
        Fact("created", [f"{age_text(created)} ({created})"] if created else []),
        Fact("author", _texts(image.config.get("author"))),
        Fact("size", [f"{size_text(image.size)} {image.measured}" if image.size >= 0 else "unknown"]),
        Fact("shared", [shared]),
        Fact("layers", [layers]),
        Fact("attestations", [item.artifact_type or item.media_type for item in image.attestations]),
        Fact("entrypoint", _command(config.get("Entrypoint"))),
        Fact("command", _command(config.get("Cmd"))),
        Fact("user", _texts(config.get("User"))),
        Fact("workdir", _texts(config.get("WorkingDir"))),
        Fact("ports", sorted(_mapping(config.get("ExposedPorts")))),
        Fact("volumes", sorted(_mapping(config.get("Volumes")))),
        Fact("reference", [image.reference]),
        Fact("image ID", [image.id]),
        Fact("parent", _texts(image.config.get("parent")) or _recorded(image, "Parent")),
        Fact("container", _texts(image.config.get("container"))),
        Fact("manifest", [image.manifest_digest]),
        Fact("digests", image.repo_digests),
        Fact("environment", _texts(config.get("Env"))),
        Fact("labels", [f"{key}={value}" for key, value in sorted(_mapping(config.get("Labels")).items())]),
    ]
    return [fact for fact in facts if any(fact.values)]


def _recorded(image: "Image", name: str) -> Sequence[str]:
    """Return a field of ``docker inspect`` that a data root records."""
    return [field.value for field in image.fields if field.name == name and isinstance(field.value, str)]


def _mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a JSON object: a config may hold anything anywhere."""
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> Sequence[str]:
    """Return the strings in ``value``: itself, or those of an array."""
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]


def _command(value: Any) -> Sequence[str]:
    """Return a command as it is typed in a shell, one line."""
    import shlex

    words = _texts(value)
    return [shlex.join(words) if isinstance(value, list) else words[0]] if words else []
