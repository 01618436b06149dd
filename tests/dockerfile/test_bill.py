"""The bill: the size of each instruction, and its wasted work."""

from __future__ import annotations

import io
import tarfile

from layertui import demo
from layertui.dockerfile import Instruction
from layertui.dockerfile.bill import Bill, bill_of
from layertui.insight.sizes import SizeMap
from layertui.insight.waste import waste
from layertui.model.numbers import LayerNumber
from layertui.model.sizes import Bytes
from tests.commands.samples import tar
from tests.images import layers_of, union_of
from tests.insight.test_waste import AllAlike

BIG = b"0123456789" * 100


def owned(*paths: str, uid: int = 0) -> bytes:
    """A layer's tar of files with one content."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path in paths:
            info = tarfile.TarInfo(path)
            info.uid, info.size, info.mtime = uid, len(BIG), 1_700_000_000
            archive.addfile(info, io.BytesIO(BIG))
    return data.getvalue()


def bill(*steps: tuple[str, bytes]) -> tuple[Bill, list[Instruction]]:
    layers = layers_of([data for _, data in steps])
    union = union_of(layers)
    found = [
        Instruction(text.partition(" ")[0], text, number, LayerNumber(number + 1))
        for number, (text, _) in enumerate(steps)
    ]
    return bill_of(demo.image(), union, SizeMap(union).layers, waste(union, AllAlike()), found), found


def test_what_a_step_deletes_stays_stored_and_what_it_chowns_is_stored_again() -> None:
    found, steps = bill(
        ("COPY . /", owned("a", "b", "c")),
        ("RUN chown -R 5 /a /b", owned("a", "b", uid=5)),
        ("RUN rm /a /c", tar(("/.wh.a", b""), ("/.wh.c", b""))),
        ("COPY b /b", owned("b", uid=5)),
    )
    assert found.remarks == {
        2: "copies 2 files",  # the copies of step 1 are those that it hides
        3: "frees 0 of 2.00 kB",
        4: "stores 1 file again",
    }
    assert [found.size_of(step) for step in steps] == [
        Bytes(0, 3000),
        Bytes(0, 2000),
        Bytes(0, 0),
        Bytes(1000, 0),
    ]
    assert found.total == Bytes(1000, 5000) and found.saved == 5000
    assert found.size_of(Instruction("USER", "USER a")) == Bytes(0, 0)


def test_little_that_is_done_in_vain_is_not_worth_a_remark() -> None:
    steps = [("COPY . /", owned(*(f"f{number}" for number in range(200))))]
    found, _ = bill(*steps, ("RUN rm /f1", tar(("/.wh.f1", b""))))
    assert found.remarks == {} and found.pieces is not None and len(found.pieces) == 1


def test_sizes_of_layers_that_have_not_been_read_are_unknown() -> None:
    step = Instruction("RUN", "RUN make", 0, LayerNumber(1))
    assert (Bill().size_of(step), Bill().pieces) == (None, None)
