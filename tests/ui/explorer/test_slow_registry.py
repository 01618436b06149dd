"""What is shown of an image of a real registry while its largest layer is on its way."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from layertui.ui.app import LayertuiApp
from tests.commands.samples import tar
from tests.layouts import OciLayout, digest
from tests.sources.registry.conftest import settings
from tests.sources.registry.proxy import FaultyProxy, cut_off
from tests.sources.registry.server import docker_registry
from tests.textual_internals import screen_text
from tests.ui.places import until
from tests.ui.readings import at_layer, explorer, layers, loaded

__all__ = ["settings"]

BASE = tar(("/usr/lib/base.so", Random(1).randbytes(3_000_000)))
TOP = tar(("/srv-of-the-top", b"small"))


@pytest.fixture
def proxy(settings: Path, tmp_path: Path) -> Iterator[FaultyProxy]:
    """A registry, behind a proxy, with an image of a large base and a small layer on it."""
    OciLayout(tmp_path / "layout").add("1", [BASE, TOP])
    (tmp_path / "registry").mkdir()
    with docker_registry(tmp_path / "registry") as server:
        server.load(f"oci:{tmp_path / 'layout'}:1", "work/app:1")
        with FaultyProxy(server.host) as between:
            yield between


async def test_rows_of_a_small_top_layer_do_not_wait_for_a_large_base(proxy: FaultyProxy) -> None:
    app = LayertuiApp(f"docker://{proxy.host}/work/app:1", cache=False)
    async with app.run_test(size=(120, 40)) as pilot:
        with cut_off(after=1_000_000) as stalls:
            proxy.fail(digest(BASE), stalls)
            await until(pilot, lambda: at_layer(pilot) == 2)
            assert "srv-of-the-top" in screen_text(pilot) and "usr/" not in screen_text(pilot)
            assert "Provisional: layer 2 of 2 alone" in str(explorer(pilot).panes.tree_pane.border_title)
            assert [state.read for state in layers(pilot).states.values()] == [False, True]
            proxy.heal()
        await loaded(pilot)
        assert "usr/" in screen_text(pilot) and "srv-of-the-top" in screen_text(pilot)
        assert "Merged tree at layer 2" in screen_text(pilot)
