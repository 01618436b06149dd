"""``layertui anatomy``."""

from __future__ import annotations

import re
from pathlib import Path

from layertui import demo
from tests.commands.running import Run
from tests.commands.samples import image, tar
from tests.layouts import OciLayout
from tests.other_projects import docker_root
from tests.ui.terminal import Terminal


def test_for_people(run: Run) -> None:
    done = run("anatomy", "demo:")
    assert (done.status, done.err) == (0, "")
    titles = [block.splitlines()[0] for block in done.text.split("\n\n")]
    layers = [f"layer {number}" for number in range(1, 10)]
    assert titles == [
        "reference",
        "manifest",
        "config",
        "history",
        *layers,
        "base image",
        "distribution",
    ]
    for layer in demo.image().layers:
        assert f"diff ID  {layer.diff_id}" in done.lines and f"chain ID {layer.chain_id}" in done.lines
    assert "system   Held Linux 3.1, as /etc/os-release says" in done.lines
    assert "the kernel of their host" in done.text.replace("\n", " ")


def test_lines_fit_a_terminal() -> None:
    with Terminal("anatomy", "demo:", columns=80) as terminal:
        assert terminal.end() == 0
        text = re.sub(r"\x1b\[\d*m", "", terminal.raw.decode())
    assert max(map(len, text.splitlines())) <= 80 and "…" in text


def test_one_object(run: Run) -> None:
    (found,) = run("anatomy", "demo:", "--json").objects
    assert list(found) == ["reference", "parts", "base", "system"]
    manifest = next(part for part in found["parts"] if part["kind"] == "manifest")
    assert manifest["document"] == demo.image().manifest
    assert manifest["stored"].encode() == demo.image().manifest_bytes and manifest["fields"] == []
    assert found["parts"][0]["stored"] is None
    assert {"name": "size", "value": len(demo.image().manifest_bytes)} in manifest["facts"]
    assert found["system"] == {"name": "Held Linux 3.1", "source": "/etc/os-release", "kernels": []}


def test_the_base_is_an_image_beside_it(run: Run, tmp_path: Path) -> None:
    layout, below = OciLayout(tmp_path / "layout"), tar(("/a", b"1"))
    layout.add("base", [below])
    layout.add("app", [below, tar(("/b", b"2"))])
    done = run("anatomy", f"oci:{tmp_path / 'layout'}:app", "--json")
    source = "its layer is the first of this image"
    assert done.objects[0]["base"]["layers"] == 1 and done.objects[0]["base"]["source"] == source
    assert done.objects[0]["base"]["name"].endswith("base") and done.objects[0]["base"]["guess"] is None
    assert f"known    {source}" in run("anatomy", f"oci:{tmp_path / 'layout'}:app").lines


def test_documents_are_told_byte_for_byte(run: Run, tmp_path: Path) -> None:
    """Laid out by hand, with a name twice, and of a store that nobody checks the digests of."""
    (stored,) = docker_root("aufs.v1", tmp_path).glob("graph/1cee97*/json")
    stored.write_bytes(
        b'{\n\t"os": "none",' + stored.read_bytes()[1:].replace(b'"id"', '"ü": "\\u00fc", "id"'.encode())
    )
    (found,) = run("anatomy", f"docker-root:[{tmp_path}/docker]busybox", "--json").objects
    config, inspect = (
        next(part for part in found["parts"] if part["kind"] == kind) for kind in ("config", "inspect")
    )
    assert config["stored"].encode() == stored.read_bytes() and config["document"]["os"] == "linux"
    assert {"name": "Created", "file": str(stored), "key": "created"} in inspect["fields"]
    assert inspect["document"]["Created"] == config["document"]["created"]
    lines = run("anatomy", f"docker-root:[{tmp_path}/docker]busybox").lines
    assert any(re.fullmatch(r"Size +graph/1cee97b18f87/layersize +0", line) for line in lines)


def test_without_a_system_and_with_a_kernel(run: Run, tmp_path: Path) -> None:
    path = image(tmp_path, tar(("/boot/vmlinuz", b"x")))
    done = run("anatomy", path)
    assert "system   unknown: no os-release" in done.lines
    assert "unused   /boot/vmlinuz: not used by containers" in done.lines


def test_modules_without_a_kernel(run: Run, tmp_path: Path) -> None:
    """As a build leaves them that installed a driver: a directory for each kernel, if any, and files beside them."""
    path = image(
        tmp_path, tar(("/usr/lib/modules/6.1/updates/dkms/nic.ko", b"x"), ("/usr/lib/modules/README", b"x"))
    )
    unused = [line for line in run("anatomy", path).lines if line.startswith("unused")]
    assert unused == ["unused   /usr/lib/modules/6.1: not used by containers"]
    (tmp_path / "empty").mkdir()
    path = image(tmp_path / "empty", tar(("/usr/lib/modules", None), ("/boot", None)))
    assert run("anatomy", path, "--json").objects[0]["system"]["kernels"] == []


def test_a_layer_that_is_not_there(run: Run, tmp_path: Path) -> None:
    path = image(tmp_path, tar(("/a", b"a" * 9000)))
    max((path / "blobs/sha256").iterdir(), key=lambda blob: blob.stat().st_size).unlink()
    done = run("anatomy", path)
    assert done.status == 2 and any(line.startswith("missing  blob sha256:") for line in done.lines)
    done = run("anatomy", tmp_path / "nothing")
    assert (done.status, done.out) == (2, b"") and done.err.count("\n") == 1
