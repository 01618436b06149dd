"""``layertui size``: where the bytes are."""

from __future__ import annotations

from pathlib import Path

from layertui.content.read import Contents
from layertui.insight.sizes import SizeMap
from layertui.sources import open_image
from layertui.ui.insight.size_browser import Grouping, SizeBrowser
from tests.commands.running import Run
from tests.commands.samples import tar
from tests.images import union_of
from tests.layouts import OciLayout


def test_tables(run: Run) -> None:
    done = run("size", "demo:")
    assert (done.status, done.err) == (0, "")
    assert done.lines[0] == "164 kB = 119 kB live + 45.1 kB dead (27%)"
    assert (
        "    2  57.0 kB  25.1 kB  31.9 kB  RUN apk add python3 sqlite-libs stonecut build-base" in done.lines
    )
    assert " 100 kB  84.4 kB  15.6 kB  /usr" in done.lines
    assert "29.5 kB  held-box 1.37.0-r4        apk" in done.lines
    assert "52.5 kB not owned by a package" in done.lines
    assert "28.8 kB  logs       /var/log" in done.lines
    assert "24.0 kB      1  /usr/bin/held-box" in done.lines


def test_less_than_no_files(run: Run) -> None:
    done = run("size", "demo:", "--files", -1)
    assert (done.status, done.out) == (2, b"")
    assert done.err == "layertui: --files -1 is less than 0, give the number of files to list\n"


def test_json_has_every_row_and_sums_that_agree(run: Run) -> None:
    (found,) = run("size", "demo:", "--json").objects
    waste = run("insight", "demo:", "--only", "waste", "--json").objects[0]["waste"]
    assert found["dead"] == waste["reclaimable_bytes"]
    assert list(found) == [
        "path", "live", "dead", "layers", "directories", "types", "packages", "unowned", "files", "dead_files", "leftovers",
    ]  # fmt: skip
    for rows in ("layers", "directories", "types"):
        assert sum(row["live"] for row in found[rows]) == found["live"]
        assert sum(row["dead"] for row in found[rows]) == found["dead"]
    assert sum(row["size"] for row in found["dead_files"]) == found["dead"]
    assert sum(row["live"] for row in found["packages"]) + found["unowned"] == found["live"]


def test_below_a_path_options_in_any_place(run: Run) -> None:
    for words in (("demo:", "--dead", "/usr"), ("--dead", "demo:", "/usr"), ("demo:", "/usr", "--dead")):
        done = run("size", *words)
        assert done.lines[0] == "100 kB = 84.4 kB live + 15.6 kB dead (16%)"
        assert "6.00 kB      2  /usr/lib/stonecut.so" in done.lines
        assert not [line for line in done.lines if "held-box" in line]
    done = run("size", "demo:", "/none")
    assert done.status == 2 and done.err.startswith("layertui: no /none")


def test_files_of_a_layer_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    OciLayout(tmp_path / "layout").add("1", [tar(("/a", b"1" * 5000))], "gzip")
    (blob,) = [
        path for path in (tmp_path / "layout/blobs/sha256").iterdir() if path.read_bytes()[:2] == b"\x1f\x8b"
    ]
    blob.write_bytes(blob.read_bytes()[:-20])
    done = run("size", f"oci:{tmp_path}/layout")
    assert done.status == 2 and "could not be read completely" in done.err
    (step,) = run("history", "--json", f"oci:{tmp_path}/layout").objects
    assert (step["Size"], step["LiveSize"]) == (None, None)


def test_sums_of_the_screen_are_those_of_the_command(run: Run) -> None:
    (said,) = run("size", "demo:", "--json").objects
    image = open_image("demo:")
    union = union_of(image.layers)
    browser = SizeBrowser(SizeMap(union), Contents(image, union.indexes, union))
    browser.with_dead = True

    def sums(kind: Grouping) -> dict[str, tuple[int, int]]:
        browser.group_by(kind)
        browser.prepare()
        return {item.name: item.size for item in browser.items(browser.place)}

    assert sums("layer") == {
        f"{row['layer']}": (row["live"], row["dead"]) for row in said["layers"] if row["size"]
    }
    assert sums("type") == {row["type"]: (row["live"], row["dead"]) for row in said["types"]}
    assert sums("package") == {
        "not owned by a package": (said["unowned"], 0),
        "dead files": (0, said["dead"]),
        **{f"{row['name']} {row['version']}": (row["live"], 0) for row in said["packages"]},
    }
    assert sums("leftover") == {row["what"]: (row["live"], 0) for row in said["leftovers"]}
    assert browser.sizes.total == (said["live"], said["dead"])
    browser.group_by("directory")
    files = [rows.file(row) for rows, row in browser.largest()]
    assert sorted((row.path, row.size, row.layer, row.is_live) for row in files) == sorted(
        (row["path"], row["size"], row["layer"], key == "files")
        for key in ("files", "dead_files")
        for row in said[key]
    )


def test_each_directory_of_the_screen_has_the_bytes_that_the_command_says(run: Run) -> None:
    image = open_image("demo:")
    union = union_of(image.layers)
    browser = SizeBrowser(SizeMap(union), Contents(image, union.indexes, union))
    browser.with_dead = True
    for path in ("/", "/usr", "/usr/lib", "/srv/quarry", "/var"):
        (said,) = run("size", "demo:", path, "--json").objects
        found = browser.sizes.rows.item(union.find(path))
        assert found.size == (said["live"], said["dead"])
        children = {union.path(item.node): item.size for item in found.children()}
        assert children == {row["path"]: (row["live"], row["dead"]) for row in said["directories"]}
