"""Changed instructions that do not store what a later step hides.

Each is derived from the two instructions and from what the union has of the files. What the change assumes,
and the history cannot prove, is a guess.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from layertui.dockerfile import Instruction
from layertui.insight.leftovers import rule_above
from layertui.insight.waste import Hidden, Reason
from layertui.model.entry import Entry
from layertui.model.layer_index import Kind
from layertui.model.numbers import EMPTY, ROOT, LayerNumber, Node
from layertui.text.sanitize import visible
from layertui.union.model import LayerUnion

COPYING = ("COPY", "ADD")
UNCHANGED = (Reason.REPEATED, Reason.TOUCHED)
"""Reasons for which the files need not be stored again."""
_HARMLESS = {"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "STOPSIGNAL"}
"""Instructions that do not affect how a later RUN runs."""
_LEAKS = re.compile(
    r"(?:^|[\s;&|({])(?:cd|pushd|export|set|umask|exec|alias|source|exit|\.)\s|=|&$", re.MULTILINE
)
"""What in a command may change how a command after it runs."""
_NO_AND_LIST = re.compile(r"[;\n]|\|\||&(?!&)")
"""What in a command must not become part of an AND list (POSIX shell, 2.9.3)."""
_SECRET = re.compile(
    r"(?i)(^|[._-])(id_\w+|token|secrets?|password|credentials|netrc|npmrc|env)$|\.(pem|key|p12|pfx)$"
)
_GLOBBED = 3
"""Paths of an emptied directory from which they are written as a pattern."""


class Remedy(NamedTuple):
    """A change of instructions."""

    text: str
    """What to do, an imperative clause."""
    change: str
    """The changed instructions, on one or several lines."""
    guesses: Sequence[str] = ()
    """What it assumes, a clause each."""


def stores_instead(storing: Instruction, hiding: Instruction, reason: Reason) -> bool:
    """Return whether by its remedy the storing step stores what the hiding step stored.

    What a later step does to those files is then a matter of the storing step: two pieces of
    advice would otherwise promise the same bytes.
    """
    if reason in UNCHANGED and hiding.keyword in COPYING:
        return True
    is_run = storing.keyword == "RUN" and not storing.is_base
    return not is_run and hiding.keyword == "RUN" and reason not in (Reason.DELETED, Reason.REPLACED)


class Remedies:
    """Finds remedies among the instructions of an image."""

    def __init__(self, union: LayerUnion, found: Sequence[Instruction], is_windows: bool = False) -> None:
        self._union = union
        self._is_windows = is_windows
        self._found = found

    def of(
        self, storing: Instruction, hiding: Instruction, reason: Reason, files: Sequence[Hidden]
    ) -> Remedy | None:
        """Return the remedy for files that one step stores and another hides; None if none is known."""
        if reason in UNCHANGED and hiding.keyword in COPYING:
            return self._without(hiding, files, f"do not copy {_them(files)} again in {hiding.label}")
        if storing.keyword == "RUN" and not storing.is_base:
            if hiding.keyword in COPYING or (
                reason in (Reason.DELETED, Reason.REPLACED) and not self._is_next(storing, hiding)
            ):
                return self._deleted_early(storing, hiding, files)
            return self._joined(storing, hiding, reason, files)
        if reason in UNCHANGED:
            them = _them(files)
            change = f"# without writing {_some(files)}\n{hiding.text}"
            return Remedy(f"leave {them} alone in {hiding.label}", change)
        if hiding.keyword in COPYING or reason in (Reason.DELETED, Reason.REPLACED):
            return self._not_copied(storing, hiding, files)
        return self._copied_as_wanted(storing, hiding, reason, files)

    # Files that RUN stored

    def _joined(
        self, storing: Instruction, hiding: Instruction, reason: Reason, files: Sequence[Hidden]
    ) -> Remedy:
        text = f"do both in one RUN{self._cache_mount(files) if reason == Reason.DELETED else ''}"
        guesses: tuple[str, ...] = ()
        if not self._is_next(storing, hiding):
            guesses = (f"no step between {_both(storing, hiding)} needs them to be two",)
        first, second = self._shell_command(storing), self._shell_command(hiding)
        if not first or not second:
            return Remedy(text, f"# as one RUN:\n{storing.text}\n{hiding.text}", guesses)
        first = f"( {first} )" if _LEAKS.search(first) or _NO_AND_LIST.search(first) else first
        second = f"( {second} )" if _NO_AND_LIST.search(second) else second
        return Remedy(text, f"RUN {first} \\\n    && {second}", guesses)

    def _deleted_early(self, storing: Instruction, hiding: Instruction, files: Sequence[Hidden]) -> Remedy:
        instead = f" instead of {hiding.label}" if hiding.keyword == "RUN" else ""
        paths = list(self._deletable(storing, hiding, files))
        command = self._shell_command(storing)
        text = f"delete {_them(files)} in {storing.label}{instead}{self._cache_mount(files)}"
        guesses = (f"no step between {_both(storing, hiding)} needs {_them(files)}",)
        if not command or not all(path.isprintable() for path in paths):
            return Remedy(text, f"# with {_them(files)} deleted: {_some(files)}\n{storing.text}", guesses)
        command = f"( {command} )" if _NO_AND_LIST.search(command) or _LEAKS.search(command) else command
        return Remedy(text, f"RUN {command} \\\n    && rm -rf {' '.join(paths)}", guesses)

    def _deletable(self, storing: Instruction, hiding: Instruction, files: Sequence[Hidden]) -> Iterator[str]:
        """Yield shell words for the topmost paths that hiding deletes or replaces, and no step between writes to."""
        union, low, layer = self._union, storing.layer or EMPTY, hiding.layer or EMPTY
        below: defaultdict[Node, dict[Node, None]] = defaultdict(dict)

        @cache
        def is_deletable(node: Node) -> bool:
            if not node or union.is_directory(union.at(node, layer)):
                return False
            last = (union.last_by(each, LayerNumber(layer - 1)) for each in union.subtree(node))
            return all(event < 0 or union.ev_layer[event] <= low for event in last)

        for file in files:
            node = union.find(file.path)
            while is_deletable(union.parent[node]):
                node = union.parent[node]
            below[union.parent[node]][node] = None
        for parent, nodes in below.items():
            is_emptied = not any(
                union.at(child, layer) >= 0 or (child not in nodes and union.at(child, low) >= 0)
                for child in union.children(parent)
            )
            names = [union.path(node) for node in nodes]
            is_plain = not any(name.rpartition("/")[2].startswith(".") for name in names)
            if len(names) >= _GLOBBED and is_emptied and is_plain and parent:
                yield f"{shlex.quote(union.path(parent))}/*"
            else:
                yield from map(shlex.quote, names)

    def _cache_mount(self, files: Sequence[Hidden]) -> str:
        """Return an alternative for files that are all in caches; empty if they are not."""
        targets: dict[str, None] = {}
        for directory in {file.path.rpartition("/")[0]: None for file in files}:
            rule, path = rule_above(directory)
            if rule is None or "cache" not in f"{rule.name} {rule.remedy}":
                return ""
            targets[path] = None
        return ", or use " + " ".join(f"--mount=type=cache,target={shlex.quote(path)}" for path in targets)

    def _is_next(self, storing: Instruction, hiding: Instruction) -> bool:
        """Return whether both are RUN, and nothing between them changes files or how commands run."""
        start, end = self._found.index(storing), self._found.index(hiding)
        return hiding.keyword == "RUN" and all(
            each.layer is None and each.keyword in _HARMLESS for each in self._found[start + 1 : end]
        )

    def _shell_command(self, step: Instruction) -> str:
        """Return the command of a RUN as it is written; empty if it cannot be joined to another of a POSIX shell."""
        command = step.text[len(step.keyword) :].strip()
        is_plain = not command.startswith(("[", "--")) and not any(
            each in command for each in ("<<", "#", "`\n")
        )
        return command if step.keyword == "RUN" and is_plain and not self._is_windows else ""

    # Files that COPY or ADD stored

    def _not_copied(
        self, storing: Instruction, hiding: Instruction, files: Sequence[Hidden]
    ) -> Remedy | None:
        them, last = _them(files), hiding.label
        text = f"do not copy {them} in {storing.label}"
        if hiding.keyword in COPYING:
            guesses = [f"no step between {_both(storing, hiding)} needs {them}"]
            return self._without(storing, files, text, guesses)
        mount = _mount(files[0].path) if len(files) == 1 and files[0].path.isprintable() else ""
        kind = "secret mount" if "type=secret" in mount else "mount"
        guesses = [f"no step up to {last.removeprefix('step ')} needs {them}, or a {kind} is enough"]
        found = self._without(storing, files, f"{text}, nor delete {them} in {last}", guesses)
        if found is None or not mount:
            return found
        return found._replace(change=f"{found.change}\nRUN {mount} <command that needs it>")

    def _without(
        self, step: Instruction, files: Sequence[Hidden], text: str, guesses: Sequence[str] = ()
    ) -> Remedy | None:
        """Return a step that copies, without some of its files; None if these cannot be separated."""
        if self._is_all(step, files):
            commented = "\n".join(f"# {line}" for line in step.text.split("\n"))
            return Remedy(text, f"# without this instruction:\n{commented}", guesses)
        if self.may_unpack(step):
            return None
        arguments = step.text.split()
        source, destination = arguments[-2:]
        inside = destination.rstrip("/") + "/"
        names = [file.path.removeprefix(inside) for file in files]
        is_simple = sum(not word.startswith("--") for word in arguments) == 3 and source[0] not in "[\"'"
        if not is_simple or not destination.startswith("/") or any(map(_is_no_pattern, names)):
            return Remedy(text, f"# without {_some(files)}\n{step.text}", guesses)
        return Remedy(text, _with_options(step, [f"--exclude={name}" for name in names]), guesses)

    def _copied_as_wanted(
        self, storing: Instruction, hiding: Instruction, reason: Reason, files: Sequence[Hidden]
    ) -> Remedy:
        union, by = self._union, hiding.layer or EMPTY
        them, step = _them(files), storing.label
        if reason == Reason.MOVED:
            moved = [f"# {visible(file.path)} as {visible(file.moved_to or '')}" for file in files]
            if (
                len(files) == 1
                and self._is_all(storing, files)
                and "\n" not in storing.text
                and not _is_no_pattern((files[0].moved_to or "")[1:])
            ):
                moved = [f"{' '.join(storing.text.split()[:-1])} {files[0].moved_to}"]
                return Remedy(f"copy {them} to the final path in {step}", moved[0])
            return Remedy(f"copy {them} to the final paths in {step}", "\n".join([*moved, storing.text]))
        if reason == Reason.REWRITTEN:
            change = f"# with {_some(files)} as {hiding.label} leaves {them}\n{storing.text}"
            return Remedy(f"change {them} before {step} copies {them}, in a stage of its own", change)
        options = _copy_options(
            [union.entry(file.event) for file in files],
            [union.entry(union.at(union.find(file.path), by)) for file in files],
        )
        is_chmod = any(option.startswith("--chmod") for option in options)
        has_directories = self._makes_directories(storing)
        # The options are for all that the step copies: a mode for files is none for directories.
        if options and self._is_all(storing, files) and not (is_chmod and has_directories):
            names = " and ".join(option.partition("=")[0] for option in options)
            text = f"set {names} in {step} instead of {hiding.label}"
            guesses = ["the directories that it creates may have the same owner"] if has_directories else []
            return Remedy(text, _with_options(storing, options), guesses)
        change = f"# with {_some(files)} as {hiding.label} leaves {them}\n{storing.text}"
        return Remedy(f"set mode, owner and attributes in a stage that {step} copies from", change)

    def _is_all(self, step: Instruction, files: Sequence[Hidden]) -> bool:
        """Return whether a step stores no other files."""
        union = self._union
        events = union.events_of(step.layer or EMPTY)
        return len({file.path for file in files}) == sum(
            union.ev_kind[event] != Kind.DIRECTORY for event in events
        )

    def may_unpack(self, step: Instruction) -> bool:
        """Return whether a step may be an ADD that unpacks an archive, of which no part can be left out."""
        union, events = self._union, self._union.events_of(step.layer or EMPTY)
        return step.keyword == "ADD" and sum(union.ev_kind[event] != Kind.DIRECTORY for event in events) > 1

    def _makes_directories(self, step: Instruction) -> bool:
        """Return whether a step creates directories; the root always exists."""
        union, layer = self._union, step.layer or EMPTY
        return any(
            union.is_directory(event)
            and union.ev_node[event] != ROOT
            and union.at(union.ev_node[event], LayerNumber(layer - 1)) < 0
            for event in union.events_of(layer)
        )


def _both(one: Instruction, other: Instruction) -> str:
    """Return the labels of two instructions; of two steps only the numbers."""
    labels = f"{one.label} and {other.label}"
    return labels.replace("step ", "") if "line" not in labels else labels


def _them(files: Collection[Hidden]) -> str:
    return "it" if len(files) == 1 else "them"


def _some(files: Sequence[Hidden]) -> str:
    more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
    return f"{visible(files[0].path)}{more}"


def _is_no_pattern(name: str) -> bool:
    """Return whether a name cannot be written as a pattern of ``--exclude``: outside, or with special characters."""
    return name.startswith("/") or not name.isprintable() or bool(set(name) & set(" *?[]\\!\"'$"))


def _with_options(step: Instruction, options: Sequence[str]) -> str:
    """Return a step that copies, with options that replace its own of the same name."""
    names = {option.partition("=")[0] for option in options} - {"--exclude"}
    keyword, rest = step.text.split(None, 1)
    own = [word for word in rest.split(" ") if word.partition("=")[0] not in names]
    return " ".join([keyword, *options, *own])


def _copy_options(before: Sequence[Entry], after: Sequence[Entry]) -> list[str]:
    """Return the options of COPY that give files the later mode and owner; empty if there are none."""
    if any(one.xattrs != other.xattrs for one, other in zip(before, after, strict=True)):
        return []
    options = []
    for name, had, wanted in (
        (
            "--chown",
            [f"{each.uid}:{each.gid}" for each in before],
            [f"{each.uid}:{each.gid}" for each in after],
        ),
        ("--chmod", [f"{each.mode:04o}" for each in before], [f"{each.mode:04o}" for each in after]),
    ):
        if had != wanted and len(set(wanted)) > 1:
            return []
        if had != wanted:
            options.append(f"{name}={wanted[0]}")
    return options


def _mount(path: str) -> str:
    """Return the mount by which a RUN can read a file that is not copied."""
    name = path.rpartition("/")[2]
    if _SECRET.search(name):
        return f"--mount=type=secret,id={shlex.quote(name)},target={shlex.quote(path)}"
    return f"--mount=type=bind,source=<file>,target={shlex.quote(path)}"
