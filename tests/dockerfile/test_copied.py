"""Names of files that Docker's classic builder copied and did not record."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui.dockerfile import instructions
from layertui.dockerfile.base import Base
from layertui.dockerfile.copied import with_names
from layertui.model.numbers import LayerNumber
from layertui.sources import open_image
from tests.commands.samples import tar
from tests.dockerfile.test_dockerfile import context
from tests.engines import Docker
from tests.images import layers_of, union_of

ONE = LayerNumber(1)
A = ("/srv/a.txt", b"1")


@pytest.mark.parametrize(
    ("text", "files", "arguments", "guess"),
    [
        ("file:0123456789ab in /srv/ ", [A], "a.txt /srv/", "name from the layer"),
        ("file:0123456789ab in . ", [("/srv", None), A], "a.txt .", "name from the layer"),
        ("file:0123456789ab in /srv ", [A], "a.txt /srv", "name from the layer"),
        ("file:0123456789ab in /srv/a.txt ", [A], "a.txt /srv/a.txt", "name from the target"),
        ("file:0123456789ab in a.txt ", [A], "a.txt a.txt", "name from the target"),
        ("file:0123456789ab in a.txt/ ", [("/a.txt/a.txt", b"")], "a.txt a.txt/", "name from the layer"),
        ("--chown=1:2file:0123456789ab in ./ ", [A], "--chown=1:2 a.txt ./", "name from the layer"),
        ("multi:0123456789ab in /srv/ ", [A, ("/srv/b", b"")], "a.txt b /srv/",
         "names from the layer, unless they were in a directory"),
    ],
)  # fmt: skip
def test_names_are_those_in_the_layer(
    text: str, files: list[tuple[str, bytes | None]], arguments: str, guess: str
) -> None:
    assert with_names(text, False, union_of(layers_of([tar(*files)])), ONE) == (arguments, guess)


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("dir:0123456789ab in /srv ", [A]),  # what was in it, not what it is called
        ("file:0123456789ab in /srv ", [A, ("/srv/b", b"")]),  # an archive that was unpacked
        ("file:0123456789ab in /srv/ ", [("/srv/a b", b"")]),
        ("file:0123456789ab in /srv/ ", [("/srv/--from=x", b"")]),
        ("file:0123456789ab in /srv/ ", [("/srv/a*", b"")]),
        ("multi:0123456789ab in /srv/ ", [A]),
        ("multi:0123456789ab in /srv/ ", [A, ("/srv/sub/b", b"")]),
        ("multi:0123456789ab in /srv/ ", [A, ("/srv/b", b""), ("/srv/empty", None)]),
        ("multi:0123456789ab in /srv/ ", [(f"/srv/{number}", b"") for number in range(50)]),
        ("a.txt /srv/ ", [A]),
    ],
)
def test_what_the_layer_does_not_show_stays_unknown(text: str, files: list[tuple[str, bytes | None]]) -> None:
    assert with_names(text, False, union_of(layers_of([tar(*files)])), ONE) is None


def test_a_layer_that_has_not_been_read_shows_nothing() -> None:
    union = union_of(layers_of([tar(A)]))
    assert with_names("file:0123456789ab in /srv/ ", False, union, LayerNumber(2)) is None


COPIES = [
    "COPY a.txt /srv/",
    "COPY b.conf /srv",
    "COPY --chown=1:2 a.txt /etc/a.txt",
    "COPY a.txt b.conf /opt/",
    "ADD a.txt /opt/x/",
]
UNKNOWN = ["COPY sub /sub", "COPY a.txt sub/ /multi/", "ADD t.tar /un/"]


def test_names_of_a_real_build(docker: Docker, tmp_path: Path) -> None:
    folder = context(tmp_path / "context")
    (folder / "a.txt").write_text("a")
    (folder / "b.conf").write_text("b")
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "sub" / "deep" / "c").write_text("c")
    (folder / "t.tar").write_bytes(tar(("/d", b"1"), ("/e", b"2")))
    docker.build("copies:1", folder, "\n".join(["FROM scratch", *COPIES, *UNKNOWN]))
    image = open_image(str(docker.save("copies:1", tmp_path / "copies.tar")))
    union = union_of(image.layers)
    found = [each for each in instructions(image, Base("", "", -1, -1), "", union) if each.step >= 0]
    assert [each.text for each in found[: len(COPIES)]] == COPIES
    assert all(each.guesses and not each.unknown for each in found[: len(COPIES)])
    assert all(each.unknown for each in found[len(COPIES) :])
