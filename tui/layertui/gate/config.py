"""Where the rules of a project stand: ``.layertui.toml``, ``pyproject.toml``, or a ``.dive-ci`` as it is."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from layertui.gate.baseline import is_baseline_file
from layertui.gate.limits import Growth, Ratio, Size, parse_growth, parse_ratio, parse_size
from layertui.gate.rules import Rules, SecretsAllowed
from layertui.model.errors import LayertuiError

OWN, PYPROJECT, DIVE = ".layertui.toml", "pyproject.toml", ".dive-ci"
HELP = "see docs/check.md"


@dataclass(frozen=True, slots=True)
class Config:
    """What a gate is to check."""

    file: Path | None
    """Where it stands; ``None`` for dive's defaults."""
    rules: Rules
    ignore: tuple[str, ...] = ()
    """Globs of paths that are no findings; a directory stands for all that is in it."""
    baseline: str | None = None
    """A file beside this one, or a reference."""
    disabled: tuple[str, ...] = ()
    """Rules that a ``.dive-ci`` switches off."""
    warnings: Sequence[str] = ()


class _File(msgspec.Struct, forbid_unknown_fields=True):
    rules: Rules
    ignore: tuple[str, ...] = ()
    baseline: str | None = None


def load_config(file: Path | None, directory: Path) -> Config:
    """The rules in a file, or else in the first of the three that a directory has, or else dive's defaults.

    Raises :class:`LayertuiError` for what cannot be read or is no rule.
    """
    if file is not None:
        return _toml(file) if file.suffix == ".toml" else _dive(file)
    if (own := directory / OWN).exists():
        return _toml(own)
    project = directory / PYPROJECT
    if project.exists() and "layertui" in _tool(_parsed(project)):
        return _toml(project)
    if (dive := directory / DIVE).exists():
        return _dive(dive)
    return _dive_rules(None, {})


# TOML


def _toml(file: Path) -> Config:
    data, place = _parsed(file), ""
    if file.name == PYPROJECT:
        data, place = _tool(data).get("layertui", {}), "tool.layertui."
    if not isinstance(data, dict) or not data.get("rules"):
        raise LayertuiError(f"no rules in {file}", f"it has no table [{place}rules] that sets one", HELP)
    _check_names(file, place, data, ("rules", "ignore", "baseline"))
    if isinstance(data["rules"], dict):
        _check_names(file, f"{place}rules.", data["rules"], _names(Rules))
        if isinstance(secrets := data["rules"].get("secrets"), dict):
            _check_names(file, f"{place}rules.secrets.", secrets, _names(SecretsAllowed))
    try:
        read = msgspec.convert(data, _File, dec_hook=_limit)
    except msgspec.ValidationError as error:
        why, _, where = str(error).partition(" - at `$.")
        raise LayertuiError(f"{place}{where.rstrip('`')} in {file} has a wrong value", why, HELP) from error
    if not read.rules.limits():
        raise LayertuiError(f"no rules in {file}", "all that it sets are switched off", HELP)
    if isinstance(secrets := read.rules.secrets, SecretsAllowed) and secrets.allow_rules:
        from layertui.insight.secret_rules import RULE_NAMES

        _check_names(file, "the kind of secret ", secrets.allow_rules, RULE_NAMES)
    baseline = read.baseline
    if baseline is not None and is_baseline_file(baseline):
        baseline = str(file.parent / baseline)
    return Config(file, read.rules, read.ignore, baseline)


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(file))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise LayertuiError(f"cannot read {file}", f"it is no TOML: {error}") from error


def _tool(data: Mapping[str, Any]) -> Mapping[str, Any]:
    tool = data.get("tool")
    return tool if isinstance(tool, dict) else {}


def _names(kind: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _check_names(file: Path, place: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Raises :class:`LayertuiError` for the first name that is not known, with those like it."""
    for name in given:
        if name not in known:
            like = difflib.get_close_matches(name, known, 3, 0.5)
            meant = f"did you mean {' or '.join(like)}" if like else f"there are {', '.join(known)}"
            raise LayertuiError(f"{place}{name} in {file} is not known", meant)


def _limit(kind: type, value: object) -> Size | Ratio | Growth:
    if kind is Size:
        return parse_size(value)
    return parse_ratio(value) if kind is Ratio else parse_growth(value)


# dive


_DIVE_RULES = {
    "lowestEfficiency": ("lowest-efficiency", "0.9", parse_ratio),
    "highestWastedBytes": ("highest-wasted-bytes", "disabled", parse_size),
    "highestUserWastedPercent": ("highest-user-wasted-percent", "0.1", parse_ratio),
}
"""Our name, dive's default and what reads the value, by dive's name (dive 0.13, ``options/ci_rules.go``)."""


def _dive(file: Path) -> Config:
    data = _yaml(file)
    if data is None:
        data = {}
    rules = data.get("rules", {}) if isinstance(data, dict) else data
    if rules is None:
        rules = {}
    if not isinstance(rules, dict):
        raise LayertuiError(f"cannot read {file}", "its rules are no names with values")
    return _dive_rules(file, rules)


def _dive_rules(file: Path | None, given: Mapping[Any, Any]) -> Config:
    limits: dict[str, Any] = {}
    disabled = []
    for name, (own, default, read) in _DIVE_RULES.items():
        value = given.get(name)
        if value is None:
            value = default
        if not isinstance(value, str):
            raise LayertuiError(f"{name} in {file} has a wrong value", "it is no single value")
        if value.strip().lower() in ("", "disabled", "off", "false"):
            disabled.append(own)
            continue
        try:
            limits[own.replace("-", "_")] = read(value)
        except ValueError as error:
            raise LayertuiError(f"{name} in {file} has a wrong value", str(error)) from error
    strangers = [str(name) for name in given if name not in _DIVE_RULES]
    warnings = [f"{file}: {name} is none of dive's rules, and ignored as dive does" for name in strangers]
    return Config(file, Rules(**limits), disabled=tuple(disabled), warnings=warnings)


def _yaml(file: Path) -> Any:
    """The first document of a YAML file, each scalar but null as the text it is written as.

    dive has texts for all limits: ``0.20`` is not 0.2 to it, and ``off`` not false.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Its constructors are its own, not all loaders'."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            names = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise yaml.YAMLError(f"{twice} stands there twice")
            return super().construct_mapping(node, deep)

    for tag in ("bool", "int", "float", "timestamp"):
        Loader.add_constructor(f"tag:yaml.org,2002:{tag}", yaml.SafeLoader.construct_scalar)  # type: ignore[type-var]
    try:
        return next(iter(yaml.load_all(_text(file), Loader)), None)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = re.sub(r"\s+", " ", str(error))
        raise LayertuiError(f"cannot read {file}", f"it is no YAML: {told}") from error


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise LayertuiError(f"cannot read {file}", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise LayertuiError(f"cannot read {file}", "it is no UTF-8") from error
