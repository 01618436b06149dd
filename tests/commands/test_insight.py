"""``layertui insight``."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from layertui.commands.insight import PARTS
from layertui.model.blob import FileBlob
from tests.commands.running import Run
from tests.commands.samples import eventful, image, tar
from tests.layouts import OciLayout


def test_waste(run: Run, tmp_path: Path) -> None:
    # The first /etc/conf is not among them: its hardlink /hard still shows it.
    lines = run("insight", eventful(tmp_path), "--only", "waste").lines
    assert lines[0] == "Waste: 36 B of 143 B stored are not in the final tree (25.2%)"
    assert lines[1].startswith("dive: efficiency ")
    assert (
        "\n".join(lines[2:])
        == """
SIZE  FILES  REASON
16 B      3  deleted
12 B      1  identical copy
 5 B      1  replaced
 3 B      1  rewritten

SIZE  LAYER  HIDDEN BY
19 B      2  layer 2
17 B      3  layer 3

SIZE  DIRECTORY
15 B  /etc
 5 B  /dir/below
 5 B  /usr/lib
 4 B  /opaque

SIZE  LAYER  HIDDEN BY  REASON          PATH
12 B      2          3  identical copy  /etc/conf
 7 B      1          2  deleted         /gone
 5 B      1          2  replaced        /dir/below/file
 5 B      1          3  deleted         /usr/lib/so
 4 B      1          2  deleted         /opaque/old
 3 B      1          2  rewritten       /etc/bin"""
    )


def test_steps_that_hold_a_secret(run: Run, tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    layers = [tar(("/a", b"x")), tar(("/.wh.a", b""))]
    steps = [{"created_by": "base"}, {"created_by": f"RUN git clone https://{token}@example.org/x && rm /a"}]
    OciLayout(tmp_path / "image").add("1", layers, config={"history": steps})
    masked = run("insight", tmp_path / "image", "--only", "waste", "--all").text
    assert "git clone" in masked and token not in masked
    assert token in run("insight", tmp_path / "image", "--only", "waste", "--all", "--show-secrets").text


def test_waste_for_machines(run: Run, tmp_path: Path) -> None:
    done = run("insight", eventful(tmp_path), "--json")
    assert (done.status, done.err) == (0, "")
    (found,) = done.objects
    assert found["waste"]["reclaimable_bytes"] == sum(row["size"] for row in found["waste"]["paths"])


def test_all_rows_where_they_are_asked_for(run: Run, tmp_path: Path) -> None:
    names = [f"/{number}" for number in range(12)]
    path = image(
        tmp_path, tar(*((name, b"x") for name in names)), tar(*((f"/.wh.{name[1:]}", b"") for name in names))
    )
    assert run("insight", path, "--only", "waste").lines[-1] == "… and 2 more, see --all"
    assert (
        len(run("insight", path, "--only", "waste", "--all").lines)
        == len(run("insight", path, "--only", "waste").lines) + 1
    )


def test_nothing_wasted(run: Run, tmp_path: Path) -> None:
    assert run("insight", image(tmp_path, tar(("/a", b"1"))), "--only", "waste").lines == [
        "Waste: 0 B of 1 B stored are not in the final tree (0.0%)",
        "dive: efficiency 100.00%, 0 B wasted",
    ]


def test_every_part_has_its_place(run: Run) -> None:
    (found,) = run("insight", "demo:", "--json").objects
    assert list(found) == [*PARTS, "unread"] and found["unread"] == []
    headings = [line.partition(":")[0] for line in run("insight", "demo:").lines if ": " in line]
    assert [name for name in headings if name.lower() in PARTS] == [part.capitalize() for part in PARTS]


def test_some_parts(run: Run) -> None:
    (found,) = run("insight", "demo:", "--only", "permissions, waste", "--json").objects
    assert list(found) == ["waste", "permissions", "unread"]
    failed = run("insight", "demo:", "--only", "waist")
    assert (failed.status, failed.out) == (2, b"")
    assert failed.err.startswith("layertui: no part 'waist', the parts are waste, ")


def test_permissions(run: Run) -> None:
    assert run("insight", "demo:", "--only", "permissions").lines == [
        "Permissions: 1 setuid, 1 capabilities",
        "",
        "RIGHT         MODE        OWNER  LAYER  PATH",
        "setuid        -rwsr-xr-x  0:0        1  /usr/bin/su",
        "capabilities  -rwxr-xr-x  0:0        1  /usr/bin/ping  cap_net_raw=ep",
    ]


def test_duplicates(run: Run, tmp_path: Path) -> None:
    layers = [tar(("/a", b"12345"), ("/b", b"12345"), ("/c", b"1")), tar(("/a", b"12345"))]
    assert run("insight", image(tmp_path, *layers), "--only", "duplicates").lines == [
        "Duplicates: 10 B duplicated, of which hardlinks would save 5 B",
        "",
        "SURPLUS  LINKS SAVE  LAYER  VIEW    PATHS",
        "   10 B         5 B      1  hidden  /a",
        "                         1          /b",
        "                         2          /a",
    ]


def test_packages(run: Run) -> None:
    lines = run("insight", "demo:", "--only", "packages").lines
    assert lines[0] == "Packages: 7 apk in the final tree"
    assert lines[2:5] == [
        "LAYER  ADDED  UPGRADED  REMOVED  STEP",
        "    1      4         0        0  ADD a file in /",
        "    2      4         0        0  RUN apk add python3 sqlite-libs stonecut build-base",
    ]
    assert lines[7:9] == [
        "   SIZE  LAYER  CHANGE   KIND  PACKAGE",
        "29.5 kB      1  added    apk   held-box 1.37.0-r4",
    ]


def large_files_below_databases() -> list[bytes]:
    """Layers of much that does not compress, and after it what tells of packages."""
    noise = random.Random(1)
    stanza = "Package: a\nStatus: install ok installed\nVersion: %d\n\n"
    return [
        tar(
            (f"/bin/{number}", noise.randbytes(600_000)),
            ("/var/lib/dpkg/status", (stanza % number).encode()),
            ("/usr/lib/x.dist-info/METADATA", b"Name: x\nVersion: %d\n" % number),
            ("/usr/lib/x.dist-info/RECORD", b"x.py,,%d\n" % number),
        )
        for number in (1, 22)  # of different lengths: a comparison need not hash them
    ]


@pytest.mark.parametrize("command", ["insight", "check", "compare"])
def test_packages_take_no_second_reading_of_the_layers(
    command: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, layers = OciLayout(tmp_path / "layout"), large_files_below_databases()
    layout.add("a", layers[:1], "gzip")
    layout.add("b", layers, "gzip")
    (tmp_path / "rules.toml").write_text('[rules]\nforbidden-packages = ["x"]\n')
    image = f"oci:{layout.directory}:b"
    words = {
        "insight": [image, "--only", "packages", "--all"],
        "check": [image, "--config", str(tmp_path / "rules.toml")],
        "compare": [f"oci:{layout.directory}:a", image],
    }[command]
    read: list[int] = []
    pread = FileBlob.pread

    def counting(blob: FileBlob, length: int, offset: int) -> bytes:
        data = pread(blob, length, offset)
        read.append(len(data))
        return data

    monkeypatch.setattr(FileBlob, "pread", counting)
    cold = run(command, *words, "--no-cache")
    assert {
        "insight": "22 B      2  upgraded  python  x 1 -> 22",
        "check": "python package x 22 matches x",
        "compare": "~  python  x        1  22",
    }[command] in cold.text, cold.text
    once = {"insight": 1.2e6, "check": 1.2e6, "compare": 1.8e6}[command]
    assert once < sum(read) < once + 2e5
    run(command, *words)
    assert run(command, *words).text == cold.text  # out of the cache, where no contents are


def test_packages_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    path = image(tmp_path, tar(("/var/lib/rpm/Packages", b"x")))
    done = run("insight", path, "--only", "packages")
    line = "Packages: none found in the final tree; not every database could be read"
    assert (done.status, done.lines) == (2, [line])
    assert "it is not a database of rpm" in done.err
    (found,) = (done := run("insight", path, "--only", "packages", "--json")).objects
    (unread,) = found["unread"]
    assert (done.status, found["packages"], unread["part"]) == (2, [], "packages")
    assert unread["why"].startswith("cannot read /var/lib/rpm/Packages, it is not a database of rpm")


def test_secrets(run: Run) -> None:
    lines = run("insight", "demo:", "--only", "secrets").lines
    assert lines[0] == "Secrets: 6 found, 6 of them deleted, but still shipped"
    assert "    4  hidden  private key      68 characters  /srv/quarry/deploy/id_ed25519:1" in lines
    hidden, shown = (
        run("insight", "demo:", "--only", "secrets", *words).text for words in ((), ("--show-secrets",))
    )
    assert "SAMPLE-0123456789" not in hidden and "SAMPLE-0123456789" in shown
