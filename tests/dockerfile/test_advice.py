"""Advice: the steps that it joins, the bytes that it promises, and the changed instructions."""

from __future__ import annotations

import io
import tarfile

import pytest

from layertui.dockerfile import Instruction
from layertui.dockerfile.advice import Advice, advice
from layertui.insight.waste import Reason
from layertui.model.numbers import LayerNumber
from tests.commands.samples import tar
from tests.images import layers_of, union_of
from tests.insight.test_waste import of as waste_of
from tests.union.generator import Generator

BIG = b"0123456789" * 10
OTHER = b"9876543210" * 10


def layer(content: bytes, mode: int = 0o644, uid: int = 0) -> bytes:
    """A layer's tar with the one file ``/f``."""
    data, info = io.BytesIO(), tarfile.TarInfo("f")
    info.mode, info.uid, info.size, info.mtime = mode, uid, len(content), 1_700_000_000
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def pieces_of(*steps: tuple[str, bytes | None], base: int = 0, is_windows: bool = False) -> list[Advice]:
    """The advice for instructions with the layers that they made; the first ``base`` are the base image's."""
    tars = [data for _, data in steps if data is not None]
    layers = layers_of(tars)
    union = union_of(layers)
    found, height = [], 0
    for number, (text, data) in enumerate(steps):
        height += data is not None
        own = LayerNumber(height) if data is not None else None
        found.append(Instruction(text.partition(" ")[0], text, number, own, number < base))
    return advice(union, waste_of(union, layers), found, is_windows)


def facts(piece: Advice) -> tuple[int, int, int, str]:
    """Steps, from 1, bytes and change."""
    return piece.storing.step + 1, piece.hiding.step + 1, piece.size, piece.remedy.change


GONE = tar(("/.wh.f", b""))


@pytest.mark.parametrize(
    ("first", "then", "change"),
    [
        (("RUN make", layer(BIG)), ("RUN rm /f", GONE), "RUN make \\\n    && rm /f"),
        (("RUN cd /x; make", layer(BIG)), ("RUN rm f || true", GONE),
         "RUN ( cd /x; make ) \\\n    && ( rm f || true )"),
        (('RUN ["make"]', layer(BIG)), ("RUN rm /f", GONE), '# as one RUN:\nRUN ["make"]\nRUN rm /f'),
        (("COPY a /f", layer(BIG)), ("RUN rm /f", GONE),
         "# without this instruction:\n# COPY a /f\nRUN --mount=type=bind,source=<file>,target=/f <command that needs it>"),
        (("COPY a /f", layer(BIG)), ("RUN chown 5 /f", layer(BIG, uid=5)), "COPY --chown=5:0 a /f"),
        (("COPY --chmod=600 a /f", layer(BIG)), ("RUN chmod 755 /f", layer(BIG, 0o755)), "COPY --chmod=0755 a /f"),
        (("RUN make", layer(BIG)), ("RUN chmod 755 /f", layer(BIG, 0o755)), "RUN make \\\n    && chmod 755 /f"),
        (("COPY a /f", layer(BIG)), ("COPY a /f", layer(BIG)), "# without this instruction:\n# COPY a /f"),
        (("RUN make", layer(BIG)), ("COPY a /f", layer(OTHER)), "RUN make \\\n    && rm -rf /f"),
        (("COPY a /f", layer(BIG)), ("RUN sed -i x /f", layer(OTHER)), "# with /f as step 2 leaves it\nCOPY a /f"),
        (("COPY a /f", layer(BIG)), ("RUN mv /f /g", tar(("/.wh.f", b""), ("/g", BIG))), "COPY a /g"),
    ],
)  # fmt: skip
def test_joins_the_step_that_stored_with_the_step_that_hid(
    first: tuple[str, bytes], then: tuple[str, bytes], change: str
) -> None:
    (piece,) = pieces_of(first, then)
    assert facts(piece) == (1, 2, 100, change)


def test_steps_between_that_may_need_the_files_are_a_guess() -> None:
    (piece,) = pieces_of(("RUN make", layer(BIG)), ("USER app", None), ("RUN rm /f", GONE))
    assert facts(piece) == (1, 3, 100, "RUN make \\\n    && rm -rf /f")
    assert piece.remedy.guesses == ("no step between 1 and 3 needs it",)
    (piece,) = pieces_of(("RUN make", layer(BIG)), ("LABEL a=b", None), ("RUN rm /f", GONE))
    assert (piece.remedy.change, piece.remedy.guesses) == ("RUN make \\\n    && rm /f", ())


def test_a_directory_that_a_step_between_writes_to_is_not_deleted_early() -> None:
    stored, gone = tar(("/x", None), ("/x/y/f", BIG)), tar(("/.wh.x", b""))
    steps = [("RUN make", stored), ("WORKDIR /", None), ("RUN rm -r /x", gone)]
    assert [piece.remedy.change for piece in pieces_of(*steps)] == ["RUN make \\\n    && rm -rf /x"]
    steps[1] = ("RUN cp /z /x/g", tar(("/x/g", b"1")))
    assert pieces_of(*steps)[0].remedy.change == "RUN make \\\n    && rm -rf /x/y"


def test_a_cache_may_be_a_mount_and_a_secret_a_secret_mount() -> None:
    cached = tar(*((f"/var/cache/apk/{name}", BIG) for name in "abc"))
    emptied = tar(*((f"/var/cache/apk/.wh.{name}", b"") for name in "abc"))
    (piece,) = pieces_of(
        ("RUN apk add x", cached), ("WORKDIR /", None), ("RUN rm -rf /var/cache/apk/*", emptied)
    )
    assert facts(piece) == (1, 3, 300, "RUN apk add x \\\n    && rm -rf /var/cache/apk/*")
    assert piece.remedy.text.endswith("or use --mount=type=cache,target=/var/cache/apk")
    copied, deleted = tar(("/root/id_rsa", BIG)), tar(("/root/.wh.id_rsa", b""))
    (piece,) = pieces_of(("COPY id_rsa /root/id_rsa", copied), ("RUN rm /root/id_rsa", deleted))
    assert "--mount=type=secret,id=id_rsa,target=/root/id_rsa" in piece.remedy.change


def test_a_part_of_a_directory_is_excluded() -> None:
    copied = tar(("/app/keep", b"1"), ("/app/sub/big", BIG))
    (piece,) = pieces_of(("COPY . /app", copied), ("RUN rm /app/sub/big", tar(("/app/sub/.wh.big", b""))))
    assert piece.remedy.change.startswith("COPY --exclude=sub/big . /app\n")


def test_no_bytes_are_promised_twice() -> None:
    """Copied, chowned and deleted: both copies are saved by not copying, not one by each of two steps."""
    chowned = layer(BIG, uid=5)
    copied, deleted = pieces_of(("COPY a /f", layer(BIG)), ("RUN chown 5 /f", chowned), ("RUN rm /f", GONE))
    assert {facts(copied)[:3], facts(deleted)[:3]} == {(1, 2, 100), (1, 3, 100)}
    again = pieces_of(("COPY a /f", layer(BIG)), ("COPY a /f", layer(BIG)), ("RUN rm /f", GONE))
    assert sorted(facts(piece)[:3] for piece in again) == [(1, 2, 100), (1, 3, 100)]


@pytest.mark.parametrize("seed", range(20))
def test_random_images_get_advice_for_each_dead_file_once(seed: int) -> None:
    """Of files that earlier steps stored; those that one layer stores twice have no second step."""
    steps = [
        (("COPY a /", "RUN make")[number % 2], data) for number, data in enumerate(Generator(seed).layers())
    ]
    layers = layers_of([data for _, data in steps])
    dead = {row.event: row for row in waste_of(union_of(layers), layers).paths}
    files = [file for piece in pieces_of(*steps) for file in piece.files]
    assert sorted(file.event for file in files) == sorted(
        event for event, row in dead.items() if row.layer < row.by
    )
    assert all(piece.storing.step < piece.hiding.step for piece in pieces_of(*steps))


def test_what_the_base_image_stores_cannot_be_saved() -> None:
    base = ("RUN make", layer(BIG))
    assert pieces_of(base, ("RUN rm /f", GONE), base=1) == []
    assert pieces_of(base, ("RUN chmod 755 /f", layer(BIG, 0o755)), base=1) == []
    assert pieces_of(base, ("RUN rm /f", GONE), base=2) == []
    (piece,) = pieces_of(base, ("RUN chmod 644 /f", layer(BIG)), base=1)
    assert (facts(piece)[:3], piece.reason) == ((1, 2, 100), Reason.REPEATED)
    # What is deleted later is stored by the base, however often it was repeated.
    assert [
        facts(each)[:3] for each in pieces_of(base, ("RUN x", layer(BIG)), ("RUN rm /f", GONE), base=1)
    ] == [(1, 2, 100)]


def test_no_part_of_an_unpacked_archive_is_left_out() -> None:
    root = tar(("/f", BIG), ("/g", b"1"))
    assert pieces_of(("ADD root.tar /", root), ("RUN rm /f", GONE)) == []


def test_commands_of_windows_are_not_joined_as_a_shell_would() -> None:
    (piece,) = pieces_of(("RUN make", layer(BIG)), ("RUN del f", GONE), is_windows=True)
    assert piece.remedy.change == "# as one RUN:\nRUN make\nRUN del f"


@pytest.mark.parametrize("name", ["x\nRUN evil", "x' \\\nRUN evil\n#"])
@pytest.mark.parametrize("step", ["RUN make", "COPY a /dir/"])
@pytest.mark.parametrize("later", ["RUN rm x", "COPY b /dir/", "RUN mv", "RUN sed"])
def test_no_name_of_a_file_becomes_an_instruction(name: str, step: str, later: str) -> None:
    path = f"/dir/{name}"
    data = {
        "RUN rm x": tar((f"/dir/.wh.{name}", b"")),
        "COPY b /dir/": tar((path, OTHER)),
        "RUN mv": tar((f"/dir/.wh.{name}", b""), (f"/dir/{name}2", BIG)),
        "RUN sed": tar((path, OTHER)),
    }[later]
    for between in ([], [("USER app", None)]):
        for kept in ([], [("/dir/kept", b"1")]):
            (piece,) = pieces_of((step, tar((path, BIG), *kept)), *between, (later, data))
            assert not any(line.startswith("RUN evil") for line in piece.remedy.change.split("\n"))
            assert all(line.isprintable() for line in piece.remedy.change.split("\n"))
