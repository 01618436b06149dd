"""The last resort for unexpected errors: one line, as for all others.

It is at the top of each thread and process: the command line, the worker, the threads of the app.
"""

from __future__ import annotations

import os

from layertui.model.errors import LayertuiError

TRACEBACK = "LAYERTUI_TRACEBACK"
"""Environment variable: if set, unforeseen errors end with a traceback."""
MOST_OF_MESSAGE = 200
"""Characters of an exception's own message, which may quote a whole document."""
ISSUES = "https://github.com/layertui/layertui/issues"


def unforeseen(error: Exception) -> LayertuiError:
    """Return the error to show for any exception; a :class:`LayertuiError` unchanged.

    Raises others as they are if :data:`TRACEBACK` is set, as in the tests, so that bugs fail loudly.
    """
    if isinstance(error, LayertuiError):
        return error
    if os.environ.get(TRACEBACK):
        raise error
    if isinstance(error, OSError) and error.filename is not None:
        return LayertuiError(f"cannot access {os.fsdecode(error.filename)}", error.strerror or "")
    what = ": ".join(filter(None, (type(error).__name__, str(error)[:MOST_OF_MESSAGE])))
    remedy = f"please report it: {ISSUES} ({TRACEBACK}=1 prints the traceback)"
    return LayertuiError(f"internal error in {_place_of(error)}", what, remedy)


def _place_of(error: Exception) -> str:
    """Return the module and line of this program that raised an error."""
    place, trace = "layertui", error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__"))
        if module.startswith("layertui."):
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
