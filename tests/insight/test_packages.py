"""Which packages layers added, upgraded and removed."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import sqlite3
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from layertui import demo
from layertui.content.read import Contents
from layertui.insight import databases, package, package_databases
from layertui.insight.package_databases import databases_of
from layertui.insight.packages import Packages, packages
from layertui.insight.rpm import rpm
from layertui.model.blob import BytesBlob
from layertui.model.errors import LayertuiError
from layertui.sources import open_image
from tests.commands.samples import tar
from tests.images import layers_of, union_of
from tests.insight.reading import opened
from tests.layers.tars import END, file, header
from tests.other_projects import fixture
from tests.programs import lacking, need
from tests.union.small import layer
from tests.union.small import union as union_of_layers

STATUS = Path("/var/lib/dpkg/status")


def of(*tars: bytes) -> Packages:
    return packages(*opened(tars))


def told(found: Packages) -> list[tuple[object, ...]]:
    return [
        (
            row.layer,
            row.change,
            row.package.name,
            row.before and row.before.version,
            row.after and row.after.version,
        )
        for row in found.changes
    ]


def stanza(name: str, version: str, status: str = "install ok installed", size: int = 10) -> bytes:
    return (
        f"Package: {name}\nStatus: {status}\nMaintainer: Some One <one@example.org>\n"
        f"Architecture: amd64\nInstalled-Size: {size}\nVersion: {version}\n"
        f"Description: words\n more: words\n\n"
    ).encode()


def dpkg_query(directory: Path) -> set[tuple[str, ...]]:
    """What dpkg finds installed, in place of what it was told to show."""
    shown = "${db:Status-Status}\\t${Package}\\t${Version}\\t${Architecture}\\t${Installed-Size}\\n"
    result = subprocess.run(
        ["dpkg-query", f"--admindir={directory}", "-W", "-f", shown],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    return {tuple(fields) for status, *fields in lines if status not in ("config-files", "not-installed")}


def as_dpkg_shows(found: Packages) -> set[tuple[str, ...]]:
    return {
        (
            row.package.name,
            row.package.version,
            row.package.architecture,
            str(row.package.size // 1024) if row.package.size >= 0 else "",
        )
        for row in found.changes
    }


def test_dpkg_against_dpkg_query(tmp_path: Path) -> None:
    need("dpkg-query")
    status = b"".join(
        [
            stanza("bash", "5.2.15-2+b8", size=7164),
            stanza("half", "1:2-3~rc1", "install ok half-configured"),
            stanza("gone", "1", "deinstall ok config-files"),
            stanza("held", "2", "hold ok installed"),
        ]
    )
    (tmp_path / "status").write_bytes(status)
    found = of(tar(("/var/lib/dpkg/status", status)))
    assert as_dpkg_shows(found) == dpkg_query(tmp_path)
    assert len(found.changes) == 3


def test_names_of_fields_in_any_case_against_dpkg_query(tmp_path: Path) -> None:
    need("dpkg-query")
    status = (
        b"PACKAGE:bash\nstatus:install ok installed\nArchitecture:  amd64\nversion:\t5.2\nDescription: d\n\n"
    )
    (tmp_path / "status").write_bytes(status)
    found = of(tar(("/var/lib/dpkg/status", status)))
    assert told(found) == [(1, "added", "bash", None, "5.2")]
    assert as_dpkg_shows(found) == dpkg_query(tmp_path)


@pytest.mark.parametrize(
    "path", ["/var/lib/dpkg/status", "/var/lib/dpkg/status.d/a", "/lib/apk/db/installed"]
)
def test_a_database_that_names_no_package_is_not_read(path: str) -> None:
    """Bytes that a power failure has left: dpkg-query ends with an error too. An empty one has no packages."""
    for data, unread in (
        (bytes(600), [f"cannot read {path}, it names no package"]),
        (b"\xff\xfe\n\nnothing\n", [f"cannot read {path}, it names no package"]),
        (b"", []),
        (b"\n\n", []),
    ):
        found = of(tar((path, data)))
        assert [str(error) for error in found.unread] == unread
        assert not found.changes
    gone = stanza("gone", "1", "deinstall ok config-files")
    assert not of(tar(("/var/lib/dpkg/status", gone))).unread


def test_a_whole_distribution_against_dpkg_query(tmp_path: Path) -> None:
    need("dpkg-query")
    if not STATUS.exists():
        lacking("this machine has no dpkg database")
    status = STATUS.read_bytes()
    (tmp_path / "status").write_bytes(status)
    found = of(tar(("/var/lib/dpkg/status", status)))
    assert as_dpkg_shows(found) == dpkg_query(tmp_path)
    assert found.installed["dpkg"] > 50


def test_what_each_layer_did() -> None:
    path = "/var/lib/dpkg/status"
    found = of(
        tar((path, stanza("a", "1") + stanza("b", "1", size=20))),
        tar(("/unrelated", b"")),
        tar((path, stanza("a", "2") + stanza("b", "1", size=20) + stanza("c", "1", size=5))),
        tar((path, stanza("a", "2") + stanza("c", "1", "deinstall ok config-files"))),
    )
    assert told(found) == [
        (1, "added", "b", None, "1"),
        (1, "added", "a", None, "1"),
        (3, "upgraded", "a", "1", "2"),
        (3, "added", "c", None, "1"),
        (4, "removed", "b", "1", None),
        (4, "removed", "c", "1", None),
    ]
    assert found.installed == {"dpkg": 1}


def test_distroless_has_a_file_a_package() -> None:
    entry = b"Package: tzdata\nVersion: 2024a\nArchitecture: all\nInstalled-Size: 3\n"
    found = of(
        tar(("/var/lib/dpkg/status.d/tzdata", entry), ("/var/lib/dpkg/status.d/tzdata.md5sums", b"0  a\n"))
    )
    assert told(found) == [(1, "added", "tzdata", None, "2024a")]
    assert found.changes[0].package.size == 3072


def test_apk_of_a_real_image() -> None:
    image = open_image(str(fixture("aquasecurity+trivy/pkg/fanal/test/testdata/alpine-310.tar.gz")))
    union = union_of(image.layers)
    found = packages(union, Contents(image, union.indexes, union))
    assert found.installed == {"apk": 14} and not found.unread
    (musl,) = [row.package for row in found.changes if row.package.name == "musl"]
    assert (musl.version, musl.architecture, musl.size) == ("1.1.22-r3", "x86_64", 598016)


def rpm_header(**tags: str | int) -> bytes:
    """As rpm stores it (docs/manual/format_header.md), without the magic."""
    numbers = {"name": 1000, "version": 1001, "release": 1002, "epoch": 1003, "size": 1009, "arch": 1022}
    entries, data = b"", b""
    for name, value in tags.items():
        if isinstance(value, int):
            data += bytes(-len(data) % 4)
            entries += struct.pack(">IIII", numbers[name], 4, len(data), 1)
            data += struct.pack(">I", value)
        else:
            entries += struct.pack(">IIII", numbers[name], 6, len(data), 1)
            data += value.encode() + b"\0"
    return struct.pack(">II", len(tags), len(data)) + entries + data


def rpm_database(path: Path, *headers: bytes) -> bytes:
    """By the schema of rpm's lib/backend/sqlite.c."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(header,) for header in headers])
    connection.commit()
    connection.close()
    return path.read_bytes()


def test_rpm(tmp_path: Path) -> None:
    bash = rpm_header(name="bash", version="5.2", release="1.fc40", size=8_000, arch="x86_64")
    newer = rpm_header(name="bash", version="5.3", release="1.fc40", size=9_000, arch="x86_64")
    keys = [rpm_header(name="gpg-pubkey", version=version, release="1") for version in ("aa", "bb")]
    perl = rpm_header(name="perl", epoch=4, version="5.38", release="2", size=1, arch="noarch")
    file = tmp_path / "db"
    path = "/usr/lib/sysimage/rpm/rpmdb.sqlite"
    found = of(
        tar((path, rpm_database(file, bash, *keys))), tar((path, rpm_database(file, newer, *keys, perl)))
    )
    assert sorted(told(found)) == [
        (1, "added", "bash", None, "5.2-1.fc40"),
        (1, "added", "gpg-pubkey", None, "aa-1"),
        (1, "added", "gpg-pubkey", None, "bb-1"),
        (2, "added", "perl", None, "4:5.38-2"),
        (2, "upgraded", "bash", "5.2-1.fc40", "5.3-1.fc40"),
    ]
    assert found.changes[0].package.size == 8000 and found.installed == {"rpm": 4}


def test_databases_are_found_wherever_they_stand() -> None:
    names = [f"/app/node_modules/p{number:05}/package.json" for number in range(5000)]
    union = union_of_layers(layer(*(("-", name) for name in names), ("-", "/my_node_modules/x/package.json")))
    assert [union.path(node) for node in databases_of(union)] == names


def test_what_cannot_be_read_is_said_and_removes_nothing(tmp_path: Path) -> None:
    path = "/var/lib/rpm/rpmdb.sqlite"
    good = rpm_database(tmp_path / "db", rpm_header(name="a", version="1", release="1"))
    found = of(tar((path, good)), tar((path, b"no database")), tar((f"{path}-wal", b"changes")))
    assert told(found) == [(1, "added", "a", None, "1-1")]
    assert [str(error) for error in found.unread] == [
        f"cannot read {path}, it is not a database of rpm: sqlite, Berkeley DB or ndb",
        f"packages of {path}-wal are not shown, the database was not closed",
    ]


@pytest.mark.parametrize("schema", ["VIEW Packages AS", "TABLE other AS"])
def test_headers_are_stored_in_a_table(tmp_path: Path, schema: str) -> None:
    """What is computed has no end: a thousand blobs of 200 MB take a few steps of sqlite's machine."""
    file = tmp_path / "db"
    connection = sqlite3.connect(file)
    rows = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 3)"
    connection.executescript(f"CREATE {schema} {rows} SELECT zeroblob(1000) AS blob FROM n")
    connection.close()
    (error,) = of(tar(("/var/lib/rpm/rpmdb.sqlite", file.read_bytes()))).unread
    assert "it has no table Packages" in str(error)


def test_a_virtual_table_is_no_table(tmp_path: Path) -> None:
    """It is listed as one, and any module may compute its rows."""
    file = tmp_path / "db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA writable_schema = ON")
    sql = "CREATE VIRTUAL TABLE Packages USING module(blob)"
    connection.execute("INSERT INTO sqlite_master VALUES ('table', 'Packages', 'Packages', 0, ?)", (sql,))
    connection.commit()
    connection.close()
    (error,) = of(tar(("/var/lib/rpm/rpmdb.sqlite", file.read_bytes()))).unread
    assert "it has no table Packages" in str(error)


def test_headers_are_no_longer_than_the_database(tmp_path: Path) -> None:
    """Generated columns are computed too, in a table that is stored."""
    file = tmp_path / "db"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE Packages (n INTEGER PRIMARY KEY, blob AS (zeroblob(5000)))")
    connection.executemany("INSERT INTO Packages (n) VALUES (?)", [(number,) for number in range(100)])
    connection.commit()
    connection.close()
    (error,) = of(tar(("/var/lib/rpm/rpmdb.sqlite", file.read_bytes()))).unread
    assert "its headers are longer than itself" in str(error)


def test_a_database_that_is_changed_anywhere(tmp_path: Path) -> None:
    """sqlite quotes the file in its messages, which is then no UTF-8."""
    good = rpm_database(tmp_path / "db", rpm_header(name="a", version="1", release="1"))
    for position in range(0, len(good), 7):
        data = bytearray(good)
        data[position] ^= 0xFF
        with contextlib.suppress(LayertuiError):
            rpm("/var/lib/rpm/rpmdb.sqlite", bytes(data))


def test_a_database_in_wal_mode_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As rpm leaves it: the mode is written in the file."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    file = tmp_path / "db"
    rpm_database(file, rpm_header(name="a", version="1", release="1"))
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    connection.close()
    assert file.read_bytes()[18:20] == b"\2\2"
    found = of(tar(("/var/lib/rpm/rpmdb.sqlite", file.read_bytes())))
    assert told(found) == [(1, "added", "a", None, "1-1")]


def test_symlinks_lead_to_databases(tmp_path: Path) -> None:
    """As the package managers open them: rpm-ostree's is in /usr/share/rpm."""
    database = rpm_database(tmp_path / "db", rpm_header(name="a", version="1", release="1"))
    images: list[list[tuple[str, bytes | str]]] = [
        [("usr/share/rpm/rpmdb.sqlite", database), ("var/lib/rpm", "../../usr/share/rpm")],
        [("state/rpm/rpmdb.sqlite", database), ("var/lib/rpm", "/state/rpm")],
        [("sysroot/var/lib/rpm/rpmdb.sqlite", database), ("var", "sysroot/var")],
        [("db", database), ("usr/lib/sysimage/rpm/rpmdb.sqlite", "/db")],
        [("usr/share/dpkg/status", stanza("a", "1-1")), ("var/lib/dpkg", "../../usr/share/dpkg")],
        [("sysroot/var/lib/dpkg/status", stanza("a", "1-1")), ("var", "sysroot/var")],
        [("x/status", stanza("a", "1-1")), ("var/lib/dpkg/status", "/x/status")],
        [("x/a", stanza("a", "1-1")), ("x/a.md5sums", b""), ("var/lib/dpkg/status.d", "/x")],
        [("var/apk/db/installed", b"P:a\nV:1-1\n"), ("lib/apk", "../var/apk")],
    ]
    for members in images:
        found = of(linked(members))
        assert told(found) == [(1, "added", "a", None, "1-1")] and not found.unread, members


def linked(members: Iterable[tuple[str, bytes | str]]) -> bytes:
    """A tar of files, and of symlinks where a member is text."""
    parts = [
        header(name.encode(), b"2", linkname=data.encode())
        if isinstance(data, str)
        else file(name.encode(), data)
        for name, data in members
    ]
    return b"".join(parts) + END


def test_the_manifest_of_distroless_azure_linux() -> None:
    """github.com/microsoft/marinara."""
    line = (
        "filesystem\t1.1-9.cm2\t1653816591\t1653753130\tMicrosoft\t{}\t7596\tx86_64\t0\tfilesystem.src.rpm\n"
    )
    path = "/var/lib/rpmmanifest/container-manifest-2"
    found = of(tar((path, line.format("(none)").encode())), tar((path, line.format("2").encode())))
    assert told(found) == [
        (1, "added", "filesystem", None, "1.1-9.cm2"),
        (2, "upgraded", "filesystem", "1.1-9.cm2", "2:1.1-9.cm2"),
    ]
    assert (found.changes[0].package.size, found.changes[0].package.architecture) == (7596, "x86_64")
    assert "fewer than 8 fields" in str(of(tar((path, b"filesystem-1.1-9.cm2.x86_64\n"))).unread[0])


def test_the_short_manifest_counts_only_without_the_long_one() -> None:
    """Both list the same packages; the short one is the output of ``rpm -qa``."""
    folder = "/var/lib/rpmmanifest/container-manifest-"
    short = b"ca-certificates-base-2.0.0-9.cm2.noarch\ngpg-pubkey-3135ce90-5e6fda74\n"
    found = of(tar((folder + "1", short)))
    assert told(found) == [
        (1, "added", "ca-certificates-base", None, "2.0.0-9.cm2"),
        (1, "added", "gpg-pubkey", None, "3135ce90-5e6fda74"),
    ]
    assert [change.package.architecture for change in found.changes] == ["noarch", ""]
    long = b"filesystem\t1.1-9.cm2\t1\t1\tMicrosoft\t(none)\t7596\tx86_64\t0\tx.src.rpm\n"
    assert told(of(tar((folder + "1", short), (folder + "2", long)))) == [
        (1, "added", "filesystem", None, "1.1-9.cm2")
    ]
    assert "NAME-VERSION" in str(of(tar((folder + "1", b"filesystem\n"))).unread[0])


def test_databases_that_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/var/lib/dpkg/status"
    entries = b"".join(stanza(f"p{number}", "1") for number in range(10))
    assert len(of(tar((path, entries))).changes) == 10
    for module, limit, value, why in (
        (package, "MAX_PACKAGES", 9, "lists more than 9 packages"),
        (databases, "MAX_STANZA", 20, "an entry of"),
        (package_databases, "MAX_TEXT_DATABASE", 500, "exceed the limit"),
        (package_databases, "MAX_DATABASES", 500, "databases and file lists exceed 500 bytes"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, limit, value)
            (error,) = of(tar((path, entries))).unread
            assert why in str(error)


def test_python() -> None:
    site = "/usr/lib/python3/site-packages"
    record = b'requests/__init__.py,sha256=x,1000\nrequests-2.0.dist-info/RECORD,,\n"a,b",sha256=y,24\n'
    found = of(
        tar(
            (f"{site}/requests-2.0.dist-info/METADATA", b"Name: requests\nVersion: 2.0\n\nVersion: 9\n"),
            (f"{site}/requests-2.0.dist-info/RECORD", record),
            (f"{site}/Old_Style.egg-info/PKG-INFO", b"Name: Old_Style\nVersion: 1\n"),
        ),
        tar(
            (f"{site}/.wh.requests-2.0.dist-info", b""),
            (f"{site}/Requests-2.1.dist-info/METADATA", b"Name: Requests\nVersion: 2.1\n"),
            (f"{site}/.wh.Old_Style.egg-info", b""),
        ),
    )
    assert sorted(told(found)) == [
        (1, "added", "Old_Style", None, "1"),
        (1, "added", "requests", None, "2.0"),
        (2, "removed", "Old_Style", "1", None),
        (2, "upgraded", "Requests", "2.0", "2.1"),
    ]
    assert [row.package.size for row in found.changes if row.layer == 1] == [1024, -1]


def test_an_egg_that_is_one_file(tmp_path: Path) -> None:
    """As distutils wrote it, for many packages of Debian and Red Hat; importlib finds it, and fields in any case."""
    site = "/usr/lib/python3/dist-packages"
    egg, newer = b"metadata-version: 1.1\nNAME:Old.Style\nversion: 1\n", b"Name: old-style\nVersion: 2\n"
    (tmp_path / "Old.Style-1.egg-info").write_bytes(egg)
    (distribution,) = importlib.metadata.distributions(path=[str(tmp_path)])
    assert (distribution.name, distribution.version) == ("Old.Style", "1")
    found = of(
        tar((f"{site}/Old.Style-1.egg-info", egg)),
        tar(
            (f"{site}/.wh.Old.Style-1.egg-info", b""),
            (f"{site}/old_style-2.egg-info/PKG-INFO", newer),
        ),
    )
    assert told(found) == [
        (1, "added", "Old.Style", None, "1"),
        (2, "upgraded", "old-style", "1", "2"),
    ]
    assert not found.unread


def test_a_python_package_whose_list_of_files_cannot_be_read() -> None:
    info = "/usr/lib/python3/site-packages/x.dist-info"
    layers = layers_of(
        [tar((f"{info}/RECORD", b"x.py,,7\n")), tar((f"{info}/METADATA", b"Name: x\nVersion: 1\n"))]
    )
    union = union_of(layers)
    gone = [layers[0]._replace(blob=BytesBlob(b"", "gone")), layers[1]]
    found = packages(union, Contents(demo.image()._replace(layers=gone), union.indexes, union))
    assert told(found) == [(2, "added", "x", None, "1")] and found.changes[0].package.size == -1
    assert [error.what for error in found.unread] == [f"cannot read {info}/RECORD of layer 1"]


def test_npm() -> None:
    def manifest(name: str, version: str) -> bytes:
        return json.dumps({"name": name, "version": version}).encode()

    modules = "/app/node_modules"
    one, inner, scoped = manifest("one", "1.0.0"), manifest("inner", "3.0.0"), manifest("@team/it", "0.1.0")
    found = of(
        tar(
            ("/app/package.json", manifest("app", "1")),
            (f"{modules}/one/package.json", one),
            (f"{modules}/one/index.js", b"x" * 100),
            (f"{modules}/one/lib/package.json", b'{"type": "module"}'),
            (f"{modules}/one/node_modules/inner/package.json", inner),
            (f"{modules}/@team/it/package.json", scoped),
            (f"{modules}/broken/package.json", b"{"),
        ),
        tar((f"{modules}/one/package.json", manifest("one", "2.0.0"))),
    )
    assert sorted(told(found)) == [
        (1, "added", "@team/it", None, "0.1.0"),
        (1, "added", "inner", None, "3.0.0"),
        (1, "added", "one", None, "1.0.0"),
        (2, "upgraded", "one", "1.0.0", "2.0.0"),
    ]
    sizes = {row.package.name: row.package.size for row in found.changes if row.layer == 1}
    assert sizes == {"one": 100 + len(one) + 18, "inner": len(inner), "@team/it": len(scoped)}
    assert [error.what for error in found.unread] == [f"cannot read {modules}/broken/package.json"]
