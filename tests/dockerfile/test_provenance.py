"""Provenance that is attached to an image: what is trusted, and what is not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from layertui.dockerfile.buildkit import MAX_SOURCE, MAX_SOURCE_LINES, provenance_of
from layertui.dockerfile.document import Dockerfile, dockerfile_of
from layertui.model.blob import BytesBlob
from layertui.sources import open_image
from layertui.sources.attachments import attachments
from tests.commands.samples import tar
from tests.dockerfile.statements import Change, attached, edited, metadata, statement_of
from tests.layouts import LAYER, digest
from tests.sources.engine.docker29 import Docker29, Variant, serving

TEXT = b"""\
# syntax=none
FROM base AS build
RUN make
FROM scratch AS app
COPY a /
ENV A=1
ARG V=1
RUN it
"""
HISTORY: list[dict[str, Any]] = [
    {"created_by": "COPY a / # buildkit"},
    {"created_by": "ENV A=1", "empty_layer": True},
    {"created_by": "ARG V=2", "empty_layer": True},
    {"created_by": "RUN |1 V=2 /bin/sh -c it # buildkit"},
]
LINES = (5, 8)


def built(
    folder: Path,
    change: Change | bytes = lambda statement: None,
    text: bytes = TEXT,
    history: Sequence[Any] = HISTORY,
    lines: Sequence[int] = LINES,
) -> Dockerfile:
    image = open_image(attached(folder / "layout", text, history, lines, change))
    return dockerfile_of(image, (), provenance_of(image))


def test_every_line_has_its_stage_layer_and_step(tmp_path: Path) -> None:
    def change(statement: dict[str, Any]) -> None:
        request = edited(statement, "predicate", "buildDefinition", "externalParameters", "request")
        request["args"] = {"build-arg:V": "2", "target": "APP"}

    found = built(tmp_path, change)
    assert (found.source, found.text) == ("provenance", TEXT.decode())
    assert [(each.line, each.stage, each.is_used, each.layer, each.step) for each in found.found] == [
        (2, "build", False, None, -1),
        (3, "build", False, None, -1),
        (4, "app", True, None, -1),
        (5, "app", True, 1, 0),
        (6, "app", True, None, 1),
        (7, "app", True, None, 2),
        (8, "app", True, 2, 3),
    ]
    assert found.found[5].facts == ["V was 2, by --build-arg"]
    assert found.provenance is not None
    assert found.provenance.to_json() == {
        "digest": found.provenance.digest,
        "predicate": "https://slsa.dev/provenance/v1",
        "file": "Dockerfile",
        "target": "APP",
        "arguments": {"V": "2"},
        "layers": "digest",
        "why": None,
    }


def other_layers(statement: dict[str, Any]) -> None:
    text = json.dumps(metadata(statement)["layers"])
    (first, second) = (each["digest"] for each in metadata(statement)["layers"]["step1:0"][0])
    metadata(statement)["layers"] = json.loads(text.replace(second, first))


def swapped_layers(statement: dict[str, Any]) -> None:
    for (chain,) in metadata(statement)["layers"].values():
        chain.reverse()


def one_layer_less(statement: dict[str, Any]) -> None:
    del metadata(statement)["layers"]["step1:0"][0][1]


def no_layers(statement: dict[str, Any]) -> None:
    del metadata(statement)["layers"]


def another_subject(statement: dict[str, Any]) -> None:
    statement["subject"][0]["digest"]["sha256"] = "0" * 64


def no_subject(statement: dict[str, Any]) -> None:
    del statement["subject"]


def no_source(statement: dict[str, Any]) -> None:
    metadata(statement)["source"]["infos"] = []


def another_language(statement: dict[str, Any]) -> None:
    metadata(statement)["source"]["infos"][0]["language"] = "HCL"


def no_base64(statement: dict[str, Any]) -> None:
    metadata(statement)["source"]["infos"][0]["data"] = "\u00e4"


def empty(statement: dict[str, Any]) -> None:
    metadata(statement)["source"]["infos"][0]["data"] = ""


def another_target(statement: dict[str, Any]) -> None:
    request = edited(statement, "predicate", "buildDefinition", "externalParameters", "request")
    request["args"]["target"] = "none"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (other_layers, "its layers are not those of the image"),
        (swapped_layers, "its layers are not those of the image"),
        (one_layer_less, "its layers are not those of the image"),
        (no_layers, "its layers are not those of the image"),
        (another_subject, "it is about another image"),
        (no_subject, "it is about another image"),
        (no_source, "it has no Dockerfile"),
        (another_language, "the build is described in HCL, not a Dockerfile"),
        (no_base64, "its Dockerfile is damaged"),
        (empty, "it has no Dockerfile"),
        (another_target, "its Dockerfile does not have the stage that was built"),
        (b"{", "it cannot be read"),
        (b"[]", "it cannot be read"),
        (b"[" * 100_000, "it cannot be read"),
        (b"[" + b"0," * 1_000_000 + b"0]", "too large"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_not_believed_says_why(tmp_path: Path, change: Change | bytes, why: str) -> None:
    found = built(tmp_path, change)
    assert found.source == "history" and found.provenance is not None
    assert why in found.provenance.why
    lines = found.text.split("\n")
    assert lines[0].startswith("# Reconstructed from the history of ")
    assert any(line.startswith("# The provenance is not used: ") and why in line for line in lines[:3])
    assert [each.layer for each in found.found if each.layer] == [1, 2]


def test_a_document_of_another_builder_counts_for_nothing(tmp_path: Path) -> None:
    def change(statement: dict[str, Any]) -> None:
        statement["predicate"]["buildDefinition"]["buildType"] = "https://example.com/build"

    assert built(tmp_path, change).provenance is None


@pytest.mark.parametrize(
    "text", [b"x" * (MAX_SOURCE + 1), b"\n" * (MAX_SOURCE_LINES + 1)], ids=["bytes", "lines"]
)
def test_a_dockerfile_that_is_too_large(tmp_path: Path, text: bytes) -> None:
    found = built(tmp_path, text=text)
    assert found.provenance is not None and "too large" in found.provenance.why


def test_a_changed_document(tmp_path: Path) -> None:
    reference = attached(tmp_path / "layout", TEXT, HISTORY, LINES)
    image = open_image(reference)
    provenance = provenance_of(image)
    assert provenance is not None
    blob = tmp_path / "layout/blobs" / provenance.digest.replace(":", "/")
    blob.write_bytes(blob.read_bytes().replace(b"Dockerfile", b"dockerfile"))
    found = provenance_of(open_image(reference))
    assert found is not None and "wrong digest" in found.why
    blob.unlink()
    found = provenance_of(open_image(reference))
    assert found is not None and found.why == "it is not stored here"


def test_any_field_may_be_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value of the statement in turn is another kind of value."""
    kept: dict[str, Any] = {}
    image = open_image(attached(tmp_path, TEXT, HISTORY, LINES, kept.update))
    text = json.dumps({**kept, "subject": [{"digest": {"sha256": image.manifest_digest[7:]}}]})
    (attachment,) = attachments(image)
    (document,) = attachment.documents
    paths: list[list[str | int]] = []

    def walk(value: Any, path: list[str | int]) -> None:
        paths.append(path)
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, each in items:
            walk(each, [*path, key])

    walk(json.loads(text), [])
    sources = set()
    for path in paths[1:]:
        for other in (None, -1, 1 << 70, "x", "\udcff", [], {}, [None], [[None]], {"x": None}, True):
            statement = json.loads(text)
            edited(statement, *path[:-1])[path[-1]] = other
            data = json.dumps(statement).encode()
            descriptor = document.descriptor._replace(digest=digest(data), size=len(data))
            changed = replace(document, descriptor=descriptor, blob=BytesBlob(data, ""))
            monkeypatch.setattr(
                "layertui.dockerfile.buildkit.attachments",
                lambda image, changed=changed: iter([replace(attachment, documents=[changed])]),
            )
            found = dockerfile_of(image, (), provenance_of(image))
            assert [each.layer for each in found.found if each.layer] == [1, 2]
            sources.add(found.source)
    assert sources == {"history", "provenance"}


def test_an_instruction_without_a_recorded_line_is_found_by_its_place(tmp_path: Path) -> None:
    def change(statement: dict[str, Any]) -> None:
        del metadata(statement)["source"]["locations"]["step1"]

    found = built(tmp_path, change)
    last = found.found[-1]
    assert (last.line, last.layer, last.guesses) == (8, 2, ["the layer, by its place in the history"])


def test_a_layer_of_which_nothing_tells_the_line(tmp_path: Path) -> None:
    def change(statement: dict[str, Any]) -> None:
        del metadata(statement)["source"]["locations"]["step1"]

    found = built(tmp_path, change, history=[{"created_by": "x"}, {"created_by": "y"}])
    last = found.found[-1]
    assert (last.line, last.layer, last.is_written) == (0, 2, False)
    assert "its line is not recorded" in last.guesses


def test_an_engine_that_does_not_tell_the_digests_of_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its manifest is known, and that the statement is about it; layers are matched by their position."""
    tars = [tar((f"/line-{line}", b"")) for line in LINES]
    layers = [
        {"mediaType": f"{LAYER}+gzip", "digest": digest(gzip.compress(each, mtime=0)), "size": 1}
        for each in tars
    ]
    engine = Docker29()
    config = {"history": HISTORY}
    engine.add("app:1", Variant("amd64", tars, config))
    manifest = engine.manifest("app:1")["digest"]
    with serving(tmp_path / "s", engine) as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        for known, source in ((layers, "provenance"), (layers[:1], "history")):
            statement = statement_of(manifest, TEXT, LINES[: len(known)], known)
            data = json.dumps(statement, separators=(",", ":")).encode()
            engine.add("app:1", Variant("amd64", tars, config, statements=[data]))
            image = open_image("docker-daemon:app:1")
            found = dockerfile_of(image, (), provenance_of(image))
            assert found.source == source and found.provenance is not None
            assert [each.layer for each in found.found if each.layer] == [1, 2]
            if source == "provenance":
                assert (found.text, found.provenance.is_by_position) == (TEXT.decode(), True)
