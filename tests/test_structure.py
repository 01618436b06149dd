"""What holds for the project as a whole."""

import ast
import json
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import layertui
from layertui import demo
from tests.layouts import OciLayout
from tests.mutants.faults import FAULTS
from tests.textual_internals import SNAPSHOTS

TESTS = Path(__file__).parent
PACKAGE = Path(layertui.__path__[0])
MODULES = [module.name for module in pkgutil.walk_packages(layertui.__path__, "layertui.")]
OF_AN_EXTRA = "layertui.commands.web_server"
"""Imports textual-serve, which needs Rich, and is not always installed."""
CORE = [
    name
    for name in MODULES
    if not name.startswith(("layertui.ui", OF_AN_EXTRA)) and not name.endswith("__main__")
]

SAME_MEANING = {
    "DESCRIPTION": "of a command, in its help",
    "EPILOG": "of a command, in its help",
    "add_arguments": "of a command",
    "run": "a command",
    "main": "the entry points of the two programs, layertui and its worker",
    "list_images": "see layertui.sources.Source",
    "list_containers": "see layertui.sources.Source",
    "open_image": "see layertui.sources.Source",
    "attachments_of": "see layertui.sources.attachments.AttachmentSource",
    "is_layer": "of a store's bare layers",
    "open_layer": "of a store's bare layers",
    "usage_of": "of a store",
    "render": "a report",
    "pages": "of a tab of the detail pane",
}
"""Names of modules that stand in for one another, and what they mean in each."""
STILL_AMBIGUOUS = {
    "ABOUT",
    "COLOURS",
    "ENGINES",
    "LAYERS_ASIDE",
    "LAYER_DIRECTORIES",
    "LONGEST",
    "LayerProgress",
    "Listing",
    "MARKS",
    "MOST",
    "NAMES",
    "ONE_LAYER",
    "PARTS",
    "PAUSE",
    "Palette",
    "Progress",
    "SHARED",
    "T",
    "TAR_BLOCK",
    "TICK",
    "TOP",
    "WIDE",
    "_BAR",
    "_GAP",
    "_GUTTER",
    "_HEAD",
    "_HINT",
    "_KEPT",
    "_KEYS",
    "_LISTED",
    "_NAME",
    "_NOTHING",
    "_PATIENCE",
    "_SETTLE",
    "_SIZE",
    "_STYLES",
    "_TICK",
    "compare",
    "directories",
    "facts",
    "heading",
    "name_of",
    "path_of",
    "print_text",
    "search",
    "shared_sizes",
    "step_of",
    "summaries",
    "to_json",
}
"""Names with more than one meaning that are still to be changed; add none."""


def test_the_core_runs_without_textual_and_rich() -> None:
    program = (
        "import importlib, json, sys\n"
        f"for name in {CORE}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = json.loads(result.stdout)
    assert "layertui" in loaded
    assert not {"textual", "rich"} & set(loaded)


def test_what_needs_no_layer_starts_without_what_reads_them(tmp_path: Path) -> None:
    """Of a NamedTuple no annotation is a string: it would be compiled, and the first takes as long as argparse."""
    OciLayout(tmp_path / "image").add_image("1", demo.image())
    program = (
        "import json, sys, typing\n"
        "def compiled(text, *_, **options): raise AssertionError(text)\n"
        "typing.ForwardRef = compiled\n"
        "from layertui.cli import main\n"
        f"assert main(['inspect', {f'oci:{tmp_path}/image:1'!r}]) == 0\n"
        "print(json.dumps(sorted(name for name in sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = json.loads(result.stderr)
    assert "layertui.commands.inspect" in loaded
    late = {"layertui.layers", "layertui.union", "msgspec", "dataclasses", "datetime", "platform", "shutil"}
    if sys.version_info >= (3, 14):
        late.remove("dataclasses")  # argparse's own import
    assert not late & set(loaded)


def test_every_picture_has_its_test() -> None:
    texts = {path.stem: path.read_text() for path in (TESTS / "ui").rglob("test_*.py")}
    for picture in SNAPSHOTS.rglob("*.svg"):
        name = re.match(r"\w+", picture.stem)
        assert name and f"def {name[0]}(" in texts.get(picture.parent.name, ""), picture


def test_the_report_of_pictures_tells_nothing_of_who_ran_it(tmp_path: Path) -> None:
    """A picture that differs, in a run with a secret in the environment."""
    test = tmp_path / "tests" / "test_differs.py"
    test.parent.mkdir()
    (test.parent / "conftest.py").write_text(
        "from tests import textual_internals\n\n\n"
        "def pytest_configure(config):\n    textual_internals.configure_snapshots(config)\n"
    )
    test.write_text(
        "from textual.app import App\n\n\ndef test_differs(snap_compare):\n    assert snap_compare(App())\n"
    )
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment = {**own, "PYTHONPATH": str(TESTS.parent), "A_SECRET": "open sesame"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    report = tmp_path / "snapshot_report.html"
    assert report.exists(), result.stdout + result.stderr
    assert "test_differs" in report.read_text()
    assert "open sesame" not in report.read_text()


def test_tests_mirror_the_package() -> None:
    """All but those of everything at once."""
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    for folder in folders - {Path("fuzz"), Path("matrix")}:
        assert (PACKAGE / folder).is_dir(), folder


def test_a_name_means_one_thing() -> None:
    """Names of functions and classes, and of constants also if they are private, are of one module each."""
    modules: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            for name in _defined(node):
                if not name.startswith("_") or (name.isupper() and not name.startswith("__")):
                    modules.setdefault(name, []).append(str(path.relative_to(PACKAGE)))
    known = SAME_MEANING.keys() | STILL_AMBIGUOUS
    assert not {name: paths for name, paths in modules.items() if len(paths) > 1 and name not in known}


def _defined(node: ast.stmt) -> list[str]:
    """The names that a statement of a module defines."""
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return [node.name]
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def test_every_deliberate_fault_fits_the_code() -> None:
    """Else ``make mutants`` would not make it, which nobody notices for weeks."""
    for fault in FAULTS:
        assert (PACKAGE / fault.path).read_text().count(fault.old) == 1, fault
