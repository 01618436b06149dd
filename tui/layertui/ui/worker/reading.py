"""One reading of an image: what has arrived of it and its layers."""

import threading
import time
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.unforeseen import unforeseen
from layertui.ui.worker.background import computing
from layertui.ui.worker.loader import Loader

if TYPE_CHECKING:
    from layertui.content.read import Contents
    from layertui.insight.sizes import SizeMap
    from layertui.insight.tally import Survey
    from layertui.model.identity import Identity
    from layertui.model.image import Image
    from layertui.model.layer_index import LayerIndex
    from layertui.model.sizes import Bytes
    from layertui.union.model import LayerUnion


_TICK = 0.1
"""Seconds between two messages about what arrives."""


class ImageOpened(Message):
    """The config and manifest have been read, or could not be."""

    def __init__(self, result: "Image | LayertuiError") -> None:
        super().__init__()
        self.result = result


class ImageArrives(Message):
    """A part of the archive was received by a pipe."""

    def __init__(self, received: int) -> None:
        """``received``: bytes so far."""
        super().__init__()
        self.received = received


class Reading:
    """Opens the image here, for what is reported of it, and has it read in a process of its own.

    Posts :class:`ImageOpened` and what a :class:`~layertui.ui.worker.loader.Loader` posts to ``target``, which
    gives back what has come, so that it can be dropped as a whole when the image is reread.
    """

    def __init__(self, target: MessagePump, reference: str, identity: "Identity | None" = None) -> None:
        """``identity``: the image to open; without it, whichever ``reference`` names now."""
        self.opened: Image | LayertuiError | None = None
        """The result in :class:`ImageOpened`, once known."""
        self.image: Image | None = None
        self.indexes: dict[int, LayerIndex] = {}
        self.union: LayerUnion | None = None
        self.contents: Contents | None = None
        """Of the layers of ``union``."""
        self.failure: LayertuiError | None = None
        """Why reading failed; what has arrived stays."""
        self.ended = False
        """True once loading has finished."""
        self.paths: int | None = None
        """Paths of the merged tree of all layers; None: not known yet."""
        self.sizes: list[Bytes] = []
        """Bytes of each layer's files, base first; empty: not known."""
        self.size_map: SizeMap | None = None
        """Live and dead bytes by path, once added up after all layers have been read."""
        self.surveys: dict[str, Survey] = {}
        """Results of insight, by part."""
        self.job = Job()
        """Cancelled when the reading is closed."""
        self.reference = reference
        self._identity = identity
        self._target = target
        self._loader: Loader | None = None
        self._told = 0.0

    @property
    def complete(self) -> bool:
        """Whether all layers of the image have been read and merged."""
        whole = (
            self.image is not None and self.union is not None and self.union.layers == len(self.image.layers)
        )
        return whole and self.ended

    def start(self, platform: str | None, cache: bool) -> None:
        """Start to open and to read."""
        self._loader = Loader(self._target)
        self._loader.start()
        arguments = (self._loader, platform, cache)
        threading.Thread(target=self._open, args=arguments, name="open", daemon=True).start()

    def close(self) -> None:
        """Stop reading; what has arrived stays."""
        self.job.cancel()
        if self._loader is not None:
            self._loader.close()

    def rest(self) -> None:
        """Stop the work on an image that has been read and is not shown now."""
        self.job.cancel()
        self.job = Job()

    def fail(self, error: LayertuiError) -> None:
        """End reading with what has arrived."""
        self.failure, self.ended = error, True
        if self._loader is not None:
            self._loader.close()

    def take(self, image: "Image | None" = None, union: "LayerUnion | None" = None) -> None:
        """Keep the image or the union, which arrive in any order, and their contents."""
        self.image = image or self.image
        self.union = union or self.union
        if self.image is None or self.union is None:
            return
        if self.contents is None:
            self.contents = self._contents(self.image, self.union)
        else:
            self.contents.grow(self.union.indexes, self.union)

    def has_read(self, union: "LayerUnion") -> bool:
        """Whether a union is of layers that were read here: after a reload the tree still shows another one."""
        return all(
            index is self.indexes.get(number) or not index.count
            for number, index in enumerate(union.indexes, 1)
        )

    def contents_of(self, union: "LayerUnion") -> "Contents":
        """Return the contents of a union of the image, or of one of its layers alone."""
        assert self.image is not None
        if self.contents is not None and not union.is_alone:
            return self.contents
        return self._contents(self.image, union)

    def _contents(self, image: "Image", union: "LayerUnion") -> "Contents":
        from layertui.content.read import Contents
        from layertui.model.identity import identity_of
        from layertui.sources.pinned import explain

        identity = identity_of(image)
        return Contents(image, union.indexes, union, lambda error: explain(error, identity))

    def _open(self, loader: Loader, platform: str | None, cache: bool) -> None:
        """Resolve the reference, the only time that it is, and have the worker read what it names."""
        from layertui.model.identity import identity_of
        from layertui.sources import open_image
        from layertui.sources.pinned import open_pinned

        try:
            if self._identity is not None:
                image = open_pinned(self._identity)
            else:
                image = open_image(self.reference, platform, Job(self._tell_received))
        except Exception as error:
            self._give(unforeseen(error))
            return
        self._give(image)
        self._wait_for_paint()
        with computing:
            from layertui.worker.protocol import TreeRequest

            loader.ask(TreeRequest(identity_of(image), cache))

    def _give(self, result: "Image | LayertuiError") -> None:
        self.opened = result
        if not self.job.is_cancelled:
            self._target.post_message(ImageOpened(result))

    def _wait_for_paint(self) -> None:
        """Return once the target's screen has been painted: importing and decoding would hold that up."""
        painted = threading.Event()
        if self._target.call_after_refresh(painted.set):
            while not painted.wait(_TICK) and not self.job.is_cancelled:
                pass

    def _tell_received(self, received: int, _total: int) -> None:
        if time.monotonic() - self._told > _TICK and not self.job.is_cancelled:
            self._told = time.monotonic()
            self._target.post_message(ImageArrives(received))
