"""What is told of a layer."""

import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.model.image import Image, Recorded
from layertui.sources.assemble import READ_WRITE, with_own_layer
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


def test_a_container_may_write_to_its_own_layer_alone() -> None:
    image = demo.image()
    image = with_own_layer(image, None, "not read", f"{READ_WRITE}web (running)", None)

    def access(image: Image, step: int) -> str:
        lines = image_page(image, "", step, None, None).document.lines
        return next(line.text for line in lines if line.gutter and line.gutter[0][0] == "access")

    last = len(image.history) - 1
    assert access(image, last) == "read-write: changes and whiteouts go here"
    assert access(image, 0) == "read-only"
    pretender = image.history[0]._replace(created_by=f"{READ_WRITE}web", id="<missing>")
    assert access(image._replace(history=[pretender, *image.history[1:]]), 0) == "read-only"


def test_an_old_image_tells_its_parent_and_container() -> None:
    image = demo.image()
    image = image._replace(config={**image.config, "parent": "sha256:aa", "container": "bb"})
    history = [image.history[0]._replace(id="sha256:cc"), *image.history[1:]]
    lines = image_page(image._replace(history=history), "alpine:3.20", 0, None, None).document.lines
    told = {line.gutter[0][0]: line.text for line in lines if line.gutter}
    assert (told["parent"], told["container"], told["base"]) == ("sha256:aa", "bb", "alpine:3.20")
    assert told["image ID"] == "sha256:cc"  # the last one: of the step
