"""One image: its layers, the merged tree, and the detail of a path."""

from textual.screen import Screen


class ExplorerScreen(Screen[None]):
    """Explores the image that ``reference`` names."""

    def __init__(self, reference: str) -> None:
        super().__init__()
        self.reference = reference
