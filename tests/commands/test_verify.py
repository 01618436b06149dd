"""``layertui verify``."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

from layertui import demo
from layertui.sources import open_image
from tests.commands.running import Result, Run
from tests.commands.samples import image, tar
from tests.engines import Docker, containers_storage, docker_daemon
from tests.engines import run as program
from tests.images import tars_of
from tests.layouts import INDEX, LAYER, OciLayout, digest, docker_archive
from tests.other_projects import docker_root
from tests.programs import need
from tests.sources.exports import Blobs
from tests.waiting import SECONDS, wait_for


def blobs(path: Path) -> list[Path]:
    return sorted((path / "blobs/sha256").iterdir(), key=lambda blob: blob.stat().st_size)


def test_what_is_right(run: Run) -> None:
    done = run("verify", "demo:")
    assert (done.status, done.err) == (0, "")
    assert done.lines[0].split() == ["OF", "CHECK", "VALUE"]
    assert done.lines[1].split() == ["ok", "manifest", "digest", demo.image().manifest_digest]
    assert done.lines[-1] == "38 ok, 0 wrong, 0 not verifiable"


def test_what_is_wrong_names_both_values(run: Run, tmp_path: Path) -> None:
    path = image(tmp_path, tar(("/a", b"a" * 5000)))
    largest = blobs(path)[-1]
    largest.write_bytes(largest.read_bytes().replace(b"aaaa", b"bbbb", 1))
    done = run("verify", path, "--json")
    (found,) = done.objects
    assert done.status == 1
    assert (found["reference"], found["ok"]) == (f"oci:{path}", False)
    step = next(step for step in found["steps"] if step["what"] == "digest" and step["subject"] == "layer 1")
    assert step["status"] == "wrong" and step["expected"] == f"sha256:{largest.name}" != step["found"]
    assert f"claimed {step['expected']}, found {step['found']}" in run("verify", path).text
    assert "0 not verifiable" in run("verify", path).lines[-1]


def test_a_document_that_is_wrong_is_found_though_it_keeps_the_image_from_opening(
    run: Run, tmp_path: Path
) -> None:
    path = image(tmp_path, tar(("/a", b"a" * 5000)))
    config = next(blob for blob in blobs(path) if b"diff_ids" in blob.read_bytes())
    config.write_bytes(config.read_bytes() + b" ")
    done = run("verify", path, "--json")
    assert done.status == 1
    (step,) = done.objects[0]["steps"]
    assert step["expected"] == f"sha256:{config.name}" and "config" in step["why"]


def test_what_is_not_there(run: Run, tmp_path: Path) -> None:
    done = run("verify", tmp_path / "none.tar")
    assert (done.status, done.out) == (2, b"")
    path = image(tmp_path, tar(("/a", b"a" * 5000)))
    blobs(path)[-1].unlink()
    done = run("verify", path)
    assert done.status == 2 and done.err.startswith("layertui: layer 1 cannot be verified, blob sha256:")
    assert any(line.startswith("ok") for line in done.lines)  # what could be checked is told


@pytest.mark.parametrize("driver", ["overlay2", "vfs"])
def test_unpacked_layers_are_put_together_again(driver: str, run: Run, tmp_path: Path) -> None:
    docker_archive(tmp_path / "sample.tar", demo.image())
    copied = tmp_path / "docker"
    with docker_daemon(Path(tempfile.mkdtemp(prefix="layertui-")), driver=driver) as docker:
        docker("load", "--input", tmp_path / "sample.tar")
        docker("create", "--name=made", demo.SAMPLE_NAME)
        os.system(f"cp --archive {docker.data_root} {copied}")
    reference = f"docker-root:[{copied}]{demo.SAMPLE_NAME}"
    done = run("verify", reference, "--json")
    assert done.status == 0
    found = {(step["subject"], step["what"]): step for step in done.objects[0]["steps"]}
    for layer in demo.image().layers:
        assert found[f"layer {layer.number}", "diff ID"]["found"] == layer.diff_id
        assert found[f"layer {layer.number}", "chain ID"]["status"] == "ok"
        assert found[f"layer {layer.number}", "size"]["status"] == "ok"
    what_is_recorded_of_a_layer(run, reference, driver)
    made = run("verify", f"docker-root:[{copied}]/made", "--json")
    if driver == "overlay2":  # its own layer has no digest
        assert made.status == 0
        assert made.objects[0]["steps"][-1]["why"] == "no digest recorded"
    for path in copied.rglob("etc/os-release"):  # with vfs, every directory has its own
        path.write_bytes(b"X" * path.stat().st_size)
    done = run("verify", reference, "--json")
    assert done.status == 1
    bad = [step for step in done.objects[0]["steps"] if step["status"] == "wrong"]
    assert bad[0]["what"] == "diff ID" and {step["what"] for step in bad[1:]} <= {"chain ID", "diff ID"}


def what_is_recorded_of_a_layer(run: Run, reference: str, driver: str) -> None:
    """A size and a diff ID that are wrong, and a file that nobody unpacked."""
    image = open_image(reference)
    layerdb = dict(image.layers[1].places)["layerdb"]
    for name, lie in (("size", "7"), ("diff", "sha256:" + "0" * 64)):
        right = Path(layerdb, name).read_text()
        Path(layerdb, name).write_text(lie)
        done = run("verify", reference, "--json")
        assert done.status == 1
        (bad,) = [step for step in done.objects[0]["steps"] if step["status"] == "wrong"]
        assert bad["subject"] == "layer 2"
        if name == "size":
            assert (bad["what"], bad["expected"], bad["found"]) == ("size", "7", right)
        else:
            assert (bad["what"], bad["found"]) == ("recorded diff ID", lie)
            assert bad["expected"] == image.layers[1].diff_id
        Path(layerdb, name).write_text(right)
    if driver == "overlay2":
        added = Path(dict(image.layers[1].places)["unpacked"], "added")
        added.write_bytes(bytes(100))
        (bad,) = [
            step
            for step in run("verify", reference, "--json").objects[0]["steps"]
            if step["status"] == "wrong"
        ]
        assert (bad["what"], int(bad["found"]) - int(bad["expected"])) == ("size", 100)
        assert bad["why"] == "of the files in its directory"
        added.unlink()


@pytest.mark.parametrize("driver", ["overlay", "vfs"])
def test_podmans_store(driver: str, run: Run, tmp_path: Path) -> None:
    need("podman")
    docker_archive(tmp_path / "sample.tar", demo.image())
    with containers_storage("podman", driver) as podman:
        program(*podman, "load", "--input", tmp_path / "sample.tar")
        root = podman[1].removeprefix("--root=")
        reference = f"containers-storage:[{driver}@{root}]localhost/{demo.SAMPLE_NAME}"
        done = run("verify", reference, "--json")
        path = Path(root, f"{driver}-layers/layers.json")
        layers = json.loads(path.read_text())
        layers[0]["diff-size"] += 1
        path.write_text(json.dumps(layers))
        lied = run("verify", reference, "--json")
    assert (done.status, lied.status) == (0, 1)
    (bad,) = [step for step in lied.objects[0]["steps"] if step["status"] == "wrong"]
    assert (bad["what"], bad["why"], int(bad["expected"]) - int(bad["found"])) == ("size", "of its tar", 1)
    sizes = [step for step in done.objects[0]["steps"] if step["what"] == "size"]
    assert [int(step["found"]) for step in sizes] == [len(tar) for tar in tars_of(demo.image().layers)]
    steps = done.objects[0]["steps"]
    assert {(step["subject"], step["status"]) for step in steps[:2]} == {("manifest", "ok"), ("config", "ok")}
    diff_ids = [step["found"] for step in steps if step["what"] == "diff ID"]
    assert diff_ids == [layer.diff_id for layer in demo.image().layers]


def test_sizes_in_a_store_of_docker_1_9(run: Run, tmp_path: Path) -> None:
    """With AUFS, where each layer lies alone, and by the record of its tar."""
    docker_root("aufs.v1", tmp_path)
    reference = f"docker-root:[{tmp_path / 'docker'}]busybox"
    done = run("verify", reference, "--json")
    sizes = [(step["found"], step["status"]) for step in done.objects[0]["steps"] if step["what"] == "size"]
    assert done.status == 0 and sizes == [("1154361", "ok"), ("0", "ok")]
    for layersize in (tmp_path / "docker").glob("graph/*/layersize"):
        layersize.write_text("1154362")
    done = run("verify", reference)
    assert done.status == 1 and "of the files in its directory: claimed 1154362, found 1154361" in done.text


def test_an_artifact(run: Run, tmp_path: Path) -> None:
    """Its config is no image's, but its digest is compared with its bytes like any other."""
    path = image(tmp_path, tar(("/a", b"a" * 5000)))
    index = json.loads((path / "index.json").read_text())
    blob = path / "blobs" / index["manifests"][0]["digest"].replace(":", "/")
    manifest = json.loads(blob.read_text())
    config = path / "blobs" / manifest["config"]["digest"].replace(":", "/")
    manifest["config"]["mediaType"] = "application/vnd.example.settings"
    data = json.dumps(manifest).encode()
    (path / "blobs" / digest(data).replace(":", "/")).write_bytes(data)
    index["manifests"][0] |= {"digest": digest(data), "size": len(data)}
    (path / "index.json").write_text(json.dumps(index))
    done = run("verify", path, "--json")
    steps = {(step["subject"], step["what"]): step for step in done.objects[0]["steps"]}
    assert done.status == 0 and steps["config", "digest"]["status"] == "ok"
    assert steps["layer 1", "diff ID"]["why"] == "none recorded"
    config.write_bytes(b"{}")
    done = run("verify", path, "--json")
    assert done.status == 1
    bad = {step["what"] for step in done.objects[0]["steps"] if step["status"] == "wrong"}
    assert bad == {"size", "digest"}


MODEL = "application/vnd.docker.ai.gguf.v3"


def model(folder: Path, media_type: str = MODEL) -> tuple[Path, Path]:
    """An image with a layer that is no tar on top, and the blob of that."""
    path = image(folder, tar(("/a", b"a" * 5000)))
    index = json.loads((path / "index.json").read_text())
    manifest = json.loads((path / "blobs" / index["manifests"][0]["digest"].replace(":", "/")).read_text())
    data = b"GGUF" + bytes(range(256)) * 20
    layer = path / "blobs" / digest(data).replace(":", "/")
    layer.write_bytes(data)
    manifest["layers"].append({"mediaType": media_type, "digest": digest(data), "size": len(data)})
    text = json.dumps(manifest).encode()
    (path / "blobs" / digest(text).replace(":", "/")).write_bytes(text)
    index["manifests"][0] |= {"digest": digest(text), "size": len(text)}
    (path / "index.json").write_text(json.dumps(index))
    return path, layer


def rows(done: Result, subject: str) -> dict[str, tuple[str, str | None]]:
    steps = [step for step in done.objects[0]["steps"] if step["subject"].startswith(subject)]
    return {step["what"]: (step["status"], step["why"]) for step in steps}


@pytest.mark.parametrize(
    "media_type",
    [MODEL, "text/plain", "application/vnd.wasm.content.layer.v1+wasm", f"{LAYER}+gzip+encrypted"],
)
def test_what_is_no_tar_has_a_digest_and_a_size(media_type: str, run: Run, tmp_path: Path) -> None:
    """skopeo copy refuses the changed one: "Digest did not match"."""
    path, layer = model(tmp_path, media_type)
    done = run("verify", path, "--json", "--quiet")
    assert done.status == 0
    assert rows(done, "layer 2") == {"size": ("ok", None), "digest": ("ok", None)}
    data = layer.read_bytes()
    layer.write_bytes(data[:-1] + b"x")
    done = run("verify", path, "--json", "--quiet")
    assert done.status == 1
    assert rows(done, "layer 2") == {"size": ("ok", None), "digest": ("wrong", None)}
    layer.write_bytes(data + b"x")
    done = run("verify", path, "--json", "--quiet")
    assert done.status == 1
    assert rows(done, "layer 2") == {"size": ("wrong", None), "digest": ("wrong", None)}
    layer.unlink()
    done = run("verify", path, "--json", "--quiet")
    assert rows(done, "layer 2")["digest"][0] == "unchecked"


@pytest.fixture
def attested(tmp_path: Path) -> dict[str, Path]:
    """The files of an image with an attestation: the layout, the attestation's manifest, its config, its statement."""
    store = Blobs()
    app = store.image([tar(("/a", b"a"))])
    about = store.attestation(app)
    top = store.add(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": [app, about]})
    path = tmp_path / "attested"
    (path / "blobs/sha256").mkdir(parents=True)
    for name, data in store.data.items():
        (path / "blobs" / name.replace(":", "/")).write_bytes(data)
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
    (statement,) = store.manifest(about)["layers"]
    config = store.manifest(about)["config"]["digest"]
    found = {"manifest": about["digest"], "config": config, "statement": statement["digest"]}
    return {"layout": path} | {part: path / "blobs" / name.replace(":", "/") for part, name in found.items()}


def test_attestations_are_verified(attested: dict[str, Path], run: Run) -> None:
    done = run("verify", attested["layout"], "--json", "--platform", "linux/amd64")
    assert done.status == 0
    assert rows(done, "attached") == {"size": ("ok", None), "digest": ("ok", None)}
    assert "attached SBOM (SPDX)" in run("verify", attested["layout"], "--platform", "linux/amd64").text


@pytest.mark.parametrize("part", ["manifest", "statement"])
def test_a_changed_attestation_is_wrong(part: str, attested: dict[str, Path], run: Run) -> None:
    file = attested[part]
    file.write_bytes(file.read_bytes()[:-1] + b" }")
    done = run("verify", attested["layout"], "--json", "--platform", "linux/amd64")
    assert done.status == 1
    assert rows(done, "attached")["digest"][0] == "wrong"


def test_the_config_of_an_attestation_is_verified_too(attested: dict[str, Path], run: Run) -> None:
    """skopeo copy --all reads it, and refuses a changed one."""
    words = ("verify", attested["layout"], "--json", "--platform", "linux/amd64")
    assert rows(run(*words), "attached config") == {"size": ("ok", None), "digest": ("ok", None)}
    data = attested["config"].read_bytes()
    attested["config"].write_bytes(data[:-1] + b" ")
    done = run(*words)
    assert (done.status, rows(done, "attached config")) == (
        1,
        {"size": ("ok", None), "digest": ("wrong", None)},
    )
    attested["config"].unlink()
    done = run(*words)
    assert (done.status, rows(done, "attached config")) == (0, {"digest": ("unchecked", "not stored")})


def test_an_attestation_that_is_not_there_is_not_verified(attested: dict[str, Path], run: Run) -> None:
    attested["statement"].unlink()
    done = run("verify", attested["layout"], "--json", "--platform", "linux/amd64")
    assert done.status == 0
    assert rows(done, "attached SBOM") == {"digest": ("unchecked", "not stored")}


def test_an_engines_image(docker: Docker, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker_archive(tmp_path / "sample.tar", demo.image())
    docker("load", "--input", tmp_path / "sample.tar")
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    monkeypatch.setattr("layertui.sources.engine.images.readable_directories", lambda *_: [])
    done = run("verify", f"docker-daemon:{demo.SAMPLE_NAME}", "--json")
    assert done.status == 0
    diff_ids = [step["found"] for step in done.objects[0]["steps"] if step["what"] == "diff ID"]
    assert diff_ids == [layer.diff_id for layer in demo.image().layers]


def test_an_interrupt(tmp_path: Path) -> None:
    OciLayout(tmp_path / "image").add("1", [tar(("/zeros", bytes(1 << 20)))])
    blob = max((tmp_path / "image/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    os.truncate(blob, 64 << 30)  # a hole that takes a minute to read
    process = subprocess.Popen(
        [sys.executable, "-m", "layertui", "verify", str(tmp_path / "image")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores it
    )

    def reads() -> bool:
        with contextlib.suppress(FileNotFoundError):  # another file was closed meanwhile
            return blob in [link.readlink() for link in Path(f"/proc/{process.pid}/fd").iterdir()]
        return False

    try:
        wait_for(lambda: reads() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) in (130, -signal.SIGINT)
    finally:
        process.kill()
    assert process.communicate()[0] == b""
    shutil.rmtree(tmp_path / "image")
