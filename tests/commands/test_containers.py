"""``layertui containers``, compared with ``docker ps``."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from layertui.sources import open_image
from layertui.text import format
from tests.commands.running import Run
from tests.engines import Docker, podman_service
from tests.engines import run as program
from tests.programs import need

SAME = {
    "Command", "ID", "Image", "Labels", "Mounts", "Names", "Networks", "Ports", "State", "Status",
}  # fmt: skip
"""What has to be as ``docker ps`` prints it, letter by letter."""


@pytest.fixture(scope="module")
def ran(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Docker:
    """An engine with containers of several states."""
    need("busybox")
    context = tmp_path_factory.mktemp("context")
    shutil.copy(str(shutil.which("busybox")), context / "busybox")
    docker.build("listed:1", context, 'FROM scratch\nCOPY busybox /bin/sh\nCMD ["/bin/sh", "-c", "exit 3"]\n')
    docker("run", "--name=failed", "--network=none", "listed:1", "/bin/sh", "-c", 'echo "a  b"')
    docker(
        "create", "--name=never", "--network=host", "--label=a=b", "--label=c=d e", "--volume=kept:/kept",
        f"--volume={context}:/context", "listed:1",
    )  # fmt: skip
    return docker


def theirs(docker: Docker) -> dict[str, dict[str, str]]:
    lines = docker("ps", "--all", "--no-trunc", "--format", "json").splitlines()
    return {row["Names"]: row for row in map(json.loads, lines)}


def test_as_docker_ps_tells(ran: Docker, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", ran.host)
    expected = theirs(ran)
    done = run("containers", "docker-daemon:", "--json")
    assert (done.status, done.err) == (0, "")
    rows = {row["Names"]: row for row in done.objects}
    assert {"failed", "never"} <= set(rows) == set(expected)
    for name, row in rows.items():
        assert set(row) - {"Source", "Reference"} == set(expected[name]) - {"Platform"}
        for field in SAME - {"Labels", "Mounts"}:
            assert row[field] == expected[name][field], (name, field)
        for field in ("Labels", "Mounts"):  # in no certain order
            mine, other = row[field].split(","), expected[name][field].split(",")
            if field == "Mounts":  # which docker cuts, --no-trunc or not
                mine = [text if text in other else text[: len(other[0])] for text in mine]
            assert len(mine) == len(other) and row[field].count("=") == expected[name][field].count("=")
        assert row["LocalVolumes"] == int(expected[name]["LocalVolumes"])
        created = format.parse_time(row["CreatedAt"])
        assert created and f"{created:%Y-%m-%d %H:%M:%S}" == expected[name]["CreatedAt"][:19]
        assert row["Reference"] == f"docker-container:{name}"
    assert sorted(rows["never"]["Labels"].split(",")) == ["a=b", "c=d e"]
    assert "kept" in rows["never"]["Mounts"].split(",")


def test_every_reference_opens_its_container_and_selects_it(
    ran: Docker, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", ran.host)
    for source in ("docker-daemon:", f"docker-root:{ran.data_root}"):
        rows = run("containers", source, "--json").objects
        assert {"failed", "never"} <= {row["Names"] for row in rows}
        for row in rows:
            assert open_image(row["Reference"]).layers
            assert run("containers", row["Reference"], "--json").objects == [row]
    done = run("containers", "docker-container:nothing")
    assert done.status == 2 and "no container docker-container:nothing" in done.err


def test_for_people(ran: Docker, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", ran.host)
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/no-podman.sock")
    done = run("containers")
    assert done.status == 0
    assert done.lines[0].split() == ["NAMES", "IMAGE", "COMMAND", "CREATED", "STATUS", "REFERENCE"]
    assert any("Exited (0)" in line and line.startswith("failed") for line in done.lines)
    assert "Podman" in done.err and done.err.count("\n") == 1  # which is only a warning
    assert run("containers", "--quiet").err == ""


def test_podman(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    need("busybox")
    context = tmp_path_factory.mktemp("p")
    shutil.copy(str(shutil.which("busybox")), context / "busybox")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY busybox /bin/sh\n")
    with podman_service(tmp_path_factory.mktemp("s")) as (host, podman):
        program(*podman, "build", "--tag=listed:1", context)
        program(*podman, "create", "--name=made", "--network=none", "listed:1", "/bin/sh")
        monkeypatch.setenv("CONTAINER_HOST", host)
        (row,) = run("containers", "podman:", "--json").objects
        assert (row["Names"], row["Source"], row["Reference"]) == (
            "made",
            "podman-container",
            "podman-container:made",
        )
        root = Path(podman[1].removeprefix("--root="))
        (stored,) = run("containers", f"containers-storage:{root}", "--json").objects
        assert (stored["Names"], stored["ID"]) == ("made", row["ID"])
        apart = datetime.fromisoformat(stored["CreatedAt"]) - datetime.fromisoformat(row["CreatedAt"])
        assert abs(apart) < timedelta(minutes=2)  # Podman notes both, one after the other
        assert stored["Command"] is stored["Labels"] is stored["Ports"] is None  # the store does not tell


def test_what_has_no_containers_or_does_not_answer(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    done = run("containers", "demo:")
    assert (done.status, done.out.count(b"\n")) == (2, 1)
    assert done.err == "layertui: demo: has no containers, give an engine or a store\n"
    done = run("containers", "docker-daemon:", "--json")
    assert (done.status, done.out) == (2, b"")
    assert done.err.startswith("layertui: ") and done.err.count("\n") == 1


@pytest.mark.parametrize("source", ["docker-container:failed", "docker-root:[{root}]/failed"])
def test_history_of_a_container(ran: Docker, run: Run, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """The image's ID is that of the image's newest step, not of the layers that the container has on top."""
    monkeypatch.setenv("DOCKER_HOST", ran.host)
    steps = run("history", source.format(root=ran.data_root), "--json").objects
    identity = ran("image", "inspect", "--format={{.Id}}", "listed:1").strip()
    ids = {step["CreatedBy"].partition(":")[0].partition(" of ")[0]: step["ID"] for step in steps}
    assert ids.pop("init layer") == ids.pop("read-write layer") == "<missing>"
    assert [step["ID"] for step in steps].count(identity) == 1
    assert next(step for step in steps if step["ID"] == identity)["CreatedBy"].startswith(
        "/bin/sh -c #(nop)  CMD"
    )
