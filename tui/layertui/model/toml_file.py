"""Read TOML files whose keys are known, with errors that name file and key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layertui.model.errors import LayertuiError

if TYPE_CHECKING:
    import msgspec


def parse_toml(file: Path) -> dict[str, Any]:
    """Parse a TOML file. Raises :class:`LayertuiError` if it cannot be read or is invalid."""
    import tomllib

    try:
        return tomllib.loads(read_utf8(file))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise LayertuiError(f"cannot read {file}", f"invalid TOML: {error}") from error


def read_utf8(file: Path) -> str:
    """Read a file of text. Raises :class:`LayertuiError` if it cannot be read or is not UTF-8."""
    try:
        return file.read_text("utf-8-sig")  # editors of Windows write the mark
    except OSError as error:
        raise LayertuiError(f"cannot read {file}", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise LayertuiError(f"cannot read {file}", "it is not UTF-8") from error


def field_names(kind: type[msgspec.Struct]) -> list[str]:
    """Return the names of a struct's fields as they are written in a file."""
    import msgspec

    return [field.encode_name for field in msgspec.structs.fields(kind)]


def check_names(file: Path, place: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Raise :class:`LayertuiError` for the first unknown name, with similar ones."""
    for name in given:
        if name not in known:
            import difflib

            like = difflib.get_close_matches(name, known, 3, 0.5)
            meant = f"did you mean {' or '.join(like)}" if like else f"expected one of {', '.join(known)}"
            raise LayertuiError(f"unknown {place}{name} in {file}", meant)


def invalid_value(file: Path, place: str, error: msgspec.ValidationError, remedy: str) -> LayertuiError:
    """Return the error for a value that msgspec refused."""
    why, _, where = str(error).partition(" - at `$.")
    return LayertuiError(f"{place}{where.rstrip('`')} in {file} has an invalid value", why, remedy)
