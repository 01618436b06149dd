"""What is built for installation: the wheel, the sdist, and the files of packaging/."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import layertui
from tests.programs import need
from tests.ui.terminal import Terminal

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tui/layertui"


def build(project: Path, target: str, out: Path) -> Path:
    """Build a project as pip does, but with the hatchling that is installed."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(out)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    (built,) = out.iterdir()
    return built


def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_all_files(wheel: Path) -> None:
    files = {
        str(path.relative_to(PACKAGE.parent))
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".so", ".pyc")
    }
    assert any(name.endswith(".tcss") for name in files) and "layertui/py.typed" in files
    assert not files - names(wheel)
    others = {re.sub(r"^layertui-[^/]+\.", "", name) for name in names(wheel) - files}
    assert others == {
        "data/data/share/man/man1/layertui.1",
        *(
            f"dist-info/{name}"
            for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
        ),
    }
    read = zipfile.ZipFile(wheel).read
    (points,) = (name for name in names(wheel) if name.endswith("entry_points.txt"))
    assert b"layertui = layertui.cli:main" in read(points)


def test_it_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {"PYTHONPATH": str(tmp_path / "site")}
    where = [sys.executable, "-c", "import layertui; print(layertui.__file__)"]
    done = subprocess.run(
        where, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **environment}
    )
    assert done.stdout.startswith(str(tmp_path / "site"))
    with Terminal("-m", "layertui", "demo", program=sys.executable, cwd=tmp_path, **environment) as terminal:  # type: ignore[arg-type]
        terminal.wait("Merged tree", "etc/")
        terminal.press("q")
        assert terminal.end() == 0


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build(ROOT, "sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (project,) = tmp_path.glob("layertui-*")
    assert names(build(project, "wheel", tmp_path / "wheel")) == names(wheel)
    assert (project / "packaging/Dockerfile").exists() and (project / "CHANGELOG.md").exists()


@pytest.mark.parametrize("file", (ROOT / ".github/workflows").glob("*.yml"), ids=lambda file: file.name)
def test_workflows_have_jobs_with_steps(file: Path) -> None:
    jobs = yaml.safe_load(file.read_text())["jobs"]
    assert jobs
    for name, job in jobs.items():
        assert all(step.keys() & {"run", "uses"} for step in job["steps"]), name
        assert set([job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])) <= set(jobs)


def dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {re.split(r"[<>=;\[ ]", text)[0] for text in project["dependencies"]}


def test_recipes_name_every_dependency() -> None:
    nix = (ROOT / "packaging/nix/package.nix").read_text()
    listed = re.search(r"dependencies = with python3Packages; \[([^\]]*)\]", nix)
    assert listed and set(listed[1].split()) == dependencies()
    arch = (ROOT / "packaging/arch/PKGBUILD").read_text()
    listed = re.search(r"^depends=\(([^)]*)\)", arch, re.M)
    wanted = {
        f"python-{name.removeprefix('py')}" if name == "pyyaml" else f"python-{name}"
        for name in dependencies()
    }
    assert listed and set(listed[1].split()) == {"python", *wanted}


def test_recipes_have_the_version() -> None:
    version = layertui.__version__
    assert f"\npkgver={version}\n" in (ROOT / "packaging/arch/PKGBUILD").read_text()
    assert (ROOT / "packaging/debian/changelog").read_text().startswith(f"layertui ({version}) ")
    assert tomllib.loads((ROOT / "tui/native/Cargo.toml").read_text())["package"]["version"] == version


@pytest.mark.parametrize("file", ["arch/PKGBUILD", "debian/rules"])
def test_recipes_are_valid(file: str) -> None:
    program = {"arch/PKGBUILD": ["bash", "-n"], "debian/rules": ["make", "--dry-run", "--makefile"]}[file]
    need(program[0])
    command = [
        *program,
        str(ROOT / "packaging" / file),
        *(["override_dh_auto_install"] if program[0] == "make" else []),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
