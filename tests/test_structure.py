"""What holds for the project as a whole."""

import json
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import layertui
from layertui import demo
from tests.layouts import OciLayout
from tests.textual_internals import SNAPSHOTS

TESTS = Path(__file__).parent
MODULES = [module.name for module in pkgutil.walk_packages(layertui.__path__, "layertui.")]
ENGINE = [name for name in MODULES if not name.startswith("layertui.ui") and not name.endswith("__main__")]


def test_the_engine_runs_without_textual_and_rich() -> None:
    program = (
        "import importlib, json, sys\n"
        f"for name in {ENGINE}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = json.loads(result.stdout)
    assert "layertui" in loaded
    assert not {"textual", "rich"} & set(loaded)


@pytest.mark.parametrize("command", ["history", "inspect"])
def test_what_needs_no_layer_starts_without_what_reads_them(command: str, tmp_path: Path) -> None:
    OciLayout(tmp_path / "image").add_image("1", demo.image())
    program = (
        "import json, sys\n"
        "from layertui.cli import main\n"
        f"assert main([{command!r}, {f'oci:{tmp_path}/image:1'!r}]) == 0\n"
        "print(json.dumps(sorted(name for name in sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = json.loads(result.stderr)
    assert f"layertui.commands.{command}" in loaded
    assert not {"layertui.layers", "layertui.union", "msgspec"} & set(loaded)


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


def test_tests_lie_where_what_they_test_lies() -> None:
    package = Path(layertui.__path__[0])
    for folder in {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}:
        assert (package / folder).is_dir(), folder
