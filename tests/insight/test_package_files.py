"""Which package owns a path, compared with what dpkg-query, rpm and importlib say."""

from __future__ import annotations

import importlib.metadata
import io
import subprocess
import tarfile
from collections import defaultdict
from pathlib import Path

import pytest

from layertui import demo
from layertui.content.read import Contents
from layertui.insight import package_files
from layertui.insight.package_files import PackageFiles, PackageOwners
from layertui.insight.packages import packages
from layertui.model.numbers import ROOT, LayerNumber
from layertui.sources import open_image
from tests.commands.samples import tar
from tests.images import layers_of, union_of
from tests.insight.reading import opened
from tests.insight.test_packages import linked, rpm_database, rpm_header, stanza
from tests.layouts import OciLayout
from tests.other_projects import fixture
from tests.programs import lacking, need, need_root

DPKG = Path("/var/lib/dpkg")
CHOSEN = (
    "base-files",
    "bash",
    "coreutils",
    "dash",
    "debianutils",
    "diffutils",
    "libc-bin",
    "login",
    "tzdata",
)

SPEC = """\
Name: {name}
Version: {version}
Release: 3
{epoch}
Summary: A sample
License: MIT
BuildArch: noarch
%description
%install
for path in {files}; do mkdir -p %{{buildroot}}$(dirname $path); echo {name} > %{{buildroot}}$path; done
%files
{files_in_lines}
"""


def of(tars: list[bytes], *paths: str, layer: int = 0) -> list[list[str]]:
    """Names of the owners of each path."""
    union, contents = opened(tars)
    files = PackageFiles(union, contents)
    return [names(files.owners(path, LayerNumber(layer or union.layers))) for path in paths]


def names(owners: PackageOwners) -> list[str]:
    return [package.name for package in owners.packages]


def tree_of(root: Path) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.add(root, ".")
    return data.getvalue()


def unpacked(tars: list[bytes], directory: Path) -> Path:
    """The tree that umoci makes of the layers."""
    need("umoci")
    need_root()
    OciLayout(directory / "layout").add("1", tars)
    root = directory / "root"
    command = ["umoci", "raw", "unpack", "--image", f"{directory}/layout:1", str(root)]
    subprocess.run(command, capture_output=True, check=True)
    return root


def test_dpkg_of_a_whole_distribution(tmp_path: Path) -> None:
    """Some real packages; in the second layer one is gone, one is newer, and a file is diverted."""
    need("dpkg-query")
    if not (DPKG / "status").exists():
        lacking("this machine has no dpkg database")
    stanzas = {
        text.split(b"\n", 1)[0][9:].decode(): text + b"\n\n"
        for text in (DPKG / "status").read_bytes().split(b"\n\n")
    }
    lists = {
        name: (f"/var/lib/dpkg/info/{name}.list", (DPKG / "info" / f"{name}.list").read_bytes())
        for name in CHOSEN
        if name in stanzas
    }
    assert len(lists) > 5
    diverted = b"/usr/bin/diff\n/usr/bin/diff.other\nbash\n"
    status = ("/var/lib/dpkg/status", b"".join(stanzas[name] for name in lists))
    fewer = ("/var/lib/dpkg/status", b"".join(stanzas[name] for name in lists if name != "tzdata"))
    own = b"/.\n/etc\n/etc/only-bash\n/usr\n/usr/bin\n/usr/bin/diff\n"
    tars = [
        tar(status, ("/var/lib/dpkg/diversions", b""), *lists.values()),
        tar(
            fewer,
            ("/var/lib/dpkg/diversions", diverted),
            ("/var/lib/dpkg/info/.wh.tzdata.list", b""),
            ("/var/lib/dpkg/info/bash.list", own),
        ),
    ]
    paths = sorted({line for _, data in lists.values() for line in data.decode().split() if line != "/."})
    paths += ["/etc/only-bash", "/usr/bin/diff.other", "/nobody"]
    for layers in (tars[:1], tars):
        root = unpacked(layers, tmp_path / str(len(layers)))
        union, contents = opened(tars)
        files = PackageFiles(union, contents)
        owners = {path: files.owners(path, LayerNumber(len(layers))) for path in paths}
        expected = dpkg_owners(root / "var/lib/dpkg", paths)
        assert {path: set(names(found)) for path, found in owners.items() if found.packages} == expected
        assert all(found.kinds == ["dpkg"] and not found.unread for found in owners.values())
    found = packages(union, contents)
    left = {row.package.name for row in found.changes if row.layer == 1} - {
        row.package.name for row in found.changes if row.change == "removed"
    }
    command = ["dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Package}\n"]
    assert left == set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert found.installed == {"dpkg": len(left)} and "tzdata" not in left
    assert expected["/usr/bin/diff"] == {"bash"} and "/usr/share/zoneinfo" not in expected


def dpkg_owners(directory: Path, paths: list[str]) -> dict[str, set[str]]:
    """What ``dpkg -S`` says, with diversions followed as dpkg-divert(1) has them."""
    command = ["dpkg-query", f"--admindir={directory}", "-S", *paths]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for line in result.stdout.splitlines():
        owners, _, path = line.rpartition(": ")
        if not owners.startswith("diversion by "):
            found[path] |= {owner.partition(":")[0] for owner in owners.split(", ")}
    if "/usr/bin/diff.other" in result.stdout:  # it names the packages of a diverted path, not who has which
        found["/usr/bin/diff.other"] = found["/usr/bin/diff"] - {"bash"}
        found["/usr/bin/diff"] &= {"bash"}
    return dict(found)


def test_what_a_database_has_below_a_symlink_in_the_root() -> None:
    layer = tar(
        ("/bin", "->usr/bin"),
        ("/usr/bin/ls", b""),
        ("/usr/bin/other", b""),
        ("/var/lib/dpkg/status", stanza("coreutils", "9")),
        ("/var/lib/dpkg/info/coreutils:amd64.list", b"/.\n/bin\n/bin/ls\n"),
    )
    assert of([layer], "/usr/bin/ls", "/usr/bin/other", "/bin") == [["coreutils"], [], ["coreutils"]]


def test_distroless() -> None:
    layer = tar(
        ("/var/lib/dpkg/status.d/tzdata", b"Package: tzdata\nVersion: 1\n"),
        ("/var/lib/dpkg/status.d/tzdata.md5sums", b"0" * 32 + b"  usr/share/zoneinfo/a b\n"),
        ("/var/lib/dpkg/status.d/netbase", b"Package: netbase\nVersion: 1\n"),
    )
    union, contents = opened([layer])
    owners = PackageFiles(union, contents).owners("/usr/share/zoneinfo/a b", LayerNumber(1))
    assert (names(owners), owners.unlisted) == (["tzdata"], 1)


def test_apk_of_a_real_image() -> None:
    image = open_image(str(fixture("aquasecurity+trivy/pkg/fanal/test/testdata/alpine-310.tar.gz")))
    union = union_of(image.layers)
    files = PackageFiles(union, Contents(image, union.indexes, union))
    paths = ("/bin/busybox", "/lib/libc.musl-x86_64.so.1", "/etc/apk/keys", "/lib/apk/db/installed")
    assert [names(files.owners(path, LayerNumber(1))) for path in paths] == [
        ["busybox"],
        ["musl"],
        ["alpine-keys", "apk-tools"],
        [],
    ]


def test_rpm_against_rpm(tmp_path: Path) -> None:
    need("rpm")
    need("rpmbuild")
    need_root()
    root = tmp_path / "root"
    build(tmp_path, "first", "1.2", "Epoch: 4", "/usr/share/one/deep/file", "/etc/shared/a", "/top")
    build(tmp_path, "second", "7~rc1", "", "/etc/shared/b", "/usr/share/one/deep/other")
    rpm = ["rpm", f"--root={root}", "--dbpath=/var/lib/rpm"]
    made = [str(path) for path in tmp_path.glob("top/RPMS/noarch/*.rpm")]
    root.mkdir()
    subprocess.run([*rpm, "--nosignature", "--nodeps", "-i", *made], capture_output=True, check=True)
    union, contents = opened([tree_of(root)])
    files = PackageFiles(union, contents)
    paths = [path for node in union.descendants(ROOT) if not (path := union.path(node)).startswith("/var")]
    assert len(paths) > 10
    for path in paths:
        said = subprocess.run([*rpm, "-qf", path, "--qf", "%{NAME}\n"], capture_output=True, text=True)
        expected = said.stdout.split() if said.returncode == 0 else []
        assert sorted(names(files.owners(path, LayerNumber(1)))) == sorted(expected), path
    form = "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH} %{SIZE}\n"
    said = subprocess.run([*rpm, "-qa", "--qf", form], capture_output=True, text=True, check=True)
    found = packages(union, contents)
    assert sorted(said.stdout.splitlines()) == sorted(
        f"{each.name} {each.version} {each.architecture} {each.size}"
        for each in (row.package for row in found.changes)
    )


def build(directory: Path, name: str, version: str, epoch: str, *files: str) -> None:
    spec = directory / f"{name}.spec"
    lines = "\n".join(files)
    spec.write_text(
        SPEC.format(name=name, version=version, epoch=epoch, files=" ".join(files), files_in_lines=lines)
    )
    command = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {directory}/top", str(spec)]
    subprocess.run(command, capture_output=True, check=True)


def test_rpm_of_a_package_without_files(tmp_path: Path) -> None:
    header = rpm_header(name="old", version="1", release="1")
    assert of([tar(("/var/lib/rpm/rpmdb.sqlite", rpm_database(tmp_path / "db", header)))], "/a") == [[]]


def test_python_against_importlib() -> None:
    """A real package, with a script outside its directory."""
    distribution = importlib.metadata.distribution("pytest")
    files = distribution.files or []
    site = Path(str(distribution.locate_file(""))).resolve()
    base = Path(str(distribution.locate_file(next(f for f in files if f.name == "RECORD")))).resolve().parent
    kept = [(f"{base}/{name}", (base / name).read_bytes()) for name in ("RECORD", "METADATA")]
    union, contents = opened([tar(*kept, (f"{site}/alien.py", b""))])
    owners = PackageFiles(union, contents)
    paths = {str(Path(str(distribution.locate_file(file))).resolve()) for file in files}
    assert any(not path.startswith(str(site)) for path in paths)
    assert all(names(owners.owners(path, LayerNumber(1))) == ["pytest"] for path in paths)
    assert names(owners.owners(f"{site}/alien.py", LayerNumber(1))) == []


def test_python_eggs_by_what_setuptools_wrote() -> None:
    egg = "/usr/lib/python3/x.egg-info"
    layer = tar(
        (f"{egg}/PKG-INFO", b"Name: x\nVersion: 1\n"),
        (f"{egg}/installed-files.txt", b"../x/a.py\nPKG-INFO\n"),
        ("/usr/lib/python3/y.egg-info/PKG-INFO", b"Name: y\nVersion: 1\n"),
    )
    assert of([layer], "/usr/lib/python3/x/a.py", f"{egg}/PKG-INFO") == [["x"], ["x"]]
    union, contents = opened([layer])
    assert PackageFiles(union, contents).owners("/a", LayerNumber(1)).unlisted == 1


def test_npm_by_the_innermost_directory() -> None:
    modules = "/app/node_modules"
    layer = tar(
        (f"{modules}/one/package.json", b'{"name": "one", "version": "1"}'),
        (f"{modules}/one/lib/package.json", b'{"type": "module"}'),
        (f"{modules}/one/node_modules/inner/package.json", b'{"name": "inner", "version": "1"}'),
        (f"{modules}/@team/it/package.json", b'{"name": "@team/it", "version": "1"}'),
    )
    found = of(
        [layer],
        f"{modules}/one/lib/a.js", f"{modules}/one/node_modules/inner/a", f"{modules}/@team/it/b", modules, "/app/x",
    )  # fmt: skip
    assert found == [["one"], ["inner"], ["@team/it"], [], []]


def test_lists_that_are_too_long_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_files, "MAX_DATABASES", 300)
    lists = [(f"/var/lib/dpkg/info/p{number}.list", b"/x\n" * 50) for number in range(3)]
    status = stanza("p0", "1") + stanza("p1", "1")
    files = PackageFiles(*opened([tar(*lists), tar(("/var/lib/dpkg/status", status))]))
    owners = files.owners("/x", LayerNumber(2))
    assert owners.unread and all("exceed" in str(error) for error in owners.unread)


def test_lists_of_databases_that_symlinks_lead_to() -> None:
    """dpkg's are beside its database; those of a status alone are where they always are."""
    listed = b"/.\n/usr\n/usr/bin/a\n"
    images: list[list[tuple[str, bytes | str]]] = [
        [("y/info/a.list", listed), ("y/status", stanza("a", "1")), ("var/lib/dpkg", "/y")],
        [("var/lib/dpkg/info/a.list", listed), ("y", stanza("a", "1")), ("var/lib/dpkg/status", "/y")],
    ]
    for members in images:
        files = PackageFiles(*opened([linked([*members, ("usr/bin/a", b"")])]))
        owners = files.owners("/usr/bin/a", LayerNumber(1))
        assert [package.name for package in owners.packages] == ["a"] and not owners.unlisted


def test_each_layer_has_its_own_answer_and_what_cannot_be_read_is_said() -> None:
    status, info = "/var/lib/dpkg/status", "/var/lib/dpkg/info"
    tars = [
        tar((status, stanza("a", "1")), (f"{info}/a.list", b"/x\n")),
        tar(("/unrelated", b"")),
        tar((status, stanza("b", "1")), (f"{info}/b.list", b"/x\n"), ("/var/lib/rpm/Packages", b"\0")),
    ]
    union, contents = opened(tars)
    files = PackageFiles(union, contents)
    assert [names(files.owners("/x", LayerNumber(layer))) for layer in (1, 2, 3, 1)] == [
        ["a"],
        ["a"],
        ["b"],
        ["a"],
    ]
    (error,) = files.owners("/x", LayerNumber(3)).unread
    assert "it is not a database of rpm" in str(error)
    union = union_of(layers_of(tars[:1]))
    cut = demo.image()._replace(layers=layers_of([tars[0][:1537]]))  # in the list
    owners = PackageFiles(union, Contents(cut, union.indexes, union)).owners("/x", LayerNumber(1))
    assert (owners.packages, owners.unlisted, len(owners.unread)) == ([], 1, 1)


def test_an_image_without_databases() -> None:
    union, contents = opened([tar(("/a", b""))])
    assert PackageFiles(union, contents).owners("/a", LayerNumber(1)) == PackageOwners([], [], 0, [])


@pytest.mark.parametrize(
    ("text", "installed", "owned"),
    [
        (b"\0\xff\n\n", [], []),
        (b"P:x\nR:name\nF:\nR:b\n", ["x"], ["/", "/b", "/name"]),
        (b"F:../..\nP:y\nR:a\n", ["y"], []),
    ],
    ids=["no package", "files before a directory", "a directory outside"],
)
def test_malformed_databases(text: bytes, installed: list[str], owned: list[str]) -> None:
    """They name the packages that they name; what does not name any is reported."""
    places = ("/lib/apk/db/installed", "/x.dist-info/METADATA", "/x.dist-info/RECORD")
    union, contents = opened([tar(*((place, text) for place in places))])
    found = packages(union, contents)
    assert [change.after.name for change in found.changes if change.after] == installed
    unread = places[:2] if not installed else places[1:2]
    assert [str(error) for error in found.unread] == [
        f"cannot read {path}, it names no package" for path in unread
    ]
    files = PackageFiles(union, contents)
    owners = {path: names(files.owners(path, LayerNumber(1))) for path in ("/", "/a", "/b", "/name")}
    assert {path: packages for path, packages in owners.items() if packages} == dict.fromkeys(
        owned, installed
    )
