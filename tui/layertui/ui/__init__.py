"""The screens, on Textual."""

import os

# Textual paints no more often than this a second, so a frame may wait as long for the one before:
# at its own 60, a cursor that moves while other things are painted lags behind the key by up to 17 ms.
os.environ.setdefault("TEXTUAL_FPS", "120")
