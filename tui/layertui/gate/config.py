"""Read the rules of a project from ``.layertui.toml``, ``pyproject.toml`` or ``.dive-ci``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from layertui.gate.baseline import is_baseline_file
from layertui.gate.globs import matches_nothing
from layertui.gate.limits import Growth, Ratio, Size, parse_growth, parse_ratio, parse_size
from layertui.gate.rules import Rules, SecretsAllowed
from layertui.model.errors import LayertuiError
from layertui.model.toml_file import check_names, field_names, invalid_value, parse_toml, read_utf8

OWN, PYPROJECT, DIVE = ".layertui.toml", "pyproject.toml", ".dive-ci"
HELP = "see docs/check.md"


@dataclass(frozen=True, slots=True)
class Config:
    """The rules and settings of a gate."""

    file: Path | None
    """The file it was read from; ``None`` for dive's defaults."""
    rules: Rules
    ignore: tuple[str, ...] = ()
    """Globs of paths that are ignored; a directory includes everything in it."""
    baseline: str | None = None
    """A file relative to this one, or an image reference."""
    disabled: tuple[str, ...] = ()
    """Rules that a ``.dive-ci`` disables."""
    warnings: Sequence[str] = ()

    @property
    def is_dive(self) -> bool:
        """Whether the rules are dive's: its defaults, or of a file of its format."""
        return self.file is None or not is_toml(self.file)

    def with_dive_limits(self, given: Mapping[str, str]) -> Config:
        """Return the rules with other limits, by dive's names of its rules.

        Raises :class:`LayertuiError` for invalid values.
        """
        limits, disabled = _dive_limits(given, lambda name: f"--{name}")
        named = {_DIVE_RULES[name][0] for name in given}
        return replace(
            self,
            rules=msgspec.structs.replace(self.rules, **limits),
            disabled=(*(rule for rule in self.disabled if rule not in named), *disabled),
        )


class _File(msgspec.Struct, forbid_unknown_fields=True):
    rules: Rules
    ignore: tuple[str, ...] = ()
    baseline: str | None = None


def load_config(file: Path | None, directory: Path) -> Config:
    """Read the rules from ``file``, else from the first of the three files in ``directory``, else use dive's defaults.

    Raises :class:`LayertuiError` for files that cannot be read and unknown rules.
    """
    if file is not None:
        return _toml(file) if is_toml(file) else _dive(file)
    if (own := directory / OWN).exists():
        return _toml(own)
    project = directory / PYPROJECT
    if project.exists() and "layertui" in _tool(parse_toml(project)):
        return _toml(project)
    if (dive := directory / DIVE).exists():
        return _dive(dive)
    return _dive_rules(None, {})


# TOML


def is_toml(file: Path) -> bool:
    """Return whether a file of rules is layertui's own, not dive's."""
    return file.suffix == ".toml"


def _toml(file: Path) -> Config:
    data, place = parse_toml(file), ""
    if file.name == PYPROJECT:
        data, place = _tool(data).get("layertui", {}), "tool.layertui."
    if not isinstance(data, dict) or not data.get("rules"):
        raise LayertuiError(f"no rules in {file}", f"it has no table [{place}rules] with a rule", HELP)
    check_names(file, place, data, ("rules", "ignore", "baseline"))
    if isinstance(data["rules"], dict):
        check_names(file, f"{place}rules.", data["rules"], field_names(Rules))
        if isinstance(secrets := data["rules"].get("secrets"), dict):
            check_names(file, f"{place}rules.secrets.", secrets, field_names(SecretsAllowed))
    try:
        read = msgspec.convert(data, _File, dec_hook=_limit)
    except msgspec.ValidationError as error:
        raise invalid_value(file, place, error, HELP) from error
    if not read.rules.limits():
        raise LayertuiError(f"no rules in {file}", "all of its rules are disabled", HELP)
    _check_globs(file, place, read)
    if isinstance(secrets := read.rules.secrets, SecretsAllowed) and secrets.allow_rules:
        from layertui.insight.secret_rules import RULE_NAMES

        check_names(file, "kind of secret ", secrets.allow_rules, RULE_NAMES)
    baseline = read.baseline
    if baseline is not None and is_baseline_file(baseline):
        baseline = str(file.parent / baseline)
    return Config(file, read.rules, read.ignore, baseline)


def _check_globs(file: Path, place: str, read: _File) -> None:
    """Raise :class:`LayertuiError` for a glob that matches nothing: a rule that cannot fail would always pass."""
    rules = read.rules
    allowed = rules.secrets.allow_paths if isinstance(rules.secrets, SecretsAllowed) else ()
    for name, globs in {
        "ignore": read.ignore,
        "rules.forbidden-paths": rules.forbidden_paths,
        "rules.forbidden-in-layers": rules.forbidden_in_layers,
        "rules.required-paths": rules.required_paths,
        "rules.setuid": rules.setuid or (),
        "rules.secrets.allow-paths": allowed,
    }.items():
        for glob in filter(matches_nothing, globs):
            why = f"{glob!r} matches no path: expected like /etc/passwd, *.pem or /srv/**"
            raise LayertuiError(f"{place}{name} in {file} has an invalid value", why, HELP)
    if rules.forbidden_packages:
        from layertui.insight.package import package_pattern

        for glob in rules.forbidden_packages:
            try:
                package_pattern(glob)
            except LayertuiError as error:
                raise LayertuiError(
                    f"{place}rules.forbidden-packages in {file} has an invalid value", str(error), HELP
                ) from error


def _tool(data: Mapping[str, Any]) -> Mapping[str, Any]:
    tool = data.get("tool")
    return tool if isinstance(tool, dict) else {}


def _limit(kind: type, value: object) -> Size | Ratio | Growth:
    if kind is Size:
        return parse_size(value)
    return parse_ratio(value) if kind is Ratio else parse_growth(value)


# dive


_DIVE_RULES: Mapping[str, tuple[str, str, Callable[[Any], Any]]] = {
    "lowestEfficiency": ("lowest-efficiency", "0.9", parse_ratio),
    "highestWastedBytes": ("highest-wasted-bytes", "disabled", parse_size),
    "highestUserWastedPercent": ("highest-user-wasted-percent", "0.1", parse_ratio),
}
"""layertui's name, dive's default and the parser of the value, by dive's name (dive 0.13, ``options/ci_rules.go``)."""


def _dive(file: Path) -> Config:
    data = _yaml(file)
    if data is None:
        data = {}
    rules = data.get("rules", {}) if isinstance(data, dict) else data
    if rules is None:
        rules = {}
    if not isinstance(rules, dict):
        raise LayertuiError(f"cannot read {file}", "its rules are not a mapping")
    return _dive_rules(file, rules)


def _dive_rules(file: Path | None, given: Mapping[Any, Any]) -> Config:
    values = {
        name: default if given.get(name) is None else given[name]
        for name, (_, default, _) in _DIVE_RULES.items()
    }
    limits, disabled = _dive_limits(values, lambda name: f"{name} in {file}")
    unknown = [str(name) for name in given if name not in _DIVE_RULES]
    warnings = [f"{file}: {name} is not a rule of dive, ignored as by dive" for name in unknown]
    return Config(file, Rules(**limits), disabled=disabled, warnings=warnings)


def _dive_limits(
    values: Mapping[str, Any], place: Callable[[str], str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the limits by field of :class:`Rules`, and the disabled rules; ``place`` names one in errors."""
    limits: dict[str, Any] = {}
    disabled = []
    for name, value in values.items():
        own, _, read = _DIVE_RULES[name]
        if not isinstance(value, str):
            raise LayertuiError(f"{place(name)} has an invalid value", "it is not a scalar")
        if value.strip().lower() in ("", "disabled", "off", "false"):
            disabled.append(own)
            continue
        try:
            limits[own.replace("-", "_")] = read(value)
        except ValueError as error:
            raise LayertuiError(f"{place(name)} has an invalid value", str(error)) from error
    return limits, tuple(disabled)


def _yaml(file: Path) -> Any:
    """Parse the first document of a YAML file, with all scalars but null as strings.

    dive reads all limits as strings: ``0.20`` is not 0.2, and ``off`` not false.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """A loader with constructors of its own, not shared with other loaders."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            names = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise yaml.YAMLError(f"duplicate key {twice}")
            return super().construct_mapping(node, deep)

        def construct_text(self, node: yaml.ScalarNode) -> str:
            return str(self.construct_scalar(node))

    for tag in ("bool", "int", "float", "timestamp"):
        Loader.add_constructor(f"tag:yaml.org,2002:{tag}", Loader.construct_text)
    try:
        return next(iter(yaml.load_all(read_utf8(file), Loader)), None)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = re.sub(r"\s+", " ", str(error))
        raise LayertuiError(f"cannot read {file}", f"invalid YAML: {reason}") from error
