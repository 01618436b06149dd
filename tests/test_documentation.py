"""The documentation tells of all that there is, and what it shows works."""

import importlib
import inspect
import os
import pkgutil
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from textual.binding import BindingsMap
from textual.dom import DOMNode

import layertui
import layertui.ui
from layertui import demo
from layertui.commands import COMMANDS
from layertui.commands.parsers import command_parser
from layertui.sources import containerd
from tests.commands.running import runner
from tests.layouts import docker_archive
from tests.programs import need

ROOT = Path(__file__).parent.parent
PACKAGE = Path(layertui.__path__[0])
SECTIONS = {
    "LayertuiApp": "Everywhere",
    "ImagesScreen": "Images and containers",
    "FilterField": "Images and containers",
    "Table": "Images and containers",
    "ImageDetail": "Images and containers",
    "StoreScreen": "A store on disk",
    "UsageScreen": "A store on disk",
    "AnatomyScreen": "Anatomy",
    "InsightScreen": "Insight",
    "ImageScreen": "Explorer",
    "DockerfileScreen": "Build steps",
    "SearchScreen": "Search",
    "SearchField": "Search",
    "MatchList": "Search",
    "Switches": "Search",
    "SizePane": "Insight",
    "SizeMapView": "Insight",
    "CompareScreen": "Comparing",
    "FactsView": "Comparing",
    "FindScreen": "Finding in many images",
    "PatternField": "Finding in many images",
    "ResultList": "Finding in many images",
    "FinderDialog": "Finding and opening",
    "FoundList": "Finding and opening",
    "CompletedField": "Extracting",
    "ExtractDialog": "Extracting",
    "ExplorerScreen": "Explorer",
    "ImagePanes": "Explorer",
    "TreeSplitView": "Explorer",
    "ListView": "Layers",
    "LayerList": "Layers",
    "TreeView": "Tree",
    "TreePane": "Tree",
    "TreeField": "Tree",
    "DetailPane": "Detail",
    "TextView": "Detail",
    "SearchedView": "Texts",
}
"""Where docs/keys.md tells the keys of a class, if not among those of dialogs."""
WRITTEN = {
    "question_mark": "?", "exclamation_mark": "!", "slash": "/", "colon": ":", "comma": ",", "full_stop": ".",
    "left_square_bracket": "[", "right_square_bracket": "]", "up": "↑", "down": "↓", "left": "←", "right": "→",
    "pageup": "pgup", "pagedown": "pgdn", "ctrl+@": "ctrl+space",
    "less_than_sign": "<", "greater_than_sign": ">",
}  # fmt: skip


def read(name: str) -> str:
    return (ROOT / name).read_text()


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next."""
    return re.split(rf"^#+ {re.escape(title)}$", text, flags=re.M)[1].split("\n#")[0]


def test_every_key_is_told() -> None:
    keys, missing = read("docs/keys.md"), []
    for module in pkgutil.walk_packages(layertui.ui.__path__, "layertui.ui."):
        for name, kind in vars(importlib.import_module(module.name)).items():
            if not inspect.isclass(kind) or kind.__module__ != module.name or not issubclass(kind, DOMNode):
                continue
            for key, binding in BindingsMap(kind.__dict__.get("BINDINGS")):
                if binding.description:
                    told = section(keys, SECTIONS.get(name, "Dialogs")) + section(keys, "Everywhere")
                    if f"`{WRITTEN.get(key, key)}`" not in told:
                        missing.append((name, key, binding.description))
    assert not missing


def test_every_warning_is_told() -> None:
    told = section(read("docs/how-it-works.md"), "What the warnings mean")
    codes: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        codes |= set(
            re.findall(r'(?:\bwarn|_warn|LayerWarning)\(\s*"([a-z-]+)"|^NOT_KEPT = "([a-z-]+)"', text, re.M)
        )
    codes = {code for found in codes for code in found if code}
    assert len(codes) > 25
    assert not {code for code in codes if f"`{code}`" not in told}


def test_every_command_is_told() -> None:
    told = re.findall(r"^\| `([a-z]+)", read("docs/commands.md"), re.M)
    assert not set(COMMANDS) - set(told)


def test_the_manual_page_is_that_of_the_help() -> None:
    page = runpy.run_path(str(ROOT / "docs/manpage.py"))["manpage"]()
    assert read("docs/layertui.1") == page, "make manpage renews it"
    need("man")
    shown = subprocess.run(
        ["man", "--warnings", "--local-file", ROOT / "docs/layertui.1"],
        capture_output=True,
        text=True,
        env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""},
        check=True,
    )
    assert shown.stderr == ""
    for text in ("layertui [OPTION]... [REFERENCE]", "-j, --json FILE", "LAYERTUI CHECK", "[…]//ID"):
        assert text in shown.stdout
    assert len([line for line in shown.stdout.splitlines() if len(line) > 100]) == 0


def test_every_make_target_is_told() -> None:
    makefile, readme = read("Makefile"), read("README.md")
    targets = re.findall(r"^([a-z]+):", makefile, re.M)
    assert "pictures" in targets
    assert not [target for target in targets if f"make {target}" not in readme]


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), (page.name, link)


def test_every_promise_is_held_by_tests_that_are_there() -> None:
    promises = section(read("docs/threat-model.md"), "What is promised")
    rows = [row for row in promises.splitlines() if row.startswith("| ") and "`tests/" in row]
    assert len(rows) > 10
    for row in rows:
        file = ""
        for name in re.findall(r"`(tests/[^`]+|::[^`]+)`", row):
            path, _, test = name.partition("::")
            file = path or file
            assert (ROOT / file).is_file() and (not test or f"def {test}(" in read(file)), name


def test_what_the_readme_shows_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    docker_archive(tmp_path / "app.tar", demo.image())
    lines = re.findall(r"^    layertui ([a-z]+ app\.tar.*)$", read("README.md"), re.M)
    for page in ("docs/dive.md", "docs/howto.md"):
        lines += re.findall(r"^    layertui (.*app\.tar.*)$", read(page), re.M)
    assert len(lines) > 20
    (run,) = runner(capsysbinary)
    for line in lines:
        words = shlex.split(line, comments=True)
        done = run(*words)
        is_check = words[0] in ("check", "--ci") and "--init" not in words
        fails = is_check or words[0] == "diff" or "--from" in words
        assert done.status == (1 if fails else 0), (line, done.err)
        assert done.out or Path(words[-1]).exists(), line


def test_the_program_that_draws_the_pictures_draws_those_that_are_there() -> None:
    drawn = runpy.run_path(str(ROOT / "docs/pictures.py"))["PICTURES"]
    assert {path.stem for path in (ROOT / "docs/pictures").glob("*.svg")} == set(drawn)


def test_what_the_tutorial_shows_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shown = re.findall(r"^    \$ layertui (.*)\n((?:    .*\n)+)", read("docs/tutorial.md"), re.M)
    assert len(shown) == read("docs/tutorial.md").count("$ layertui") > 5
    (run,) = runner(capsysbinary)
    for line, block in shown:
        done = run(*shlex.split(line))
        assert done.status == (1 if line.startswith(("check", "diff")) else 0), (line, done.err)
        # … stands for lines that are left out
        parts = re.split(r"^…\n", re.sub("^    ", "", block, flags=re.M), flags=re.M)
        assert re.fullmatch(r"(?:.*\n)*".join(map(re.escape, parts)), done.out.decode()), (line, done.out)


def test_the_job_for_a_cluster_says_what_the_program_takes() -> None:
    told = section(read("docs/find.md"), "On every node of a cluster")
    job = yaml.safe_load(told.partition("```yaml\n")[2].partition("```")[0])
    pod = job["spec"]["template"]
    [container] = pod["spec"]["containers"]
    name, *words = container["args"]
    options = command_parser(name).parse_as_getopt(words)
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == list(mounted)
    assert str(options.export) == mounted["images"]
    assert f"XDG_CACHE_HOME={mounted['cache']}" in read("packaging/Dockerfile")  # the root is read-only
    assert mounted["store"] in containerd.ROOTS
    assert job["spec"]["parallelism"] == job["spec"]["completions"]
    [term] = pod["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["labelSelector"]["matchLabels"] == pod["metadata"]["labels"]


def test_the_site_has_every_page(tmp_path: Path) -> None:
    site = yaml.safe_load(read("mkdocs.yml"))
    pages = re.findall(r"[\w-]+\.md", str(site["nav"]))
    added = runpy.run_path(str(ROOT / "docs/site_pages.py"))
    assert sorted(pages) == sorted(
        [*(path.name for path in (ROOT / "docs").glob("*.md")), *added["PAGES"].values()]
    )
    for_site = added["for_site"]
    assert for_site("[a](../SECURITY.md#b)", Path("docs")) == "[a](security.md#b)"
    assert (
        for_site("[a](docs/keys.md) [b](#c) [d](https://e/f)", Path())
        == "[a](keys.md) [b](#c) [d](https://e/f)"
    )
    assert for_site("[a](nowhere.md)", Path("docs")) == "[a](nowhere.md)"  # for MkDocs to report
    assert for_site("[a](packaging/README.md)", Path()) == f"[a]({added['REPOSITORY']}packaging/README.md)"
    pytest.importorskip("material")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=False,
    )
    assert built.returncode == 0, built.stderr
    for page in ("index.html", "tutorial/index.html", "security/index.html", "pictures/explorer.svg"):
        assert (tmp_path / page).exists()
    assert "googleapis" not in (tmp_path / "index.html").read_text()
