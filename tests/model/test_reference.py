"""References: read, and written so that they are read again as the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui.model.errors import LayertuiError
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


@pytest.mark.parametrize(
    "text",
    ["file:in/app.tar", "file://in/app.tar", "file:{here}/in/app.tar", "file://{here}/in/app.tar",
     "file://localhost{here}/in/app.tar"],
)  # fmt: skip
def test_a_file_url_is_its_path(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/app.tar").touch()
    found = parse_reference(text.format(here=tmp_path))
    assert (found.transport, Path(found.location).resolve()) == ("", tmp_path / "in/app.tar")


def test_a_file_url_is_decoded(tmp_path: Path) -> None:
    """RFC 8089; but a name that is there as it is written comes first."""
    (tmp_path / "a b.tar").touch()
    assert parse_reference(f"file://{tmp_path}/a%20b.tar").location == f"{tmp_path}/a b.tar"
    (tmp_path / "a%20b.tar").touch()
    assert parse_reference(f"file://{tmp_path}/a%20b.tar").location == f"{tmp_path}/a%20b.tar"


def test_a_path_that_looks_like_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "https:/example.com").mkdir(parents=True)
    assert parse_reference("https://example.com").location == "https://example.com"


def test_other_urls_are_named_as_what_they_are() -> None:
    with pytest.raises(LayertuiError) as raised:
        parse_reference("https://example.com/app.tar")
    assert raised.value.what == "https://example.com/app.tar is a web address"
    assert "curl -fL https://example.com/app.tar | layertui -" in raised.value.remedy
    with pytest.raises(LayertuiError, match=r"docker-image://app: unknown transport docker-image"):
        parse_reference("docker-image://app")


@pytest.mark.parametrize("transport", ["docker-archive", "oci-archive", "oci", "dir"])
def test_two_slashes_before_a_relative_path(
    transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form that dive documents, ``docker-archive://app.tar``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").touch()
    assert parse_reference(f"{transport}://app") == Reference(transport, "app")
    assert parse_reference(f"{transport}://none") == Reference(transport, "none")
    assert parse_reference(f"{transport}:/{tmp_path}/app").location == f"/{tmp_path}/app"
    if transport != "dir":
        assert parse_reference(f"{transport}://app:1.0") == Reference(transport, "app", "1.0")


@pytest.mark.parametrize("transport", ["docker-daemon", "podman", "docker-container", "podman-container"])
def test_two_slashes_before_a_name(transport: str) -> None:
    assert parse_reference(f"{transport}://app:1.0") == Reference(transport, "app:1.0")
