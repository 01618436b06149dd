"""The header of insight: the sums, and the parts to select."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.content import Content
from textual.style import Style

from layertui.insight.tally import INSTALLED
from layertui.model.sizes import Bytes
from layertui.text.format import count_text, parts_text, share_text, size_text
from layertui.ui.insight.parts import PARTS
from layertui.ui.widgets.top_line import Weighted

if TYPE_CHECKING:
    from layertui.insight.tally import Survey
    from layertui.model.image import Image

TITLES = {"size": "Size", **{name: part.title for name, part in PARTS.items()}}
"""The parts in the order of their keys, with their titles."""
NAMES = tuple(TITLES)

Progress = Mapping[str, tuple[int, int]]
"""Bytes done and total, of the parts being scanned."""


def facts(
    image: "Image", size: Bytes | None, surveys: Mapping[str, "Survey"], progress: Progress
) -> list[Weighted]:
    """Return the sums known so far, with their priority."""
    found = [(3, Content(size_text(image.size) if size is None else parts_text(size)))]
    waste, secrets = surveys.get("waste"), surveys.get("secrets")
    if waste is not None:
        stored, efficiency = _stored_bytes(waste), waste.figures.get("efficiency")
        share = f" ({waste.size / stored:.1%})" if stored else ""
        doubt = Content.styled("⚠ ", "$modified") if waste.notes else Content("")
        found.append((5, doubt + f"{size_text(waste.size)} reclaimable{share}"))
        found.append((2, Content(f"dive: {efficiency:.2%} efficient")))
    if secrets is not None:
        style = "$deleted" if secrets.count else "$quiet"
        found.append((4, Content.styled(PARTS["secrets"].count(secrets.count), style)))
    elif "secrets" not in progress:
        number = NAMES.index("secrets")
        said = Content(f"{number + 1} Secrets: not scanned").stylize(_choosing(number))
        found.append((4, said))
    return found


def tabs(
    size: Bytes | None, surveys: Mapping[str, "Survey"], progress: Progress, chosen: str, width: int
) -> Content:
    """Return the parts with keys and results; in little room only the selected part's result."""
    states = {name: _state(name, surveys, progress) for name in PARTS}
    states["size"] = "…" if size is None else size_text(size.size)
    found = [_tab(number, states[name], name == chosen) for number, name in enumerate(NAMES)]
    if sum(tab.cell_length + 3 for tab in found) > width:
        found = [
            _tab(number, states[name] if name == chosen else "", name == chosen)
            for number, name in enumerate(NAMES)
        ]
        return Content("  ").join(found)
    return Content.styled(" │ ", "$line").join(found)


def title(name: str, survey: "Survey | None") -> str:
    """Return the result of a part in a sentence."""
    part = PARTS[name]
    if survey is None:
        return part.title
    if name == "waste":
        return f"{size_text(survey.size)} of {size_text(_stored_bytes(survey))} wasted"
    if name == "duplicates":
        return f"{size_text(survey.size)} duplicated"
    if name == "packages":
        count, size = _installed(survey)
        return f"{count_text(count, 'package')}, {size_text(size)} installed"
    hidden = sum(finding.is_hidden for finding in survey.findings)
    return part.count(survey.count) + (f", {hidden:,} deleted, still shipped" if hidden else "")


def _installed(packages: "Survey") -> tuple[int, int]:
    """Return how many packages the final tree has, and their bytes."""
    return next(((each.count, each.size) for each in packages.sums if each.name == INSTALLED), (0, 0))


def _stored_bytes(waste: "Survey") -> int:
    """Return bytes of all files that the layers store."""
    return int(waste.figures.get("stored_bytes") or 0)


def _tab(number: int, state: str, is_chosen: bool) -> Content:
    style = "bold $accent" if is_chosen else "$quiet"
    title = f"{number + 1} {TITLES[NAMES[number]]} {state}".rstrip()
    return Content.styled(title, style).stylize(_choosing(number))


def _choosing(number: int) -> Style:
    return Style.from_meta({"@click": f"screen.part({number})"})


def _state(name: str, surveys: Mapping[str, "Survey"], progress: Progress) -> str:
    """Return the result of a part in a word; empty if it has not been scanned."""
    survey = surveys.get(name)
    if survey is not None and name in ("waste", "duplicates"):
        return size_text(survey.size)
    if survey is not None:
        return f"{_installed(survey)[0] if name == 'packages' else survey.count:,}"
    if name in progress:
        done, total = progress[name]
        return share_text(min(done, total), total) if total else "…"
    return ""
