"""The screen of a Dockerfile that BuildKit recorded: its lines with their numbers, and where they are from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from layertui.sources import open_image
from layertui.text.sanitize import visible
from tests import hostile
from tests.dockerfile.statements import Change, attached, edited, metadata
from tests.textual_internals import screen_text
from tests.ui.dockerfile.test_dockerfile import at, go_to, opened, rows, screen, told, use, view
from tests.ui.places import HOSTILE
from tests.ui.readings import ExplorerApp

Compare = Callable[..., bool]
TEXT = b"""\
# The service.
ARG VERSION=1

# Its files
FROM scratch AS build
COPY src /src
RUN make \\
    # quickly
    all

FROM scratch AS service
LABEL version=1
COPY <<EOF /etc/conf
key = value
EOF

# The program
RUN --mount=type=cache,target=/cache \\
    install it
CMD ["it"]
"""
HISTORY: list[dict[str, object]] = [
    {"created_by": "LABEL version=1", "empty_layer": True},
    {"created_by": "COPY <<EOF /etc/conf # buildkit", "comment": "buildkit.dockerfile.v0"},
    {"created_by": "RUN |1 VERSION=2 /bin/sh -c install it # buildkit"},
    {"created_by": 'CMD ["it"]', "empty_layer": True},
]
LINES = (13, 18)


def version_2(statement: dict[str, object]) -> None:
    request = edited(statement, "predicate", "buildDefinition", "externalParameters", "request")
    request["args"] = {"build-arg:VERSION": "2", "target": "service"}
    edited(statement, "predicate", "buildDefinition", "externalParameters")["configSource"]["path"] = (
        "docker/app"
    )


def built(
    monkeypatch: pytest.MonkeyPatch, folder: Path, change: Change = version_2, text: bytes = TEXT
) -> None:
    use(monkeypatch, open_image(attached(folder / "layout", text, HISTORY, LINES, change)))


@pytest.mark.parametrize(
    ("size", "theme"),
    [((80, 12), "layertui-dark"), ((80, 24), "layertui-light"), ((120, 40), "layertui-dark")],
    ids=["80x12", "80x24", "120x40"],
)
def test_recorded(
    snap_compare: Compare,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    size: tuple[int, int],
    theme: str,
) -> None:
    built(monkeypatch, tmp_path)

    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await go_to(pilot, "COPY <<EOF")
        if size[0] >= 120:
            await told(pilot, "Adds 13 B of files.")

    assert snap_compare(ExplorerApp(theme), terminal_size=size, run_before=run)


async def test_every_line_has_its_number_and_layers_their_lines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built(monkeypatch, tmp_path)
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        assert rows(pilot, "docker/app  source: provenance (BuildKit)") and rows(
            pilot, "LINE LAYER INSTRUCTION"
        )
        shown = [row[1:] for row in screen_text(pilot).split("\n")]
        start = next(number for number, row in enumerate(shown) if "# The service." in row)
        for number, line in enumerate(TEXT.decode().splitlines(), 1):
            assert shown[start + number - 1][:4].strip() == str(number)
            assert line.strip() in shown[start + number - 1]
        assert [number + 1 for number in range(len(shown[start:])) if shown[start + number][5:6] == "▌"] == [
            13, 14, 15, 18, 19,
        ]  # fmt: skip


async def test_a_stage_that_made_no_layer_is_dim_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built(monkeypatch, tmp_path)
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        document = view(pilot, "dockerfile").document
        dim = [
            number
            for number, line in enumerate(TEXT.decode().splitlines(), 1)
            if line and all(style == "quiet" for _, style in document.line(number - 1).body)
        ]
        assert dim == [4, 5, 6, 7, 8, 9]
        await go_to(pilot, "FROM scratch AS build")
        assert at(pilot) == "FROM scratch AS build   # made no layer"
        assert rows(pilot, "No layer: the image is not built on stage")


async def test_from_tells_what_else_was_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built(monkeypatch, tmp_path)
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        assert at(pilot) == "ARG VERSION=1" and rows(pilot, "VERSION was 2, by --build-arg.")
        await go_to(pilot, "FROM scratch AS service")
        assert rows(pilot, "As recorded by BuildKit")
        for name, value in (("file", "docker/app"), ("stage", "service"), ("VERSION", "2")):
            assert [row for row in rows(pilot, name) if value in row]


async def test_copies_the_file_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built(monkeypatch, tmp_path)
    app = ExplorerApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("Y")
        assert app.copied == TEXT.decode()
        await go_to(pilot, "RUN --mount")
        await pilot.press("y")
        assert app.copied == "RUN --mount=type=cache,target=/cache \\\n    install it"
        await pilot.press("enter")
        assert screen_text(pilot)


async def test_a_provenance_that_is_not_used_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def change(statement: dict[str, object]) -> None:
        metadata(statement)["layers"] = {}

    built(monkeypatch, tmp_path, change)
    async with ExplorerApp().run_test(size=(200, 60)) as pilot:
        await opened(pilot)
        assert rows(pilot, "source: history") and rows(pilot, "STEP LAYER INSTRUCTION")
        await go_to(pilot, "FROM")
        assert rows(pilot, "its layers are not those of the image.")
        assert screen(pilot).bill.sizes


async def test_nothing_of_a_recorded_dockerfile_acts_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    evil = hostile.EVIL.replace("\n", " ").encode("utf-8", "surrogateescape")
    text = b"FROM scratch AS " + evil.replace(b" ", b"") + b"\n" + b"# " + evil + b"\nCOPY " + evil + b" /\n"

    def change(statement: dict[str, object]) -> None:
        request = edited(statement, "predicate", "buildDefinition", "externalParameters", "request")
        request["args"] = {"build-arg:" + hostile.JSON: hostile.JSON}
        edited(statement, "predicate", "buildDefinition", "externalParameters")["configSource"]["path"] = (
            hostile.JSON
        )

    built(monkeypatch, tmp_path, change, text)
    async with ExplorerApp().run_test(size=(200, 60)) as pilot:
        await opened(pilot)
        await told(pilot, hostile.NUMBER)
        shown = screen_text(pilot)
        assert "provenance (BuildKit)" in shown or len(visible(hostile.JSON)) > 100
        assert "\x1b" not in shown and "\u202e" not in shown and HOSTILE not in shown
