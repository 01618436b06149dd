"""``python -m layertui``."""

import sys

from layertui.cli import main

sys.exit(main())
