"""Small files of a store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from layertui.model.blob import FileBlob
from layertui.model.errors import LayertuiError, NotFound, few
from layertui.model.image import (
    MISSING,
    ContainerSummary,
    Descriptor,
    HistoryEntry,
    ImageSummary,
    Layer,
    Link,
)
from layertui.model.reference import Reference
from layertui.sources.assemble import config_list
from layertui.sources.files import parse_object, read_text
from layertui.text.format import age_text

if TYPE_CHECKING:
    from layertui.sources.documents import Schema

RowT = TypeVar("RowT")


def each(identities: Iterable[str], read: Callable[[str], Iterable[RowT]]) -> Iterator[RowT]:
    """Yield the rows of each identity, without those that cannot be read.

    Raises their first :class:`LayertuiError` after the last row: a damaged one must neither
    hide the others nor be hidden itself.
    """
    failed = None
    for identity in identities:
        try:
            yield from read(identity)
        except LayertuiError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def rows_until_error(rows: Iterable[RowT], problems: list[str]) -> list[RowT]:
    """Return the rows up to an error, which is added to ``problems``."""
    found = []
    try:
        for row in rows:
            found.append(row)
    except LayertuiError as error:
        problems.append(str(error))
    return found


def read_document(path: Path, schema: Schema | None = None) -> tuple[dict[str, Any], bytes]:
    """Return a file that is a JSON object, parsed (by a schema if given) and as its bytes.

    Raises :class:`LayertuiError`.
    """
    if not path.exists():
        raise LayertuiError(f"{path} is not there", "the store is incomplete")
    return parse_object(FileBlob(path), str(path), schema)


def read_object(path: Path) -> dict[str, Any]:
    """Return the same without the bytes."""
    return read_document(path)[0]


def pick(
    name: str, names: Mapping[str, Sequence[str]], identities: Sequence[str], else_: tuple[str, str]
) -> str:
    """Return the one of ``identities`` that has a name or is (or begins as) it says.

    ``else_`` is said if there is none, and what has the names that there are. Raises
    :class:`LayertuiError`.
    """
    for identity, known in names.items():
        if {name, f"{name}:latest"} & {identity, *known}:
            return identity
    digits = name.removeprefix("sha256:")
    found = [
        each for each in identities if len(digits) >= 2 and each.removeprefix("sha256:").startswith(digits)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise LayertuiError(f"{name} could be several images", few(found))
    listed_names = few(sorted(each for known in names.values() for each in known)) or "no names"
    raise NotFound(else_[0], f"{else_[1]} has {listed_names}")


def named_rows(
    row: ImageSummary, tags: Sequence[str], digests: Sequence[str], identity: str, reference: Reference
) -> Iterator[ImageSummary]:
    """Yield the row of an image for each of its tags; for one without tags by its repositories, if it has any.

    As ``docker images`` does (docker/cli, cli/command/formatter/image.go).
    """
    known = dict(name.split("@", 1) for name in digests)
    for name in tags or list(digests) or [""]:
        repository = untagged(name)
        yield row._replace(
            reference=str(reference._replace(selector=name or identity)),
            name=repository,
            tag="" if "@" in name else name.removeprefix(f"{repository}:"),
            digest=known.get(repository, ""),
        )


def untagged(name: str) -> str:
    """Return a name without its tag or digest."""
    name = name.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def links_of(repositories: Path, data: bytes, config: Link) -> list[Link]:
    """Return how a name leads to an image's config: through the file of all names, if there is one."""
    if not data:
        return [config]
    return [Link(repositories.name, Descriptor("", "", -1), data, str(repositories)), config]


def overlay_places(directory: Path) -> list[tuple[str, str]]:
    """Return a layer's directory, and for overlay drivers its short name and those of the layers below it.

    The files ``link`` and ``lower`` are beside it (daemon/graphdriver/overlay2/overlay.go).
    """
    facts = [("unpacked", str(directory))]
    if directory.name == "diff":
        facts += [
            (name, text) for name in ("link", "lower") if (text := read_text(directory.with_name(name)))
        ]
    return facts


def lowers_of(directory: Path) -> list[str]:
    """Return the directories that an overlay driver mounts one on, by its file ``lower``, the nearest first.

    It has their short names, which link to them; one that leads nowhere stays as it is.
    """
    found = []
    for link in filter(None, read_text(directory / "lower").split(":")):
        try:
            found.append((directory.parent / link).readlink().parts[-2])
        except (OSError, ValueError, IndexError):
            found.append(link)
    return found


def directories_below(layers: Sequence[Layer]) -> tuple[Path, ...]:
    """Return the directories below a container's own layer, the nearest first; none where one is missing."""
    found = [Path(layer.unpacked.location) for layer in reversed(layers) if layer.unpacked is not None]
    return tuple(found) if len(found) == len(layers) else ()


def with_step_ids(
    history: Sequence[HistoryEntry], identity: str, parent_of: Callable[[str], str], known: Collection[str]
) -> list[HistoryEntry]:
    """Return a history with the IDs of images: from the last step down each one's parent, while it exists.

    As ``docker history`` does (moby, daemon/images/image_history.go, daemon/containerd/image_history.go).
    """
    steps, at = list(history), identity
    for number in reversed(range(len(steps))):
        if steps[number].recorded:
            steps[number] = steps[number]._replace(id=at if at in known else MISSING)
            at = parent_of(at) if at in known else ""
    return steps


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a data root."""

    id: str
    config: Mapping[str, Any]
    """Its ``config.v2.json``, of Docker up to 1.9 ``config.json``."""

    @property
    def name(self) -> str:
        return str(self.config.get("Name") or self.id[:12]).lstrip("/")

    @property
    def state(self) -> str:
        """Docker's word for it when its file was last written (moby, daemon/container/state.go, ``State``)."""
        noted = self._noted
        if noted.get("Running") is True:
            return next((word for key, word in RUNNING_STATES.items() if noted.get(key) is True), "running")
        stopped = next((word for key, word in STOPPED_STATES.items() if noted.get(key) is True), "")
        return stopped or ("exited" if self._time("StartedAt") else "created")

    @property
    def status(self) -> str:
        """The same as ``docker ps`` prints it, without what only a running daemon knows."""
        state = self.state
        if state != "exited":
            return f"{state} when the store was copied" if self._noted.get("Running") else STATUS[state]
        finished = self._time("FinishedAt")
        return f"Exited ({self._noted.get('ExitCode')})" + (f" {age_text(finished)}" if finished else "")

    @property
    def _noted(self) -> Mapping[str, Any]:
        state = self.config.get("State")
        return state if isinstance(state, dict) else {}

    def _time(self, name: str) -> str:
        """Return a time of its state; empty for Go's zero time, which is that of what has not happened."""
        value = self._noted.get(name)
        return value if isinstance(value, str) and not value.startswith("0001-01-01T") else ""


RUNNING_STATES = {"Paused": "paused", "Restarting": "restarting"}
STOPPED_STATES = {"RemovalInProgress": "removing", "Dead": "dead"}
STATUS = {"removing": "Removal In Progress", "dead": "Dead", "created": "Created"}


def summary_of(
    container: Container, reference: Reference, names: Mapping[str, Sequence[str]]
) -> ContainerSummary:
    """Return a container's row."""
    config = container.config
    inner = config.get("Config")
    inner = inner if isinstance(inner, dict) else {}
    mounts = config.get("MountPoints")
    network = config.get("NetworkSettings")
    networks = network.get("Networks") if isinstance(network, dict) else None
    labels = inner.get("Labels")
    identity = str(config.get("Image") or "")
    image = str(inner.get("Image") or (names.get(identity) or [identity])[0])
    command = [str(config.get("Path") or ""), *map(str, config_list(config, "Args"))]
    created = config.get("Created")
    return ContainerSummary(
        reference=str(reference._replace(selector=f"/{container.name}")),
        transport="docker-root",
        id=container.id,
        name=container.name,
        image=image,
        command=" ".join(command).strip(),
        created=created if isinstance(created, str) else None,
        state=container.state,
        status=container.status,
        labels=labels if isinstance(labels, dict) else {},
        mounts=list(mounts) if isinstance(mounts, dict) else None,
        networks=list(networks) if isinstance(networks, dict) else None,
        ports=None,
        image_id=identity if ":" in identity or not identity else f"sha256:{identity}",
    )
