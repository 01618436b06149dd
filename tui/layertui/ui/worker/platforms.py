"""Find the platforms of an image."""

import threading

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError


class PlatformsFound(Message):
    """The platforms of the image; ``ask``: let the user select one."""

    def __init__(self, platforms: list[str], ask: bool) -> None:
        super().__init__()
        self.platforms = platforms
        self.ask = ask


def find_platforms(target: MessagePump, reference: str, ask: bool) -> None:
    """Ask the source in a thread, and posts what it says to ``target``."""

    def run() -> None:
        target.post_message(PlatformsFound(_platforms(reference), ask))

    threading.Thread(target=run, name="platforms", daemon=True).start()


def _platforms(reference: str) -> list[str]:
    """Empty if the image's source does not say."""
    from layertui.sources import list_images

    try:
        rows = list(list_images(reference))
    except LayertuiError:
        return []
    rows = [row for row in rows if row.reference == reference] or rows  # the first is what was opened
    return list(dict.fromkeys(str(platform) for row in rows[:1] for platform in row.platforms))
