"""Engines on the screen of images: what they have, what they say, what keeps them from it."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from layertui.model.errors import LayertuiError
from layertui.model.image import ContainerSummary
from layertui.ui.images.detail import ImageDetail
from layertui.ui.images.table import Table
from layertui.ui.images.table_model import TableRow
from tests.textual_internals import screen_text
from tests.ui.images_app import Images, settled
from tests.ui.places import AMD64, HOSTILE, SHOP, Places, summary, until

Compare = Callable[..., bool]

NGINX = summary(
    "docker-daemon:nginx:1.27", "nginx", "1.27", 192_000_000, "2026-11-12T00:00:00Z", 7, AMD64
)._replace(
    labels={"maintainer": "NGINX Docker Maintainers"},
)
API = summary(
    "docker-daemon:shop/api:7", "shop/api", "7", 240_000_000, "2026-11-23T08:00:00Z", 12, AMD64
)._replace(
    labels={"team": "shop"},
)
DANGLING = summary(
    "docker-daemon:sha256:" + "ab" * 32, "", "", 239_000_000, "2026-11-22T08:00:00Z", 12, AMD64
)
PODMAN = summary(
    "podman:quay.io/tools/lint:2", "quay.io/tools/lint", "2", 81_000_000, "2026-10-01T00:00:00Z", 3, AMD64
)


def container(name: str, image: str, state: str, status: str, created: str) -> ContainerSummary:
    return ContainerSummary(
        reference=f"docker-container:{name}",
        transport="docker-container",
        id=f"{sum(name.encode()):064x}",
        name=name,
        image=image,
        command="nginx -g 'daemon off;'",
        created=created,
        state=state,
        status=status,
        labels={"team": "shop", "evil": HOSTILE},
        mounts=["shop-data", "/srv/conf"],
        networks=["bridge"],
        ports=["0.0.0.0:8080->80/tcp", "443/tcp"],
    )


CONTAINERS = [
    container("web", "nginx:1.27", "running", "Up 2 hours", "2026-11-24T10:00:00Z"),
    container("stuck", "shop/api:7", "paused", "Up 3 days (Paused)", "2026-11-21T08:00:00Z"),
    container("migrate", "shop/api:6", "exited", "Exited (0) 5 weeks ago", "2026-10-20T08:00:00Z"),
    container("lost", "shop/api:6", "dead", "Dead", "2026-10-19T08:00:00Z"),
]


@pytest.fixture
def live(places: Places) -> Places:
    return use(places)


def use(places: Places) -> Places:
    """Docker and Podman with images and containers."""
    places.here = [SHOP]
    places.given["docker-daemon:"] = [NGINX, API, DANGLING]
    places.given["podman:"] = [PODMAN]
    places.containers = {"docker-daemon:": list(CONTAINERS), "podman:": []}
    places.shared = {API.id: 192_000_000, DANGLING.id: 192_000_000}
    return places


def shown(pilot: Pilot[None]) -> list[str]:
    table = next(table for table in pilot.app.screen.query(Table) if table.display)
    return [row.cells["name"] for row in table.rows]


async def told(pilot: Pilot[None]) -> None:
    """All there is to know of the images has arrived."""
    await settled(pilot)
    rows = pilot.app.screen.query_one("#images", Table).rows
    wanted = any(row.reference == API.reference for row in rows)
    await until(pilot, lambda: not wanted or "192 MB" in str([row.cells["shared"] for row in _rows(pilot)]))
    await settled(pilot)


def _rows(pilot: Pilot[None]) -> list[TableRow]:
    return list(pilot.app.screen.query_one("#images", Table).rows)


def pressing(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await told(pilot)
        await pilot.press(*keys)
        await settled(pilot)

    return run


# Pictures


def test_images_of_engines(snap_compare: Compare, live: Places, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Images(theme=theme), terminal_size=size, run_before=pressing("j", "j"))


def test_containers(snap_compare: Compare, live: Places, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Images(theme=theme), terminal_size=size, run_before=pressing("c"))


def test_a_container_in_detail(snap_compare: Compare, live: Places) -> None:
    assert snap_compare(Images(), terminal_size=(80, 24), run_before=pressing("c", "d"))


def test_engines_that_fail(snap_compare: Compare, live: Places, size: tuple[int, int]) -> None:
    refused = LayertuiError(
        "cannot reach Docker at unix:///var/run/docker.sock (default socket)",
        "no permission on the socket",
        "run as root or join the group docker",
    )
    wrong = LayertuiError("cannot reach Podman", "CONTAINER_CONNECTION names x", "known connections: none")
    live.given |= {"docker-daemon:": refused, "podman:": wrong}
    live.containers = {"docker-daemon:": refused, "podman:": wrong}
    assert snap_compare(Images(), terminal_size=size, run_before=pressing())


def test_no_containers(snap_compare: Compare, places: Places) -> None:
    assert snap_compare(Images(), run_before=pressing("c"))


def test_filtered_as_docker_does(snap_compare: Compare, live: Places) -> None:
    assert snap_compare(Images(), run_before=pressing("slash", *"label=team api"))


def test_filter_that_is_none(snap_compare: Compare, live: Places) -> None:
    assert snap_compare(Images(), run_before=pressing("slash", *"dangling=maybe"))


# Images


async def test_shared_and_unique_sizes_are_told_or_unknown(live: Places) -> None:
    async with Images().run_test(size=(120, 40)) as pilot:
        await told(pilot)
        cells = {row.cells["name"]: (row.cells["shared"], row.cells["unique"]) for row in _rows(pilot)}
        assert cells["shop/api:7"] == ("192 MB", "48.0 MB")
        assert cells["nginx:1.27"] == cells["shop:2.1"] == ("?", "?")
        await pilot.press("j")
        await settled(pilot)
        assert "unknown" in screen_text(pilot)
        await pilot.press("j")
        await settled(pilot)
        assert "192 MB · unique 48.0 MB" in screen_text(pilot)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("dangling=true", ["<none>"]),
        ("label=team", ["shop/api:7"]),
        ("label=team=shop", ["shop/api:7"]),
        ("label=team=other", []),
        ("reference=ngi*", ["nginx:1.27"]),
        ("before=shop/api:7 docker", ["shop:2.1", "nginx:1.27", "<none>"]),
        ("since=nginx:1.27 dangling=false", ["shop:2.1", "shop/api:7"]),
        ("podman", ["quay.io/tools/lint:2"]),
    ],
)
async def test_filters_of_docker_and_words(live: Places, query: str, names: list[str]) -> None:
    async with Images().run_test() as pilot:
        await told(pilot)
        await pilot.press("slash")
        pilot.app.screen.query_one(Input).value = query
        await pilot.pause()
        assert shown(pilot) == names


async def test_what_an_engine_says_of_itself_updates_rows_and_keeps_cursor_and_filter(live: Places) -> None:
    async with Images().run_test() as pilot:
        await told(pilot)
        await pilot.press("slash", *"docker", "enter", "j", "j")
        assert shown(pilot) == ["shop:2.1", "nginx:1.27", "shop/api:7", "<none>"]
        new = NGINX._replace(reference="docker-daemon:nginx:2", tag="2")
        live.given["docker-daemon:"] = [new, NGINX, API]
        live.changes.put("image")
        await until(pilot, lambda: shown(pilot) == ["shop:2.1", "nginx:2", "nginx:1.27", "shop/api:7"])
        table = pilot.app.screen.query_one("#images", Table)
        assert table.highlighted and table.highlighted.reference == API.reference
        await pilot.press("c")
        live.containers["docker-daemon:"] = CONTAINERS[:1]
        live.changes.put("container")
        await pilot.press("escape")
        await until(pilot, lambda: shown(pilot) == ["web"])


async def test_a_tag_that_moves_is_opened_anew_for_the_detail(live: Places) -> None:
    async with Images().run_test(size=(120, 40)) as pilot:
        await told(pilot)
        await pilot.press("j")
        await settled(pilot)
        await until(pilot, lambda: live.opened.count((NGINX.reference, None)) == 1)
        live.given["docker-daemon:"] = [NGINX._replace(id="sha256:" + "9" * 64)]
        live.changes.put("image")
        await until(pilot, lambda: live.opened.count((NGINX.reference, None)) == 2)


async def test_an_engine_that_is_not_installed_is_said_quietly(places: Places) -> None:
    async with Images().run_test() as pilot:
        await settled(pilot)
        assert "· Docker, Podman" in screen_text(pilot)
        assert "✗" not in screen_text(pilot)


# Containers


async def test_c_shows_containers_and_images_again(live: Places) -> None:
    async with Images().run_test() as pilot:
        await told(pilot)
        await pilot.press("j", "c")
        assert shown(pilot) == ["web", "stuck", "migrate", "lost"]
        assert pilot.app.screen.query_one("#containers", Table).has_focus
        await pilot.press("c")
        assert shown(pilot)[0] == "shop:2.1"
        assert pilot.app.screen.query_one("#images", Table).cursor == 1
        await pilot.press("c", "escape")
        assert shown(pilot)[0] == "shop:2.1"


async def test_a_click_on_the_title_shows_them(live: Places) -> None:
    async with Images().run_test() as pilot:
        await told(pilot)
        await pilot.click("#list", offset=(14, 0))
        assert shown(pilot)[0] == "web"
        await pilot.click("#list", offset=(4, 0))
        assert shown(pilot)[0] == "shop:2.1"


async def test_enter_explores_a_container(live: Places) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await told(pilot)
        await pilot.press("c", "j", "enter")
        assert app.explored == ["docker-container:stuck"]


async def test_containers_are_sorted_and_filtered_apart_from_images(live: Places) -> None:
    async with Images().run_test() as pilot:
        await told(pilot)
        await pilot.press("c", "s")
        assert shown(pilot) == ["lost", "migrate", "stuck", "web"]
        await pilot.press("S")
        assert shown(pilot) == ["web", "stuck", "migrate", "lost"]
        await pilot.press("slash", *"api:6")
        assert shown(pilot) == ["migrate", "lost"]
        await pilot.press("escape", "c")
        assert shown(pilot)[0] == "shop:2.1"


async def test_the_detail_tells_of_a_container(live: Places) -> None:
    async with Images().run_test(size=(120, 40)) as pilot:
        await told(pilot)
        await pilot.press("c")
        await pilot.pause()
        assert pilot.app.screen.query_one(ImageDetail).border_title == "web"
        for text in ("Up 2 hours", "nginx -g", "0.0.0.0:8080->80/tcp", "bridge", "shop-data", "team=shop"):
            assert text in screen_text(pilot)


async def test_c_is_a_letter_in_the_filter(live: Places) -> None:
    async with Images().run_test() as pilot:
        await told(pilot)
        await pilot.press("slash", *"doc")
        assert pilot.app.screen.query_one(Input).value == "doc"
