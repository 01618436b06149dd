"""What is measured, against what, and what is aimed at."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from layertui.layers import native
from layertui.ui.theme.colors import shades
from tests.bench import data
from tests.bench.data import Sample, Shape
from tests.bench.footprint import peaks_of
from tests.bench.lag import lag_of
from tests.bench.measure import LAYERTUI, Program, Runs, need_programs, one_after_the_other, take_turns
from tests.bench.remote import remote_file, remote_pull, remote_ranges
from tests.bench.screen import BARE, Terminal, content_after, is_loaded, keys_to_frames
from tests.bench.tables import Aim, Bench, Table
from tests.commands.samples import tar
from tests.layouts import OciLayout

FLOORS = {"gzip": ("igzip", "-dc"), "zstd": ("zstd", "-dc"), "": ("tar", "-tf")}
"""What reads layers of each compression and does nothing with them: others are compared with that."""
IMAGES = 100
"""Images in which a path is found."""


def cold(bench: Bench, shape: Shape) -> Table:
    """Reading an image for the first time, as far as its merged tree."""
    sample = bench.sample(shape)
    last = f"/layer{shape.layers - 1:02d}"
    command = [LAYERTUI, "tree", sample.reference, last, "--no-cache", "--quiet"]
    programs = [_floor(sample), Program("layertui", command)]
    if native.core() is not None:
        programs.append(Program("layertui, Python alone", command, {"LAYERTUI_NATIVE": "0"}))
    peers = [peer.on(sample) for peer in bench.peers if peer.reads(sample)]
    table = Table(
        f"Cold open: {sample.entries:,} entries, {shape.layers} {shape.compression or 'plain'} layers, "
        f"{sample.stored / 1e6:,.0f} MB",
        take_turns([*programs, *peers], bench.rounds),
    )
    own = table["layertui"].best
    for peer in peers:
        best = table[peer.name].best
        if shape.compression:
            table.aims.append(Aim(f"at most 1.0 × {peer.name}", own / best, 1))
        else:
            table.aims.append(Aim(f"at most 100 ms behind {peer.name}", 1000 * (own - best), 100))
    return table


def ordinary(bench: Bench) -> Table:
    table = cold(bench, data.ORDINARY)
    table.aims.append(Aim("at most 0.7 × igzip -dc", table["layertui"].best / table["igzip -dc"].best, 0.7))
    return table


def hundred(bench: Bench) -> Table:
    return cold(bench, data.HUNDRED)


def tiny(bench: Bench) -> Table:
    table = cold(bench, data.TINY)
    table.aims.append(Aim("at most 1.0 × igzip -dc", table["layertui"].best / table["igzip -dc"].best, 1))
    return table


def million(bench: Bench) -> Table:
    table = cold(bench, data.MILLION)
    table.aims.append(Aim("at most 2.5 × igzip -dc", table["layertui"].best / table["igzip -dc"].best, 2.5))
    return table


def plain(bench: Bench) -> Table:
    return cold(bench, data.PLAIN)


def zstd(bench: Bench) -> Table:
    table = cold(bench, data.ZSTD)
    table.aims.append(Aim("at most 0.9 × zstd -dc", table["layertui"].best / table["zstd -dc"].best, 0.9))
    return table


def warm(bench: Bench) -> Table:
    """Opening an image again, its indexes in the cache."""
    return _warm(bench, data.HUNDRED, 10)


def warm_million(bench: Bench) -> Table:
    return _warm(bench, data.MILLION, 40)


def _warm(bench: Bench, shape: Shape, most: int) -> Table:
    sample = bench.sample(shape)
    last = f"/layer{sample.shape.layers - 1:02d}"
    command = [LAYERTUI, "tree", sample.reference, last, "--quiet"]
    with tempfile.TemporaryDirectory() as cache:
        own = Program("layertui", command, {"XDG_CACHE_HOME": cache})
        take_turns([own], 1)
        history = Program("layertui history", [LAYERTUI, "history", sample.reference], own.environment)
        runs = take_turns([_python(), own, history], bench.rounds * 3)
    table = Table(f"Warm open: {sample.entries:,} entries", runs)
    ratio = table["layertui"].best / table["python -c pass"].best
    table.aims.append(Aim(f"at most {most} × python -c pass", ratio, most))
    return table


def insight(bench: Bench) -> Table:
    """What an image costs and leaks, from its first opening to the answer."""
    sample = bench.sample(data.DEBIAN)
    options = ["--no-cache", "--quiet"]
    floor = _floor(sample)
    last = f"/layer{sample.shape.layers - 1:02d}"
    opened = Program("layertui tree", [LAYERTUI, "tree", sample.reference, last, *options])
    quick, thorough = ("waste", "permissions", "packages"), ("duplicates", "secrets")
    asked = [
        Program(
            f"insight: {part}", [LAYERTUI, "insight", sample.reference, "--only", part, "--json", *options]
        )
        for part in (*quick, *thorough)
    ]
    table = Table(
        f"Insight: {sample.entries:,} entries, {sample.shape.layers} gzip layers, {sample.stored / 1e6:,.0f} MB",
        take_turns([floor, opened, *asked], bench.rounds),
    )
    for part in quick:
        ratio = table[f"insight: {part}"].best / table["layertui tree"].best
        table.aims.append(Aim(f"{part} within 1.1 × a cold open", ratio, 1.1))
    for part in thorough:
        ratio = table[f"insight: {part}"].best / table["igzip -dc"].best
        table.aims.append(Aim(f"{part} within 1.5 × igzip -dc", ratio, 1.5))
    return table


def search(bench: Bench) -> Table:
    """A text in all files of an image, from its first opening to the last match."""
    sample = bench.sample(data.DEBIAN)
    text = "Package: "
    piped = ["sh", "-c", f'for file; do igzip -dc "$file" | grep -aF "{text}"; done', "sh"]
    command = [LAYERTUI, "search", sample.reference, text, "--hidden", "--no-cache", "--quiet"]
    table = Table(
        f"Search: {sample.entries:,} entries, {sample.shape.layers} gzip layers, {sample.stored / 1e6:,.0f} MB",
        take_turns(
            [
                Program("igzip -dc and grep -aF", [*piped, *map(str, sample.blobs)]),
                Program("layertui search", command),
            ],
            bench.rounds,
        ),
    )
    table.aims.append(Aim("at most 1.2 × igzip and grep", table.runs[1].best / table.runs[0].best, 1.2))
    return table


def memory(bench: Bench) -> Table:
    """What an image takes while it is looked at."""
    sample = bench.sample(data.MILLION)
    command = [sys.executable, "-m", "tests.bench.memory", sample.reference]
    out = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    entries, kept, nodes, peak = map(int, out)
    table = Table(f"Memory: {entries:,} entries of {nodes:,} paths", [])
    table.aims.append(Aim("under 150 bytes an entry, index and union together", kept / entries, 150))
    table.aims.append(Aim("under 600 MB, the peaks of the app's reading and of the worker", peak / 1e6, 600))
    return table


def memory_large(bench: Bench) -> Table:
    """What the app and its worker take together while they read an image of a million entries and 10 GB."""
    sample = bench.sample(data.LARGE)
    peaks = peaks_of([LAYERTUI, sample.reference, "--no-cache"])
    table = Table(
        f"Memory: cold open in the app of {sample.entries:,} entries, {sample.shape.content / 1e9:,.0f} GB of files",
        [],
    )
    table.aims.append(Aim("under 600 MB, app and worker together at any moment", peaks.together / 1e6, 600))
    table.notes.append(
        f"the app alone at most {peaks.app / 1e6:,.0f} MB, the worker {peaks.worker / 1e6:,.0f} MB"
    )
    return table


def start(bench: Bench) -> Table:
    """Commands that need no layer."""
    sample = bench.sample(data.HUNDRED)
    runs = take_turns(
        [
            _python(),
            Program("layertui --help", [LAYERTUI, "--help"]),
            Program("layertui inspect", [LAYERTUI, "inspect", sample.reference]),
        ],
        bench.rounds * 3,
    )
    table = Table("Commands that need no layer", runs)
    table.aims = [Aim(f"{run.name} under 3 × Python's start", run.best / runs[0].best, 3) for run in runs[1:]]
    return table


def finding(bench: Bench) -> Table:
    """A path in a hundred images that have layers in common, their indexes in the cache."""
    with tempfile.TemporaryDirectory() as folder:
        layout = OciLayout(Path(folder) / "images")
        base = tar(*[(f"/usr/lib/file{number}", b"x") for number in range(10_000)])
        for number in range(IMAGES):
            own = tar(("/srv/version", b"%d" % number), (f"/srv/only{number}", b""))
            layout.add(f"{number}", [base, own], "gzip")
        environment = {"XDG_CACHE_HOME": f"{folder}/cache"}
        asked = [
            Program(f"find {name}", [LAYERTUI, "find", name, f"oci:{layout.directory}"], environment)
            for name in ("only7", "version")
        ]
        take_turns(asked, 1)
        table = Table(
            f"A path in {IMAGES} images of 10,002 entries", take_turns([_python(), *asked], bench.rounds * 3)
        )
    table.aims = [Aim("one of them has it: under 0.3 s", table["find only7"].best, 0.3)]
    return table


def content(bench: Bench) -> Table:
    """The time from the start of the app to its first content."""
    sample = bench.sample(data.HUNDRED)
    bare, own = Runs("bare Textual app"), Runs("layertui IMAGE")
    for _ in range(bench.rounds * 3):
        bare.seconds.append(content_after([sys.executable, "-c", BARE], "ready to go"))
        own.seconds.append(content_after([LAYERTUI, sample.reference], "RUN step"))
    table = Table("First content on the screen, in a terminal", [bare, own])
    table.aims.append(Aim("within 1.2 × of a bare Textual app", own.best / bare.best, 1.2))
    return table


def keys(bench: Bench) -> Table:
    """The time from a key to the frame that shows what it did."""
    sample = bench.sample(data.MILLION)
    with tempfile.TemporaryDirectory() as cache:
        moves = Runs("cursor down and up, all rows expanded", _keys_at_rest(sample, cache))
    sample = bench.sample(data.ORDINARY)
    loading = Runs("another layer, while layers load", _keys_while_loading(sample))
    table = Table(f"Key to frame, in a terminal ({len(moves.seconds)} and {len(loading.seconds)} keys)", [])
    for runs, limit in ((moves, 8), (loading, 10)):
        milliseconds = [1000 * seconds for seconds in runs.seconds]
        slow = statistics.quantiles(milliseconds, n=20)[-1]
        table.notes.append(f"{runs.name}: median {statistics.median(milliseconds):.1f} ms")
        table.aims.append(Aim(f"{runs.name}: under {limit} ms at the 95th percentile", slow, limit))
    return table


def lag(bench: Bench) -> Table:
    """How long the app holds up its own event loop."""
    table = Table("Event loop held up by the app's own work", [])
    for shape, action, cache in (
        (data.ORDINARY, "load", False),
        (data.TINY, "load", False),
        (data.TINY, "move", True),
        (data.MILLION, "browse", True),
        (data.ORDINARY, "read", True),
    ):
        found = lag_of(bench.sample(shape).reference, action, cache)
        name = f"{shape.name}, {action}"
        table.aims.append(Aim(f"{name}: under 10 ms at most", max(found.held), 10))
        if action == "load":
            frame = statistics.quantiles(found.frames, n=20)[-1]
            table.aims.append(Aim(f"{name}: key to frame under 10 ms, 95th percentile", frame, 10))
        slow = statistics.quantiles(found.held, n=100)
        often = sum(held > 10 for held in found.held)
        table.notes.append(
            f"{name}: 95% within {slow[94]:.1f} ms, 99% within {slow[98]:.1f} ms, {often} of "
            f"{len(found.held):,} turns over 10 ms; {sum(map(_over_5, found.held)):.0f} ms in turns over 5 ms"
        )
    return table


def _over_5(milliseconds: float) -> float:
    return milliseconds if milliseconds > 5 else 0


LAYERS, TREE = 6, 100
"""Columns of the screen in these panes."""
SECONDS = 30
"""In which a million rows are expanded, whatever else runs."""
HELD_KEY = 1 / 30
"""Seconds between two presses of a key that is held down."""
CURSOR = shades().cursor.removeprefix("#")
"""The background of the selected row in the focused pane."""


def _keys_at_rest(sample: Sample, cache: str) -> list[float]:
    terminal = Terminal([LAYERTUI, sample.reference], {"XDG_CACHE_HOME": cache})
    try:
        terminal.until(lambda: terminal.shows("/layer00") or terminal.shows(" layer00/"))
        while not is_loaded(terminal):
            terminal.quiet(1)
        terminal.press(b"\t", lambda: terminal.cursor(TREE, CURSOR) > 0)
        terminal.press(b"E", lambda: terminal.shows("▾ layer00/"), SECONDS)
        keys = ([(b"j", 1)] * 10 + [(b"k", -1)] * 10) * 8
        return keys_to_frames(terminal, keys, TREE, CURSOR, HELD_KEY)
    finally:
        terminal.close()


def _keys_while_loading(sample: Sample) -> list[float]:
    terminal = Terminal([LAYERTUI, sample.reference, "--no-cache"])
    taken: list[float] = []
    try:
        terminal.until(lambda: terminal.cursor(LAYERS, CURSOR) > 0)
        while not is_loaded(terminal):
            taken += keys_to_frames(terminal, [(b"j", 1), (b"k", -1)], LAYERS, CURSOR, HELD_KEY)
        return taken
    finally:
        terminal.close()


CASES: dict[str, Callable[[Bench], Table]] = {
    case.__name__: case
    for case in (
        ordinary,
        zstd,
        plain,
        hundred,
        tiny,
        million,
        warm,
        warm_million,
        insight,
        search,
        memory,
        memory_large,
        remote_ranges,
        remote_pull,
        remote_file,
        start,
        finding,
        content,
        keys,
        lag,
    )
}


def _floor(sample: Sample) -> Program:
    program, option = FLOORS[sample.shape.compression]
    need_programs(program)
    return Program(f"{program} {option}", one_after_the_other([program, option], sample.blobs))


def _python() -> Program:
    return Program("python -c pass", [sys.executable, "-c", "pass"])
