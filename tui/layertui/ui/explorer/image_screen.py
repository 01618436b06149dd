"""Base of screens about one image: opens insight, search, Dockerfile and others."""

from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.text.sanitize import visible
from layertui.ui.explorer import open_screens
from layertui.ui.navigator import navigator
from layertui.ui.stack import StackScreen, open_above
from layertui.ui.worker.background import background

if TYPE_CHECKING:
    from layertui.content.query import LineMatch
    from layertui.dockerfile.base import Base
    from layertui.model.image import Image
    from layertui.ui.worker.reading import Reading
    from layertui.ui.worker.search import Found


_ABOUT = ("insight", "search", "dockerfile", "attachments", "anatomy", "verify")
"""Actions that need an image."""


class ImageScreen(StackScreen[None]):
    """Open the other screens about the image, and return at what was selected there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("I", "insight", "insight", tooltip="Analyze: waste, secrets, duplicates, packages"),
        Binding("F", "search", "search", tooltip="Search the contents of all files, config and history"),
        Binding("B", "dockerfile", "build steps", tooltip="Dockerfile, with the changes of each step"),
        Binding("a", "attachments", "attachments", show=False, tooltip="Signatures, SBOMs and attestations"),
        Binding("A", "anatomy", "anatomy", show=False, tooltip="Manifest, config and layers (raw)"),
        Binding("V", "verify", "verify", show=False, tooltip="Recompute every digest of the image"),
    ]

    def __init__(self, reference: str, platform: str | None) -> None:
        """``platform`` in place of the app's."""
        super().__init__()
        self.reference = reference
        self._platform = platform
        self._found: tuple[Image, Found] | None = None  # the last search, and its reading

    @property
    def platform(self) -> str | None:
        """The platform to open the image for, ``os/arch[/variant]``; None: the usual one."""
        return self._platform or navigator(self).platform

    @property
    def reading(self) -> "Reading":
        """The reading of the image."""
        raise NotImplementedError

    def show_layer(self, layer: LayerNumber) -> None:
        """Go to a layer."""
        raise NotImplementedError

    def show_path(self, path: bytes, layer: LayerNumber, line: int = 0) -> None:
        """Go to a path with ``layer`` on top, and to a line of it unless that is 0."""
        raise NotImplementedError

    def find_base(self, image: "Image") -> None:
        """Find the base of ``image`` in a thread; the engines' images are candidates."""

        def find(job: Job) -> "Base":
            from layertui.dockerfile.base import base_of
            from layertui.dockerfile.base_candidates import neighbours

            return base_of(image, takewhile(lambda _: not job.is_cancelled, neighbours(image)))

        background(self, find, partial(self.show_base, image), name="base", part_of=self.reading.job)

    def show_base(self, image: "Image", base: "Base") -> None:
        """Show the base of ``image``, if it is known."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in _ABOUT or self.reading.image is not None

    def action_insight(self) -> None:
        """Open insight; return at the selected path."""

        def came_back(place: tuple[str, LayerNumber] | None) -> None:
            if place is not None:
                self.show_path(place[0].encode("utf-8", "surrogateescape"), place[1])

        if not self.reading.complete:
            why = self.reading.failure or "Layers are still loading: press I again when they are loaded."
            self.notify(visible(str(why)), markup=False)
            return
        cache = navigator(self).cache
        open_above(self, open_screens.insight(self.reading, cache), came_back)

    def action_search(self) -> None:
        """Open the search, with the last results."""
        from layertui.content.query import Query
        from layertui.ui.search.screen import SearchScreen
        from layertui.ui.worker.search import Found

        def came_back(match: "LineMatch | None") -> None:
            if match is not None and match.where == "file":
                self.show_path(match.path.encode("utf-8", "surrogateescape"), match.layer, match.line)
            elif match is not None:
                self.show_layer(match.layer)

        image = self.reading.image
        assert image is not None
        if self._found is None or self._found[0] is not image:
            self._found = image, Found(Query("", with_hidden=True, with_config=True))
        open_above(self, SearchScreen(self.reading, self._found[1]), came_back)

    def action_dockerfile(self) -> None:
        """Open the Dockerfile."""
        from layertui.ui.dockerfile.screen import DockerfileScreen

        def came_back(place: tuple[str, LayerNumber] | None) -> None:
            if place is not None and place[0]:
                self.show_path(place[0].encode("utf-8", "surrogateescape"), place[1])
            elif place is not None:
                self.show_layer(place[1])

        open_above(self, DockerfileScreen(self.reading), came_back)

    def action_attachments(self) -> None:
        """Open the attachments."""
        from layertui.ui.dialogs.attachments import AttachmentsDialog

        assert self.reading.image is not None
        open_above(self, AttachmentsDialog(self.reading.image))

    def action_anatomy(self) -> None:
        """Open the chain of documents; return at the selected layer."""

        def came_back(layer: LayerNumber | None) -> None:
            if layer is not None:
                self.show_layer(layer)

        open_above(self, open_screens.anatomy(self.reading), came_back)

    def action_verify(self) -> None:
        """Open the verification."""
        from layertui.ui.dialogs.verify import VerifyDialog

        if self.reading.image is not None:
            open_above(self, VerifyDialog(self.reading.image))
