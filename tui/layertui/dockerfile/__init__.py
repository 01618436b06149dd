"""The Dockerfile that an image may come from, reconstructed from its history.

What the history does not hold is not made up: what had to be guessed says so, and what cannot
be known is a comment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from layertui.dockerfile.base import Base, boundaries
from layertui.dockerfile.copied import with_names
from layertui.dockerfile.wording import PROXIES, InstructionWriter, Wording, build_arguments
from layertui.model.history_step import recorded, step_text
from layertui.model.image import Image
from layertui.model.numbers import LayerNumber
from layertui.sources.assemble import config_list, labels_of
from layertui.text.sanitize import visible
from layertui.union.model import LayerUnion


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile."""

    keyword: str
    """The keyword, such as ``RUN``; empty for a step that no instruction makes."""
    text: str
    """The whole instruction, on one or several lines; empty if unknown."""
    step: int = -1
    """Number of its history entry, from 0; -1 for none."""
    layer: LayerNumber | None = None
    is_base: bool = False
    """Whether it is part of the base image, and so of another Dockerfile."""
    facts: Sequence[str] = ()
    """Other known facts, a clause each."""
    guesses: Sequence[str] = ()
    """Uncertain parts, a clause each."""
    unknown: Sequence[str] = ()
    """Missing parts, a clause each."""
    line: int = 0
    """The first line of its text in the Dockerfile, from 1; where it is not there, that of ``FROM``, or 0."""
    stage: str = ""
    """The name of its build stage, or its number from 0; empty if unknown."""
    is_written: bool = True
    """Whether its text is in the Dockerfile; else it is reconstructed."""
    is_used: bool = True
    """Whether the image is built on its stage; other stages made no layer of it."""

    @property
    def label(self) -> str:
        """What it is called: by its line in a Dockerfile that is known, else by its step."""
        return f"line {self.line}" if self.stage and self.is_written else f"step {self.step + 1}"

    @property
    def comments(self) -> list[str]:
        """Return the comment lines above it, without ``#``."""
        marked = (("", self.facts), ("guess: ", self.guesses), ("unknown: ", self.unknown))
        return [visible(f"{mark}{clause}") for mark, clauses in marked for clause in clauses]

    @property
    def lines(self) -> list[str]:
        """Return its lines in the Dockerfile; instructions of the base are comments."""
        lines = [f"# {comment}" for comment in self.comments]
        text = self.text.split("\n") if self.text else []
        return lines + ([f"#   {line}" for line in text] if self.is_base else text)


def instructions(
    image: Image, base: Base, system: str = "", union: LayerUnion | None = None
) -> list[Instruction]:
    """Return the instructions that made an image: the base's, ``FROM``, and its own.

    Where the layers have been read, ``system`` is the distribution of the files, and ``union`` has the names
    of copied files.
    """
    return list(_Reconstruction(image, base, system, union).run())


def heading(image: Image, remarks: Iterable[str] = ()) -> list[str]:
    """Return the lines above the first instruction; remarks are sentences."""
    # A comment that is no directive ends them (Dockerfile reference), whatever a name looks like.
    directives = ["# escape=`"] if image.platform.os == "windows" else []
    sentences = [f"Reconstructed from the history of {image.name}.", *remarks]
    return [*directives, *(f"# {visible(each)}" for each in sentences), ""]


def _texts(values: Sequence[Any]) -> list[str]:
    return [each for each in values if isinstance(each, str)]


class _Reconstruction:
    """Converts a history, oldest step first."""

    def __init__(self, image: Image, base: Base, system: str, union: LayerUnion | None) -> None:
        self._base = base
        self._system = system
        self._union = union
        self._history = list(image.history)
        self._boundaries = boundaries(image.history)
        labels = labels_of(image.config)
        variables = _texts(config_list(image.config, "config", "Env"))
        known = {
            "ENV": {name: value for name, _, value in (each.partition("=") for each in variables)},
            "LABEL": labels,
        }
        settings = image.config.get("config")
        volumes = settings.get("Volumes") if isinstance(settings, dict) else None
        words = {
            "HEALTHCHECK": _texts(config_list(image.config, "config", "Healthcheck", "Test")),
            "SHELL": _texts(config_list(image.config, "config", "Shell")),
            "VOLUME": list(volumes) if isinstance(volumes, dict) else [],
        }
        self._triggers = _texts(config_list(image.config, "config", "OnBuild"))
        self._writer = InstructionWriter(image.platform.os == "windows", known, words)
        self._is_buildah = "io.buildah.version" in labels
        self._declared: dict[str, str] = {}

    def run(self) -> Iterator[Instruction]:
        has_base = bool(self._base.name) and self._base.steps >= 0
        start = self._base.steps if has_base else 0
        for number in range(start):
            yield from self._step(number, is_base=True)
        self._declared.clear()  # an ARG ends with its stage
        yield self._from(has_base)
        for number in range(start, len(self._history)):
            yield from self._step(number, is_base=False, is_first=number == start)
        yield from self._unrecorded_triggers(start)

    def _unrecorded_triggers(self, start: int) -> Iterator[Instruction]:
        """Yield the ``ONBUILD`` that only the config has: BuildKit records none in the history."""
        steps = (recorded(entry) for entry in self._history[start:])
        seen = Counter(" ".join(step.arguments.split()) for step in steps if step.instruction == "ONBUILD")
        for trigger in self._triggers:
            text = " ".join(trigger.split())
            seen[text] -= 1
            if seen[text] < 0:
                facts = ["in the config; the history does not record it"]
                yield self._worded("ONBUILD", self._writer.of("ONBUILD", trigger), {}, facts, ())

    def _from(self, has_base: bool) -> Instruction:
        base, name = self._base, "_".join(self._base.name.split())
        source = base.source
        if has_base:
            guesses = [f"the base image ends here: {base.guess}"] if base.guess else []
            return Instruction("FROM", f"FROM {name}", facts=[f"base image ({source})"], guesses=guesses)
        facts = ["no known base"]
        guesses = [f"based on {self._system}"] if self._system and not base.name else []
        unknown = [f"where the base image {base.name} ends ({source})"] if base.name else []
        return Instruction("FROM", "FROM scratch", facts=facts, guesses=guesses, unknown=unknown)

    def _step(self, number: int, is_base: bool, is_first: bool = False) -> Iterator[Instruction]:
        entry = self._history[number]
        where: dict[str, Any] = {"step": number, "layer": entry.layer, "is_base": is_base}
        step = recorded(entry)
        guesses: list[str] = []
        if (why := self._boundaries[number]) and not is_base and not is_first:
            guesses = [f"the base image ends here: {why}"]
        if not entry.recorded:
            yield Instruction("", "", **where, unknown=[f"layer {entry.layer}: it has no history entry"])
        elif not step.instruction and entry.created_by.startswith("/"):
            guesses.append("a RUN without a shell, or the command of docker commit")
            yield self._worded("RUN", self._writer.run(step.arguments), where, (), guesses)
        elif not step.instruction:
            text = step_text(entry) or "a step without a command"
            unknown = [f"no Dockerfile instruction creates this: {text}"]
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
                        guesses=["used by the next RUN; its declaration is not recorded"],
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
        if self._is_buildah and command.startswith("/bin/sh -c "):  # in every shell and form
            return self._writer.script(command.removeprefix("/bin/sh -c "))
        return self._writer.run(command)

    def _other(self, number: int, keyword: str, text: str) -> Wording:
        entry = self._history[number]
        if keyword == "ARG":
            name, _, value = text.partition("=")
            self._declared[name] = value
        guesses: list[str] = []
        if keyword in ("ADD", "COPY") and self._union is not None and entry.layer is not None:
            copied = with_names(text, keyword == "ADD", self._union, entry.layer)
            if copied is not None:
                text, guesses = copied.arguments, [copied.guess]
        # Docker writes two spaces here, except after COPY and ADD.
        by_buildah = self._is_buildah and f"#(nop) {keyword} " in entry.created_by
        if by_buildah or entry.author == "kaniko":
            wording = self._writer.as_it_stands(keyword, text)
        else:
            wording = self._writer.of(keyword, text)
        return replace(wording, guesses=[*wording.guesses, *guesses])

    def _worded(
        self,
        keyword: str,
        wording: Wording,
        where: dict[str, Any],
        facts: Sequence[str],
        guesses: Sequence[str],
    ) -> Instruction:
        text, unknown = f"{keyword} {wording.text}" if wording.text else "", wording.unknown
        if text.endswith(self._writer.escape):  # it would continue on the next line
            text, unknown = "", [f"a Dockerfile form for a step with this ending: {text}"]
        return Instruction(
            keyword, text, **where, facts=facts, guesses=[*guesses, *wording.guesses], unknown=unknown
        )
