"""layertui: a terminal explorer for container images.

The Python API is what ``__all__`` names; docs/api.md describes it. Everything else may change at any time.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # as typing has it, which takes longer to import than all of this
if TYPE_CHECKING:
    from layertui.api import Insight, LayerFacts, OpenedImage, PathVersion, list, open
    from layertui.compare.comparison import Comparison
    from layertui.model.entry import Entry
    from layertui.model.errors import LayertuiError
    from layertui.model.image import ImageSummary
    from layertui.union.changes import Change

__all__ = [
    "Change",
    "Comparison",
    "Entry",
    "ImageSummary",
    "Insight",
    "LayerFacts",
    "LayertuiError",
    "OpenedImage",
    "PathVersion",
    "__version__",
    "list",
    "open",
]

if not TYPE_CHECKING:  # or any name would pass the type checker

    def __getattr__(name: str) -> object:
        """Import the API when it is first used: every command imports this package."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from layertui import api

        return getattr(api, name)
