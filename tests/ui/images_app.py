"""The app on the screen of images, for the tests of what lies on it."""

from textual.pilot import Pilot
from textual.widgets import Static

from layertui.ui.app import LayertuiApp
from layertui.ui.images.detail import ImageDetail
from layertui.ui.images.screen import ImagesScreen
from layertui.ui.widgets.facts import Facts
from tests.ui.places import until


class Images(LayertuiApp):
    """Given references as on a command line; notes what it would explore."""

    def __init__(self, *given: str, theme: str = "layertui-dark") -> None:
        super().__init__()
        self.theme = theme
        self.given = given
        self.explored: list[str] = []

    def _images(self) -> ImagesScreen:
        return ImagesScreen(self.given)

    def explore(self, reference: str, layer: str = "") -> None:
        self.explored.append(reference)


async def settled(pilot: Pilot[None]) -> None:
    """Every place has answered and the detail, if it is there, is filled."""
    screen = pilot.app.screen
    assert isinstance(screen, ImagesScreen)
    detail = screen.query_one(ImageDetail)

    def ready() -> bool:
        message = detail.query_one(Static)
        opening = detail.display and message.display and "Opening" in str(message.content)
        return screen._images.whole and screen._containers.whole and not opening and laid_out()

    def laid_out() -> bool:
        """What the facts need, they have: a picture shows what stays."""
        scrolls = detail.show_vertical_scrollbar == (detail.max_scroll_y > 0)
        return scrolls and all(
            facts.content_size.height == min(len(facts._lines(facts.content_size.width)), _most(facts))
            for facts in screen.query(Facts)
            if facts.size
        )

    await until(pilot, ready)


def _most(facts: Facts) -> int:
    """Lines that the style sheet grants."""
    limit = facts.styles.max_height
    return int(limit.value) if limit else 1000
