"""What a comparison tells equals what programs tell of the two trees, unpacked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from layertui.cache.indexes import IndexCache
from layertui.compare.comparison import Comparison, Side
from layertui.compare.growth import growth_by_directory
from layertui.model.job import Cancelled, Job
from layertui.model.numbers import ROOT, Event, LayerNumber
from layertui.sources import open_image
from layertui.union.load import ImageReader
from layertui.union.merged_tree import MergedTree
from tests.commands.samples import tar
from tests.layouts import OciLayout
from tests.programs import need, need_root
from tests.union.generator import Generator
from tests.union.trees import Facts, on_disk

SEEDS = int(os.environ.get("LAYERTUI_SEEDS", "100")) // 4
"""Random pairs of images; more of them for a longer run."""


def side(layout: OciLayout, tag: str, layer: int | None = None, cache: IndexCache | None = None) -> Side:
    image = open_image(f"oci:{layout.directory}:{tag}")
    reader = ImageReader(image, cache)
    for _ in reader.layers():
        pass
    return Side(image, reader.union(), LayerNumber(len(image.layers) if layer is None else layer))


def compared(
    directory: Path, a: Sequence[bytes], b: Sequence[bytes], ignored: Collection[str] = ()
) -> Comparison:
    layout = OciLayout(directory / "layout")
    layout.add("a", a)
    layout.add("b", b)
    return Comparison(side(layout, "a"), side(layout, "b"), ignored)


def unpacked(directory: Path) -> list[Path]:
    """Both images as umoci unpacks them."""
    need("umoci")
    need_root()
    roots = []
    for tag in "ab":
        root = directory / tag
        command = ["umoci", "raw", "unpack", "--image", f"{directory / 'layout'}:{tag}", str(root)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr[:500]
        roots.append(root)
    return roots


def told(comparison: Comparison) -> dict[str, tuple[str, ...]]:
    return {
        change.path: (change.change, *sorted(change.what))
        for change in comparison.changes()
        if change.path != "/"
    }


def expected(a: dict[str, Facts], b: dict[str, Facts]) -> dict[str, tuple[str, ...]]:
    """How two trees on disk differ; what the time of a directory was does not survive there."""
    found: dict[str, tuple[str, ...]] = {}
    for path in a.keys() | b.keys():
        one, other = a.get(path), b.get(path)
        if one is None or other is None:
            found[path] = ("added" if one is None else "deleted",)
            continue
        alike = one.type == other.type
        facts = {
            "type": not alike,
            "content": alike and one.content != other.content,
            "mode": one.mode != other.mode,
            "owner": one.owner != other.owner,
            "mtime": one.mtime != other.mtime,
            "linkname": alike and one.linkname != other.linkname,
            "xattrs": one.xattrs != other.xattrs,
            "device": alike and one.device != other.device,
        }
        if any(facts.values()):
            found[path] = ("modified", *sorted(name for name, differs in facts.items() if differs))
    return found


def without_lost(found: dict[str, tuple[str, ...]], *trees: dict[str, Facts]) -> dict[str, tuple[str, ...]]:
    """Without what a tree on disk cannot tell: times of directories, and the modes of symlinks."""
    kept = {}
    for path, (change, *what) in found.items():
        facts = [tree[path] for tree in trees if path in tree]
        lost = {"mtime"} if any(fact.mtime is None for fact in facts) else set()
        lost |= {"mode"} if any(fact.mode is None for fact in facts) else set()
        left = [fact for fact in what if fact not in lost]
        if left or change != "modified":
            kept[path] = (change, *left)
    return kept


def test_layers_from_the_cache(tmp_path: Path) -> None:
    """Their columns are of other types, which depend on the values in each layer."""
    layout, cache = OciLayout(tmp_path / "layout"), IndexCache(tmp_path / "cache")
    early = tarfile.TarInfo()
    early.mtime = -1
    large = ("/same", b""), ("/large", b"x" * 70_000), ("/early", early), ("/link", "->large")
    layout.add("a", [tar(("/same", b"")), tar(*large)], "gzip")
    layout.add("b", [tar(("/same", b"")), tar(("/large", b"x")), tar(("/link", "->same"))], "gzip")
    fresh, cached = (
        told(Comparison(side(layout, "a", cache=cache), side(layout, "b", cache=cache), ())) for _ in range(2)
    )
    assert fresh == cached
    assert cached == {
        "/early": ("deleted",),
        "/large": ("modified", "content"),
        "/link": ("modified", "linkname"),
    }


def test_random_pairs_as_umoci_unpacks_them(tmp_path: Path) -> None:
    need("umoci")
    need_root()
    failures = []
    differing = 0
    for seed in range(SEEDS):
        directory = tmp_path / str(seed)
        comparison = compared(directory, *Generator(seed).pair())
        a, b = (on_disk(root) for root in unpacked(directory))
        ours = without_lost(told(comparison), a, b)
        theirs = without_lost(expected(a, b), a, b)
        differing += bool(theirs)
        for path in sorted(ours.keys() | theirs.keys()):
            if ours.get(path) != theirs.get(path):
                failures.append(f"seed {seed} {path!r}: {ours.get(path)} {theirs.get(path)}")
        sizes = [
            sum(fact.size for path, fact in tree.items() if not fact.links or path == fact.links[0])
            for tree in (a, b)
        ]
        if comparison.sums.growth != sizes[1] - sizes[0]:
            failures.append(f"seed {seed}: grows by {comparison.sums.growth}, by {sizes} on disk")
        sides = (MergedTree(one.union, one.layer).paths() for one in (comparison.a, comparison.b))
        assert (comparison.merged_a.paths(), comparison.merged_b.paths()) == tuple(sides)
        for change in comparison.changes():
            for entry, one in ((change.before, comparison.a), (change.after, comparison.b)):
                event = one.union.at(one.union.find(change.path), one.layer) if entry else -1
                theirs_there = one.union.entry(Event(event), one.union.layers) if event >= 0 else None
                if entry != theirs_there:
                    failures.append(f"seed {seed}: {entry} is {theirs_there}")
        shutil.rmtree(directory)
    assert not failures, "\n".join(failures[:10])
    assert differing > SEEDS / 2


BASE = tar(
    ("/etc", None),
    ("/etc/conf", b"one\n"),
    ("/etc/same", b"same\n"),
    ("/usr", None),
    ("/usr/bin", None),
    ("/usr/bin/tool", b"1.0 tool"),
    ("/usr/share", None),
    ("/usr/share/doc", b"read me"),
    ("/lib", "->usr/lib"),
    ("/var", None),
    ("/var/cache", None),
    ("/var/cache/a", b"aaaa"),
)


def test_a_shared_base_as_diff_tells(tmp_path: Path) -> None:
    need("diff")
    comparison = compared(
        tmp_path,
        [BASE, tar(("/etc/conf", b"two\n"), ("/opt", None), ("/opt/a", b"a"))],
        [
            BASE,
            tar(
                ("/usr/bin/tool", b"2.0 tool"),
                ("/usr/share", b"now a file"),
                ("/.wh.lib", b""),
                ("/lib", "->usr/lib64"),
                ("/var/.wh.cache", b""),
                ("/srv", None),
                ("/srv/x", b"x"),
            ),
        ],
    )
    a, b = unpacked(tmp_path)
    result = subprocess.run(
        ["diff", "-rq", "--no-dereference", a, b], capture_output=True, text=True, check=False
    )
    theirs = set()
    for line in result.stdout.splitlines():
        only = re.fullmatch(r"Only in (.+): (.+)", line)
        if only:
            inside, change = Path(only[1]), "added"
            if not inside.is_relative_to(b):
                change = "deleted"
            theirs.add((f"/{(inside / only[2]).relative_to(a if change == 'deleted' else b)}", change))
        else:
            path = re.search(rf"{re.escape(str(a))}(/\S+)", line)
            assert path, line
            theirs.add((path[1], "modified"))
    # diff names a directory that one side alone has, and looks at contents only.
    ours = {
        (change.path, change.change)
        for change in comparison.changes(folded=True)
        if change.change != "modified" or {"content", "linkname", "type"} & set(change.what)
    } - {("/usr/share/doc", "deleted")}
    assert len(theirs) == 7
    assert ours == theirs
    assert [comparison.layers.common, comparison.layers.only_a, comparison.layers.only_b] == [
        [(1, 1)],
        [2],
        [2],
    ]
    assert not comparison.unread


def test_a_file_of_which_only_a_link_is_left_counts_where_it_is(tmp_path: Path) -> None:
    base = tar(("/log", None), ("/log/now", b"x" * 500), ("/log/before", "=log/now"))
    comparison = compared(tmp_path, [base], [base, tar(("/log/now", b"new"), ("/other", b"y" * 70))])
    assert told(comparison) == {"/log/now": ("modified", "content"), "/other": ("added",)}
    assert comparison.sums.growth == comparison.growth(ROOT) == 73
    assert [(row.path, row.size, row.is_rest) for row in growth_by_directory(comparison)] == [
        ("/", 70, True),
        ("/log", 3, False),
    ]


def test_growth_names_the_deepest_directories_and_their_sum_is_that_of_all_files(tmp_path: Path) -> None:
    """A new directory is one row however it is divided, and what is small is counted with what is above."""
    base = tar(
        ("/opt", None), ("/opt/venv", None), ("/opt/venv/cfg", b"1"), ("/srv", None), ("/srv/old", b"x" * 400)
    )
    site = "/opt/venv/lib/site"
    new = tar(
        ("/opt/venv/lib", None),
        (site, None),
        (f"{site}/web", None),
        (f"{site}/web/a", b"a" * 700),
        (f"{site}/json", None),
        (f"{site}/json/b", b"b" * 300),
        ("/opt/venv/cfg", b"123456"),
        ("/srv/.wh.old", b""),
        ("/opt/notes", b"n" * 200),
    )
    comparison = compared(tmp_path, [base], [base, new])
    rows = growth_by_directory(comparison)
    assert [(row.path, row.size, row.is_rest) for row in rows] == [
        (site, 1000, False),
        ("/srv", -400, False),
        ("/opt", 205, True),
    ]
    assert sum(row.size for row in rows) == comparison.sums.growth == 805
    assert comparison.sums.size_b.size - comparison.sums.size_a.size == 1206  # all that the layer adds
    assert comparison.sums.size_b.dead == 401


def test_what_both_share_is_not_read(tmp_path: Path) -> None:
    """A layer of the base whose bytes are gone after it was listed."""
    layout = OciLayout(tmp_path / "layout")
    layout.add("a", [BASE, tar(("/new", b"new"))])
    layout.add("b", [BASE, tar(("/new", b"NEW"))])
    a, b = side(layout, "a"), side(layout, "b")
    for blob in (layout.directory / "blobs" / "sha256").iterdir():
        if blob.read_bytes() == BASE:
            blob.write_bytes(b"")
    comparison = Comparison(a, b)
    assert told(comparison) == {"/new": ("modified", "content")}
    assert not comparison.unread


def test_what_cannot_be_read_is_not_told_to_be_alike(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "layout")
    layout.add("a", [tar(("/one", b"1"), ("/two", b"2"))])
    second = tar(("/one", b"1"), ("/two", b"2"), ("/three", b"3"))
    layout.add("b", [second])
    a, b = side(layout, "a"), side(layout, "b")
    for blob in (layout.directory / "blobs" / "sha256").iterdir():
        if blob.read_bytes() == second:
            blob.write_bytes(b"")
    comparison = Comparison(a, b)
    assert told(comparison) == {"/three": ("added",)}
    assert list(comparison.unread) == ["/one", "/two"]
    assert "has changed since it was opened" in str(comparison.unread["/one"])


def test_what_is_ignored(tmp_path: Path) -> None:
    from tarfile import TarInfo

    later, other = TarInfo(), TarInfo()
    later.mtime, other.uid = 1_800_000_000, 5
    later.mode = other.mode = 0o644
    layers = [tar(("/time", b""), ("/owner", b""))], [tar(("/time", later), ("/owner", other))]
    one = compared(tmp_path / "1", *layers)
    assert told(one) == {"/owner": ("modified", "owner"), "/time": ("modified", "mtime")}
    assert (one.sums.modified, one.sums.touched) == (1, 1)
    assert told(compared(tmp_path / "2", *layers, ["mtime"])) == {"/owner": ("modified", "owner")}
    assert compared(tmp_path / "3", *layers, ["mtime", "owner"]).are_equal


def test_packages_are_not_read_again_where_they_are_known(tmp_path: Path) -> None:
    stanza = b"Package: a\nStatus: install ok installed\nVersion: %d\n"
    layout = OciLayout(tmp_path / "layout")
    for tag in "ab":
        layout.add(tag, [tar(("/var/lib/dpkg/status", stanza % ord(tag)))])
    a, b = side(layout, "a"), side(layout, "b")
    known = Comparison(a, b)
    for blob in (layout.directory / "blobs" / "sha256").iterdir():
        blob.write_bytes(b"")
    again = Comparison(a, b, ["mtime"], known=known)
    assert [(row.change, row.package.version) for row in again.packages] == [("upgraded", "98")]
    assert not again.unread_packages and not again.unread


def test_it_stops_where_packages_are_read(tmp_path: Path) -> None:
    """Of a path that one side alone has, nothing else is read."""
    layout = OciLayout(tmp_path / "layout")
    layout.add("a", [tar()])
    layout.add("b", [tar(("/var/lib/dpkg/status", b"Package: a\n"))], "gzip")
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        Comparison(side(layout, "a"), side(layout, "b"), job=job)


@pytest.mark.parametrize(("a", "b"), [(0, 1), (1, 0), (0, 0), (1, 2), (2, 1)])
def test_layers_of_one_image(tmp_path: Path, a: int, b: int) -> None:
    layout = OciLayout(tmp_path / "layout")
    layout.add("1", [tar(("/x", b"x")), tar(("/.wh.x", b""), ("/y", b"y"))])
    one = side(layout, "1", a)
    comparison = Comparison(one, Side(one.image, one.union, LayerNumber(b)))
    trees = ((), ("/x",), ("/y",))
    assert told(comparison) == {
        **{path: ("added",) for path in trees[b] if path not in trees[a]},
        **{path: ("deleted",) for path in trees[a] if path not in trees[b]},
    }
    assert not comparison.config
