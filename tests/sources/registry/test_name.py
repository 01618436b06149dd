"""Names as docker understands them."""

import pytest

from layertui.model.errors import LayertuiError
from layertui.sources.registry.name import Name, parse_name

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("//nginx", Name("docker.io", "library/nginx")),
        ("//nginx:1.27", Name("docker.io", "library/nginx", "1.27")),
        ("nginx", Name("docker.io", "library/nginx")),
        ("//index.docker.io/grafana/loki", Name("docker.io", "grafana/loki")),
        ("//docker.io/nginx", Name("docker.io", "library/nginx")),
        ("//localhost/app", Name("localhost", "app")),
        ("//localhost:5000/team/app:2", Name("localhost:5000", "team/app", "2")),
        ("//quay.io/a/b/c", Name("quay.io", "a/b/c")),
        ("//team/app", Name("docker.io", "team/app")),
        ("//Registry/app", Name("Registry", "app")),
        ("//[::1]:5000/app:x", Name("[::1]:5000", "app", "x")),
        (f"//nginx@{DIGEST}", Name("docker.io", "library/nginx", "", DIGEST)),
        (f"//ghcr.io/a/b:v1@{DIGEST}", Name("ghcr.io", "a/b", "v1", DIGEST)),
    ],
)
def test_names(text: str, name: Name) -> None:
    assert parse_name(text) == name
    assert parse_name(str(name)) == name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("//", "names no repository"),
        ("//Nginx", "lower case"),
        ("//docker.io/", "names no repository"),
        ("//nginx:", "is not a tag"),
        ("//nginx:a/b", "is not a host"),
        ("//nginx@sha256:12", "is not a digest"),
        ("//nginx@", "is not a digest"),
        ("//a..b/c", "is not a host"),
        ("//quay.io/a//b", "no repository"),
        ("//quay.io/" + "a" * 250, "longer than 255"),
    ],
)
def test_no_names(text: str, why: str) -> None:
    with pytest.raises(LayertuiError, match=why) as raised:
        parse_name(text)
    assert "docker://" in raised.value.remedy


def test_the_digest_counts_where_there_is_a_tag_too() -> None:
    assert parse_name(f"//nginx:1@{DIGEST}").wanted == DIGEST
    assert parse_name("//nginx").wanted == "latest"
