"""The same content stored several times."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections import defaultdict

import pytest

from layertui import demo
from layertui.content.read import Contents
from layertui.insight.duplicates import Duplicates, candidates, duplicates
from tests.commands.samples import tar
from tests.images import layers_of
from tests.insight.reading import opened
from tests.union.generator import Generator


def of(*tars: bytes) -> Duplicates:
    union, contents = opened(tars)
    contents.prepare(candidates(union))
    return duplicates(union, contents)


def test_copies_in_one_layer_and_in_others() -> None:
    (group,) = of(
        tar(("/a", b"12345"), ("/b", b"12345"), ("/c", b"other"), ("/hard", "=a"), ("/empty", b""), ("/void", b"")),
        tar(("/b", b"changed"), ("/d", b"12345")),
    ).groups  # fmt: skip
    assert [(copy.path, copy.layer, copy.is_visible) for copy in group.copies] == [
        ("/a", 1, True),
        ("/b", 1, False),
        ("/d", 2, True),
    ]
    assert group.digest == "sha256:" + hashlib.sha256(b"12345").hexdigest()
    assert (group.size, group.surplus_bytes, group.hardlink_bytes) == (5, 10, 5)


def test_largest_first() -> None:
    groups = of(
        tar(("/a", b"x"), ("/b", b"x"), ("/c", b"x"), ("/d", b"x"), ("/e", b"long"), ("/f", b"long"))
    ).groups
    assert [group.surplus_bytes for group in groups] == [4, 3]


def test_what_cannot_be_read_is_counted() -> None:
    whole = tar(("/a", b"1" * 2000), ("/b", b"1" * 2000))
    union, _ = opened([whole])
    cut = Contents(demo.image()._replace(layers=layers_of([whole[:3000]])), union.indexes, union)
    assert duplicates(union, cut) == Duplicates([], 1)


@pytest.mark.parametrize("seed", range(10))
def test_random_images(seed: int) -> None:
    """Against what tarfile reads."""
    tars = Generator(seed).layers()
    stored = defaultdict(list)
    for number, data in enumerate(tars, 1):
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() and member.size else None
                if content is not None:
                    stored[content.read()].append(number)
    found = of(*tars)
    assert found.unreadable == 0
    assert sorted(
        (group.size, [copy.layer for copy in group.copies], group.surplus_bytes) for group in found.groups
    ) == sorted(
        (len(content), layers, len(content) * (len(layers) - 1))
        for content, layers in stored.items()
        if len(layers) > 1
    )
