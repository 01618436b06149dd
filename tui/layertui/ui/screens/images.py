"""The images at hand: given on the command line, lying in the current directory, the sample."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.screen import Screen

from layertui.ui.widgets.key_bar import KeyBar


class ImagesScreen(Screen[None]):
    """Lists images as their sources answer; ``given`` are references from the command line."""

    def __init__(self, given: Sequence[str] = ()) -> None:
        super().__init__()
        self.given = tuple(given)

    def compose(self) -> ComposeResult:
        yield KeyBar()
