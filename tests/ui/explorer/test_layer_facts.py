"""What is told of a layer."""

import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.model.image import Recorded
from layertui.ui.explorer.layer_facts import image_page


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        (None, ("stored", "14.4 kB (14,359 bytes)")),
        (Recorded(-1, "members"), ("size", "14.4 kB (14,359 bytes) of files")),
        (Recorded(14359, "directory"), ("size", "14.4 kB (14,359 bytes) of files")),
        (Recorded(14359, "tar"), ("size", "14.4 kB (14,359 bytes) as a tar")),
        (Recorded(90_000, "tar"), ("size", "14.4 kB (14,359 bytes) as pulled")),
    ],
)
def test_what_its_size_counts(recorded: Recorded | None, told: tuple[str, str]) -> None:
    """Stores that keep it unpacked do not know what it took where it was stored."""
    image = demo.image()
    image = image._replace(layers=[layer._replace(recorded=recorded) for layer in image.layers])
    step = next(number for number, entry in enumerate(image.history) if entry.layer == 9)
    document = image_page(image, "", step, None, index_layer(image.layers[8], None)).document
    lines = {"".join(text for text, _ in line.gutter): line.text for line in document.lines}
    assert lines[told[0]] == told[1]
    assert lines["contents"].startswith("8 entries, 8.53 kB of files, gzip")
