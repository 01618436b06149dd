"""The one exception that reaches the user."""


class LayertuiError(Exception):
    """Something could not be done: what, why, and what the user can do next.

    ``str()`` gives the line that the command line prints after ``layertui: `` and
    that a screen shows where the result would have been. The parts may quote text
    from an image; whoever prints them makes them safe (see :mod:`layertui.text.sanitize`).
    """

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        self.what = what
        self.why = why
        self.remedy = remedy
        super().__init__(", ".join(part for part in (what, why, remedy) if part))


class ChangedWhileRead(LayertuiError):
    """A file that lies unpacked is no longer as it was listed: its bytes would not go with what is shown of it."""

    def __init__(self, location: str, size: int, size_now: int) -> None:
        super().__init__(
            f"cannot read {location}",
            "it has changed since the image was read"
            + (f": it had {size} bytes and has {size_now} now" if size_now != size else ""),
            "read the image again",
        )


class NoEngine(LayertuiError):
    """No engine listens where it would by default, and no setting names one: none may be installed."""


class NoImage(LayertuiError):
    """What was looked at is whole and readable, and is no image."""
