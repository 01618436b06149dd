"""Parquet files of many images: DuckDB answers as the engine does, however the files were written."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from conformance.case import all_cases, write_image

from layertui import demo
from layertui.cache.indexes import IndexCache
from layertui.cli import main
from layertui.commands.parsers import command_parser
from layertui.find.asking import finder_of
from layertui.find.export import EXPORTED_TYPES, ExportedImage, Exporter
from layertui.find.exported import ExportedFinder
from layertui.find.parquet import PARQUET_COLUMNS
from layertui.model.errors import LayertuiError
from layertui.model.numbers import LayerNumber
from layertui.sources import list_images, open_image
from tests import every_entry_type
from tests.commands.samples import eventful, tar
from tests.layouts import OciLayout, digest, docker_archive
from tests.matrix.images import SOURCES
from tests.schema import complaints
from tests.waiting import SECONDS

pytest.importorskip("duckdb")

QUESTIONS = [
    *(
        ("path", glob)
        for glob in ("**", "*", "passwd", "/etc/passwd", "*.so", "*o*", "/usr/**", "etc/*", "?o*", "x[a]")
    ),
    *(("path", glob) for glob in ("/usr/lib/new.so", "a b.*", "*\udcff", "*ü*", "it's", "")),
    *(("package", glob) for glob in ("*", "libc", "apk:*", "libc=1.2.*", "[ls]*", "[!l]*", "nothing", "")),
    *(("digest", text) for text in ("sha256:", "SHA256:0", "0", "a1", "nothing", "")),
]
ODD = tar(("/a b.c", b""), ("/\udcff", b"1"), ("/\nü", b"22"), ("/it's", b""), ("/it's", b"again"))
LINKED = [
    tar(("/usr", None), ("/usr/lib", None), ("/lib", "->usr/lib")),
    tar(("/lib/new.so", b"needle\n"), ("/usr/lib/old.so", b"needle\n")),
]


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    """References of images with entries of every type, hidden and moved ones, names that are not UTF-8, no layers."""
    docker_archive(tmp_path / "entries.tar", every_entry_type.image())
    layout = OciLayout(tmp_path / "layout")
    layout.add("linked", LINKED, "gzip")
    layout.add("odd", [ODD, tar(("/.wh.\udcff", b""), ("/a b.c/d", b"3"))])
    layout.add("same", [ODD])
    layout.add("empty", [])
    return [
        "demo:",
        f"oci:{eventful(tmp_path)}:1",
        f"docker-archive:{tmp_path}/entries.tar:odd:1",
        *(f"oci:{tmp_path}/layout:{tag}" for tag in ("linked", "odd", "same", "empty")),
    ]


def exported(images: Iterable[str], folder: Path) -> list[ExportedImage]:
    exporter = Exporter(folder, None)
    return [exporter.add(open_image(image)) for image in images]


def engine_answers(
    images: Iterable[str], kind: str, pattern: str, cache: IndexCache | None = None
) -> list[str]:
    finder = finder_of(kind, pattern, cache)
    rows = [row for image in images for row in finder.in_image(open_image(image))]
    return sorted(json.dumps(row.to_json()) for row in rows)


def answers(folder: Path, kind: str, pattern: str) -> list[str]:
    return sorted(json.dumps(row.to_json()) for row in ExportedFinder(folder).find(kind, pattern))


def files(folder: Path) -> dict[str, int]:
    """All complete files, and when they were written."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.glob("*/[!.]*")}


def test_the_answers_are_those_of_the_engine(images: list[str], tmp_path: Path) -> None:
    exported(images, tmp_path / "out")
    found = 0
    for kind, pattern in QUESTIONS:
        expected = engine_answers(images, kind, pattern)
        assert answers(tmp_path / "out", kind, pattern) == expected, (kind, pattern)
        found += len(expected)
    assert found > 900


def test_the_answers_are_those_of_the_engine_where_engines_disagree(tmp_path: Path) -> None:
    images, exporter = [], Exporter(tmp_path / "out", None)
    for case in all_cases():
        (tmp_path / case.name).mkdir()
        write_image(case, tmp_path / case.name)
        try:
            image = f"oci:{tmp_path}/{case.name}/layout:1"
            exporter.add(open_image(image))
            images.append(image)
        except LayertuiError:
            pass  # damaged
    assert len(images) > len(all_cases()) / 2
    assert answers(tmp_path / "out", "path", "**") == engine_answers(images, "path", "**")


def test_the_answers_are_those_of_the_engine_on_every_source(tmp_path: Path) -> None:
    complete, cache = 0, IndexCache(tmp_path / "cache")
    for number, make in enumerate(SOURCES.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        source, exporter, images = make(folder), Exporter(folder / "out", cache), []
        with suppress(LayertuiError):
            for row in list_images(source):
                with suppress(LayertuiError):  # damaged, or without digests
                    images.append(exporter.add(open_image(row.reference)).image)
        for kind, pattern in (("path", "**"), ("package", "*")) if images else ():
            expected = engine_answers(images, kind, pattern, cache)
            assert answers(folder / "out", kind, pattern) == expected, source
        complete += bool(images)
    assert complete > len(SOURCES) / 2


def test_a_layer_is_written_once_and_a_second_run_adds_what_is_new(images: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert [image.new_layers for image in exported(images[3:5], out)] == [2, 2]
    before = files(out)
    assert {name.split("/")[0] for name in before} == {*PARQUET_COLUMNS}
    assert [image[1:] for image in exported(images[3:], out)] == [(2, 0), (2, 0), (1, 0), (0, 0)]
    after = files(out)
    assert before.items() <= after.items()
    assert sorted(name.split("/")[0] for name in after.keys() - before) == [
        *("exceptions", "exceptions"),
        *("images", "images"),
        *("packages", "packages"),
        *("stacks", "stacks"),
    ]
    exported(images, out)
    assert answers(out, "path", "**") == engine_answers(images, "path", "**")


def export_process(out: Path, images: Sequence[str]) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "layertui",
        "find",
        "--quiet",
        "--no-cache",
        "--export",
        str(out),
        *images,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_four_processes_write_at_once_and_one_is_killed(images: list[str], tmp_path: Path) -> None:
    """Each with its own order. What is there after the kill is whole, and one more run adds what is missing."""
    layout, out = OciLayout(tmp_path / "many"), tmp_path / "out"
    base = tar(*((f"/base/{number}", b"1") for number in range(3000)))
    for number in range(12):
        own = tar(*((f"/own{number}/{name}", b"22") for name in range(1000)), ("/base/.wh.7", b""))
        layout.add(f"{number}", [base, own], "gzip")
    images = [*images, *(f"oci:{tmp_path}/many:{number}" for number in range(12))]
    orders = [images, images[::-1], images[5:] + images[:5], images[9:] + images[:9]]
    processes = [export_process(out, order) for order in orders]
    killed = processes[1]
    deadline = time.monotonic() + SECONDS
    while not any(out.glob("entries/*.parquet")) and killed.poll() is None:
        assert time.monotonic() < deadline
    killed.kill()
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    partly = answers(out, "path", "**") if any(out.glob("images/*.parquet")) else []
    assert {*partly} <= {*engine_answers(images, "path", "**")}
    for process in processes:
        if process is not killed:
            _, said = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, said
    last = export_process(out, images)
    last.communicate(timeout=SECONDS)
    assert last.returncode == 0
    for kind, pattern in (("path", "**"), ("path", "*7*"), ("package", "*"), ("digest", "sha256:")):
        assert answers(out, kind, pattern) == engine_answers(images, kind, pattern)


@pytest.mark.parametrize("compression", ["", "gzip"])
def test_a_layer_that_is_not_what_it_claims_to_be_is_not_exported(compression: str, tmp_path: Path) -> None:
    """Else one image could put its files under the name of another's layer, for all who ask the folder."""
    claimed, real = tar(("/good", b"")), tar(("/evil", b""))
    layout = OciLayout(tmp_path / "layout")
    layout.add("good", [claimed], compression)
    layout.add("evil", [real], compression)
    swapped = open_image(f"oci:{tmp_path}/layout:evil")
    layer = swapped.layers[0]._replace(diff_id=digest(claimed))
    for has_good in (False, True):
        out = tmp_path / f"out{has_good}"
        if has_good:
            exported([f"oci:{tmp_path}/layout:good"], out)
        with pytest.raises(LayertuiError, match="layer 1 cannot be exported, wrong diff ID"):
            Exporter(out, None).add(swapped._replace(layers=[layer, layer._replace(number=LayerNumber(2))]))
        assert len(files(out)) == 6 * has_good


def test_a_layer_without_a_digest_or_a_damaged_one_is_not_exported(tmp_path: Path) -> None:
    image = demo.image()
    for diff_id in ("", "md5:0", "sha256:../../../etc"):
        layers = [image.layers[0]._replace(diff_id=diff_id), *image.layers[1:]]
        with pytest.raises(LayertuiError, match="layer 1 cannot be exported, its diff ID is unknown"):
            Exporter(tmp_path / "out", None).add(image._replace(layers=layers))
    blob = max((eventful(tmp_path) / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:3000])
    with pytest.raises(LayertuiError, match="image cannot be exported, layer 1 could not be read completely"):
        exported([f"oci:{tmp_path}/image:1"], tmp_path / "out")
    assert not files(tmp_path / "out")


def test_whiteouts_are_rows_too(images: list[str], tmp_path: Path) -> None:
    import duckdb

    exported(images, tmp_path / "out")
    query = f"SELECT type, count(*) FROM '{tmp_path}/out/entries/*.parquet' GROUP BY type"
    kinds = dict(duckdb.execute(query).fetchall())
    assert {*kinds} == {*EXPORTED_TYPES.values()} - {"socket"}  # tar has none


def test_a_folder_that_is_none_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(LayertuiError, match="no images in "):
        ExportedFinder(tmp_path)
    exported(["demo:"], tmp_path)
    entries = next(tmp_path.glob("entries/*.parquet"))
    entries.write_bytes(entries.read_bytes()[:50])
    with pytest.raises(LayertuiError, match=f"cannot read {tmp_path}, "):
        answers(tmp_path, "path", "*")
    (tmp_path / "file").write_text("")
    with pytest.raises(LayertuiError, match="cannot write "):
        exported(["demo:"], tmp_path / "file")


def test_without_duckdb(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    for words in (["--export", str(tmp_path)], ["--in", str(tmp_path), "a"]):
        assert main(["find", *words]) == 2
        assert capsys.readouterr().err == (
            "layertui: cannot use Parquet files, DuckDB is not installed, pip install 'layertui[export]'\n"
        )


def test_spark_reads_the_same(images: list[str], tmp_path: Path) -> None:
    """The query of docs/find.md."""
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("no Java")
    exported(images, tmp_path / "out")
    query = documented("```sql", 0)
    assert "%.jar" in query
    spark: Any = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        for table in PARQUET_COLUMNS:
            spark.read.parquet(str(tmp_path / "out" / table)).createOrReplaceTempView(table)
        rows = spark.sql(query.replace("%.jar", "%")).collect()
    finally:
        spark.stop()
    found = [json.loads(row) for row in answers(tmp_path / "out", "path", "*")]
    # A name that is not UTF-8 has another column.
    expected = [
        (row["image"], row["layer"], row["path"], row["visible"])
        for row in found
        if "\udcff" not in row["path"]
    ]
    assert sorted(row for row in map(tuple, rows) if "\ufffd" not in row[2]) == sorted(expected)
    assert len(expected) > 100


def documented(language: str, number: int) -> str:
    """A block of the page about it."""
    page = (Path(__file__).parents[2] / "docs/find.md").read_text()
    return page.split(f"{language}\n")[number + 1].partition("```")[0]


def test_what_the_page_shows_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import duckdb

    monkeypatch.chdir(tmp_path)
    docker_archive(tmp_path / "app.tar", demo.image())
    page = (Path(__file__).parents[2] / "docs/find.md").read_text()
    lines = re.findall(r"^    layertui (find --(?:export|in) .*)$", page, re.M)
    assert len(lines) == 4
    printed = []
    for line in lines:
        status = main(shlex.split(line))
        printed.append(capsys.readouterr().out)
        assert status == (1 if "--digest" in line else 0), line
    assert printed[0] == "docker-archive:app.tar:quarry:1.1  9 layers, 9 new\n"
    assert "libc 1.2.5-r1" in printed[2]
    rows = duckdb.execute(documented("```sql", 1)).fetchall()
    assert len(rows) == 9 and all(row[2] == 1 for row in rows)
    job = yaml.safe_load(documented("```yaml", 0))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    options = command_parser("find").parse_args(container["args"][1:])
    assert options.export == Path("/images") and options.pattern == "containerd:k8s.io"


def test_all_columns_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/find.md").read_text()
    for table, columns in PARQUET_COLUMNS.items():
        (row,) = re.findall(rf"^\| `{table}` \|.*$", page, re.M)
        assert [name for name in columns if f"`{name}`" not in row] == []


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    OciLayout(tmp_path / "layout").add("1", LINKED)
    assert main(["find", "--export", "out", "layout", "none.tar", "--json"]) == 2
    done = capsys.readouterr()
    assert [json.loads(line) for line in done.out.splitlines()] == [
        {"image": "oci:layout:1", "layers": 2, "new_layers": 2}
    ]
    assert not complaints(["find"], [json.loads(done.out)])
    assert done.err.startswith("layertui: no image none.tar") and done.err.count("\n") == 1
    assert main(["find", "new.so", "--in", "out"]) == 0
    assert capsys.readouterr().out == "oci:layout:1    2   /usr/lib/new.so\n"
    assert main(["find", "nowhere", "--in", "out"]) == 1
    for words, said in (
        (["a", "--in", "out", "layout"], "--in cannot be combined with images"),
        (["--in", "out", "--export", "out"], "--in cannot be combined with --export"),
        (["a", "--content", "--in", "out"], "contents are not exported"),
        ([], "no pattern given"),
        (["--in", "out"], "no pattern given"),
        (["--export", "out", "--package"], "argument --package: not allowed with argument --export"),
    ):
        assert main(["find", *words]) == 2
        assert capsys.readouterr().err.startswith(f"layertui: {said}, ")
