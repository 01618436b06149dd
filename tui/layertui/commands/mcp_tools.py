"""The tools of ``layertui mcp``: each runs a command in a process of its own, which ends when the call is cancelled.

Docstrings are what agents read.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

MOST_CHARACTERS = 60_000
"""Of an answer: some 15,000 tokens."""
MOST_ROWS = 1000
MOST_ERRORS = 8_000
"""Characters of warnings and errors."""
OUTPUT_CHUNK = 1 << 16
"""Bytes of a command's output that are read at once."""
LONGEST_LINE = 32 << 20
"""Bytes of the JSON of one object; a larger one is an error."""


async def ask_images(sources: Sequence[str] = (), limit: int = 100, offset: int = 0) -> str:
    """List images: of the current directory and the engines, or of the given sources.

    sources: docker-daemon:, podman:, an archive, an OCI layout, a store, docker://HOST/NAME. Pass `Reference` of a row to
    other tools.
    """
    return await _rows(["images"], sources, limit, offset)


async def ask_history(image: str, platform: str = "", limit: int = 200) -> str:
    """List the build steps of an image, newest first, with layer numbers and bytes (Size; LiveSize is what remains)."""
    return await _rows(["history", *_of(platform)], [image], limit, 0)


async def ask_tree(
    image: str,
    path: str = "/",
    layer: int | None = None,
    platform: str = "",
    limit: int = 200,
    offset: int = 0,
) -> str:
    """List files and directories at and below a path, as of a layer (default: the top), sorted by path."""
    return await _rows(["tree", *_of(platform, layer)], [image, path], limit, offset)


async def ask_changes(
    image: str, layer: int | None = None, platform: str = "", limit: int = 200, offset: int = 0
) -> str:
    """List what a layer (default: the top) changed: paths added, modified (and what differs), deleted, repeated."""
    return await _rows(["changes", *_of(platform, layer)], [image], limit, offset)


async def ask_versions(image: str, path: str, platform: str = "") -> str:
    """List every version of a path, base first: which layer stored or deleted it."""
    return await _rows(["log", *_of(platform)], [image, path], MOST_ROWS, 0)


async def ask_file(
    image: str, path: str, layer: int | None = None, platform: str = "", limit: int = 20_000, offset: int = 0
) -> str:
    """Read a file as of a layer (default: the top), also one that a later layer deleted.

    limit and offset are bytes. Of what is not UTF-8, base64 is returned.
    """
    limit, offset = max(1, min(limit, MOST_CHARACTERS * 3 // 4)), max(offset, 0)
    async with _Command(["cat", *_of(platform, layer)], [image, path]) as command:
        data, is_cut = await command.head(offset + limit)
    problems = command.problems(bool(data) or is_cut)
    piece = data[offset:]
    answer: dict[str, Any] = {"offset": offset, "bytes": len(piece)}
    try:
        answer["text"] = piece.decode()
    except UnicodeDecodeError as error:
        if error.start > len(piece) - 4 and is_cut:  # a letter that is cut
            piece = piece[: error.start]
            answer |= {"bytes": len(piece), "text": piece.decode()}
        else:
            answer["base64"] = base64.b64encode(piece).decode()
    if is_cut:
        answer["cut"] = f"the file goes on at offset={offset + len(piece)}"
    return _answer(answer, problems)


async def ask_search(
    image: str,
    pattern: str,
    path: str = "",
    regex: bool = False,
    ignore_case: bool = False,
    hidden: bool = False,
    platform: str = "",
    limit: int = 100,
    offset: int = 0,
) -> str:
    """Search the text files of an image line by line, as grep does.

    path: only below this directory, or a glob of files. hidden: also versions that later layers overrode or deleted.
    """
    flags = [
        *["--regex"] * regex,
        *["--ignore-case"] * ignore_case,
        *["--hidden"] * hidden,
        *_of(platform),
    ]
    return await _rows(["search", *flags], [image, pattern, *([path] if path else [])], limit, offset)


async def ask_find(
    pattern: str,
    images: Sequence[str] = (),
    kind: Literal["path", "content", "package", "digest"] = "path",
    limit: int = 100,
    offset: int = 0,
) -> str:
    """Find which images, layers and paths match, in all local images or the given images and sources.

    pattern: of kind path a name or glob (* within a name, ** across directories), content a text, package a glob of
    [KIND:]NAME[=VERSION], digest a digest, which may be abbreviated. visible is false for what the final tree does not have.
    """
    flags = [] if kind == "path" else [f"--{kind}"]
    return await _rows(["find", *flags], [pattern, *images], limit, offset)


async def ask_insight(
    image: str,
    parts: Sequence[Literal["waste", "permissions", "packages", "duplicates", "secrets"]] = (),
    platform: str = "",
    limit: int = 20,
) -> str:
    """Report wasted bytes and their causes, unusual permissions, package changes, duplicate files, masked secrets.

    limit: rows of each list, largest first. parts: all by default; duplicates and secrets read every file.
    """
    only = ["--only", ",".join(parts)] if parts else []
    return await _object(["insight", *only, *_of(platform)], [image], limit)


async def ask_compare(a: str, b: str, platform: str = "", limit: int = 50) -> str:
    """Compare two images: layers, config, packages, files added, deleted and modified, bytes.

    limit: rows of each list.
    """
    return await _object(["compare", *_of(platform)], [a, b], limit)


TOOLS: Mapping[str, Callable[..., Awaitable[str]]] = {
    "list_images": ask_images,
    "history": ask_history,
    "tree": ask_tree,
    "changes": ask_changes,
    "versions": ask_versions,
    "read_file": ask_file,
    "search": ask_search,
    "find": ask_find,
    "insight": ask_insight,
    "compare": ask_compare,
}
"""The tools by their names."""


def _of(platform: str, layer: int | None = None) -> list[str]:
    options = [f"--platform={platform}"] if platform else []
    return options if layer is None else [*options, f"--layer={layer}"]


async def _rows(options: Sequence[str], arguments: Sequence[str], limit: int, offset: int) -> str:
    """Answer with the rows of a command that prints an object per line; only as many as needed are read."""
    limit, offset = max(1, min(limit, MOST_ROWS)), max(offset, 0)
    rows: list[Any] = []
    room, number, is_cut = MOST_CHARACTERS, 0, False
    async with _Command([*options, "--json"], arguments) as command:
        async for line in command.lines():
            number += 1
            if number <= offset:
                continue
            room -= len(line)
            if len(rows) == limit or (room < 0 and rows):
                is_cut = True
                break
            rows.append(json.loads(line))
    answer: dict[str, Any] = {"rows": rows}
    if is_cut:
        answer["cut"] = f"there are more rows: offset={offset + len(rows)}"
    return _answer(answer, command.problems(number > 0))


async def _object(options: Sequence[str], arguments: Sequence[str], limit: int) -> str:
    """Answer with the object that a command prints; its lists are cut until it is short enough."""
    async with _Command([*options, "--json"], arguments) as command:
        printed = [line async for line in command.lines()]
    problems = command.problems(bool(printed))
    found = json.loads(printed[0])
    limit = max(1, min(limit, MOST_ROWS))
    while True:
        cut: dict[str, int] = {}
        answer = _shortened(found, limit, "", cut)
        if cut:
            answer["cut"] = {"rows in all, of lists that are cut": cut}
        text = _answer(answer, problems)
        if len(text) <= MOST_CHARACTERS or limit == 1:
            return text
        limit //= 2


def _shortened(value: Any, limit: int, place: str, cut: dict[str, int]) -> Any:
    """Return a value with the first ``limit`` items of its lists; ``cut`` gets the length of those that have more."""
    if isinstance(value, dict):
        return {
            key: _shortened(each, limit, f"{place}.{key}".lstrip("."), cut) for key, each in value.items()
        }
    if isinstance(value, list):
        if len(value) > limit:
            cut[place] = max(len(value), cut.get(place, 0))
        return [_shortened(each, limit, place, cut) for each in value[:limit]]
    return value


def _answer(answer: dict[str, Any], problems: str) -> str:
    """Return an answer as JSON in ASCII: names that are not UTF-8 are lone surrogates."""
    return json.dumps({**answer, "problems": problems.splitlines()} if problems else answer)


class _Command:
    """A command of layertui in a process of its own, killed if it is left before it ends."""

    def __init__(self, options: Sequence[str], arguments: Sequence[str]) -> None:
        # What follows -- is no option, whatever it is called.
        self._words = [sys.executable, "-m", "layertui", *options, "--", *arguments]
        self._is_enough = False
        """Whether no more of the output is needed."""

    async def __aenter__(self) -> _Command:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __aexit__)
        self._process = await asyncio.create_subprocess_exec(
            *self._words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._errors,
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and not self._is_enough:
                await self._process.wait()
        finally:
            if self._process.returncode is None:
                self._process.kill()
            self._errors.seek(0)
            self._text = self._errors.read(MOST_ERRORS).decode("utf-8", "replace").strip()
            self._errors.close()

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines of standard output. Whoever stops before the last ends the command."""
        self._is_enough, rest = True, b""
        async for chunk in self._chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line
            if len(rest) > LONGEST_LINE:
                raise _failure("the answer is too large, ask about less")
        self._is_enough = False

    async def head(self, most: int) -> tuple[bytes, bool]:
        """Return the first bytes of standard output, and whether there are more."""
        data = bytearray()
        async for chunk in self._chunks():
            data += chunk
            if len(data) > most:
                self._is_enough = True
                break
        return bytes(data[:most]), self._is_enough

    def problems(self, is_answered: bool) -> str:
        """Return the warnings and errors of the command; they are raised if there is no answer beside them."""
        status = self._process.returncode
        if not is_answered and not self._is_enough and status not in (0, 1):
            raise _failure(self._text.removeprefix("layertui: ") or f"it ended with status {status}")
        return self._text

    async def _chunks(self) -> AsyncIterator[bytes]:
        assert self._process.stdout is not None
        while chunk := await self._process.stdout.read(OUTPUT_CHUNK):
            yield chunk


def _failure(text: str) -> Exception:
    """Return the error that a client gets with its text."""
    from mcp.server.mcpserver.exceptions import ToolError

    error: Exception = ToolError(text)
    return error
