"""The settings of the app: what the user's ``config.toml`` sets, and what the app writes there when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from layertui.cache.directory import save
from layertui.model.errors import LayertuiError
from layertui.model.toml_file import check_names, invalid_value, parse_toml, read_utf8

SETTINGS_HELP = "see docs/settings.md"


ImageColumn = Literal["id", "size", "dead", "shared", "unique", "created", "layers", "platform", "source"]


@dataclass
class ExplorerSettings:
    """How an image is shown at first."""

    detail: bool | None = None
    """Whether the detail is shown; None: if there is room."""
    layers: Literal["newest", "oldest"] = "newest"
    """The layer that is listed first."""
    steps: bool | None = None
    """Whether steps without a layer are listed; None: if there is room."""
    sort: Literal["name", "size", "layer", "time"] = "name"
    """The order of the tree."""
    reverse: bool = False
    """Whether that order is reversed."""
    view: Literal["merged", "changes", "all"] = "merged"
    """The paths of the tree."""


@dataclass
class ImagesSettings:
    """How the list of images is shown at first."""

    detail: bool | None = None
    """Whether the detail is shown; None: if there is room."""
    sort: Literal["", "name"] | ImageColumn = ""
    """The column to sort by; empty: in the order of the sources."""
    reverse: bool = False
    """Whether that order is reversed."""
    columns: tuple[ImageColumn, ...] = ()
    """The columns besides the name, from left to right; empty: those that fit."""


@dataclass
class Settings:
    """All settings. Each has a default; a file need not have any."""

    theme: str = ""
    """A theme of the command palette; empty: by the terminal's background and colors."""
    explorer: ExplorerSettings = field(default_factory=ExplorerSettings)
    images: ImagesSettings = field(default_factory=ImagesSettings)
    keys: dict[str, str] = field(default_factory=dict)
    """Keys, separated by commas, by action; ``preset`` is the name of one of :data:`PRESETS`."""

    def keymap(self) -> dict[str, str]:
        """Return the keys by action, the preset's where none are set."""
        preset = PRESETS.get(self.keys.get("preset", ""), {})
        return {**preset, **{action: keys for action, keys in self.keys.items() if action != "preset"}}


PRESETS: Mapping[str, Mapping[str, str]] = {
    "dive": {
        "filter": "slash,ctrl+f",
        "extract": "x,ctrl+e",
        "quit": "ctrl+q,ctrl+c",
        "next_page": "pagedown",
        "previous_page": "pageup",
    },
}
"""Keys by action. ``dive``: dive's keys that mean something else here (its README, "KeyBindings")."""


def settings_file() -> Path:
    """Return the file of the settings, ``$XDG_CONFIG_HOME/layertui/config.toml`` on Linux; it need not exist."""
    from platformdirs import user_config_path

    return user_config_path("layertui", appauthor=False) / "config.toml"


def load_settings(file: Path) -> Settings:
    """Read the settings, defaults where there is no file.

    Raises :class:`LayertuiError` for a file that cannot be read, unknown names and invalid values.
    """
    if not file.exists():
        return Settings()
    import msgspec

    data = parse_toml(file)
    check_names(file, "", data, [each.name for each in fields(Settings)])
    for name, kind in (("explorer", ExplorerSettings), ("images", ImagesSettings)):
        if isinstance(data.get(name), dict):
            check_names(file, f"{name}.", data[name], [each.name for each in fields(kind)])
    try:
        settings = msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        raise invalid_value(file, "", error, SETTINGS_HELP) from error
    preset = settings.keys.get("preset")
    if preset is not None:
        check_names(file, "keys.preset ", [preset], list(PRESETS))
    if settings.keys.keys() - {"preset"}:
        from layertui.ui.keys import known_actions

        check_names(file, "keys.", settings.keys, ["preset", *sorted(known_actions())])
    return settings


def write_settings(file: Path, settings: Settings) -> None:
    """Write the settings that differ from the defaults, and keep what else the file has: keys, comments.

    Raises :class:`LayertuiError` if the file cannot be read or written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(read_utf8(file)) if file.exists() else tomlkit.document()
        _update(document, asdict(settings), asdict(Settings()))
        text = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise LayertuiError(f"cannot read {file}", f"invalid TOML: {error}") from error
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LayertuiError(f"cannot write {file}", error.strerror or str(error)) from error
    save(file, text.encode())


def _update(table: Any, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Put the values that differ from the defaults into a table; remove those that do not."""
    for name, value in values.items():
        if isinstance(value, dict):
            if value != defaults[name] or name in table:
                import tomlkit

                _update(table.setdefault(name, tomlkit.table()), value, defaults[name])
        elif value != defaults.get(name):
            table[name] = value
        else:
            table.pop(name, None)
