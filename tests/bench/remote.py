"""Images in a registry at the other end of a slow line."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.bench import data
from tests.bench.data import Sample
from tests.bench.line import BYTES_PER_SECOND, Fetched, Line, line_to
from tests.bench.measure import LAYERTUI, Program, Runs, need_programs, run_program
from tests.bench.tables import Aim, Bench, Table
from tests.layouts import MANIFEST
from tests.sources.registry.estargz import estargz, members_of, push_estargz
from tests.sources.registry.server import Registry, docker_registry

ROUNDS = 3
"""At most: a line is as fast each time."""
TABLES_OF_CONTENTS = {"estargz": "eStargz", "chunked": "zstd:chunked"}
"""Forms of layers with a table of contents."""
LINE = f"{BYTES_PER_SECOND / 1e6:.0f} MB/s and 50 ms away"

Counted = dict[str, dict[str, list[Fetched]]]
"""What each program fetched of each blob in its last run."""


def remote_ranges(bench: Bench) -> Table:
    """The merged tree of layers with a table of contents, and a file near the start of one: a few ranges of them."""
    sample = bench.sample(data.DEBIAN)
    path = _path_in(sample.blobs[0], last=False)
    programs = []
    with _registry(bench) as registry, line_to(registry.host) as line:
        for form, name in TABLES_OF_CONTENTS.items():
            _load(registry, sample, form, bench)
            reference = f"docker://{line.host}/{_repository(sample, form)}:1"
            for what in ("tree", "cat"):
                command = [LAYERTUI, what, reference, path, "--no-cache", "--quiet"]
                programs.append(Program(f"layertui {what}, {name}", command))
        runs, counted = _take_turns_on(line, programs, bench.rounds)
        layers = {form: _layers(registry, sample, form) for form in TABLES_OF_CONTENTS}
    table = Table(
        f"Registry {LINE}: {sample.entries:,} entries, {len(sample.blobs)} layers by their tables", runs
    )
    for form, name in TABLES_OF_CONTENTS.items():
        tree, cat = (counted[f"layertui {what}, {name}"] for what in ("tree", "cat"))
        most = max(len(tree.get(digest, ())) for digest in layers[form])
        part = sum(_bytes(tree, digest) for digest in layers[form]) / sum(layers[form].values())
        table.aims.append(Aim(f"{name}: tree after at most 3 requests a layer", most, 3))
        table.aims.append(Aim(f"{name}: tree from under 1 % of the bytes", 100 * part, 1))
        base = next(iter(layers[form]))
        more = _bytes(cat, base) - _bytes(tree, base)
        part = 100 * more / layers[form][base]
        table.aims.append(
            Aim(f"{name}: a file near a layer's start from under 1 % of the layer more", part, 1)
        )
    return table


def remote_pull(bench: Bench) -> Table:
    """The merged tree of an image of gzip layers, all of which have to be downloaded."""
    sample = bench.sample(data.STEPS)
    with (
        _registry(bench) as registry,
        line_to(registry.host) as line,
        tempfile.TemporaryDirectory() as cache,
    ):
        _load(registry, sample, "gzip", bench)
        repository = _repository(sample, "gzip")
        blobs = f"http://{line.host}/v2/{repository}/blobs"
        layers = _layers(registry, sample, "gzip")
        urls = [each for digest in layers for each in ("--output", "/dev/null", f"{blobs}/{digest}")]
        reference = f"docker://{line.host}/{repository}:1"
        last = f"/layer{sample.shape.layers - 1:02d}"
        programs = [
            Program("curl, layer by layer", ["curl", "--silent", "--fail", *urls]),
            Program(
                "layertui tree", [LAYERTUI, "tree", reference, last, "--quiet"], {"XDG_CACHE_HOME": cache}
            ),
        ]
        runs, counted = _take_turns_on(line, programs, bench.rounds, lambda: _forget(cache))
    table = Table(f"Registry {LINE}: {len(layers)} gzip layers, {sum(layers.values()) / 1e6:,.0f} MB", runs)
    fetched = counted["layertui tree"]
    own, limit = table["layertui tree"].best, sum(layers.values()) / BYTES_PER_SECOND
    table.aims.append(
        Aim(f"at most 1.1 × the {limit:.1f} s that the line needs for the bytes", own / limit, 1.1)
    )
    table.aims.append(Aim("side by side: ahead of one after the other", runs[0].best / own, 1, at_least=True))
    table.aims.append(Aim("one request a layer", max(len(fetched[digest]) for digest in layers), 1))
    return table


def remote_file(bench: Bench) -> Table:
    """A file at the end of a gzip layer that was listed before, but is no longer in the cache."""
    sample = bench.sample(data.DEBIAN)
    path = _path_in(sample.blobs[-2], last=True)
    with (
        _registry(bench) as registry,
        line_to(registry.host) as line,
        tempfile.TemporaryDirectory() as cache,
    ):
        _load(registry, sample, "gzip", bench)
        environment = {"XDG_CACHE_HOME": cache}

        def command(host: str) -> list[str]:
            reference = f"docker://{host}/{_repository(sample, 'gzip')}:1"
            return [LAYERTUI, "cat", reference, path, "--layer", f"{len(sample.blobs) - 1}", "--quiet"]

        run_program(Program("layertui cat", command(registry.host), environment), Runs(""))
        kept = Program("layertui cat, layers in the cache", command(line.host), environment)
        runs, counted = _take_turns_on(line, [kept], bench.rounds)
        evicted = Program("layertui cat, layers evicted", command(line.host), environment)
        more, counted_more = _take_turns_on(line, [evicted], bench.rounds, lambda: _forget(cache, "blobs"))
        layers = _layers(registry, sample, "gzip")
    table = Table(
        f"Registry {LINE}: a file of a gzip layer of {list(layers.values())[-2] / 1e6:,.0f} MB", runs + more
    )
    counted |= counted_more
    for each in table.runs:
        fetched = sum(_bytes(counted[each.name], digest) for digest in layers)
        table.aims.append(Aim(f"{each.name}: under 8 MiB of layers fetched", fetched / (1 << 20), 8))
    return table


def _take_turns_on(
    line: Line, programs: Sequence[Program], rounds: int, before: Callable[[], None] = lambda: None
) -> tuple[list[Runs], Counted]:
    """Run each program once a round, and count what its last run fetched."""
    runs, counted = [Runs(program.name) for program in programs], {}
    for _ in range(min(rounds, ROUNDS)):
        for program, result in zip(programs, runs, strict=True):
            before()
            line.fetched.clear()
            run_program(program, result)
            counted[program.name] = line.blobs()
    return runs, counted


def _forget(cache: str, kind: str = "") -> None:
    """Delete what is cached, or one kind of it."""
    shutil.rmtree(Path(cache) / "layertui" / kind, ignore_errors=True)


def _bytes(counted: dict[str, list[Fetched]], digest: str) -> int:
    return sum(each.received for each in counted.get(digest, ()))


@contextmanager
def _registry(bench: Bench) -> Iterator[Registry]:
    """A registry that keeps what it has been given."""
    need_programs("docker-registry", "skopeo", "curl")
    directory = bench.root / "registry"
    directory.mkdir(parents=True, exist_ok=True)
    with docker_registry(directory) as registry:
        yield registry


def _repository(sample: Sample, form: str) -> str:
    """One for each form: skopeo compresses no layer of which the repository has the gzip form already."""
    return f"{sample.shape.name}-{form}"


def _load(registry: Registry, sample: Sample, form: str, bench: Bench) -> None:
    """Have the registry contain a sample in a form of its layers, as tag 1."""
    repository, facts = _repository(sample, form), "\n".join(map(str, sample.blobs))
    marker = bench.root / "registry" / repository
    if marker.exists() and marker.read_text() == facts:
        return
    bench.say(f"pushing {repository} …")
    if form == "estargz":
        tars = (gzip.decompress(blob.read_bytes()) for blob in sample.blobs)
        push_estargz(registry, repository, "1", (estargz(members_of(tar)) for tar in tars))
    elif form == "chunked":
        option = "--dest-compress-format=zstd:chunked"
        registry.load(sample.reference, f"{repository}:1", option, same=False)
        if not all("zstd" in layer["mediaType"] for layer in _manifest(registry, sample, form)["layers"]):
            raise RuntimeError("skopeo did not compress the layers as zstd:chunked")
    else:
        registry.load(sample.reference, f"{repository}:1")
    marker.write_text(facts)


def _layers(registry: Registry, sample: Sample, form: str) -> dict[str, int]:
    """Bytes of each layer as stored, by its digest, base first."""
    return {layer["digest"]: layer["size"] for layer in _manifest(registry, sample, form)["layers"]}


def _manifest(registry: Registry, sample: Sample, form: str) -> dict[str, Any]:
    url = f"http://{registry.host}/v2/{_repository(sample, form)}/manifests/1"
    manifest: dict[str, Any] = requests.get(url, headers={"Accept": MANIFEST}).json()
    return manifest


def _path_in(blob: Path, last: bool) -> str:
    """The path of the first or the last file of a layer."""
    found = ""
    with tarfile.open(blob) as archive:
        for member in archive:
            if member.isreg() and member.size and ".wh." not in member.name:
                found = f"/{member.name}"
                if not last:
                    break
    return found
