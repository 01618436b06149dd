"""Docker's filters of a list of images."""

from __future__ import annotations

import pytest

from layertui.model.errors import LayertuiError
from layertui.model.image import ImageSummary, Platform
from layertui.sources.docker_filters import filter_images


def row(name: str, tag: str, day: int = 1, **labels: str) -> ImageSummary:
    digest = f"sha256:{day:064x}"
    return ImageSummary(
        f"x:{name}:{tag}", "x", name, tag, digest, "", 1, f"2024-01-{day:02}T00:00:00Z", 1,
        (Platform("linux", "amd64"),), labels,
    )  # fmt: skip


ROWS = [
    row("busybox", "1", 1, a="b"),
    row("docker.io/library/alpine", "3", 2, a="c", d=""),
    row("example.org/team/app", "2", 3),
    row("", "", 4),
]


@pytest.mark.parametrize(
    "filters, days",
    [
        (["dangling=true"], [4]),
        (["dangling=false"], [1, 2, 3]),
        (["label=a"], [1, 2]),
        (["label=a=b"], [1]),
        (["label=a", "label=d"], [2]),
        (["reference=busy*"], [1]),
        (["reference=busybox:1"], [1]),
        (["reference=alpine"], [2]),
        (["reference=*"], [1, 2]),  # no star matches a slash
        (["reference=*/*/app:2"], [3]),
        (["reference=busybox", "reference=alpine:*"], [1, 2]),
        (["before=example.org/team/app:2"], [1, 2]),
        (["since=busybox:1", "dangling=false"], [2, 3]),
    ],
)
def test_filters_mean_what_they_do_to_docker(filters: list[str], days: list[int]) -> None:
    assert [int(each.id[7:], 16) for each in filter_images(ROWS, filters)] == days


@pytest.mark.parametrize("text", ["dangling", "dangling=maybe", "colour=red", "before=nothing", "label="])
def test_says_which_filters_there_are(text: str) -> None:
    with pytest.raises(LayertuiError):
        filter_images(ROWS, [text])


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("[^a]", "b[!^"),
        ("[!a]", "a!"),
        ("[a-c]", "ab"),
        ("\\[", "["),
        ("[\\]b]", "b"),
        ("?", "ab[!^"),
        ("a", "a"),
        *(
            (malformed, None)
            for malformed in ("[", "a[", "[]", "[a", "[a-]", "[-a]", "a\\", "[]a]", "[^", "[a-b-c]", "[a-")
        ),
    ],
)
def test_patterns_are_those_of_go(pattern: str, matches: str | None) -> None:
    """The values are those that path.Match of Go 1.26 gives."""
    if matches is None:
        with pytest.raises(LayertuiError, match="syntax error in the pattern"):
            filter_images([], [f"reference={pattern}"])
        return
    rows = [row(name, "1") for name in "ab[!^"]
    assert "".join(found.name for found in filter_images(rows, [f"reference={pattern}"])) == matches
