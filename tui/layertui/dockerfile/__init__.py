"""The Dockerfile that an image may come from, reconstructed from its history.

What the history does not hold is not made up: what had to be guessed says so, and what cannot
be told stands as a comment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from layertui.dockerfile.base import Base, boundaries
from layertui.dockerfile.wording import PROXIES, InstructionWriter, Wording, build_arguments
from layertui.model.history_step import recorded, step_text
from layertui.model.image import Image
from layertui.model.numbers import LayerNumber
from layertui.sources.assemble import config_list, labels_of
from layertui.text.sanitize import visible


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile."""

    keyword: str
    """``RUN``; empty for a step that no instruction makes."""
    text: str
    """All of it, on one or several lines; empty if it cannot be told."""
    step: int = -1
    """The history entry that tells of it, from 0; -1 for none."""
    layer: LayerNumber | None = None
    is_base: bool = False
    """Whether it made the base, and so stands in another Dockerfile."""
    facts: Sequence[str] = ()
    """What else is known, a clause each."""
    guesses: Sequence[str] = ()
    """What is not certain."""
    unknown: Sequence[str] = ()
    """What is missing."""

    @property
    def comments(self) -> list[str]:
        """What is said above it, without the ``#``; one line each."""
        marked = (("", self.facts), ("guess: ", self.guesses), ("unknown: ", self.unknown))
        return [visible(f"{mark}{clause}") for mark, clauses in marked for clause in clauses]

    @property
    def lines(self) -> list[str]:
        """What stands in the Dockerfile: the base's own instructions only as comments."""
        lines = [f"# {comment}" for comment in self.comments]
        text = self.text.split("\n") if self.text else []
        return lines + ([f"#   {line}" for line in text] if self.is_base else text)


def instructions(image: Image, base: Base, system: str = "") -> list[Instruction]:
    """Return the instructions that made an image: the base's, ``FROM``, and its own.

    ``system`` is the distribution that the files tell of, where they have been read.
    """
    return list(_Reconstruction(image, base, system).run())


def heading(image: Image) -> list[str]:
    """Return the lines that stand above the instructions."""
    # A comment that is no directive ends them (Dockerfile reference), whatever a name looks like.
    directives = ["# escape=`"] if image.platform.os == "windows" else []
    return [*directives, f"# Put together again from the history of {visible(image.name)}.", ""]


class _Reconstruction:
    """Goes through a history once, oldest step first."""

    def __init__(self, image: Image, base: Base, system: str) -> None:
        self._base = base
        self._system = system
        self._history = list(image.history)
        self._boundaries = boundaries(image.history)
        labels = labels_of(image.config)
        variables = [each for each in config_list(image.config, "config", "Env") if isinstance(each, str)]
        known = {
            "ENV": {name: value for name, _, value in (each.partition("=") for each in variables)},
            "LABEL": labels,
        }
        self._writer = InstructionWriter(image.platform.os == "windows", known)
        self._is_buildah = "io.buildah.version" in labels
        self._declared: dict[str, str] = {}

    def run(self) -> Iterator[Instruction]:
        has_base = bool(self._base.name) and self._base.steps >= 0
        start = self._base.steps if has_base else 0
        for number in range(start):
            yield from self._step(number, is_base=True)
        self._declared.clear()  # an ARG is gone where its stage ends
        yield self._from(has_base)
        for number in range(start, len(self._history)):
            yield from self._step(number, is_base=False, is_first=number == start)

    def _from(self, has_base: bool) -> Instruction:
        base, name = self._base, "_".join(self._base.name.split())
        told = base.source
        if has_base:
            guesses = [f"it ends here: {base.guess}"] if base.guess else []
            return Instruction("FROM", f"FROM {name}", facts=[f"the base, {told}"], guesses=guesses)
        facts = ["from scratch, since all steps down to the first layer are here"]
        guesses = [f"it is based on an image of {self._system}"] if self._system and not base.name else []
        unknown = [f"where the base ends, which is {base.name}, {told}"] if base.name else []
        return Instruction("FROM", "FROM scratch", facts=facts, guesses=guesses, unknown=unknown)

    def _step(self, number: int, is_base: bool, is_first: bool = False) -> Iterator[Instruction]:
        entry = self._history[number]
        where: dict[str, Any] = {"step": number, "layer": entry.layer, "is_base": is_base}
        step = recorded(entry)
        guesses: list[str] = []
        if (why := self._boundaries[number]) and not is_base and not is_first:
            guesses = [f"a base image ends here: {why}"]
        if not entry.recorded:
            yield Instruction(
                "", "", **where, unknown=[f"layer {entry.layer}, of which the history does not tell"]
            )
        elif not step.instruction and entry.created_by.startswith("/"):
            guesses.append("a RUN without a shell, or what docker commit ran")
            yield self._worded("RUN", self._writer.run(step.arguments), where, (), guesses)
        elif not step.instruction:
            told = step_text(entry) or "a step of which nothing is said"
            unknown = [f"no instruction makes this: {told}"]
            yield Instruction("", "", **where, guesses=guesses, unknown=unknown)
        elif step.instruction == "RUN":
            given, command = build_arguments(step.arguments)
            facts = []
            for name, value in given.items():
                if name not in self._declared and name.lower() not in PROXIES and "\n" not in value:
                    text = f"ARG {name}={self._writer.quoted(value)}"
                    yield Instruction(
                        "ARG",
                        text,
                        number,
                        None,
                        is_base,
                        guesses=["the next RUN had it, whatever declared it"],
                    )
                elif self._declared.get(name) != value:
                    facts.append(f"{name} was {value}, by its ARG or by --build-arg")
            self._declared.update(given)
            wording = self._ran(number, command)
            yield self._worded("RUN", wording, where, facts, guesses)
        else:
            wording = self._other(number, step.instruction, step.arguments)
            yield self._worded(step.instruction, wording, where, (), guesses)

    def _ran(self, number: int, command: str) -> Wording:
        entry = self._history[number]
        if entry.author == "kaniko":
            return self._writer.script(command)
        if self._is_buildah and command.startswith("/bin/sh -c "):  # whatever the shell or the form
            return self._writer.script(command.removeprefix("/bin/sh -c "))
        return self._writer.run(command)

    def _other(self, number: int, keyword: str, text: str) -> Wording:
        entry = self._history[number]
        if keyword == "ARG":
            name, _, value = text.partition("=")
            self._declared[name] = value
        # Docker has two blanks here, but for what it copies.
        by_buildah = self._is_buildah and f"#(nop) {keyword} " in entry.created_by
        if by_buildah or entry.author == "kaniko":
            return self._writer.as_it_stands(keyword, text)
        return self._writer.of(keyword, text)

    def _worded(
        self,
        keyword: str,
        wording: Wording,
        where: dict[str, Any],
        facts: Sequence[str],
        guesses: Sequence[str],
    ) -> Instruction:
        text, unknown = f"{keyword} {wording.text}" if wording.text else "", wording.unknown
        if text.endswith(self._writer.escape):  # the next line would belong to it
            text, unknown = "", [f"how to write a step that ends like this: {text}"]
        return Instruction(
            keyword, text, **where, facts=facts, guesses=[*guesses, *wording.guesses], unknown=unknown
        )
