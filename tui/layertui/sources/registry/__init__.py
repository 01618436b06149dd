"""``docker://[HOST/]REPO[:TAG|@DIGEST]`` — images in registries, read without pulling them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from layertui.image import Image, ImageSummary
from layertui.reference import Reference
from layertui.sources import oci
from layertui.sources.registry.name import Name, parse


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`. Fetches manifests and the config, no layers."""
    from layertui.sources.registry.repository import Repository

    name = parse(reference.location)
    repository = Repository(name)
    image = oci.open_layout(repository, _reference(name), platform)
    warnings = [*image.warnings]
    if not repository.client.is_checked:
        warnings.append(
            f"{repository.client.endpoint.host} is marked insecure: it need not be what it claims"
        )
    tag = name.tag or ("" if name.digest else "latest")
    return replace(
        image,
        name=f"{name.familiar}:{tag}" if tag else f"{name.familiar}@{name.digest}",
        tags=(f"{name.familiar}:{tag}",) if tag else (),
        repo_digests=(f"{name.familiar}@{repository.digest}",),
        warnings=warnings,
    )


def list_images(reference: Reference) -> Iterable[ImageSummary]:
    """See :class:`layertui.sources.Source`. Of a repository without a tag, all tags, nothing else of them."""
    name = parse(reference.location)
    return _tags(name) if name.wanted == "latest" and not name.tag else _images(name)


def _images(name: Name) -> Iterator[ImageSummary]:
    from layertui.sources.registry.repository import Repository

    for row in oci.summaries(Repository(name), _reference(name)):
        yield replace(row, name=name.familiar, tag=name.tag)


def _tags(name: Name) -> Iterator[ImageSummary]:
    from layertui.sources.registry.repository import Repository

    for tag in Repository(name).tags():
        yield ImageSummary(
            reference=str(_reference(replace(name, tag=tag))),
            transport="docker",
            name=name.familiar,
            tag=tag,
            id="",
            digest="",
            size=None,
            created=None,
            layers=None,
            platforms=(),
        )


def _reference(name: Name) -> Reference:
    return Reference("docker", f"//{name}")
