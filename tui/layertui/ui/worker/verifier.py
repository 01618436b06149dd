"""Verify the digests of layers in the background, when idle."""

import contextlib
import os
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.model.job import Cancelled, Job
from layertui.model.numbers import LayerNumber
from layertui.model.unforeseen import unforeseen
from layertui.ui.failures import failure_text

if TYPE_CHECKING:
    from layertui.model.image import Layer


class LayerVerified(Message):
    """All bytes of a layer have been read: what is wrong, empty if verified."""

    def __init__(self, layer: LayerNumber, problem: str) -> None:
        super().__init__()
        self.layer = layer
        self.problem = problem


def verifiable(layer: "Layer") -> bool:
    """Return whether the digest is known and local bytes have not been verified against it on arrival."""
    from layertui.verify.layer import expected_digest

    blob = layer.blob
    return blob is not None and blob.is_local and not blob.digest and bool(expected_digest(layer))


def verify_layers(target: MessagePump, layers: Sequence["Layer"], job: Job) -> None:
    """Read the layers one after the other in a thread, and post what is found to ``target``."""

    def run() -> None:
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
            target.post_message(LayerVerified(layer.number, problem))

    threading.Thread(target=run, name="verify", daemon=True).start()
