"""The pane that tells all about one path: :class:`DetailPane` and what it is given."""

from layertui.ui.widgets.detail.pane import DetailPane
from layertui.ui.widgets.detail.subject import Subject

__all__ = ["DetailPane", "Subject"]
