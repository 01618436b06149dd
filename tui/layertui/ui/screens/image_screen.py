"""What a screen about one image leads to that looks through all of it."""

from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.binding import Binding, BindingType
from textual.screen import Screen

from layertui.ui.app import LayertuiApp

if TYPE_CHECKING:
    from layertui.content.search import Match
    from layertui.image import Image
    from layertui.ui.searcher import Found


class ImageScreen(Screen[None]):
    """Leads to the search of its image's files, and comes back at the match that one went to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("F", "search", "search", tooltip="Search the contents of all files, line by line"),
    ]
    app = getters.app(LayertuiApp)

    def __init__(self, reference: str, platform: str | None) -> None:
        """``platform`` in place of the app's."""
        super().__init__()
        self.reference = reference
        self._platform = platform
        self._found: tuple[Image, Found] | None = None  # the last search, and of which reading

    @property
    def image(self) -> "Image | None":
        """What is known of the image, once it is open."""
        raise NotImplementedError

    def show_path(self, path: bytes, layer: int, line: int = 0) -> None:
        """Goes to a path with ``layer`` on top, and to a line of it unless that is 0."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "search" or self.image is not None

    def action_search(self) -> None:
        """Searches the files, or shows again what was found last."""
        from layertui.content.search import Query
        from layertui.ui.screens.search import SearchScreen
        from layertui.ui.searcher import Found

        def came_back(match: "Match | None") -> None:
            if match is not None:
                self.show_path(match.path.encode("utf-8", "surrogateescape"), match.layer, match.line)

        image = self.image
        assert image is not None
        if self._found is None or self._found[0] is not image:
            self._found = image, Found(Query(""))
        platform = self._platform or self.app.platform
        self.app.push_screen(SearchScreen(image, self.reference, platform, self._found[1]), came_back)
