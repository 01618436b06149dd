"""The context of a match: the file at its line, or the items of the config, or the build steps."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content

from layertui.content.query import LineMatch
from layertui.content.settings import settings
from layertui.model.job import Job
from layertui.model.numbers import ROOT
from layertui.text.sanitize import visible_lines
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.detail.pane import PREVIEW, DetailPane
from layertui.ui.search.match_list import place_of

if TYPE_CHECKING:
    from layertui.ui.detail.subject import Subject
    from layertui.ui.worker.reading import Reading


class FoundPane(DetailPane):
    """Shows the selected match in its context."""

    HELP_NAME: ClassVar[str] = "Context"

    def __init__(self, reading: "Reading") -> None:
        super().__init__(id="context")
        self.tab = PREVIEW
        self._reading = reading
        self._match: LineMatch | None = None

    def show_match(self, match: LineMatch | None) -> None:
        """Show the context of a match, once it has stayed selected for a moment."""
        from layertui.ui.detail.subject import Subject

        self._match = match
        image, union, contents = self._reading.image, self._reading.union, self._reading.contents
        if match is None or image is None or union is None or contents is None:
            self.show(None)
            return
        node = union.find(match.path) if match.where == "file" else ROOT
        if node < 0 or match.layer > union.layers:
            self.show(None)
            return
        layer = match.layer if match.where == "file" else union.layers
        self._line = (node, layer, match.line)
        self.show(Subject(image, union, contents, layer, node))

    def _title(self) -> None:
        super()._title()
        if self._match is not None and self._match.where != "file":
            self.border_title = Content.styled(place_of(self._match), "bold $accent")
            self.border_subtitle = ""

    def _pages(self, subject: "Subject", job: Job) -> Iterator[Page]:
        if self._match is not None and self._match.where != "file":
            return iter([_setting_page(subject, self._match)])
        return super()._pages(subject, job)


def _setting_page(subject: "Subject", match: LineMatch) -> Page:
    """Return the items of the field that a match is in, with the cursor on its own."""
    build = PageBuilder()
    top = 0
    for setting in settings(subject.image):
        if setting.field != match.path:
            continue
        is_found = setting.item == match.line
        for text in visible_lines(setting.text):
            number = build.add((text, ""), style="on-accent" if is_found else "", value=setting.text)
            top = number if is_found and not top else top
    return build.page(cursor=top)
