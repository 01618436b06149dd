"""References: read, and written so that they are read again as the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui.model.reference import Reference, is_store, layer_of, parse_reference, to_layer


@pytest.mark.parametrize(
    ("text", "location", "selector"),
    [
        ("containers-storage:", "", ""),
        ("containers-storage:localhost/a:1", "", "localhost/a:1"),
        ("containers-storage:/var/store", "/var/store", ""),
        ("containers-storage:[overlay@/var/store]", "overlay@/var/store", ""),
        ("containers-storage:[overlay@/var/store]localhost/a:1", "overlay@/var/store", "localhost/a:1"),
        ("containers-storage:[]/worked", "", "/worked"),
        ("containerd:k8s.io/docker.io/library/a:1", "", "k8s.io/docker.io/library/a:1"),
        ("containerd:[/run/containerd]default//worked", "/run/containerd", "default//worked"),
        ("docker-root:/var/lib/docker", "/var/lib/docker", ""),
        ("docker-root:[/var/lib/docker]a:1", "/var/lib/docker", "a:1"),
        ("docker-root:a:1", "", "a:1"),
        ("docker-root:[]/worked", "", "/worked"),
        ("docker-root:[]//sha256:ab", "", "//sha256:ab"),
        ("containers-storage:[vfs@/var/store]//ab", "vfs@/var/store", "//ab"),
        ("containerd:k8s.io///sha256:ab", "", "k8s.io///sha256:ab"),
        ("containerd:[]///12", "", "///12"),
    ],
)
def test_stores(text: str, location: str, selector: str) -> None:
    reference = parse_reference(text)
    assert reference == Reference(text.partition(":")[0], location, selector)
    assert str(reference) == text


def test_a_directory_named_as_an_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alpine").mkdir()
    assert parse_reference("docker-root:alpine") == Reference("docker-root", "alpine")
    assert parse_reference("containers-storage:alpine") == Reference("containers-storage", "", "alpine")
    assert parse_reference(str(Reference("containers-storage", "alpine"))) == Reference(
        "containers-storage", "alpine"
    )


@pytest.mark.parametrize(
    ("transport", "inside"),
    [
        ("docker-root", "image"),
        ("containers-storage", "overlay-images"),
        ("containerd", "io.containerd.metadata.v1.bolt"),
    ],
)
def test_a_relative_path_of_a_store(
    transport: str, inside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "copies/store" / inside).mkdir(parents=True)
    reference = parse_reference(f"{transport}:copies/store")
    assert reference == Reference(transport, "copies/store")
    assert parse_reference(str(reference)) == reference and is_store(reference)
    named = Reference(transport, "copies/store", "k8s.io/app:1")
    assert parse_reference(str(named)) == named


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("docker-root:", True),
        ("docker-root:/var/lib/docker", True),
        ("docker-root:[/var/lib/docker]a:1", False),
        ("docker-root:[/var/lib/docker]/worked", False),
        ("docker-root:[/var/lib/docker]//sha256:ab", False),
        ("containerd:[/run/containerd]///12", False),
        ("containers-storage:[overlay@/var/store]", True),
        ("containerd:k8s.io", True),
        ("containerd:k8s.io/docker.io/library/a:1", False),
        ("docker-daemon:a:1", False),
        ("app.tar", False),
    ],
)
def test_what_names_all_of_a_store(text: str, whole: bool) -> None:
    assert is_store(parse_reference(text)) is whole


@pytest.mark.parametrize(
    ("store", "identity", "text"),
    [
        ("docker-root:/var/lib/docker", "sha256:ab", "docker-root:[/var/lib/docker]//sha256:ab"),
        ("docker-root:[/var/lib/docker]a:1", "ab", "docker-root:[/var/lib/docker]//ab"),
        ("containers-storage:", "ab", "containers-storage:[]//ab"),
        ("containerd:[/run/containerd]k8s.io", "a key", "containerd:[/run/containerd]k8s.io///a key"),
        ("containerd:", "12", "containerd:[]///12"),
    ],
)
def test_layers_of_stores(store: str, identity: str, text: str) -> None:
    assert to_layer(parse_reference(store), identity) == text
    assert layer_of(parse_reference(text)) == identity
    assert str(parse_reference(text)) == text


@pytest.mark.parametrize(
    "text",
    ["docker-root:[/a]b/c:1", "docker-root:[/a]/worked", "containerd:default//worked", "docker://a/b", "//a"],
)
def test_what_names_no_layer(text: str) -> None:
    assert layer_of(parse_reference(text)) == ""
