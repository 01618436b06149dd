"""What screens may ask of the app."""

from layertui.ui.app import LayertuiApp
from layertui.ui.navigator import Navigator


def test_the_app_is_a_navigator() -> None:
    app: Navigator = LayertuiApp("demo:", "linux/arm64", cache=False)  # the type checker compares them
    assert (app.platform, app.cache) == ("linux/arm64", False)
