"""Exceptions whose message is shown to the user."""

from collections.abc import Iterable, Mapping

FEW = 10
"""Names that an error lists."""


class LayertuiError(Exception):
    """An operation failed: what, why, and what the user can do next.

    ``str()`` is the line that the command line prints after ``layertui: `` and that a
    screen shows in place of the result. The parts may quote hostile text of an image;
    callers sanitize it before printing (see :mod:`layertui.text.sanitize`).
    """

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        self.what = what
        self.why = why
        self.remedy = remedy
        super().__init__(", ".join(part for part in (what, why, remedy) if part))


class ChangedWhileRead(LayertuiError):
    """An unpacked file has changed since it was listed, so its bytes do not match the metadata shown."""

    def __init__(self, location: str, size: int, size_now: int) -> None:
        super().__init__(
            f"cannot read {location}",
            "changed since the image was read"
            + (f", from {size} to {size_now} bytes" if size_now != size else ""),
            "read the image again",
        )


class NotFound(LayertuiError):
    """What a reference names does not exist there."""


class SeveralImages(LayertuiError):
    """A reference leads to several images, of which one must be chosen."""

    def __init__(self, what: str, choices: Mapping[str, str], remedy: str) -> None:
        """``choices``: the reference of each image, by the name that it has there."""
        self.choices = choices
        super().__init__(what, few(choices), remedy)


class ImageChanged(LayertuiError):
    """An image is no longer the one that was opened by its name, or no longer exists."""

    def __init__(self, name: str, is_removed: bool = False) -> None:
        self.name = name
        self.is_removed = is_removed
        super().__init__(f"{name} {'was removed' if is_removed else 'has changed'} since it was opened")


class NoEngine(LayertuiError):
    """No engine listens on its default socket and no setting names another; perhaps none is installed."""


class NoImage(LayertuiError):
    """The file or directory is readable and undamaged, but not an image."""


def few(names: Iterable[str]) -> str:
    """Return names for an error, the first ten and the number of the rest."""
    known = list(names)
    rest = f" and {len(known) - FEW:,} more" if len(known) > FEW else ""
    return f"{', '.join(known[:FEW])}{rest}"
