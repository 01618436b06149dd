"""``layertui compare``."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from markdown_it import MarkdownIt

from layertui.text.sanitize import visible
from tests.commands.running import Run
from tests.commands.samples import HOSTILE, eventful, tar
from tests.layouts import OciLayout

BASE = tar(("/bin", None), ("/bin/tool", b"1.0 tool"), ("/etc", None), ("/etc/conf", b"one\n"))
PACKAGE = "Package: {}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}\n\n"


def status(*packages: tuple[str, str]) -> bytes:
    return "".join(PACKAGE.format(*package) for package in packages).encode()


def two(folder: Path) -> tuple[str, str]:
    """Yesterday's build and today's."""
    layout = OciLayout(folder / "two")
    dpkg = "/var/lib/dpkg/status"
    above = [("/var", None), ("/var/lib", None), ("/var/lib/dpkg", None)]
    layout.add(
        "a",
        [BASE, tar(*above, (dpkg, status(("a", "1"), ("b", "1"))), ("/old", None), ("/old/x", b"12345"))],
        config={"created": "2026-01-01T00:00:00Z", "config": {"Env": ["V=1"], "User": "app"}},
    )
    layout.add(
        "b",
        [
            BASE,
            tar(*above, (dpkg, status(("a", "2"), ("c", "1"))), ("/bin/tool", b"2.0 tool")),
            tar(("/srv", None), ("/srv/data", None), ("/srv/data/x", b"x" * 5000)),
        ],
        config={"created": "2026-01-02T00:00:00Z", "config": {"Env": ["V=2"], "Cmd": ["a|b"]}},
    )
    return f"oci:{layout.directory}:a", f"oci:{layout.directory}:b"


def test_for_people(run: Run, tmp_path: Path) -> None:
    done = run("compare", *two(tmp_path))
    assert (done.status, done.err) == (1, "")
    text = done.text.replace(str(tmp_path), "")
    assert (
        text
        == """\
B is 5.00 kB larger than A (+5.00 kB live, +8 B dead): 3 added (+5.00 kB), 2 modified (0 B), 2 deleted (-5 B).

    STORED  LAYERS  PATHS     SIZE     LIVE  DEAD  PLATFORM     IMAGE
A  20.5 kB       2     10    161 B    161 B   0 B  linux/amd64  oci:/two:a
B  30.7 kB       3     11  5.16 kB  5.16 kB   8 B  linux/amd64  oci:/two:b

Packages: 1 added, 1 upgraded, 1 removed

   KIND  PACKAGE  A  B
~  dpkg  a        1  2
-  dpkg  b        1
+  dpkg  c           1

Config: 4 fields differ

   FIELD         A                     B
+  config.Cmd                          ["a|b"]
~  config.Env.V  1                     2
-  config.User   app
~  created       2026-01-01T00:00:00Z  2026-01-02T00:00:00Z

Growth: most in /srv/data, +5.00 kB

  GROWTH  DIRECTORY
+5.00 kB  /srv/data
    -5 B  /          rest

Layers: 1 in common, the base of both, 1 only in A (10.2 kB), 2 only in B (20.5 kB)

   LAYER   STORED  STEP
-      2  10.2 kB  layer 2
+      2  10.2 kB  layer 2
+      3  10.2 kB  layer 3

Files: 3 added (+5.00 kB), 2 modified (0 B), 2 deleted (-5 B)

    SIZE    GROWTH  WHAT               PATH
~    8 B            content            /bin/tool
-             -5 B  and 1 path below   /old
+         +5.00 kB  and 2 paths below  /srv
~  144 B            content            /var/lib/dpkg/status
"""
    )
    listed = [
        line.split()[-1] for line in run("compare", *two(tmp_path / "2"), "--all").lines if " /" in line
    ]
    assert {"/old/x", "/srv/data/x"} <= set(listed)


def test_for_machines(run: Run, tmp_path: Path) -> None:
    done = run("compare", *two(tmp_path), "--json")
    assert done.status == 1
    (found,) = done.objects
    assert list(found) == [
        "a", "b", "equal", "sums", "layers", "config", "packages", "files", "unread", "unread_packages",
    ]  # fmt: skip
    assert found["equal"] is False and found["unread"] == found["unread_packages"] == []
    assert found["a"]["layer"] == 2 and found["a"]["file_bytes"] == 161 and found["a"]["paths"] == 10
    assert found["b"]["reference"].endswith(":b") and found["b"]["platform"] == "linux/amd64"
    assert found["sums"] == {
        "added": 3, "deleted": 2, "modified": 2, "touched": 0, "added_bytes": 5000, "deleted_bytes": 5,
        "modified_bytes": 0, "growth_bytes": 4995,
    }  # fmt: skip
    layers = found["layers"]
    assert [(row["a"], row["b"]) for row in layers["common"]] == [(1, 1)]
    assert [row["layer"] for row in layers["only_b"]] == [2, 3]
    assert layers["only_a"][0]["created_by"] == "layer 2" and layers["only_a"][0]["size"] == 10240
    assert found["config"][1] == {"field": "config.Env.V", "a": "1", "b": "2"}
    assert [(row["change"], row["name"], row["version_before"], row["version"]) for row in found["packages"]] == [
        ("upgraded", "a", "1", "2"), ("removed", "b", "1", None), ("added", "c", None, "1"),
    ]  # fmt: skip
    files = {row["path"]: row for row in found["files"]}
    assert list(files) == sorted(files) and len(files) == 7
    tool = files["/bin/tool"]
    assert list(tool) == ["path", "change", "what", "before", "after"]
    assert (tool["change"], tool["what"], tool["before"]["layer"], tool["after"]["layer"]) == (
        "modified", ["content"], 1, 2,
    )  # fmt: skip
    assert files["/srv/data/x"]["after"]["layer"] == 3 and files["/srv/data/x"]["before"] is None


def test_as_markdown_nothing_breaks_out(run: Run, tmp_path: Path) -> None:
    names = ["/a|b`c``d", "/`", "/<b>&amp;*_[x](y)", "/  ", "/| --- |", HOSTILE, "/" + "n" * 300]
    layout = OciLayout(tmp_path / "two")
    layout.add("a", [tar(("/x", b""))], config={"config": {"Labels": {"</details>`|": "<script>"}}})
    layout.add("b", [tar(*((name, b"") for name in names))])
    done = run("compare", *(f"oci:{layout.directory}:{tag}" for tag in "ab"), "--markdown")
    assert done.status == 1
    html = MarkdownIt("commonmark").enable("table").render(done.text)
    codes = [unescape(code) for code in re.findall("<code>(.*?)</code>", html)]
    paths = [code for code in codes if code.startswith("/")]
    assert set(paths) - {"/x"} == {visible(name) for name in names[:-1]} | {"/" + "n" * 198 + "…"}
    assert "config.Labels.</details>`|" in codes and "<script>" in codes
    tags = set(re.findall(r"</?(\w+)", html))
    assert tags == {
        "h3",
        "p",
        "strong",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "details",
        "summary",
        "b",
    }
    assert all(row.count("<td") in (4, 5, 9) for row in re.findall("<tr>\n<td.*?</tr>", html, re.DOTALL))
    assert html.count("<details>") == html.count("</details>") == 3


def test_equal_however_the_layers_are_cut(run: Run, tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "two")
    layout.add("a", [tar(("/x", b"x"), ("/y", b"y"))])
    layout.add("b", [tar(("/gone", b"x"), ("/x", b"x")), tar(("/y", b"y"), ("/.wh.gone", b""))], "gzip")
    references = [f"oci:{layout.directory}:{tag}" for tag in "ab"]
    done = run("compare", *references)
    assert (done.status, done.lines[0]) == (0, "Config and files are the same.")
    assert run("compare", *references, "--json").objects[0]["equal"] is True


def test_layers_of_one_image(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    (found,) = run("compare", path, "--from", 1, "--to", 3, "--json").objects
    theirs = run("changes", path, "--from", 1, "--to", 3, "--json").objects
    assert [
        (row["path"], row["change"], row["what"], row["before"], row["after"]) for row in found["files"]
    ] == [(row["path"], row["change"], row["what"], row["before"], row["after"]) for row in theirs]
    assert [found[side]["layer"] for side in "ab"] == [1, 3] and found["config"] == []
    assert run("compare", path, "--from", 3).status == 0


def test_what_cannot_be_read(run: Run, tmp_path: Path) -> None:
    a, b = two(tmp_path)
    done = run("compare", a, tmp_path / "nothing")
    assert done.status == 2 and done.out == b"" and done.err.count("\n") == 1
    done = run("compare", a)
    assert done.status == 2 and "name another image, or two layers" in done.err
    done = run("compare", a, b, "--from", 7)
    assert done.status == 2 and "the layers of" in done.err
    done = run("compare", a, b, "--json", "--markdown")
    assert done.status == 2
    cut = tar(("/srv", None), ("/srv/data", None), ("/srv/data/x", b"x" * 5000))
    for blob in (tmp_path / "two" / "blobs" / "sha256").iterdir():
        if blob.read_bytes() == cut:
            blob.write_bytes(cut[:1000])
    done = run("compare", a, b)
    assert done.status == 2 and done.lines[0].startswith("B is ")
    assert "layer 3 of B could not be read completely" in done.err


def test_package_databases_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "damaged")
    layout.add("a", [BASE])
    layout.add("b", [BASE, tar(("/var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0" + b"junk" * 500))])
    names = f"oci:{layout.directory}:a", f"oci:{layout.directory}:b"
    done = run("compare", *names, "--json")
    (found,) = done.objects
    (problem,) = found["unread_packages"]
    assert done.status == 2 and "rpmdb.sqlite" in problem["why"] and not found["unread"]
    assert problem["why"] in run("compare", *names).err
