"""Digests of layers, recomputed from all of their bytes."""

import gzip

import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.model.blob import BytesBlob
from layertui.model.image import Descriptor, Layer
from layertui.model.job import Cancelled, Job
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import LayerNumber
from layertui.verify.layer import expected_digest, verify_layer, was_checked
from tests.layouts import digest

TAR = b"a tar, or so it says" * 200_000
PACKED = gzip.compress(TAR, 1)


def layer(data: bytes, blob_digest: str = "", diff_id: str = "") -> Layer:
    return Layer(LayerNumber(1), Descriptor("", blob_digest, len(data)), diff_id, "", BytesBlob(data, "here"))


@pytest.mark.parametrize(
    "good",
    [
        layer(TAR, diff_id=digest(TAR)),
        layer(PACKED, diff_id=digest(TAR)),
        layer(PACKED, digest(PACKED), "sha256:" + "0" * 64),
    ],
    ids=["plain tar by diff ID", "compressed by diff ID", "by blob digest"],
)
def test_right_digests(good: Layer) -> None:
    assert verify_layer(good) == ""


@pytest.mark.parametrize("bad", [layer(TAR, digest(b"x")), layer(TAR, diff_id=digest(b"x"))])
def test_a_wrong_digest_names_both(bad: Layer) -> None:
    said = verify_layer(bad)
    assert digest(b"x") in said
    assert digest(TAR) in said


def test_what_does_not_decompress() -> None:
    assert "ends early" in verify_layer(layer(PACKED[:-2000], diff_id=digest(TAR)))


def test_stops_when_it_is_told_to() -> None:
    job = Job()
    job.cancel()
    for one in (layer(TAR, digest(TAR)), layer(PACKED, diff_id=digest(TAR))):
        with pytest.raises(Cancelled):
            verify_layer(one, job)


def test_nothing_is_expected_of_a_layer_without_digests_or_with_unknown_ones() -> None:
    assert expected_digest(layer(TAR)) == ""
    assert expected_digest(layer(TAR, "md5:00")) == ""


def test_what_an_engine_sent_was_checked_unless_it_is_damaged() -> None:
    sent = layer(TAR, diff_id=digest(TAR))
    assert sent.blob is not None
    sent.blob.digest = digest(TAR)  # as of those that are kept once they are checked
    assert was_checked(sent, LayerIndex())
    assert not was_checked(sent, LayerIndex(damage="the tar ends early"))
    assert not was_checked(sent._replace(diff_id=digest(b"x")), LayerIndex())


def test_what_was_read_was_checked_and_what_was_kept_was_not() -> None:
    one = demo.image().layers[0]
    index = index_layer(one, None)
    assert was_checked(one, index)
    assert not was_checked(one._replace(descriptor=Descriptor("", "", -1)), index)
    index.blob_digest = ""  # as when it comes out of the cache
    assert not was_checked(one, index)
