"""Verify the digests of layers in the background, when idle."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.message_pump import MessagePump

from layertui.model.job import Cancelled, Job
from layertui.model.unforeseen import unforeseen
from layertui.ui.failures import failure_text
from layertui.ui.worker.background import background_each

if TYPE_CHECKING:
    from layertui.model.image import Layer


def verifiable(layer: "Layer") -> bool:
    """Return whether the digest is known and local bytes have not been verified against it on arrival."""
    from layertui.verify.layer import expected_digest

    blob = layer.blob
    return blob is not None and blob.is_local and not blob.digest and bool(expected_digest(layer))


def verify_layers(
    owner: MessagePump, layers: Sequence["Layer"], verified: Callable[["Layer", str], object], part_of: Job
) -> None:
    """Read the layers one after the other in a thread.

    ``owner`` calls ``verified`` with each and what is wrong with it, empty for nothing; not once ``part_of`` is
    cancelled.
    """

    def verify(job: Job) -> Iterator[partial[object]]:
        from layertui.verify.layer import verify_layer

        if sys.platform == "linux":  # on Linux, threads have their own priority
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)
        for layer in layers:
            try:
                problem = verify_layer(layer, job)
            except Cancelled:
                return
            except Exception as error:
                problem = failure_text(unforeseen(error))
            yield partial(verified, layer, problem)

    background_each(owner, verify, lambda tell: tell(), name="verify", part_of=part_of)
