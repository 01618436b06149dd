"""Advice: dead files, grouped by the step that stored them and the step that hid them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from layertui.dockerfile import Instruction
from layertui.dockerfile.remedies import COPYING, UNCHANGED, Remedies, Remedy, stores_instead
from layertui.insight.waste import Hidden, Reason, Waste
from layertui.model.numbers import LayerNumber
from layertui.text.format import count_text, sentence, size_text
from layertui.union.model import LayerUnion

_DID = {
    Reason.REWRITTEN: "rewrites {}",
    Reason.METADATA: "changes only mode, owner or attributes of {}",
    Reason.TOUCHED: "stores {} again with another time only",
    Reason.REPEATED: "stores {} again unchanged",
    Reason.DELETED: "deletes {}",
    Reason.REPLACED: "replaces {}",
    Reason.MOVED: "moves {}",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """A change of the Dockerfile that saves dead bytes."""

    storing: Instruction
    """The step that stores the bytes."""
    hiding: Instruction
    """The step that hides them."""
    reason: Reason
    """Why they are dead."""
    files: Sequence[Hidden]
    """Largest first. No file is in two pieces of advice."""
    remedy: Remedy

    @property
    def size(self) -> int:
        """Bytes of the files: what the change saves."""
        return sum(file.size for file in self.files)

    @property
    def finding(self) -> str:
        """Return the wasted files, and the steps that store and hide them, as a clause."""
        what, them = self.files[0].path, "it" if len(self.files) == 1 else "them"
        if len(self.files) > 1:
            what = f"{count_text(len(self.files), 'file')} ({what} is the largest)"
        did = _DID[self.reason].format(them)
        return f"{_name(self.storing)} stores {what}, {_name(self.hiding)} {did}"

    @property
    def lines(self) -> list[str]:
        """Return it as lines of text: the finding, the advice, and the changed instructions."""
        return [
            f"{size_text(self.size)}: {self.finding}.",
            f"{sentence(self.remedy.text)}.",
            *(f"guess: {clause}" for clause in self.remedy.guesses),
            *(f"  {line}" for line in self.remedy.change.split("\n")),
        ]

    def to_json(self) -> dict[str, Any]:
        """Format for the command line."""
        return {
            "steps": [self.storing.step + 1, self.hiding.step + 1],
            "layers": [self.storing.layer, self.hiding.layer],
            "bytes": self.size,
            "reason": str(self.reason),
            "files": [{"path": file.path, "size": file.size} for file in self.files],
            "text": self.remedy.text,
            "change": self.remedy.change,
            "guesses": list(self.remedy.guesses),
        }


def advice(
    union: LayerUnion, wasted: Waste, found: Sequence[Instruction], is_windows: bool = False
) -> list[Advice]:
    """Return what would save the dead bytes of an image, largest first.

    Dead bytes for which a change of these instructions is not known to help are left out:
    those that the base image itself hides, or stores and the image needs to change.
    """
    steps: Mapping[LayerNumber, Instruction] = {each.layer: each for each in found if each.layer is not None}
    remedies = Remedies(union, found, is_windows)
    groups: defaultdict[tuple[LayerNumber, LayerNumber, Reason], list[Hidden]] = defaultdict(list)
    first: dict[
        tuple[str, LayerNumber], LayerNumber
    ] = {}  # by path and layer, the step that stores it once the advice is followed
    for file in sorted(wasted.paths, key=lambda row: row.layer):
        if file.layer == file.by:
            continue  # a layer that stores a path twice
        layer = first.get((file.path, file.layer), file.layer)
        storing, hiding = steps.get(layer), steps.get(file.by)
        if storing is None or hiding is None or not _is_own(storing, hiding, file.reason):
            continue
        if file.reason not in UNCHANGED and remedies.may_unpack(storing):
            continue
        groups[layer, file.by, file.reason].append(file)
        if stores_instead(storing, hiding, file.reason):
            first[file.moved_to or file.path, file.by] = layer
    pieces = []
    for (layer, by, reason), files in groups.items():
        remedy = remedies.of(steps[layer], steps[by], reason, files)
        if remedy is not None:
            largest_first = sorted(files, key=lambda row: (-row.size, row.path))
            pieces.append(Advice(steps[layer], steps[by], reason, largest_first, remedy))
    return sorted(pieces, key=lambda each: (-each.size, each.storing.step, each.hiding.step))


def _is_own(storing: Instruction, hiding: Instruction, reason: Reason) -> bool:
    """Return whether the instructions to change are known, and of this Dockerfile."""
    if reason not in _DID or hiding.is_base or not hiding.text or hiding.keyword not in ("RUN", *COPYING):
        return False
    if reason in UNCHANGED:
        return True  # the hiding step can leave them alone, wherever they are from
    return not storing.is_base and bool(storing.text) and storing.keyword in ("RUN", *COPYING)


def _name(step: Instruction) -> str:
    return f"{step.label} (layer {step.layer})"


def saved(pieces: Iterable[Advice]) -> int:
    """Return the bytes that all the advice together saves."""
    return sum(each.size for each in pieces)
