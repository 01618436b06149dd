"""From many layers to answers: merged trees, changes, versions."""

from layertui.model.entry import Entry
from layertui.union.builder import UnionBuilder
from layertui.union.model import Deletion, Union, UnionWarning

__all__ = ["Deletion", "Entry", "Union", "UnionBuilder", "UnionWarning"]
