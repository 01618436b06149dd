"""What a search in many images has found so far, image by image."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from layertui.find.found import FoundItem

if TYPE_CHECKING:
    from layertui.model.identity import Identity

FindKind = Literal["path", "content", "package", "digest"]


@dataclass(slots=True, eq=False)
class SearchedImage:
    """An image that was searched, or could not be."""

    reference: str
    identity: "Identity | None" = None
    """None: it could not be opened."""
    steps: list[str] = field(default_factory=list)
    """The build step of each layer, base first."""
    matches: int = 0
    problems: list[str] = field(default_factory=list)


class ResultRow(NamedTuple):
    """A line of the results: the image itself, a match in it, or why it could not be read."""

    image: SearchedImage
    item: FoundItem | None = None
    problem: str = ""

    @property
    def is_heading(self) -> bool:
        """Whether the rows of an image begin here."""
        return self.item is None and not self.problem


@dataclass(slots=True)
class FindResults:
    """A question and its answer, kept for later."""

    kind: FindKind = "path"
    pattern: str = ""
    rows: list[ResultRow] = field(default_factory=list)
    """In the order of the images; those in which nothing was found have none."""
    cursor: int = 0
    """The selected row."""
    matches: int = 0
    images: list[str] = field(default_factory=list)
    """The references of all images to search."""
    begun: int = 0
    """How many of them have been searched, the current one included."""
    matching: int = 0
    unread: int = 0
    """How many of them could not be read, or not completely."""
    said: str = ""
    """How the search ended; empty before it did."""
    failed: bool = False

    def begin(self, images: list[str]) -> None:
        """Forget the last answer."""
        self.rows, self.images = [], images
        self.cursor = self.matches = self.begun = self.matching = self.unread = 0
        self.said, self.failed = "", False

    def add_items(self, image: SearchedImage, items: list[FoundItem]) -> None:
        """Add matches in the image that is being searched."""
        if items:
            self._begin_image(image)
            self.matching += not image.matches
            image.matches += len(items)
            self.matches += len(items)
            self.rows += [ResultRow(image, item) for item in items]

    def end_image(self, image: SearchedImage, problems: list[str]) -> None:
        """Add why an image could not be read, or not completely."""
        if problems:
            self._begin_image(image)
            self.unread += 1
            image.problems = problems
            self.rows += [ResultRow(image, problem=problem) for problem in problems]

    def _begin_image(self, image: SearchedImage) -> None:
        if not self.rows or self.rows[-1].image is not image:
            self.rows.append(ResultRow(image))
