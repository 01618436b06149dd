"""Base of screens about one image: opens insight, search, Dockerfile and others."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.binding import BindingType

from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.text.sanitize import visible
from layertui.ui.explorer import open_screens
from layertui.ui.keys import bind
from layertui.ui.navigator import navigator
from layertui.ui.stack import Destination, Origin, StackScreen, on_top, open_above
from layertui.ui.worker.background import background

if TYPE_CHECKING:
    from layertui.content.query import LineMatch
    from layertui.dockerfile.base import Base
    from layertui.model.image import Image
    from layertui.ui.worker.reading import Reading
    from layertui.ui.worker.search import Found


T = TypeVar("T")

_ABOUT = ("insight", "search", "dockerfile", "attachments", "anatomy", "verify")
"""Actions that need an image."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A place of the image that was opened from another screen."""

    origin: Origin[Any]
    go: Callable[[Any], str]
    """Goes to a result of the origin, and returns its name for the header."""
    crumb: str
    place: object
    """What was selected when the origin was opened."""


class ImageScreen(StackScreen[None]):
    """Open the other screens about the image, and return at what was selected there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("I", "insight", "insight", tooltip="Analyze: waste, secrets, duplicates, packages"),
        bind("F", "search", "search", tooltip="Search the contents of all files, config and history"),
        bind("B", "dockerfile", "build steps", tooltip="Dockerfile, with the changes of each step"),
        bind("a", "attachments", "attachments", show=False, tooltip="Signatures, SBOMs and attestations"),
        bind("A", "anatomy", "anatomy", show=False, tooltip="Manifest, config and layers (raw)"),
        bind("V", "verify", "verify", show=False, tooltip="Recompute every digest of the image"),
    ]

    def __init__(self, reference: str, platform: str | None) -> None:
        """``platform`` in place of the app's."""
        super().__init__()
        self.reference = reference
        self._platform = platform
        self._found: tuple[Image, Found] | None = None  # the last search, and its reading
        self._way: list[Visit] = []  # how the place that is shown was reached
        self._awaited = ""  # an action for when all layers are loaded

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

    def position(self) -> object:
        """Return what is selected, for :meth:`return_to`."""
        raise NotImplementedError

    def return_to(self, position: object) -> None:
        """Select what was selected."""
        raise NotImplementedError

    def show_way(self) -> None:
        """Show how the selected place was reached."""
        raise NotImplementedError

    # Visits of a place of the image, and the way back

    @property
    def way(self) -> str:
        """How the place that is shown was reached; empty if not from another screen."""
        return (
            " › ".join([*(visit.origin.crumb for visit in self._way), self._way[-1].crumb])
            if self._way
            else ""
        )

    def visit(self, kind: type[Origin[T]], make: Callable[[], Origin[T]], go: Callable[[T], str]) -> None:
        """Open an origin, or the one of its kind that is on the way; ``go`` to its result."""
        at = next(
            (at for at, visit in enumerate(self._way) if isinstance(visit.origin, kind)), len(self._way)
        )
        cut, self._way = self._way[at:], self._way[:at]
        for visit in cut[1:]:
            navigator(self).drop(visit.origin)
        self._show_origin(cut[0].origin if cut else make(), go)
        self.show_way()

    def _show_origin(self, origin: Origin[T], go: Callable[[T], str]) -> None:
        place = self.position()

        def done(result: T | None) -> None:
            if result is not None:
                self._way.append(Visit(origin, go, go(result), place))
                self.show_way()

        open_above(self, origin, done)

    def go_back(self) -> bool:
        """Return to the screen that the place was opened from; False if it was not."""
        if not self._way or not on_top(self):
            return False
        visit = self._way.pop()
        self.return_to(visit.place)
        self._show_origin(visit.origin, visit.go)
        self.show_way()
        return True

    @property
    def can_step(self) -> bool:
        """Whether the screen that the place was opened from has more places."""
        return bool(self._way) and self._way[-1].origin.can_step

    def step(self, by: int) -> None:
        """Go to the next or previous place of the screen that the current one was opened from."""
        visit = self._way[-1]
        result = visit.origin.step(by)
        if result is not None:
            self._way[-1] = replace(visit, crumb=visit.go(result))
            self.show_way()

    def leave(self) -> None:
        if not self.go_back():
            super().leave()

    def on_unmount(self) -> None:
        for visit in self._way:
            navigator(self).drop(visit.origin)

    def find_base(self, image: "Image") -> None:
        """Find the base of ``image`` in a thread; the engines' images are candidates."""

        def find(job: Job) -> "Base":
            from layertui.dockerfile.base import base_of
            from layertui.dockerfile.base_candidates import neighbours

            return base_of(image, neighbours(image, job))

        background(self, find, partial(self.show_base, image), name="base", part_of=self.reading.job)

    def show_base(self, image: "Image", base: "Base") -> None:
        """Show the base of ``image``, if it is known."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in _ABOUT or self.reading.image is not None

    def _await(self, action: str, said: str) -> None:
        """Run an action once all layers are loaded, unless the user has left the screen."""
        failure = self.reading.failure
        self._awaited = "" if failure is not None else action
        self.notify(said if failure is None else visible(str(failure)), markup=False)

    async def run_awaited(self) -> None:
        """Run the action that waits for the layers."""
        action, self._awaited = self._awaited, ""
        if action and on_top(self):
            await self.run_action(action)

    def forget_awaited(self) -> bool:
        """Cancel the action that waits for the layers; return whether there was one."""
        waited, self._awaited = bool(self._awaited), ""
        return waited

    def action_insight(self) -> None:
        """Open insight; return at the selected path."""
        from layertui.ui.insight.screen import InsightScreen

        if not self.reading.complete:
            self._await("insight", "Insight opens when the layers are loaded; esc cancels.")
            return
        cache = navigator(self).cache
        self.visit(InsightScreen, lambda: open_screens.insight(self.reading, cache), self._go_to_place)

    def _go_to_place(self, place: Destination) -> str:
        """Go to a path, and to the line in its preview; if the path is empty, to the layer."""
        path, layer, line = place
        if not path:
            return self._go_to_layer(layer)
        self.show_path(path.encode("utf-8", "surrogateescape"), layer, line)
        return f"{path}:{line}" if line else path

    def _go_to_layer(self, layer: LayerNumber) -> str:
        self.show_layer(layer)
        return f"layer {layer}"

    def action_search(self) -> None:
        """Open the search, with the last results."""
        from layertui.content.query import Query
        from layertui.ui.search.screen import SearchScreen
        from layertui.ui.worker.search import Found

        def go(match: "LineMatch") -> str:
            if match.where != "file":
                return self._go_to_layer(match.layer)
            return self._go_to_place(Destination(match.path, match.layer, match.line))

        image = self.reading.image
        assert image is not None
        if self._found is None or self._found[0] is not image:
            self._found = image, Found(Query("", with_hidden=True, with_config=True))
        found = self._found[1]
        self.visit(SearchScreen, lambda: SearchScreen(self.reading, found), go)

    def action_dockerfile(self) -> None:
        """Open the Dockerfile."""
        from layertui.ui.dockerfile.screen import DockerfileScreen

        self.visit(DockerfileScreen, lambda: DockerfileScreen(self.reading), self._go_to_place)

    def action_attachments(self) -> None:
        """Open the attachments."""
        from layertui.ui.dialogs.attachments import AttachmentsDialog

        assert self.reading.image is not None
        open_above(self, AttachmentsDialog(self.reading.image))

    def action_anatomy(self) -> None:
        """Open the chain of documents; return at the selected layer."""
        from layertui.ui.anatomy.screen import AnatomyScreen

        self.visit(AnatomyScreen, lambda: open_screens.anatomy(self.reading), self._go_to_layer)

    def action_verify(self) -> None:
        """Open the verification."""
        from layertui.ui.dialogs.verify import VerifyDialog

        if self.reading.image is not None:
            open_above(self, VerifyDialog(self.reading.image))
