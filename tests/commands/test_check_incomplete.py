"""No rule passes by accident: on incomplete images, every rule of the gate is an error."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from layertui.gate.rules import DESCRIPTIONS
from tests.commands.running import Run
from tests.commands.samples import tar
from tests.layouts import CONFIG, LAYER, MANIFEST, OciLayout, digest

RULES = """
baseline = "gate.json"
[rules]
lowest-efficiency = 0
highest-wasted-bytes = "1 GB"
highest-user-wasted-percent = 1
reclaimable = "1 GB"
size = "1 GB"
growth = "1 GB"
forbidden-paths = ["/never"]
forbidden-in-layers = ["/never"]
required-paths = ["/a"]
secrets = true
setuid = []
forbidden-packages = ["never"]
"""
"""Every rule, with a limit that a tiny image passes."""
BASELINE = {"image": "app:1", "id": "", "size_bytes": 0, "layers": [], "version": 1}
LAYERS = (tar(("/a", b"1" * 3000)), tar(("/b", b"2" * 3000)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".layertui.toml").write_text(RULES)
    (tmp_path / "gate.json").write_text(json.dumps(BASELINE))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def layout(folder: Path, **config: Any) -> OciLayout:
    made = OciLayout(folder / "image")
    made.add("1", LAYERS, config=config)
    return made


def blobs(folder: Path) -> dict[str, Path]:
    """The blobs of the image by kind: config, manifest, layers base first."""
    directory = folder / "image/blobs/sha256"
    (entry,) = json.loads((folder / "image/index.json").read_bytes())["manifests"]
    manifest = directory / entry["digest"].partition(":")[2]
    document = json.loads(manifest.read_bytes())
    named = {"manifest": manifest, "config": directory / document["config"]["digest"].partition(":")[2]}
    for number, layer in enumerate(document["layers"], 1):
        named[f"layer {number}"] = directory / layer["digest"].partition(":")[2]
    return named


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest, and have index.json refer to it."""
    document = json.loads(blobs(folder)["manifest"].read_bytes())
    change(document)
    data = json.dumps(document).encode()
    index = json.loads((folder / "image/index.json").read_bytes())
    index["manifests"][0] |= {"digest": digest(data), "size": len(data)}
    (folder / "image/index.json").write_text(json.dumps(index))
    (folder / "image/blobs/sha256" / digest(data).partition(":")[2]).write_bytes(data)


def cut(folder: Path) -> None:
    layout(folder)
    layer = blobs(folder)["layer 2"]
    layer.write_bytes(layer.read_bytes()[:1000])


def changed(folder: Path) -> None:
    layout(folder)
    layer = blobs(folder)["layer 2"]
    layer.write_bytes(layer.read_bytes().replace(b"2222", b"2322", 1))


def absent(folder: Path) -> None:
    layout(folder)
    blobs(folder)["layer 2"].unlink()


def no_tar(folder: Path) -> None:
    layout(folder)
    data = b"GGUF" + bytes(1000)
    (folder / "image/blobs/sha256" / digest(data).partition(":")[2]).write_bytes(data)
    model = {"mediaType": "application/vnd.docker.ai.gguf.v3", "digest": digest(data), "size": len(data)}
    rewritten(folder, lambda manifest: manifest["layers"].append(model))


def of_type(media_type: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        layout(folder)
        rewritten(folder, lambda manifest: manifest["layers"][1].update(mediaType=media_type))

    return make


def foreign(folder: Path) -> None:
    absent(folder)
    address = ["https://example.com/layer"]
    rewritten(folder, lambda manifest: manifest["layers"][1].update(urls=address))


def without_layers(**config: Any) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        layout(folder, **config)
        rewritten(folder, lambda manifest: manifest.update(layers=[]))

    return make


def of_fewer_layers(folder: Path) -> None:
    layout(folder)
    rewritten(folder, lambda manifest: manifest["layers"].pop())


def config_of_type(media_type: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        layout(folder)
        rewritten(folder, lambda manifest: manifest["config"].update(mediaType=media_type))

    return make


def with_config(**config: Any) -> Callable[[Path], None]:
    return lambda folder: void(layout(folder, **config))


def void(_: object) -> None: ...


NO_LAYERS = {"rootfs": {"type": "layers", "diff_ids": []}}
CASES: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "cut layer": (cut, "layer 2 could not be read completely"),
    "changed layer": (changed, "wrong digest"),
    "absent layer": (absent, "layer 2 could not be read completely: blob"),
    "foreign layer": (foreign, "foreign layer, not stored"),
    "encrypted layer": (of_type(f"{LAYER}+gzip+encrypted"), "encrypted: cannot be read without the key"),
    "no tar": (no_tar, "layer 3 could not be read completely: not a tar"),
    "no layers but history": (without_layers(**NO_LAYERS), "the history lists 2 layers, the image has none"),
    "no layers but diff IDs": (without_layers(), "the config lists 2 layers, the image has 0"),
    "no layers, no platform": (
        without_layers(**NO_LAYERS, history=[], os="", architecture=""),
        "no layers and no platform",
    ),
    "fewer layers": (of_fewer_layers, "the config lists 2 layers, the image has 1"),
    "config of another type": (config_of_type("application/vnd.cncf.helm.config.v1+json"), "of an unknown type"),
    "manifest for a config": (with_config(mediaType=MANIFEST), f"not a config but {MANIFEST}"),
    "config is a list": (with_config(config=["A=1"]), "config in the config is not an object"),
    "Env is an object": (with_config(config={"Env": {"A": "1"}}), "config.Env in the config is not a list"),
    "Env is a string": (with_config(config={"Env": "A=1"}), "config.Env in the config is not a list"),
    "Env of objects": (with_config(config={"Env": [{}]}), "config.Env in the config is not a list of strings"),
    "Labels are a list": (with_config(config={"Labels": ["a"]}), "config.Labels in the config is not an object"),
    "labels of numbers": (with_config(config={"Labels": {"a": 1}}), "not an object of strings"),
    "history is an object": (with_config(history={"a": 1}), "history in the config is not a list"),
    "history of strings": (with_config(history=["a", "b"]), "history in the config is not a list of objects"),
    "step is a number": (
        with_config(history=[{"created_by": 1}]),
        "history.created_by in the config is not a string",
    ),
}  # fmt: skip


def statuses(run: Run) -> tuple[int, dict[str, tuple[str, str]]]:
    done = run("check", "image", "--json", "--quiet")
    (verdict,) = done.objects
    return done.status, {rule["rule"]: (rule["status"], rule["message"]) for rule in verdict["rules"]}


def test_every_rule_passes_on_an_image_that_is_all_there(run: Run, folder: Path) -> None:
    layout(folder)
    for _ in range(2):  # again from the cache
        status, rules = statuses(run)
        assert (status, set(rules)) == (0, set(DESCRIPTIONS))
        assert {outcome for outcome, _ in rules.values()} == {"pass"}


@pytest.mark.parametrize("case", CASES)
def test_no_rule_passes_on_an_image_that_is_not(case: str, run: Run, folder: Path) -> None:
    make, why = CASES[case]
    make(folder)
    for _ in range(2):
        status, rules = statuses(run)
        assert status == 2
        for rule in DESCRIPTIONS:
            outcome, message = rules[rule]
            assert outcome == "error" and why in message, rule


@pytest.mark.parametrize("compression", ["", "gzip"])
def test_a_cache_that_has_seen_the_layer_does_not_vouch_for_other_bytes(
    compression: str, run: Run, folder: Path
) -> None:
    OciLayout(folder / "image").add("1", LAYERS, compression)
    assert statuses(run)[0] == 0
    layer = blobs(folder)["layer 2"]
    data = gzip.compress(tar(("/.ssh/id_rsa", b"k")), mtime=0) if compression else tar(("/evil", b"3" * 3000))
    layer.write_bytes(data.ljust(layer.stat().st_size, b"\0"))
    status, rules = statuses(run)
    assert status == 2
    assert {outcome for outcome, _ in rules.values()} == {"error"}


def test_an_image_without_layers_is_all_there_if_its_history_says_so(run: Run, folder: Path) -> None:
    """What docker builds from FROM scratch and LABEL."""
    step = {"created_by": "LABEL a=b", "empty_layer": True}
    without_layers(**NO_LAYERS, history=[step], config={"Labels": {"a": "b"}})(folder)
    status, rules = statuses(run)
    assert status == 1
    assert {rule for rule, (outcome, _) in rules.items() if outcome != "pass"} == {"required-paths"}


def test_a_secret_in_a_large_text_fails(run: Run, folder: Path) -> None:
    token = b"ghp_" + b"aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7"
    OciLayout(folder / "image").add("1", [tar(("/a", b"INSERT\n" * 800_000 + token))], "gzip")
    status, rules = statuses(run)
    assert status == 1
    assert {rule for rule, (outcome, _) in rules.items() if outcome != "pass"} == {"secrets"}


@pytest.mark.parametrize("config", [b"", b"null", b"[]", b"{", b'"a"'])
def test_a_config_that_is_no_object_cannot_be_checked(config: bytes, run: Run, folder: Path) -> None:
    layout(folder)
    (folder / "image/blobs/sha256" / digest(config).partition(":")[2]).write_bytes(config)
    descriptor = {"mediaType": CONFIG, "digest": digest(config), "size": len(config)}
    rewritten(folder, lambda manifest: manifest.update(config=descriptor))
    assert run("check", "image").status == 2
