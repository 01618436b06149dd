"""Open the image that a name led to before, and no other."""

from __future__ import annotations

from pathlib import Path

from layertui import sources
from layertui.model.blob import FileState
from layertui.model.errors import ImageChanged, LayertuiError, NotFound
from layertui.model.identity import Identity, identity_of
from layertui.model.image import Image
from layertui.model.reference import parse_reference


def open_pinned(identity: Identity) -> Image:
    """Open an image again. Raises :class:`ImageChanged` if it is another one or no longer exists."""
    if identity.file is not None:
        _check_file(identity)
    try:
        image = sources.open_image(identity.pinned, identity.platform)
    except NotFound as error:
        raise ImageChanged(identity.name, is_removed=not _has_successor(identity)) from error
    again = identity_of(image)
    if (again.digests, again.file) != (identity.digests, identity.file):
        raise ImageChanged(identity.name)
    return image


def explain(error: LayertuiError, identity: Identity) -> LayertuiError:
    """Return why an image cannot be read: that it is no longer what it was, if so, else ``error``."""
    try:
        open_pinned(identity)
    except ImageChanged as changed:
        return changed
    except LayertuiError:
        pass
    return error


def _check_file(identity: Identity) -> None:
    try:
        state = FileState.of(Path(parse_reference(identity.reference).location).stat())
    except OSError as error:
        raise ImageChanged(identity.name, is_removed=isinstance(error, FileNotFoundError)) from error
    if state != identity.file:
        raise ImageChanged(identity.name)


def _has_successor(identity: Identity) -> bool:
    """Return whether the name leads to another image now."""
    try:
        sources.open_image(identity.reference, identity.platform)
    except NotFound:
        return False
    except LayertuiError:
        return True
    return True
