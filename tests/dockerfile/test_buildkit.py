"""Images that BuildKit built: the text is the Dockerfile, byte for byte, and every layer's line is the right one."""

from __future__ import annotations

import io
import re
import tarfile

import pytest

from layertui.dockerfile import Instruction
from layertui.dockerfile.buildkit import provenance_of
from layertui.dockerfile.document import Dockerfile, dockerfile_of
from layertui.model.history_step import recorded
from layertui.model.image import Image, Layer
from layertui.sources import open_image
from tests.dockerfile.builds import CASES, FIXTURE
from tests.images import tars_of

NOT_USED = {
    "min": "mode=min leaves the Dockerfile out, mode=max has it",
    "min-02": "mode=min leaves the Dockerfile out, mode=max has it",
    "base-alone": "it has no Dockerfile",
    "rewritten": "its layers are not those of the image",
}
WITHOUT_FILES = ("WORKDIR /line-5",)
"""Instructions that change nothing, as the directory exists."""


def opened(name: str, platform: str | None = None) -> tuple[Image, Dockerfile]:
    image = open_image(f"oci-archive:{FIXTURE}:{name}", platform)
    return image, dockerfile_of(image, (), provenance_of(image))


def proofs(layer: Layer) -> list[int]:
    """The line numbers in the names of the files of a layer; none of the base image's shell, which is left out."""
    if layer.blob is None:
        return []
    (data,) = tars_of([layer])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return sorted({int(number) for number in re.findall(r"\bline-(\d+)", " ".join(tar.getnames()))})


def check_layers(image: Image, found: Dockerfile) -> None:
    by_layer: dict[int, Instruction] = {each.layer: each for each in found.found if each.layer is not None}
    assert list(by_layer) == list(range(1, len(image.layers) + 1))
    for layer in image.layers:
        step = by_layer[layer.number]
        lines = proofs(layer)
        if not step.is_base and step.text not in WITHOUT_FILES:
            assert lines[-1:] == [step.line], (layer.number, step)
        assert image.history[step.step].layer == layer.number


@pytest.mark.parametrize("name", [name for name in CASES if name not in (*NOT_USED, "config-alone")])
def test_the_text_and_the_line_of_each_layer(name: str) -> None:
    image, found = opened(name)
    assert (found.source, found.provenance and found.provenance.file) == ("provenance", CASES[name].file)
    assert found.text.encode("utf-8", "surrogateescape") == CASES[name].data
    check_layers(image, found)


def test_each_platform_has_its_own() -> None:
    for platform, number in (("linux/amd64", 0), ("linux/arm64", 1)):
        image, found = opened("platforms", platform)
        check_layers(image, found)
        stages = {each.stage: each.is_used for each in found.found}
        assert stages == {"for-amd64": number == 0, "for-arm64": number == 1, "2": True}


def test_what_records_no_dockerfile_says_so() -> None:
    for name, why in NOT_USED.items():
        _, found = opened(name)
        assert (found.source, found.provenance and found.provenance.why) == ("history", why), name
    head = opened("min")[1].text.split("\n")[1:3]
    assert head == ["# Built from Dockerfile, stage x.", f"# The provenance is not used: {NOT_USED['min']}."]
    assert opened("min-02")[1].text.split("\n")[1] == "# Built from sub.Dockerfile."


def test_nothing_is_attached_to_an_image_without_files() -> None:
    _, found = opened("config-alone")
    assert (found.source, found.provenance) == ("history", None)


def test_stages_that_made_no_layer() -> None:
    for name, unused in (
        ("stages", {"build", "unused", "other"}), ("arguments", {"base-two"}), ("target", {"release"}),
        ("same", {"one"}), ("context", {"replaced"}), ("chain", set()),
    ):  # fmt: skip
        _, found = opened(name)
        assert {each.stage for each in found.found if not each.is_used} == unused, name
        assert not [each.layer for each in found.found if not each.is_used and each.layer]


def test_layers_that_were_compressed_again_are_matched_by_their_position() -> None:
    for name, expected in (("plain", "digest"), ("zstd", "position"), ("stargz", "position")):
        _, found = opened(name)
        assert found.provenance is not None and found.provenance.to_json()["layers"] == expected


def test_steps_are_those_of_the_history() -> None:
    """Instructions without a layer too: a step has the keyword of its instruction."""
    for name in ("arguments", "everything", "base", "slsa-02", "chain"):
        image, found = opened(name)
        own = [each for each in found.found if each.is_used and each.keyword not in ("FROM", "ONBUILD")]
        steps = [each.step for each in own if each.stage]
        assert sorted(each.step for each in own if each.step >= 0) == list(range(len(image.history)))
        assert all(
            recorded(image.history[each.step]).instruction == each.keyword for each in own if each.step >= 0
        )
        assert steps == sorted(steps)


def test_the_base_image_and_its_triggers() -> None:
    _, found = opened("onbuild")
    assert (found.base.name, found.base.layers, found.base.steps) == ("triggers", 3, 6)
    facts = {each.layer: each.facts for each in found.found if each.layer}
    assert {layer for layer, each in facts.items() if each} == {4, 5}
    assert opened("onbuild-inside")[1].base.layers == 3
    assert opened("plain")[1].base.name == ""


def test_arguments_that_were_given() -> None:
    _, found = opened("arguments")
    assert found.provenance is not None
    assert found.provenance.build_arguments == {"FROM_NAME": "base", "VERSION": "1.2"}
    assert [each.facts for each in found.found if each.line in (1, 3)] == [
        ["FROM_NAME was base, by --build-arg"],
        [],
    ]
