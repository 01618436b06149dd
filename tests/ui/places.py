"""Images in places, made up: what screens are drawn with, and how to wait for it."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from textual.pilot import Pilot

from layertui.model.errors import LayertuiError, NoEngine
from layertui.model.image import (
    ContainerSummary,
    Descriptor,
    HistoryEntry,
    Image,
    ImageSummary,
    Layer,
    Platform,
)
from layertui.model.numbers import LayerNumber
from tests.waiting import SECONDS

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64", "v8")
HOSTILE = "evil\x1b[2J[@click=app.quit]x[/nope]\u202e"


def summary(
    reference: str,
    name: str,
    tag: str,
    size: int,
    created: str | None,
    layers: int | None,
    *platforms: Platform,
) -> ImageSummary:
    digit = f"{sum(reference.encode()):x}"
    return ImageSummary(
        reference=reference,
        transport=reference.partition(":")[0],
        name=name,
        tag=tag,
        id="sha256:" + (digit * 64)[:64],
        digest="",
        size=size,
        created=created,
        layers=layers,
        platforms=platforms,
    )


SHOP = summary(
    "docker-archive:shop.tar:shop:2.1", "shop", "2.1", 187_400_000, "2026-11-20T09:00:00Z", 14, AMD64
)
SHOP_BEFORE = summary(
    "docker-archive:shop.tar:shop:2.0", "shop", "2.0", 185_100_000, "2026-09-02T09:00:00Z", 14, AMD64
)
ALPINE = summary(
    "oci:layouts/alpine:3.20", "alpine", "3.20", 3_620_000, "2025-05-22T18:00:00Z", 1, AMD64, ARM64
)
GATEWAY = summary(
    "oci-archive:nightly-build-of-the-payment-gateway.oci.tar:nightly-2026-11-23",
    "registry.example.com/platform/payment-gateway",
    "nightly-2026-11-23",
    942_000_000,
    "2026-11-23T02:11:00Z",
    31,
    ARM64,
)
EVIL = summary("docker-archive:evil.tar", HOSTILE, "latest", -1, None, None)
UNNAMED = summary("dir:unnamed", "", "", 512, "1970-01-01T00:00:00Z", 2, AMD64)
SAMPLE = summary("demo:", "quarry", "1.0", 2_040_000, "2024-01-02T03:04:05Z", 9, AMD64)


class Places:
    """Stands in for the sources; change it before the app looks."""

    def __init__(self) -> None:
        self.here: list[ImageSummary | LayertuiError] = [SHOP, SHOP_BEFORE, ALPINE, GATEWAY, EVIL, UNNAMED]
        none = NoEngine("cannot reach it", "there is no such socket")
        self.given: dict[str, list[ImageSummary] | LayertuiError] = {
            "demo:": [SAMPLE],
            "docker-daemon:": none,
            "podman:": none,
        }
        self.containers: dict[str, list[ContainerSummary] | LayertuiError] = {
            "docker-daemon:": none,
            "podman:": none,
        }
        self.shared: dict[str, int] = {}
        self.changes: queue.Queue[str] = queue.Queue()
        """What Docker says of itself; an empty word ends it."""
        self.opened: list[tuple[str, str | None]] = []
        self.answer = threading.Event()
        """Nobody answers before it is set."""
        self.answer.set()

    def list_images(self, reference: str) -> list[ImageSummary]:
        self.answer.wait()
        if reference not in self.given:
            given = (rows for rows in self.given.values() if isinstance(rows, list))
            rows = [row for row in (*self.here, *chain(*given)) if isinstance(row, ImageSummary)]
            return [row for row in rows if f"{row.reference}:".startswith(f"{reference}:")]
        found = self.given[reference]
        if isinstance(found, LayertuiError):
            raise found
        return found

    def list_containers(self, reference: str) -> list[ContainerSummary]:
        self.answer.wait()
        found = self.containers[reference]
        if isinstance(found, LayertuiError):
            raise found
        return found

    def names(self, engine: str) -> list[str]:
        found = self.given[f"{engine}:"]
        if isinstance(found, LayertuiError):
            raise found
        return [f"{row.name}:{row.tag}" for row in found if row.name]

    def shared_sizes(self, _engine: str) -> dict[str, int]:
        return self.shared

    def events(self, engine: str, begun: Callable[[Callable[[], None]], None]) -> Iterator[str]:
        begun(lambda: self.changes.put(""))
        if engine == "docker-daemon":
            yield from iter(self.changes.get, "")
        raise LayertuiError("the engine is gone")

    def list_directory(self, _path: Path) -> Iterator[ImageSummary | LayertuiError]:
        self.answer.wait()
        yield from self.here

    def open_image(self, reference: str, platform: str | None = None, *_: object) -> Image:
        self.answer.wait()
        self.opened.append((reference, platform))
        if reference == UNNAMED.reference:
            raise LayertuiError("cannot open unnamed", "manifest.json names a blob that is not there", "")
        known = [*self.here, *(row for rows in self.given.values() if isinstance(rows, list) for row in rows)]
        return image(
            next(row for row in known if isinstance(row, ImageSummary) and row.reference == reference)
        )


def image(row: ImageSummary) -> Image:
    """The image that ``row`` sums up, with a config that has everything."""
    config = {
        "created": row.created,
        "author": "The Shop Team <shop@example.com>",
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
            "Entrypoint": ["/usr/bin/tini", "--"],
            "Cmd": ["python", "-m", "shop", "--greeting", "hello there"],
            "User": "1000:1000",
            "WorkingDir": "/srv/shop",
            "ExposedPorts": {"8080/tcp": {}},
            "Volumes": {"/var/lib/shop": {}},
            "Labels": {
                "org.opencontainers.image.source": "https://git.example.com/shop/shop",
                "evil": HOSTILE,
            },
        },
    }
    return Image(
        reference=row.reference,
        transport=row.transport,
        name=row.name,
        tags=[f"{row.name}:{row.tag}"] if row.tag else [],
        repo_digests=[],
        id=row.id,
        config=config,
        config_bytes=b"",
        manifest={},
        manifest_bytes=b"",
        manifest_digest="sha256:" + "cd" * 32,
        platform=row.platforms[0] if row.platforms else AMD64,
        history=[HistoryEntry(None, "RUN make", "", "", LayerNumber(number)) for number in (1, 2)],
        layers=[Layer(LayerNumber(number), Descriptor("", "", 1_500_000), "", "", None) for number in (1, 2)],
        warnings=["history names 1 layer more than there are"],
    )


async def until(
    pilot: Pilot[None],
    condition: Callable[[], bool],
    seconds: float = SECONDS,
    says: Callable[[], str] = lambda: "never came true",
) -> None:
    """Let the app run until ``condition`` holds; fail if it does not within a time that does for busy cores.

    ``says`` returns what the failure says.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, says()
        await asyncio.sleep(0.01)
        await pilot.pause()
    await pilot.pause()
