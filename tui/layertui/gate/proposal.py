"""Rules for an image as it is now: a file to start from, with a comment for every rule."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator

from layertui.gate.checked_image import CheckedImage
from layertui.gate.config import Config
from layertui.gate.evaluate import evaluate
from layertui.gate.limits import Ratio, Size
from layertui.gate.rules import DESCRIPTIONS, Outcome, Rules, Status
from layertui.model.errors import LayertuiError
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible

ROOM = 1.05
"""Limits of bytes are this much above what the image has."""
LEAST_BYTES = 1_000_000
"""The lowest limit of bytes that is proposed."""
EXAMPLES = {
    "growth": '"5%"',
    "forbidden-paths": '["/root/.ssh/**", "*.pyc"]',
    "forbidden-in-layers": '["id_rsa", "*.pem"]',
    "required-paths": '["/etc/ssl/certs/*.crt"]',
    "forbidden-packages": '["gcc*", "openssl=1.*"]',
}
"""Examples of rules that depend on what an image is for."""
_MEASURING = Rules(
    lowest_efficiency=Ratio(0),
    highest_wasted_bytes=Size(1 << 63),
    highest_user_wasted_percent=Ratio(1),
    reclaimable=Size(1 << 63),
    size=Size(1 << 63),
    secrets=True,
    setuid=(),
)


def proposed_rules(subject: CheckedImage) -> str:
    """Return a ``.layertui.toml`` whose rules the image passes. Raises :class:`LayertuiError` if it is incomplete."""
    if missing := subject.incompleteness():
        raise LayertuiError("no rules written", missing)
    verdict = evaluate(Config(None, _MEASURING), subject)
    return "\n".join(_lines(subject, {result.rule: result.outcome for result in verdict.results})) + "\n"


def _lines(subject: CheckedImage, measured: dict[str, Outcome]) -> Iterator[str]:
    yield f"# Rules of layertui check, from {visible(subject.image.name)} as it is now; see docs/check.md."
    yield ""
    yield "# No findings for these paths; a directory includes its contents."
    yield '# ignore = ["/usr/share/doc"]'
    yield ""
    yield "# What growth is measured against: an image, or a file that --update-baseline writes."
    yield '# baseline = "gate.json"'
    yield ""
    yield "[rules]"
    for rule, requirement in DESCRIPTIONS.items():
        value, now = EXAMPLES.get(rule), ""
        if rule in measured:
            value, now = _VALUES[rule](measured[rule])
        is_set = rule in measured and value is not None
        yield f"# {requirement}{f'; now {now}' if now else ''}"
        yield f"{'' if is_set else '# '}{rule} = {value or 'true'}"
        yield ""


def _bytes(outcome: Outcome) -> tuple[str | None, str]:
    now = int(outcome.value or 0)
    limit = max(math.ceil(now * ROOM), LEAST_BYTES)
    step = 10 ** (len(str(limit)) - 2)  # two digits
    limit = math.ceil(limit / step) * step
    return json.dumps(_decimal(limit)), size_text(now)


def _decimal(size: int) -> str:
    """Return a size in the largest unit that it is a whole number of."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if size % 1000**power == 0:
            return f"{size // 1000**power} {unit}"
    return f"{size} B"


def _lowest(outcome: Outcome) -> tuple[str | None, str]:
    now = float(outcome.value or 0)
    return f"{max(math.floor(now * 100) - 1, 0) / 100:.2f}", f"{now:.4g}"


def _highest(outcome: Outcome) -> tuple[str | None, str]:
    if outcome.value is None:  # nothing above the base to divide by
        return ("0.1" if outcome.status == Status.PASS else None), ""
    limit = (math.floor(outcome.value * 100) + 1) / 100
    return (f"{limit:.2f}" if limit <= 1 else None), f"{outcome.value:.4g}"


def _setuid(outcome: Outcome) -> tuple[str | None, str]:
    paths = [finding.path or "" for finding in outcome.findings]
    if any(not path.isprintable() or set(path) & set("*?[") for path in paths):
        return None, f"{count_text(len(paths), 'file')}, of which one cannot be written as a glob"
    return json.dumps(paths, ensure_ascii=False), ""


def _secrets(outcome: Outcome) -> tuple[str | None, str]:
    count = len(outcome.findings)
    return ("true", "") if not count else (None, f"{count_text(count, 'secret')}, listed by layertui insight")


_VALUES: dict[str, Callable[[Outcome], tuple[str | None, str]]] = {
    "lowest-efficiency": _lowest,
    "highest-wasted-bytes": _bytes,
    "highest-user-wasted-percent": _highest,
    "reclaimable": _bytes,
    "size": _bytes,
    "secrets": _secrets,
    "setuid": _setuid,
}
"""Returns the limit as TOML that an outcome passes, ``None`` if none does, and what the image has now."""
