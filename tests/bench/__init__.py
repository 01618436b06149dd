"""Measures layertui against other programs on the same layers: ``make bench``."""

import layertui.ui  # noqa: F401 (sets what Textual reads when it is imported)
