"""The benchmarks: which tools they run, what they count, and what they write."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.bench.data import Shape, sample
from tests.bench.line import line_to
from tests.bench.measure import Runs, run_program
from tests.bench.peers import PEERS, peers_named
from tests.bench.report import Report, as_markdown
from tests.bench.tables import Aim, Table
from tests.sources.registry.proxy import FaultyProxy, replace

GUIDE = Path(__file__).parent.parent / "docs" / "benchmark-howto.md"


def test_tools_are_chosen_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [peer.name for peer in peers_named([])] == ["tarfile"]
    with pytest.raises(ValueError, match=r"dive is not installed: go install github\.com/wagoodman/dive@"):
        peers_named(["tarfile", "dive"])
    with pytest.raises(ValueError, match="unknown tool: drive; known are bsdtar, tar, tarfile, dive, layerx"):
        peers_named(["drive"])
    for name in ("dive", "tar"):
        (tmp_path / name).touch(0o755)
    assert [peer.name for peer in peers_named([])] == ["tar", "tarfile", "dive"]
    assert [peer.name for peer in peers_named(["dive", "dive"])] == ["dive"]


def test_every_installed_tool_reads_the_images(tmp_path: Path) -> None:
    """And one that fails on a layer is not measured."""
    made = sample(tmp_path, Shape("small", 3, 90, 90_000, zeros=0.5), print)
    assert 80 <= made.entries <= 100 and len(made.blobs) == 3
    reading = [peer for peer in PEERS if peer.is_installed and peer.reads(made)]
    assert "tarfile" in [peer.name for peer in reading]
    for peer in reading:
        run_program(peer.on(made), runs := Runs(peer.name))
        assert len(runs.seconds) == len(runs.cpu) == 1 and runs.peak
    made.blobs[0].write_bytes(b"no layer")
    for peer in reading:
        if peer.name in ("bsdtar", "tar", "tarfile"):
            with pytest.raises(RuntimeError, match=f"{peer.name} ended with status"):
                run_program(peer.on(made), Runs(""))


def test_a_line_counts_requests_and_bytes() -> None:
    body = os.urandom(100_000)
    with FaultyProxy() as far, line_to(far.host) as line, requests.Session() as session:
        far.fail("/blobs/", replace(body))
        for digest in ("sha256:a", "sha256:b", "sha256:b"):
            assert session.get(f"http://{line.host}/v2/x/blobs/{digest}").content == body
        session.get(f"http://{line.host}/v2/x/manifests/1")
        counted = line.blobs()
        assert {digest: len(fetched) for digest, fetched in counted.items()} == {"sha256:a": 1, "sha256:b": 2}
        assert all(0 < each.received - len(body) < 1000 for fetched in counted.values() for each in fetched)
        assert len(line.fetched) == 4


def test_every_run_is_in_the_json() -> None:
    """With the fields that the guide names, and no others."""
    aims = [Aim("at most 1.0 × tar", 2, 1), Aim("ahead of tar", 2, 1, at_least=True)]
    table = Table("Cold", [Runs("tar", [2, 1], [0.5, 0.4], 1 << 20), Runs("own", [3, 2])], aims, ["a note"])
    report = Report(peers_named([]), 2, False, {"cold": table}, {"memory": "it failed"}, 1.5)
    found: dict[str, Any] = json.loads(json.dumps(report.to_json()))
    assert found["tables"][0]["runs"] == [
        {"name": "tar", "seconds": [2, 1], "cpu_seconds": [0.5, 0.4], "peak_bytes": 1 << 20},
        {"name": "own", "seconds": [3, 2], "cpu_seconds": [], "peak_bytes": None},
    ]
    assert [aim["met"] for aim in found["tables"][0]["aims"]] == [False, True]
    assert found["failed"] == {"memory": "it failed"} and found["machine"]["load"] == 1.5
    guide = GUIDE.read_text()
    fields = guide[guide.index("## JSON") :]
    first = found["tables"][0]
    for described in (found, found["machine"], first, first["runs"][0], first["aims"][0]):
        assert not [key for key in described if f"`{key}`" not in fields]
    shown = as_markdown(table)
    assert "| own | 2.00 s | 2.50 s | 2.00 |" in shown and "- at most 1.0 × tar: **2.00**, not met" in shown
