"""The screens, on Textual."""

import os

# Textual paints no more often than this a second, and a frame waits up to twice as long for the one
# before: at its own 60, a cursor that moves while other things are painted lags 33 ms behind the key.
os.environ.setdefault("TEXTUAL_FPS", "500")
