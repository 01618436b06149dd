"""Layers that lie unpacked, as the kernel's overlay file system keeps them."""

from __future__ import annotations

import os
import random
import shutil
import socket
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from layertui.content.read import Contents
from layertui.layers.load import index_layer
from layertui.layers.unpacked import id_mapping, overlay_directory
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.layers.unpacked.overlayfs import find_data, merged_directories
from layertui.layers.unpacked.safe_open import DirectoryBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Image, Layer, Platform
from layertui.model.layer_index import Kind, LayerIndex, path_of
from layertui.model.numbers import LayerNumber
from layertui.union.builder import UnionBuilder
from layertui.union.model import LayerUnion
from tests.engines import overlay, run
from tests.programs import lacking, need, need_root
from tests.union.trees import Facts, assert_same, merged, on_disk


def kinds(index: LayerIndex) -> dict[str, Kind]:
    assert not index.damage
    return {path_of(key): Kind(kind) for key, kind in zip(index.entry_keys(), index.kind, strict=True)}


def image_of(directories: list[Path]) -> Image:
    layers = [
        Layer(LayerNumber(number), Descriptor("", "", -1), "", "", None, unpacked=UnpackedDirectory(path))
        for number, path in enumerate(directories, 1)
    ]
    return Image("", "", "", (), (), "", {}, b"", {}, b"", "", Platform("linux", "amd64"), (), layers)


def opened(image: Image) -> tuple[LayerUnion, Contents]:
    builder = UnionBuilder()
    indexes = [index_layer(layer, None) for layer in image.layers]
    for index in indexes:
        assert not index.damage
        builder.add(index)
    union = builder.freeze()
    return union, Contents(image, indexes, union)


def visible(tree: dict[str, Facts]) -> dict[str, Facts]:
    """Sizes of sparse files and times that a copy-up rounds are the file system's affair."""
    return {path: replace(facts, mtime=facts.mtime and (facts.mtime[0], 0)) for path, facts in tree.items()}


@pytest.fixture
def stack(tmp_path: Path) -> list[Path]:
    """Three directories: a base, and what the kernel wrote when a mount over it was worked on twice."""
    need_root()
    base = tmp_path / "base"
    (base / "etc").mkdir(parents=True)
    (base / "etc/passwd").write_text("root:x:0:0\n")
    (base / "etc/gone").write_text("soon deleted\n")
    os.link(base / "etc/passwd", base / "etc/again")
    (base / "opt/tool/deep").mkdir(parents=True)
    (base / "opt/tool/deep/old").write_text("old\n")
    (base / "link").symlink_to("etc/passwd")
    os.mkfifo(base / "pipe", 0o600)
    os.mknod(base / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.setxattr(base / "etc/passwd", "user.note", b"kept")
    (base / "größe 中文").write_text("wide\n")
    one = worked_on([base], tmp_path / "one", _first)
    two = worked_on([base, one], tmp_path / "two", _second)
    return [base, one, two]


def worked_on(lower: list[Path], directory: Path, work: Callable[[Path], None]) -> Path:
    """What the kernel wrote into the upper directory of a mount."""
    upper, scratch, mount = directory, Path(f"{directory}.work"), Path(f"{directory}.mount")
    for path in (upper, scratch, mount):
        path.mkdir()
    lowers = ":".join(map(str, reversed(lower)))
    run(
        "mount",
        "-t",
        "overlay",
        "overlay",
        "-o",
        f"lowerdir={lowers},upperdir={upper},workdir={scratch}",
        mount,
    )
    try:
        work(mount)
    finally:
        run("umount", mount)
    return upper


def _srv(root: Path) -> None:
    (root / "srv").mkdir()
    (root / "srv/app").write_bytes(random.Random(1).randbytes(100_000))
    os.link(root / "srv/app", root / "srv/twin")
    os.chown(root / "srv", 1000, 1000)


def _first(root: Path) -> None:
    (root / "etc/gone").unlink()
    (root / "etc/passwd").chmod(0o600)
    shutil.rmtree(root / "opt/tool")
    (root / "opt/tool").mkdir()
    (root / "opt/tool/new").write_text("new\n")
    _srv(root)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "srv/sock"))


def _second(root: Path) -> None:
    (root / "srv/twin").unlink()
    (root / "link").unlink()
    (root / "link").mkdir()
    (root / "link/inside").write_text("x\n")
    (root / "opt/tool/new").write_text("newer\n")
    (root / "pipe").unlink()


def test_merged_trees_equal_the_kernels(stack: list[Path], tmp_path: Path) -> None:
    union, contents = opened(image_of(stack))
    for number in range(1, len(stack) + 1):
        with overlay(stack[:number], tmp_path / f"mount-{number}") as root:
            theirs = on_disk(root)
        assert_same(visible(merged(union, number, contents.read)), visible(theirs))


def test_says_how_the_kernel_hid_things(stack: list[Path]) -> None:
    found = UnpackedDirectory(stack[1]).scan()
    whiteouts = [path_of(key) for key, kind in pairs(found) if kind == Kind.WHITEOUT]
    opaque = [path_of(key) for key, kind in pairs(found) if kind == Kind.OPAQUE]
    assert whiteouts == ["/etc/gone"]
    assert opaque == ["/opt/tool"]
    assert not any(extra.xattrs for extra in found.extra.values() if "overlay" in str(extra.xattrs))


def pairs(index: LayerIndex) -> list[tuple[bytes, int]]:
    return list(zip(index.entry_keys(), index.kind, strict=True))


def test_names_come_as_a_walk_in_byte_order(tmp_path: Path) -> None:
    for name in ("b", "a-b", "a/z", "a/b"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert list(kinds(UnpackedDirectory(tmp_path).scan())) == ["/", "/a", "/a/b", "/a/z", "/a-b", "/b"]


def test_root_is_an_entry_only_if_it_says_something(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    if os.geteuid() == 0:
        assert kinds(UnpackedDirectory(tmp_path).scan()) == {}
    tmp_path.chmod(0o711)
    assert kinds(UnpackedDirectory(tmp_path).scan()) == {"/": Kind.DIRECTORY}


def test_whiteouts_that_are_files(tmp_path: Path) -> None:
    need_root()
    gone, full = tmp_path / "gone", tmp_path / "full"
    gone.touch()
    full.write_text("a file with the attribute is a file\n")
    for path in (gone, full):
        os.setxattr(path, "trusted.overlay.whiteout", b"")
    os.setxattr(tmp_path, "trusted.overlay.opaque", b"x")
    found = kinds(UnpackedDirectory(tmp_path).scan())
    assert (found["/gone"], found["/full"]) == (Kind.WHITEOUT, Kind.FILE)
    assert Kind.OPAQUE not in found.values()


def test_a_nested_mounts_markers_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    need_root()
    inner = tmp_path / "inner"
    inner.mkdir()
    os.setxattr(inner, "trusted.overlay.overlay.opaque", b"y")
    os.setxattr(inner, "trusted.overlay.origin", b"\0")
    index = UnpackedDirectory(tmp_path).scan()
    assert pairs(index) == [(b"", Kind.DIRECTORY), (b"inner", Kind.DIRECTORY)]
    assert index.extra[1].xattrs == {"trusted.overlay.opaque": b"y"}


@pytest.mark.parametrize(("value", "is_opaque"), [(b"y", True), (b"x", False)])
def test_only_y_makes_a_directory_opaque(value: bytes, is_opaque: bool, tmp_path: Path) -> None:
    """``x`` says that files in it may be whiteouts (overlayfs.rst, "xattr-based whiteouts")."""
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    for root in (lower, upper):
        (root / "d").mkdir(parents=True)
    (lower / "d/f").write_text("x")
    os.setxattr(upper / "d", "user.overlay.opaque", value)
    assert find_data((upper, lower), b"d\0f") == (None if is_opaque else (lower, b"d\0f"))
    assert len(merged_directories((upper, lower), b"d")) == (1 if is_opaque else 2)
    index = UnpackedDirectory(upper).scan()
    assert ((b"d", Kind.OPAQUE) in pairs(index)) == is_opaque


def test_marks_of_users_in_what_is_roots(tmp_path: Path) -> None:
    """A container can set them where root's daemon mounts without ``userxattr``, and hide nothing by them there."""
    need_root()
    layer = tmp_path / "1" / "diff"
    (layer / "inner" / "deep").mkdir(parents=True)
    (layer / "file").write_text("")
    os.setxattr(layer / "inner", "user.overlay.opaque", b"y")
    os.setxattr(layer / "inner" / "deep", "user.overlay.overlay.opaque", b"y")
    index = UnpackedDirectory(layer).scan()
    assert (b"inner", Kind.OPAQUE) in pairs(index)
    marks = "user.overlay.* marks: applied here, as by mounts with userxattr"
    assert [warning.text for warning in index.warnings] == [
        f"/inner has {marks}; other mounts ignore them and show what they hide"
    ]
    os.setxattr(layer / "file", "user.overlay.whiteout", b"")
    (warning,) = UnpackedDirectory(layer).scan().warnings
    assert warning.text.startswith(f"/file and 1 other path have {marks}")
    os.chown(layer.parent, 1000, 1000)
    assert not UnpackedDirectory(layer).scan().warnings


@pytest.mark.parametrize(("space", "option"), [("trusted.overlay.", ""), ("user.overlay.", ",userxattr")])
def test_every_marker_of_a_nested_mount_is_as_the_kernel_shows_it(
    tmp_path: Path, space: str, option: str
) -> None:
    """What an engine in a container writes into its layers: the kernel escapes each name where it keeps it."""
    need_root()
    base, upper, work, mount = paths = [tmp_path / name for name in ("base", "upper", "work", "mount")]
    for path in paths:
        path.mkdir()
    markers = {"whiteout": b"", "opaque": b"y", "redirect": b"/etc", "metacopy": b"", "origin": b"\0"}
    for name in markers:
        (base / name).mkdir()
        (base / name / "below").write_text("below\n")
        (base / f"{name}-file").write_text("content\n")

    def mounted(options: str) -> None:
        run("mount", "-t", "overlay", "overlay", "-o", f"{options}{option}", mount)

    mounted(f"lowerdir={base},upperdir={upper},workdir={work}")
    try:
        try:
            os.setxattr(mount / "origin", f"{space}origin", b"")
        except OSError:
            lacking("the kernel keeps no attributes of nested overlays (before Linux 6.7)")
        for name, value in markers.items():
            (mount / f"{name}-file").write_text("")
            for path in (mount / name, mount / f"{name}-file"):
                os.setxattr(path, space + name, value)
    finally:
        run("umount", mount)
    mounted(f"ro,lowerdir={upper}:{base}")
    try:
        theirs = on_disk(mount)
        shown = {
            (path, name): os.getxattr(mount / path, space + name)
            for name in markers
            for path in (name, f"{name}-file")
        }
    finally:
        run("umount", mount)
    assert os.getxattr(upper / "whiteout-file", f"{space}overlay.whiteout") == b""
    union, contents = opened(image_of([base, upper]))
    ours = merged(union, 2, contents.read)
    for (marked, name), value in shown.items():
        assert ours[f"/{marked}"].xattrs == ((space + name, value),)
    plain = {path: replace(facts, xattrs=()) for path, facts in visible(theirs).items()}
    assert_same({path: replace(facts, xattrs=()) for path, facts in visible(ours).items()}, plain)
    assert not union.warnings


def test_warns_of_what_lies_elsewhere(tmp_path: Path) -> None:
    need_root()
    moved, thin = tmp_path / "moved", tmp_path / "thin"
    moved.mkdir()
    thin.touch()
    os.setxattr(moved, "trusted.overlay.redirect", b"/before")
    os.setxattr(thin, "trusted.overlay.metacopy", b"")
    index = UnpackedDirectory(tmp_path).scan()
    assert (b"moved", Kind.OPAQUE) in pairs(index)  # what is below under its own name is hidden
    codes = {path_of(key): code for code, key, _text in index.warnings}
    assert codes == {"/moved": "overlay-redirect", "/thin": "overlay-metacopy"}


def test_data_of_files_that_only_have_metadata_here(tmp_path: Path) -> None:
    """Podman's default on Fedora: a file that is only given away keeps its data in the layer below."""
    need_root()
    names = ("base", "middle", "upper", "work", "mount")
    base, middle, upper, work, mount = paths = [tmp_path / name for name in names]
    for path in paths:
        path.mkdir()
    (base / "d").mkdir()
    for name in ("d/f", "g", "d/h"):
        (base / name).write_bytes(random.Random(name).randbytes(5000))
    for above, lower in ((middle, f"{base}"), (upper, f"{middle}:{base}")):
        options = f"lowerdir={lower},upperdir={above},workdir={work},metacopy=on,redirect_dir=on"
        run("mount", "-t", "overlay", "overlay", "-o", options, mount)
        try:
            if above is middle:
                (mount / "g").rename(mount / "g2")
                os.chown(mount / "g2", 5, 6)
            else:
                (mount / "d/f").chmod(0o600)
                (mount / "g2").rename(mount / "d/g3")
            (mount / "d/h").chmod(0o700 if above is middle else 0o711)
            theirs = on_disk(mount)
        finally:
            run("umount", mount)
        shutil.rmtree(work)
        work.mkdir()
    unpacked = [
        UnpackedDirectory(base),
        UnpackedDirectory(middle, below=(base,)),
        UnpackedDirectory(upper, below=(middle, base)),
    ]
    image = image_of([base, middle, upper])
    layers = [layer._replace(unpacked=each) for layer, each in zip(image.layers, unpacked, strict=True)]
    union, contents = opened(image._replace(layers=layers))
    assert_same(visible(merged(union, 3, contents.read)), visible(theirs))
    assert os.getxattr(upper / "d/h", "trusted.overlay.metacopy") == b""
    assert not unpacked[2].scan().warnings
    (base / "d/h").unlink()
    assert "overlay-metacopy" in {warning.code for warning in unpacked[2].scan().warnings}


@pytest.mark.parametrize("seed", range(6))
def test_directories_that_were_moved(seed: int, tmp_path: Path) -> None:
    """Names in three layers changed at random; the kernel notes only where each directory was before."""
    need_root()
    chance = random.Random(seed)
    base, work, mount = tmp_path / "base", tmp_path / "work", tmp_path / "mount"
    mount.mkdir()
    for number in range(40):
        folder = base.joinpath(*(chance.choice("abc") for _ in range(chance.randrange(1, 4))))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file{number}").write_bytes(chance.randbytes(number))
        if number % 7 == 0:
            os.link(folder / f"file{number}", folder / f"link{number}")
    layers, trees = [base], []
    for name in ("one", "two", "three"):
        upper = tmp_path / name
        upper.mkdir()
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        lower = ":".join(map(str, reversed(layers)))
        options = f"lowerdir={lower},upperdir={upper},workdir={work},redirect_dir=on,metacopy=on"
        run("mount", "-t", "overlay", "overlay", "-o", options, mount)
        try:
            for number in range(25):
                disturb(mount, chance, f"{name}{number}")
            trees.append(on_disk(mount))
        finally:
            run("umount", mount)
        layers.append(upper)
    image = image_of(layers)
    unpacked = [
        UnpackedDirectory(path, below=tuple(layers[:number][::-1])) for number, path in enumerate(layers)
    ]
    found = [layer._replace(unpacked=each) for layer, each in zip(image.layers, unpacked, strict=True)]
    union, contents = opened(image._replace(layers=found))
    for number, theirs in enumerate(trees, 2):
        assert_same(visible(merged(union, number, contents.read)), visible(theirs))
    marks = [
        path
        for layer in layers
        for path in layer.rglob("*")
        if "trusted.overlay.redirect" in os.listxattr(path)
    ]
    assert any(path.is_dir() for path in marks)
    assert not union.warnings


def disturb(root: Path, chance: random.Random, name: str) -> None:
    """One change somewhere in a tree."""
    folders = [path for path in sorted(root.rglob("*")) if path.is_dir() and not path.is_symlink()]
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    folder, file = chance.choice(folders), chance.choice(files)
    match chance.randrange(8):
        case 0 | 1 | 2:
            target = chance.choice([root, *folders])
            if folder not in (target, *target.parents):
                folder.rename(target / f"{folder.name[:1]}-{name}")
        case 3:
            file.unlink()
        case 4:
            (chance.choice(folders) / name).write_text(name)
        case 5:
            file.chmod(0o600)
        case 6:
            file.rename(folder / name)
        case 7:  # a new directory where one was, which has nothing of it
            parent = folder.parent
            shutil.move(folder, root / f"gone-{name}") if chance.random() < 0.5 else shutil.rmtree(folder)
            (parent / folder.name).mkdir()
            (parent / folder.name / "new").write_text(name)


@pytest.mark.parametrize("redirect", [b"/", b"..", b"/../etc/passwd", b"a/../../b", b"a\0b", b"/nothing"])
def test_wild_redirects_lead_nowhere(tmp_path: Path, redirect: bytes) -> None:
    need_root()
    below, thin = tmp_path / "below", tmp_path / "upper" / "thin"
    below.mkdir()
    thin.parent.mkdir()
    thin.write_bytes(bytes(5))
    os.setxattr(thin, "trusted.overlay.metacopy", b"")
    os.setxattr(thin, "trusted.overlay.redirect", redirect)
    unpacked = UnpackedDirectory(thin.parent, below=(below,))
    assert "overlay-metacopy" in {warning.code for warning in unpacked.scan().warnings}
    assert unpacked.open(b"thin", 5).pread(5, 0) == bytes(5)


@pytest.mark.parametrize("option", ["", ",xattr_permissions=1", ",xattr_permissions=2"])
def test_merged_trees_equal_those_of_fuse_overlayfs(stack: list[Path], tmp_path: Path, option: str) -> None:
    """Its spelling of what is hidden, and, where files belong to others than they lie there for, of id_mapping."""
    need("fuse-overlayfs")
    if not Path("/dev/fuse").exists():
        pytest.skip("the kernel has no FUSE here")
    upper, work, mount = (tmp_path / name for name in ("upper", "work", "mount"))
    for path in (upper, work, mount):
        path.mkdir()
    options = f"lowerdir={stack[0]},upperdir={upper},workdir={work}{option}"
    for step in ("work", "look"):  # what was worked on is seen truly after a new mount only
        run("fuse-overlayfs", "-o", options, mount)
        try:
            if step == "work":
                (mount / "etc/gone").unlink()
                shutil.rmtree(mount / "opt/tool")
                (mount / "opt/tool").mkdir()
                _srv(mount)
                (mount / "srv/app").chmod(0o4711)
                (mount / "link").unlink()
            theirs = on_disk(mount)
        finally:
            run("umount", mount)
    image = image_of([stack[0]])
    above = UnpackedDirectory(upper, whiteout_names=True)
    layers = [*image.layers, Layer(LayerNumber(2), Descriptor("", "", -1), "", "", None, unpacked=above)]
    union, contents = opened(image._replace(layers=layers))
    # It shows root the attribute that is its own.
    theirs = {
        path: replace(
            facts, xattrs=tuple(pair for pair in facts.xattrs if pair[0] not in overlay_directory.OVERRIDES)
        )
        for path, facts in theirs.items()
    }
    assert_same(visible(merged(union, 2, contents.read)), visible(theirs))


@pytest.mark.parametrize("name", overlay_directory.OVERRIDES)
def test_owners_that_attributes_tell(tmp_path: Path, name: str) -> None:
    need_root()
    told = {
        "": b"7:8:0555",
        "file": b"1000:2000:4711",
        "typed": b"1:2:0100640:file",
        "device": b"0:6:0660:block-8-1",
        "pipe": b"0:0:0600:pipe",
        "wild": b"99999999999:0:0777",
        "large": b"4294967296:0:0777",
    }
    for path, value in told.items():
        (tmp_path / path).touch(0o644)
        os.setxattr(tmp_path / path, name, value)
    index = UnpackedDirectory(tmp_path).scan()
    found = {
        path_of(key): (Kind(index.kind[number]), index.mode[number], index.uid[number], index.gid[number])
        for number, key in enumerate(index.entry_keys())
    }
    assert found == {
        "/": (Kind.DIRECTORY, 0o555, 7, 8),
        "/device": (Kind.BLOCK, 0o660, 0, 6),
        "/file": (Kind.FILE, 0o4711, 1000, 2000),
        "/large": (Kind.FILE, 0o644, 0, 0),
        "/pipe": (Kind.FIFO, 0o600, 0, 0),
        "/typed": (Kind.FILE, 0o640, 1, 2),
        "/wild": (Kind.FILE, 0o644, 0, 0),
    }
    assert [extra.device for extra in index.extra.values()] == [(8, 1)]
    assert not any(extra.xattrs for extra in index.extra.values())


def test_owners_count_only_where_the_root_has_one(tmp_path: Path) -> None:
    """A container may have stored such attributes of its own."""
    need_root()
    (tmp_path / "file").touch(0o644)
    os.setxattr(tmp_path / "file", overlay_directory.OVERRIDES[1], b"7:8:0755")
    index = UnpackedDirectory(tmp_path).scan()
    assert (index.mode[-1], index.uid[-1]) == (0o644, 0)
    assert index.extra[len(index.mode) - 1].xattrs == {overlay_directory.OVERRIDES[1]: b"7:8:0755"}


def test_owners_of_a_user_without_privileges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the directory is root, subordinate IDs are the others; of users beside them it is said."""
    need_root()
    files = tmp_path / "subuid", tmp_path / "subgid"
    files[0].write_text("4321:100000:10\nsomebody:1:5\n4321:300000:5\n4321:x:5\n")
    files[1].write_text("4321:200000:65536\n")
    monkeypatch.setattr(id_mapping, "SUBORDINATE", files)
    store = tmp_path / "store"
    store.mkdir()
    assert id_mapping.id_mapping_of(store) is None
    os.chown(store, 4321, 4322)
    given = {
        "root": (4321, 4322),
        "second": (100_001, 200_005),
        "later": (300_002, 200_000),
        "other": (7, 4322),
    }
    for name, (uid, gid) in given.items():
        (store / name).touch(0o644)
        os.chown(store / name, uid, gid)
    index = UnpackedDirectory(store, id_mapping=id_mapping.id_mapping_of(store)).scan()
    found = dict(zip(index.entry_keys(), zip(index.uid, index.gid, strict=True), strict=True))
    assert found == {b"root": (0, 0), b"second": (2, 6), b"later": (13, 1), b"other": (7, 4322)}
    assert [(warning.code, warning.text[:9]) for warning in index.warnings] == [
        ("owner-unknown", "1 entry o")
    ]


def test_a_directory_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    layer = Layer(
        LayerNumber(1), Descriptor("", "", -1), "", "", None, unpacked=UnpackedDirectory(tmp_path / "none")
    )
    assert index_layer(layer, None).damage == f"cannot read {tmp_path}/none, No such file or directory"


def test_reads_no_file_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    (root / "dir/file").write_text("inside")
    assert DirectoryBlob(root, b"dir\0file", 6).pread(100, 0) == b"inside"
    (root / "dir/file").unlink()
    (root / "dir/file").symlink_to(secret)
    with pytest.raises(LayertuiError, match=r"root/dir/file, Too many levels of symbolic links"):
        DirectoryBlob(root, b"dir\0file", 6).pread(100, 0)
    shutil.rmtree(root / "dir")
    (root / "dir").symlink_to(tmp_path)
    with pytest.raises(LayertuiError, match="dir/secret"):
        DirectoryBlob(root, b"dir\0secret", 6).pread(100, 0)
