"""Find the platforms of an image."""

from collections.abc import Sequence

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError
from layertui.ui.worker.background import background


class PlatformsFound(Message):
    """The platforms of the image, or the error; ``ask``: let the user select one."""

    def __init__(self, platforms: "Sequence[str] | LayertuiError", ask: bool) -> None:
        super().__init__()
        self.platforms = platforms
        self.ask = ask


def find_platforms(target: MessagePump, reference: str, ask: bool) -> None:
    """Ask the source in a thread, and post what it says to ``target``."""

    def found(platforms: "Sequence[str] | LayertuiError") -> None:
        target.post_message(PlatformsFound(platforms, ask))

    background(target, lambda _job: _platforms(reference), found, found, name="platforms")


def _platforms(reference: str) -> "Sequence[str]":
    """Empty if the image's source does not say."""
    from layertui.sources import list_images

    rows = list(list_images(reference))
    rows = [row for row in rows if row.reference == reference] or rows  # the first is what was opened
    return list(dict.fromkeys(str(platform) for row in rows[:1] for platform in row.platforms))
