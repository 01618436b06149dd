"""References as people write them, with paths that hold colons and at-signs."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui.errors import LayertuiError
from layertui.reference import Reference, parse


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("app.tar", Reference("", "app.tar")),
        ("./oci:x", Reference("", "./oci:x")),
        ("docker-archive:a.tar", Reference("docker-archive", "a.tar")),
        ("docker-archive:a.tar:app:1", Reference("docker-archive", "a.tar", "app:1")),
        ("docker-archive:a.tar:@1", Reference("docker-archive", "a.tar", "@1")),
        ("docker-archive:a.tar:host:5000/app:1", Reference("docker-archive", "a.tar", "host:5000/app:1")),
        ("oci:dir:tag", Reference("oci", "dir", "tag")),
        ("oci:dir@sha256:ab", Reference("oci", "dir", "@sha256:ab")),
        ("oci-archive:a.tar:docker.io/a/b:1", Reference("oci-archive", "a.tar", "docker.io/a/b:1")),
        ("dir:a:b", Reference("dir", "a:b")),
        ("demo:", Reference("demo", "")),
    ],
)
def test_parse_and_back(
    text: str, reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.tar", "dir"):
        (tmp_path / name).touch()
    assert parse(text) == reference
    assert str(reference) == text


@pytest.mark.parametrize("name", ["a:b", "a@b", "a@b:c@d", "sha256:x"])
def test_the_longest_path_that_exists_is_the_path(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.mkdir()
    for selector in ("", ":tag", ":host:1/x:tag", "@sha256:ab"):
        found = parse(f"oci:{path}{selector}")
        assert (found.location, found.selector) == (str(path), selector.removeprefix(":"))
        assert parse(str(found)) == found


@pytest.mark.parametrize("text", ["", "oci:", "docker-archive:", "dir:"])
def test_what_names_nothing(text: str) -> None:
    with pytest.raises(LayertuiError):
        parse(text)
