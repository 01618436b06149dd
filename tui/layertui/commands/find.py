"""``layertui find``: find paths, contents, packages or digests in many images."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from layertui.cache.indexes import IndexCache
from layertui.commands.opening import confine_command
from layertui.commands.output import Output, note, warn
from layertui.commands.parsing import add_common
from layertui.commands.progress import ProgressBar
from layertui.find.asking import FIND_KINDS, find_in, finder_of
from layertui.find.found import FoundDigest, FoundItem, FoundLine, FoundPackage, FoundPath
from layertui.model.errors import LayertuiError
from layertui.model.unforeseen import unforeseen
from layertui.sources import list_images, list_local, open_image
from layertui.text.format import count_text
from layertui.text.sanitize import visible

DESCRIPTION = """\
Find the images, layers and paths that match a pattern: in all local images, as
layertui images lists them, or in the given images and sources.
"""
EPILOG = """\
PATTERN is the name of a file or a glob: * and ? match within a name, ** across
directories; without a leading slash it matches at any depth. With an option it
is something else:
  --content   a text in the lines of text files
  --package   a package, or a glob: NAME, KIND:NAME, NAME=VERSION
  --digest    the digest of a config (image ID), manifest, index or layer (as
              stored, diff ID, chain ID); may be abbreviated

Each match is printed as it is found: image, layer, "-" if the final tree of the
image does not contain this version (or package), path. Each layer is read once,
however many images share it, and not at all if its index is in the cache;
--content reads the files of each layer once. A repository, docker://HOST/NAME,
stands for all its tags. The sample is searched only if it is named.

--json prints one object per line: match (path, content, package or digest),
image (the reference that opens it), layer, visible, and fields of the match.

--export DIR takes no PATTERN. It writes layers, entries and packages, but no
contents, to DIR as Parquet files, which --in DIR, DuckDB, Spark and Trino can
query. Any number of machines may write to DIR; each layer is written once.
--export and --in need DuckDB: pip install 'layertui[export]'

exit status: 0 found or exported, 1 not found, 2 not everything could be read

examples:
  layertui find '*log4j*.jar'
  layertui find --package 'openssl=3.0.*' docker-daemon: podman:
  layertui find --content 'BEGIN RSA PRIVATE KEY' oci:builds
  layertui find --digest 4bcff63911fc docker-root:/var/lib/docker
  layertui find --export /mnt/images docker-daemon:
  layertui find --in /mnt/images '*log4j*.jar'
"""
SAMPLE = "demo:"
WIDEST = 60
"""Columns of the images, at most, to which they are aligned."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pattern", metavar="PATTERN", nargs="?", help="a name or glob; see below")
    parser.add_argument(
        "places",
        metavar="SOURCE|IMAGE",
        nargs="*",
        help="reference or path, see layertui --help (default: all local images)",
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--content", action="store_true", help="find PATTERN in the contents of text files")
    kind.add_argument("--package", action="store_true", help="find a package")
    kind.add_argument("--digest", action="store_true", help="find an image or layer by its digest")
    kind.add_argument(
        "--export",
        metavar="DIR",
        type=Path,
        help="export the images to DIR as Parquet files; no PATTERN",
    )
    parser.add_argument(
        "--in", metavar="DIR", dest="folder", type=Path, help="find in the images exported to DIR"
    )
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    if options.export is not None:
        return _export(options)
    if options.pattern is None:
        raise LayertuiError("no pattern given", "", "see layertui find --help")
    kind = next((kind for kind in FIND_KINDS if getattr(options, kind, False)), "path")
    if options.folder is not None:
        return _find_exported(options, kind)
    finder = finder_of(kind, options.pattern, None if options.no_cache else IndexCache())
    failed: list[str] = []
    if options.places:
        confine_command(options.places)
    images = _listed(options.places, options.quiet, failed)
    out = Output()
    width = min(max(map(len, images), default=0), WIDEST)
    is_found, is_incomplete = False, bool(failed)
    with ProgressBar(options.quiet, "opening", 0) as bar:
        for reference in _each(images, bar):
            problems: list[str] = []
            open_it = partial(open_image, reference, options.platform, bar.job)
            for found in find_in(finder, open_it, problems, bar.job):
                is_found = True
                bar.clear()
                _print(found, width, out, options.json)
                if out.is_terminal:
                    out.flush()  # before the bar is drawn again
            out.flush()  # the next match may take long
            is_incomplete = is_incomplete or bool(problems)
            for problem in problems:
                bar.clear()
                note(f"layertui: {reference}: {problem}")
    return _status(is_found, is_incomplete)


def _find_exported(options: argparse.Namespace, kind: str) -> int:
    """Find in a folder of Parquet files."""
    if options.places:
        raise LayertuiError("--in cannot be combined with images", "", "see layertui find --help")
    from layertui.find.exported import ExportedFinder

    finder = ExportedFinder(options.folder)
    out = Output()
    is_found = False
    for found in finder.find(kind, options.pattern):
        is_found = True
        _print(found, 0, out, options.json)
    damage = finder.damage(kind)
    for reference, problem in damage:
        note(f"layertui: {reference}: {problem}")
    return _status(is_found, bool(damage))


def _export(options: argparse.Namespace) -> int:
    """Write Parquet files; an image that cannot be read does not end it."""
    if options.folder is not None:
        raise LayertuiError("--in cannot be combined with --export", "", "see layertui find --help")
    from layertui.find.export import Exporter

    exporter = Exporter(options.export, None if options.no_cache else IndexCache())
    failed: list[str] = []
    images = _listed([options.pattern, *options.places] if options.pattern else [], options.quiet, failed)
    out = Output()
    with ProgressBar(options.quiet, "opening", 0) as bar:
        for reference in _each(images, bar):
            try:
                done = exporter.add(open_image(reference, options.platform, bar.job), bar.job)
            except Exception as error:
                failed.append(str(unforeseen(error)))
                bar.clear()
                note(f"layertui: {reference}: {failed[-1]}")
                continue
            bar.clear()
            if options.json:
                out.json(done._asdict())
            else:
                out.line(
                    f"{visible(done.image)}  {count_text(done.layers, 'layer')}, {done.new_layers:,} new"
                )
            out.flush()  # the next image may take long
    return 2 if failed else 0


def _status(is_found: bool, is_incomplete: bool) -> int:
    if is_incomplete:
        return 2
    return 0 if is_found else 1


def _each(images: Sequence[str], bar: ProgressBar) -> Iterator[str]:
    for number, reference in enumerate(images, 1):
        bar.start(f"image {number:,} of {len(images):,}")
        yield reference


def _print(found: FoundItem, width: int, out: Output, as_json: bool) -> None:
    if as_json:
        out.json(found.to_json())
    else:
        out.line(_line(found, width, out))


def _listed(places: Sequence[str], quiet: bool, failed: list[str]) -> list[str]:
    """Return the references of the images to search; print why places cannot be listed, and add it to ``failed``."""
    images = list(_images(places, quiet, failed))
    for problem in failed:
        note(f"layertui: {problem}")
    return images


def _images(places: Sequence[str], quiet: bool, failed: list[str]) -> Iterator[str]:
    """Yield the references of the images to search; append why named places cannot be listed to ``failed``."""
    if not places:
        for row in list_local():
            if not isinstance(row, LayertuiError):
                yield from _references([row.reference])
            elif not quiet:
                warn(str(row))  # perhaps no engine is running
    for place in places:
        try:
            yield from _references([row.reference for row in list_images(place)], place)
        except Exception as error:
            problem = unforeseen(error)
            try:
                yield open_image(place).reference  # a container, or layers without an image
            except LayertuiError:
                failed.append(str(problem))


def _references(references: Iterable[str], place: str = "") -> Iterator[str]:
    yield from (reference for reference in references if reference and (place or reference != SAMPLE))


def _line(found: FoundItem, width: int, out: Output) -> str:
    image = out.colour(f"{visible(found.image):{width}}", "cyan")
    layer = f"{found.layer or '':>3}"
    match found:
        case FoundDigest():
            return f"{image}  {layer}  {found.what} {visible(found.digest)}"
        case FoundPackage():
            what = f"{found.kind} {found.name} {found.version}"
            return f"{image}  {layer} {_mark(found.visible, out)} {visible(what)}"
        case FoundLine():
            place = f"{image}  {layer} {_mark(found.visible, out)} {visible(found.path)}:{found.line}"
            return f"{place}:{out.excerpt(found.text, found.start, found.end)}"
        case FoundPath():
            return f"{image}  {layer} {_mark(found.visible, out)} {visible(found.path)}"
    raise TypeError(type(found))


def _mark(is_visible: bool, out: Output) -> str:
    return " " if is_visible else out.colour("-", "red")
