"""The fifth tab: metadata and storage of the path."""

from collections.abc import Iterator

from layertui.content.xattrs import describe
from layertui.model.entry import Entry, rfc3339
from layertui.model.job import Job
from layertui.model.numbers import Event
from layertui.text.format import mode_text
from layertui.text.sanitize import visible
from layertui.ui.detail.owners import Owners
from layertui.ui.detail.page import Page, PageBuilder, message
from layertui.ui.detail.subject import Subject, chip
from layertui.ui.detail.words import absence, sizes, step_of

_GUTTER = 12
_PEERS = 50
"""Hardlinks that are listed."""


def pages(subject: Subject, event: Event, owners: Owners, job: Job) -> Iterator[Page]:
    """Yield the page with numeric owners, then with names, then with the package. ``event`` is the version."""
    if event < 0:
        yield message(f"{subject.union.path(subject.node)} is {absence(subject, subject.node)}.")
        return
    entry = subject.union.entry(event, subject.merged_layer)
    if subject.union.is_alone:  # names and packages may be in layers below
        yield _page(subject, event, entry, f"{entry.uid}:{entry.gid}", "not known yet")
        return
    yield _page(subject, event, entry, f"{entry.uid}:{entry.gid}", "…")
    named = owners.describe(subject, job, entry.uid, entry.gid)
    yield _page(subject, event, entry, named, "…")
    yield _page(subject, event, entry, named, owners.package(subject, event, job))


def _page(subject: Subject, event: Event, entry: Entry, owner: str, package: str) -> Page:
    union = subject.union
    build = PageBuilder(_GUTTER)

    def fact(name: str, value: str, copied: str | None = None, style: str = "") -> None:
        build.add(
            (visible(value), style), gutter=[(name, "quiet")], value=value if copied is None else copied
        )

    fact("path", entry.path)
    if union.at(subject.node, subject.merged_layer) != event:
        fact("visible", f"no: {absence(subject, subject.node)}", style="deleted")
    fact("type", entry.type + (" (implicit)" if entry.implied else ""), entry.type)
    fact("mode", f"{entry.mode:04o} {mode_text(entry)}", f"{entry.mode:04o}")
    fact("owner", owner, f"{entry.uid}:{entry.gid}")
    fact("package", package)
    if entry.type == "file":
        fact("size", sizes(entry.size), str(entry.size))
    fact("modified", rfc3339(entry.mtime, entry.mtime_ns) or f"{entry.mtime} s after 1970")
    if entry.linkname is not None:
        fact("link target", entry.linkname)
    if entry.hardlink is not None:
        fact("hardlink to", entry.hardlink)
    for number, peer in enumerate(_peers(subject, event)):
        if number == _PEERS:
            build.add(("and more", "quiet"))
            break
        fact("" if number else "shared with", peer)
    if entry.device is not None:
        fact("device", f"{entry.device[0]}, {entry.device[1]} (major, minor)")
    for name, value in sorted(entry.xattrs.items()):
        fact("xattr", f"{name} {describe(name, value)}")
    _layer(build, subject, event)
    return build.page()


def _layer(build: PageBuilder, subject: Subject, event: Event) -> None:
    """Add where the version is stored."""
    union = subject.union
    number = union.ev_layer[event]
    layer = subject.image.layers[number - 1]
    build.add()
    step = step_of(subject, number)
    build.add(*chip(number), ("  " + step, ""), gutter=[("layer", "quiet")], value=step)
    facts = [("digest", layer.descriptor.digest), ("diff ID", layer.diff_id)]
    inode = union.ev_inode[event]
    index, entry = union.indexes[union.ev_layer[inode] - 1], union.ev_entry[inode]
    for name, value in facts:
        build.add(
            (visible(value) or "unknown", "" if value else "quiet"), gutter=[(name, "quiet")], value=value
        )
    if entry < 0:
        return
    if offset := index.offset[entry]:  # else it is unpacked, in no tar
        whose = "" if inode == event else f" of layer {union.ev_layer[inode]}, where its content is"
        build.add(
            (f"{offset:,} in the uncompressed tar{whose}", ""),
            gutter=[("offset", "quiet")],
            value=str(offset),
        )
    extra = union.extra(event)
    if extra is not None and extra.sparse is not None:
        stored = sum(length for _start, length in extra.sparse)
        build.add(
            (f"{sizes(stored)} stored, the rest is holes", ""),
            gutter=[("sparse", "quiet")],
            value=str(stored),
        )


def _peers(subject: Subject, event: Event) -> Iterator[str]:
    """Yield the other names (hardlinks) of the file in the merged tree that shows it."""
    union = subject.union
    for other in union.hardlinks.names(event, subject.merged_layer):
        if other != event:
            yield union.path(union.ev_node[other])
