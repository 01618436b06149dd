"""Find secrets in the files of every layer, hidden ones too, and in an image's config."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from layertui.content.extents import LargeFile
from layertui.content.read import Contents
from layertui.insight.secret_search import FileSearch, LargeSearch, Match, matches, rules_by_name
from layertui.insight.secret_visit import SecretVisit
from layertui.layers.visit import visit_of
from layertui.model.config_form import config_problem
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import Event, LayerNumber
from layertui.text.format import count_text
from layertui.union.model import LayerUnion

SEARCH_THREADS = 2
"""Layers searched at once."""
_MASK_SHOWS = 3
"""Characters that a mask keeps at both ends."""
_LEAST_MASKED = 16
"""Characters of a secret of which a mask keeps any."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret and where it was found."""

    rule: str
    where: str
    """``file``, ``environment``, ``label`` or ``history``."""
    name: str
    """The path of a file, the name of a variable or label, the build step without its secrets."""
    layer: LayerNumber | None
    """The layer that stores the file, or that the step created."""
    line: int | None
    """Line in the file, from 1."""
    is_visible: bool
    """Whether the final tree has the file; always true for the config."""
    text: str = field(repr=False)
    """The secret itself, which must not get into a log by accident."""
    event: Event | None = None

    @property
    def masked(self) -> str:
        """Return the masked secret: ``ghp…x3z`` if it is a long word, else ``12 characters``."""
        head, tail = self.text[:_MASK_SHOWS], self.text[-_MASK_SHOWS:]
        is_word = head[:1].isalnum() and tail[-1:].isalnum() and not (head + tail).count(" ")
        if len(self.text) >= _LEAST_MASKED and is_word:
            return f"{head}…{tail}"
        return count_text(len(self.text), "character")

    def to_json(self, is_shown: bool) -> dict[str, Any]:
        """Return the row as the command line prints it; the secret is masked unless ``is_shown``."""
        return {
            "rule": self.rule,
            "where": self.where,
            "name": self.name,
            "layer": self.layer,
            "line": self.line,
            "visible": self.is_visible,
            "secret": self.text if is_shown else self.masked,
        }


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of an image, and what was not searched for them."""

    found: Sequence[Secret]
    """Visible ones first, then by layer."""
    unreadable: int
    """Files that could not be read."""
    unsearched: str = ""
    """Why environment, labels and history may not have been searched; empty if they were."""

    @property
    def problems(self) -> list[str]:
        """What was not searched, a sentence each."""
        unreadable = f"{count_text(self.unreadable, 'file')} cannot be read and scanned for secrets"
        unsearched = f"config not scanned for secrets: {self.unsearched}"
        return [unreadable] * bool(self.unreadable) + [unsearched] * bool(self.unsearched)


def secrets(image: Image, union: LayerUnion, contents: Contents, job: Job = Job.NONE) -> Secrets:
    """Find all secrets of an image. Reads every layer that was not visited (:class:`SecretVisit`) once.

    Reports bytes of files, from several threads. Raises :class:`Cancelled`.
    """
    found = list(_of_config(image))
    layers = [_files(union, layer) for layer in union.layer_numbers]
    total = sum(map(union.size, chain.from_iterable(layers)))
    done, unread = [0] * len(layers), [0] * len(layers)
    shown = {union.ev_inode[event] for event in union.last if union.shows(event)}
    rules = rules_by_name(union)
    search = FileSearch(rules)
    part = job.part()  # stops the other threads if one fails

    def search_layer(number: int) -> list[Secret]:
        """Return the secrets in the files of a layer, in the order of the tar."""
        rows: list[tuple[Event, int, Match]] = []
        visit, left = visit_of(union.indexes[number], SecretVisit), layers[number]
        if visit is not None:
            left = [event for event in left if event in rules or _has_holes(union, event)]
            searched = set(layers[number]).difference(left)
            rows += (
                (event, *match) for event in searched for match in visit.found.get(union.ev_entry[event], ())
            )
            done[number] += sum(map(union.size, searched))
            job.report(sum(done), total)
        unread[number] = len(left)
        for batch in contents.streams(left, part):
            part.check()
            if isinstance(batch, LargeFile):
                large = LargeSearch(search, batch.event)
                with suppress(LayertuiError):
                    for piece in batch.pieces:
                        large.add(piece)
                    large.end()
                    unread[number] -= 1
                rows += ((batch.event, *match) for match in large.found)
                done[number] += batch.size
            else:
                rows += search.find(batch)
                unread[number] -= len(batch.files)
                done[number] += sum(end - start for _, start, end in batch.files)
            job.report(sum(done), total)
        rows.sort(key=lambda row: row[0])
        return [
            Secret(
                match.rule,
                "file",
                union.path(union.ev_node[event]),
                union.ev_layer[event],
                line,
                event in shown,
                match.secret,
                event,
            )
            for event, line, match in rows
        ]

    with ThreadPoolExecutor(SEARCH_THREADS, thread_name_prefix="secrets") as pool:
        try:
            for rows in pool.map(search_layer, range(len(layers))):
                found += rows
        finally:
            part.cancel()
    found.sort(key=lambda secret: not secret.is_visible)
    return Secrets(found, sum(unread), config_problem(image))


def _files(union: LayerUnion, layer: LayerNumber) -> list[Event]:
    """Return the events of a layer's files that are not empty."""
    return [
        event
        for event in union.events_of(layer)
        if union.ev_kind[event] == Kind.FILE and union.ev_inode[event] == event and union.size(event)
    ]


def _has_holes(union: LayerUnion, event: Event) -> bool:
    extra = union.extra(event)
    return extra is not None and extra.sparse is not None


def without_secrets(text: str) -> str:
    """Return a build step, variable or label with ``…`` in place of each secret."""
    for match in matches(_bytes(text)):
        text = text.replace(match.secret, "…")
    return text


def _of_config(image: Image) -> Iterator[Secret]:
    """Find secrets in environment, labels, and the commands and build arguments of the history."""
    config = image.config.get("config")
    settings = config if isinstance(config, dict) else {}
    texts: list[tuple[str, str, LayerNumber | None, str]] = []
    variables = settings.get("Env")
    for text in variables if isinstance(variables, list) else []:
        texts.append(("environment", str(text).partition("=")[0], None, str(text)))
    labels = settings.get("Labels")
    for name, value in labels.items() if isinstance(labels, dict) else []:
        texts.append(("label", str(name), None, f"{name}={value}"))
    texts += [("history", "", entry.layer, entry.created_by) for entry in image.history]
    seen: set[str] = set()  # the step that set a variable, and those that were run with it, have it again
    for where, name, layer, text in texts:
        for match in matches(_bytes(text)):
            if where == "history":
                if match.secret in seen:
                    continue
                name = without_secrets(text)
            seen.add(match.secret)
            yield Secret(match.rule, where, name, layer, None, True, match.secret)


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate, which JSON can encode
        return text.encode("utf-8", "replace")
