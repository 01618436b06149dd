"""Each rule: what it finds, where, and what it leaves alone."""

from __future__ import annotations

import tarfile

import pytest

from layertui.gate import evaluate
from layertui.gate.baseline import Baseline, BaselineLayer
from layertui.gate.config import Config
from layertui.gate.limits import parse_growth
from layertui.gate.rules import DESCRIPTIONS, Rules, SecretsAllowed, Status
from layertui.model.image import HistoryEntry, Image
from layertui.model.numbers import LayerNumber
from tests.commands.samples import tar
from tests.gate.subjects import found, image_of, judged, result
from tests.images import layers_of

KEY = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7bC9dE2fG4hJ6kL8m\n"
TOKEN = "ghp_" + "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7"
STATUS = "Package: {}\nStatus: install ok installed\nVersion: {}\nArchitecture: amd64\n\n"


def step(text: str, layer: int | None) -> HistoryEntry:
    return HistoryEntry(None, text, "", "", LayerNumber(layer) if layer else None)


def mode(bits: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo()
    header.mode = bits
    return header


@pytest.fixture
def deleted() -> Image:
    """A key that a later layer deletes; its step says a token."""
    return image_of(
        tar(("/root", None), ("/root/.ssh", None), ("/root/.ssh/id_rsa", KEY.encode()), ("/app", b"1")),
        tar(("/root/.ssh/.wh.id_rsa", b""), ("/app", b"22")),
        history=[
            step(f"RUN /bin/sh -c fetch --token {TOKEN} # buildkit", LayerNumber(1)),
            step("RUN /bin/sh -c rm", 2),
        ],
    )


def test_forbidden_paths_are_those_of_the_final_tree(deleted: Image) -> None:
    assert found(deleted, forbidden_paths=("/root/.ssh/**", "id_*")) == []
    assert found(deleted, forbidden_paths=("/a*", ".ssh")) == [
        ("/app", 2, "matches /a*"),
        ("/root/.ssh", 1, "matches .ssh"),
    ]
    assert found(deleted, forbidden_paths=("/a*", ".ssh"), ignore=("/root",)) == [("/app", 2, "matches /a*")]


def test_forbidden_in_layers_are_deleted_ones_too(deleted: Image) -> None:
    assert found(deleted, forbidden_in_layers=("id_*", "/app")) == [
        ("/app", 1, "matches /app"),
        ("/app", 2, "matches /app"),
        ("/root/.ssh/id_rsa", 1, "matches id_*, deleted by layer 2"),
    ]
    assert found(deleted, forbidden_in_layers=("id_*",), ignore=("id_rsa",)) == []


def test_required_paths(deleted: Image) -> None:
    passed = result(deleted, required_paths=("/app", "ap?"))
    assert (passed.outcome.status, passed.outcome.message) == (Status.PASS, "2 globs matched")
    failed = result(deleted, required_paths=("/app", "id_*", "/never"))
    assert failed.outcome.message == "2 of 3 globs missing"
    assert [(row.path, row.layer, row.message, row.step) for row in failed.outcome.findings] == [
        ("/root/.ssh/id_rsa", 2, "nothing matches id_*: deleted by layer 2", "RUN rm"),
        (None, None, "nothing matches /never", ""),
    ]


def test_secrets_and_what_is_allowed(deleted: Image) -> None:
    rows = result(deleted, secrets=True).outcome.findings
    assert [(row.path, row.line, row.layer, row.message) for row in rows] == [
        (None, None, 1, "GitHub token ghp…zA7 in the history"),
        ("/root/.ssh/id_rsa", 1, 1, "private key 68 characters, deleted, but still shipped"),
    ]
    # No report may give away what the rule is there to find.
    assert {row.step for row in rows} == {"RUN fetch --token …"}
    for allowed in (
        SecretsAllowed(allow_paths=("/root",)),
        SecretsAllowed(allow_rules=("private key",)),
    ):
        assert [row.path for row in result(deleted, secrets=allowed).outcome.findings] == [None]
    assert len(found(deleted, secrets=True, ignore=("**/.ssh",))) == 1


def test_a_secret_variable_is_named() -> None:
    image = image_of(config={"config": {"Env": [f"DEPLOY={TOKEN}"]}}, history=[])
    assert found(image, secrets=True) == [(None, None, "GitHub token ghp…zA7 in the environment DEPLOY")]


def test_setuid() -> None:
    su, wall, odd = (mode(bits) for bits in (0o4755, 0o2755, 0o1777))
    image = image_of(tar(("/bin/su", su), ("/bin/wall", wall), ("/tmp/x", odd)))
    assert [row.outcome.status for row in judged(image, setuid=("/bin",)).results] == [Status.PASS]
    assert found(image, setuid=()) == [
        ("/bin/su", 1, "setuid, -rwsr-xr-x 0:0"),
        ("/bin/wall", 1, "setgid, -rwxr-sr-x 0:0"),
    ]
    assert [row[0] for row in found(image, setuid=("/bin/s*",))] == ["/bin/wall"]


@pytest.mark.parametrize(
    "glob, names",
    [
        ("gcc", ["gcc"]),
        ("gcc*", ["gcc", "gcc-12"]),
        ("dpkg:*", ["gcc", "gcc-12"]),
        ("apk:*", []),
        ("gcc=12.*", ["gcc"]),
        ("gcc=11.*", []),
        ("dpkg:gcc-*=1", ["gcc-12"]),
        ("make", []),  # a later layer removed it
    ],
)
def test_forbidden_packages(glob: str, names: list[str]) -> None:
    before = STATUS.format("gcc", "11.1") + STATUS.format("make", "4")
    after = STATUS.format("gcc", "12.2") + STATUS.format("gcc-12", "1")
    database = "/var/lib/dpkg/status"
    image = image_of(tar((database, before.encode())), tar((database, after.encode())))
    rows = result(image, forbidden_packages=(glob,)).outcome.findings
    assert [(row.message.split()[2], row.layer) for row in rows] == [(name, 2) for name in names]


def test_packages_that_cannot_be_read_are_no_pass() -> None:
    only = result(image_of(tar(("/var/lib/rpm/Packages", b"x"))), forbidden_packages=("gcc",))
    assert only.outcome.status == Status.ERROR and "it is not a database of rpm" in only.outcome.message


def test_figures_and_what_they_come_from(deleted: Image) -> None:
    stored = len(KEY) + 3
    assert result(deleted, size=stored).outcome.status == Status.PASS
    over = result(deleted, size=stored - 1).outcome
    assert (over.status, over.message, over.value) == (
        Status.FAIL,
        f"{stored} B, at most {stored - 1} B",
        stored,
    )
    assert [(row.layer, row.message) for row in over.findings] == [
        (1, f"{stored - 2} bytes of files"),
        (2, "2 bytes of files"),
    ]
    waste = result(deleted, reclaimable=1).outcome
    assert (waste.status, waste.value) == (Status.FAIL, stored - 2)
    assert [(row.path, row.layer, row.message) for row in waste.findings] == [
        ("/root/.ssh/id_rsa", 1, f"{stored - 3} bytes, deleted by layer 2"),
        ("/app", 1, "1 byte, rewritten by layer 2"),
    ]
    assert result(deleted, reclaimable=stored - 2).outcome.status == Status.PASS


def test_figures_that_look_alike_are_told_exactly() -> None:
    image = image_of(tar(("/a", b"x" * 1001), ("/b", b"x" * 9_000_000)), tar(("/a", b"")))
    assert result(image, size=9_001_000).outcome.message == "9,001,001 bytes, at most 9,001,000 bytes"
    assert result(image, size=9_001_001).outcome.message == "9.00 MB, at most 9.00 MB"
    told = result(image, lowest_efficiency=0.999889).outcome.message
    assert told == "0.9998887901467848, at least 0.999889"
    assert result(image, lowest_efficiency=0.5).outcome.message == "0.999889, at least 0.5"


def test_growth() -> None:
    old, new = tar(("/a", b"x" * 100)), tar(("/b", b"y" * 6))
    (layer,) = layers_of([old])
    baseline = Baseline("app:1", "", 100, (BaselineLayer(layer.diff_id, 100),))
    rules = Config(None, Rules(growth=parse_growth("5%")))
    grown = result(image_of(old, new), rules, baseline).outcome
    assert (grown.status, grown.value) == (Status.FAIL, 6)
    assert grown.message == "+6 bytes (+6.00%) on the 100 B of app:1, at most 5%"
    assert [(row.layer, row.message) for row in grown.findings] == [
        (2, "6 bytes of files, not in the baseline")
    ]
    shrunk = result(image_of(new), rules, baseline).outcome
    assert shrunk.message.startswith("-94 bytes (-94.00%)") and shrunk.status == Status.PASS
    assert result(image_of(new), rules, None).outcome.status == Status.SKIP


def test_of_a_damaged_image_no_rule_passes() -> None:
    """Half of a layer: what is found is told, and what is not may be in the other half."""
    whole = tar(("/a", b"1"), ("/b", b"2" * 5000))
    image = image_of(whole)
    (layer,) = layers_of([whole[:2000]])
    verdict = judged(image._replace(layers=[layer]), forbidden_paths=("/a",), required_paths=("/a",))
    outcomes = [row.outcome for row in verdict.results]
    assert [outcome.status for outcome in outcomes] == [Status.ERROR] * 2
    assert all("layer 1 could not be read completely" in outcome.message for outcome in outcomes)
    assert [row.path for row in outcomes[0].findings] == ["/a"]


def test_nothing_is_worked_out_that_no_rule_asks_for(monkeypatch: pytest.MonkeyPatch, deleted: Image) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    for module, name in (
        ("figure_rules", "waste"),
        ("checked_image", "efficiency"),
        ("finding_rules", "secrets"),
        ("finding_rules", "packages"),
        ("finding_rules", "permissions"),
    ):
        monkeypatch.setattr(f"layertui.gate.{module}.{name}", refuse)
    assert judged(deleted, size=10_000, reclaimable=10_000, forbidden_paths=("/x",)).status == Status.PASS


def test_every_rule_has_a_check_and_a_description() -> None:
    names = [name.replace("_", "-") for name in Rules.__struct_fields__]
    assert names == list(DESCRIPTIONS) == list(evaluate.CHECKS)
