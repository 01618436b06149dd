"""What people open an image for, by the keys that a newcomer presses, and what they then see.

The image is on disk, its processes are real, and :mod:`tests.ui.plain` says what is right.
"""

import difflib
import re
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from layertui.text.format import size_text
from tests.layouts import OciLayout
from tests.textual_internals import screen_text
from tests.ui import plain
from tests.ui.places import until
from tests.ui.readings import ExplorerApp, sample

EARLIER = 8
"""Layers of the release before the sample."""


class Task:
    """The screen, and somebody in front of it."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys; what begins with a quote is typed."""
        for key in keys:
            await self.pilot.press(*(key[1:] if key.startswith("'") else [key]))

    async def sees(self, *texts: str) -> str:
        """Wait until all texts are on the screen, whatever room is between words; return the screen."""
        await until(self.pilot, lambda: all(text in self._words for text in texts), says=self.screen)
        return self._words

    def screen(self) -> str:
        return screen_text(self.pilot)

    @property
    def _words(self) -> str:
        return "\n".join(" ".join(line.split()) for line in self.screen().split("\n"))

    @property
    def copied(self) -> str:
        app = self.pilot.app
        assert isinstance(app, ExplorerApp)
        return app.copied


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: a layout with the sample and the release before it. There is no engine."""
    monkeypatch.chdir(tmp_path)
    for name in ("DOCKER_HOST", "CONTAINER_HOST"):
        monkeypatch.setenv(name, f"unix://{tmp_path}/none.sock")
    layout = OciLayout(tmp_path / "quarry")
    layout.add("1.0", [plain.tar(1) + bytes(tarfile.BLOCKSIZE), *map(plain.tar, range(2, EARLIER + 1))])
    layout.add_image("1.1", sample())
    return tmp_path


@asynccontextmanager
async def in_front_of_the_image() -> AsyncIterator[Task]:
    """``layertui oci:quarry:1.1``, all layers read."""
    async with ExplorerApp(reference="oci:quarry:1.1").run_test(size=(120, 40)) as pilot:
        task = Task(pilot)
        await task.sees("digests: 9/9 verified")
        yield task


async def test_which_layer_added_a_file() -> None:
    added = min(plain.versions("/usr/bin/python3"))
    async with in_front_of_the_image() as task:
        await task.press("/", "'python3", "enter")
        await task.sees(
            f"/usr/bin/python3 unchanged since layer {added}",
            f"layer ▌ {added} {plain.step(added)}",
            f"size {size_text(len(plain.final()['/usr/bin/python3'].data))}",
        )


async def test_why_the_image_is_so_big_and_what_would_save_bytes() -> None:
    dead = size_text(plain.stored() - plain.live())
    before, after = plain.merged(6), plain.merged(7)
    deleted = {file for path, file in before.items() if path not in after and file.layer == 2}
    sums = f"{size_text(plain.stored())} = {size_text(plain.live())} live + {dead} dead"
    async with in_front_of_the_image() as task:
        await task.sees(sums)
        await task.press("I")
        await task.sees(sums, f"2 Waste {dead}")
        await task.press("2")
        await task.sees(f"{dead} of {size_text(plain.stored())} wasted", "HIDDEN BY")
        await task.press("escape", "B")
        await task.sees(f"of {dead} dead bytes", f"−{size_text(plain.size(deleted))} 5 + 10")


async def test_what_chown_costs() -> None:
    layer = 5
    assert "chown -R" in plain.step(layer)
    lower = {
        path: file.data for entries in plain.layers()[: layer - 1] for path, file in entries.items() if file
    }
    copies = [
        file
        for path, file in plain.layers()[layer - 1].items()
        if file is not None and lower.get(path) == file.data
    ]
    above = plain.merged(layer)
    hidden = {file for path, file in plain.merged(layer - 1).items() if above.get(path) != file}
    async with in_front_of_the_image() as task:
        await task.press("B")
        await task.sees("How to save")
        await task.press("/", "'chown -R", "enter")
        await task.sees(f"copies {len(copies)} files", f"layer {layer} of 9, ")
        await task.press("escape", "escape", "I", "2")
        await task.sees(
            f"{size_text(plain.size(hidden))} {len(hidden)} ▌ {layer} RUN adduser", "* chmod/chown only"
        )


async def test_read_a_file_that_was_deleted() -> None:
    path = "/srv/quarry/deploy/id_ed25519"
    assert path not in plain.final()
    key = plain.versions(path)[4].decode().splitlines()
    async with in_front_of_the_image() as task:
        await task.press("/", "'id_ed")
        await task.sees("0 paths found · 1 more is deleted: v")
        await task.press("enter", "v", "4")
        await task.sees(path, "hidden", *key)


async def test_a_file_over_the_layers() -> None:
    versions = plain.versions("/etc/passwd")
    (before, old), (after, new) = versions.items()
    lines = list(difflib.ndiff(old.decode().splitlines(), new.decode().splitlines()))
    (line,) = [line[2:] for line in lines if line.startswith("+ ")]
    async with in_front_of_the_image() as task:
        await task.press(":", "'/etc/passwd", "enter", "3")
        await task.sees(
            f"2 versions, ● layer {after} is current",
            f"▌ {before} +", f"▌ {after} ~",
            size_text(len(old)), size_text(len(new)),
        )  # fmt: skip
        await task.press("2")
        await task.sees(f"▌ {before} → ▌ {after}", "+1 −0 lines", f"+ {line}")


async def test_which_layer_has_a_text() -> None:
    text, path = "AKIAIOSFODNN7EXAMPLE", "/srv/quarry/.env"
    found = [layer for layer, data in plain.versions(path).items() if text.encode() in data]
    async with in_front_of_the_image() as task:
        await task.press("F", f"'{text}", "enter")
        await task.sees(*(f"▌{layer} {path}:3" for layer in found), "2 lines in 2 files")
        await task.press("down", "enter")
        await task.sees(f"Search › {path}", f"tree at layer {found[1]}")
        await task.press("escape")
        await task.sees(f"▶▌{found[1]} {path}:3")


async def test_compare_two_builds() -> None:
    changed = [path for path in plain.layers()[EARLIER] if path in plain.final() and "/" in path]
    async with in_front_of_the_image() as task:
        await task.press("D", "enter")
        await task.sees("image 1.0 quarry")
        await task.press("enter")
        await task.sees("A oci:quarry:1.1", "B oci:quarry:1.0", f"~{len(changed)}")
        assert changed


async def test_extract_a_file(here: Path) -> None:
    path = "/srv/quarry/app.py"
    data = plain.final()[path].data
    async with in_front_of_the_image() as task:
        await task.press(":", f"'{path}", "enter", "x")
        await task.sees(f"Extract {path}", f"1 file, {len(data):,} bytes")
        await task.press("enter")
        await task.sees("Type a directory; . is the current one.")
        await task.press("'.", "enter")
        written = here / "app.py"  # the message may have gone by on busy cores
        await until(task.pilot, lambda: written.exists() and written.read_bytes() == data)


async def test_environment_command_labels_and_base() -> None:
    config = sample().config["config"]
    async with in_front_of_the_image() as task:
        await task.press("i")
        await task.sees(
            *config["Env"],
            f"entrypoint {config['Entrypoint'][0]}",
            f"command {' '.join(config['Cmd'])}",
            f"user {config['User']}",
            *(f"{name}={value}" for name, value in config["Labels"].items()),
        )


async def test_packages_and_their_layers() -> None:
    lists = {
        layer: dict(re.findall(r"^P:(.*)\nV:(.*)$", data.decode(), re.MULTILINE))
        for layer, data in plain.versions("/usr/lib/apk/db/installed").items()
    }
    final = lists[max(lists)]
    sizes = re.findall(r"^I:(\d+)$", plain.final()["/usr/lib/apk/db/installed"].data.decode(), re.MULTILINE)
    python = min(layer for layer, names in lists.items() if "python3" in names)
    async with in_front_of_the_image() as task:
        await task.press("I", "6")
        await task.sees(
            f"6 Packages {len(final)}", f"{len(final)} packages, {size_text(sum(map(int, sizes)))} installed"
        )
        await task.sees(*(f"{name} {version}" for name, version in final.items()))
        await task.sees(f"▌ {python} added apk python3 {final['python3']}")


async def test_switch_to_another_image_and_back() -> None:
    async with in_front_of_the_image() as task:
        await task.press("/", "'app.py", "enter")
        await task.sees("/srv/quarry/app.py at layer 9")
        await task.press("o")
        await task.sees("image 1.0 quarry")
        await task.press("enter")
        await task.sees("Layers 8", "digests: 8/8 verified")
        await task.press("o", "'1.1")
        await task.sees("image 1.1 quarry")
        await task.press("enter")
        await task.sees("Layers 9", "/srv/quarry/app.py at layer 9")


async def test_the_largest_files() -> None:
    files = sorted(set(plain.final().values()), key=lambda file: -len(file.data))[:5]
    async with in_front_of_the_image() as task:
        await task.press("I")
        await task.sees("119 kB live")
        await task.press("tab")
        await task.sees(*(f"{size_text(len(file.data))} ▌ {file.layer} /{file.inode}" for file in files))
        await task.press("enter")
        await task.sees(f"/{files[0].inode} at layer {files[0].layer}")
        await task.press("escape")
        await task.sees("Largest files")


async def test_copy_a_digest() -> None:
    top = sample().layers[-1]
    async with in_front_of_the_image() as task:
        await task.press("y")
        await task.sees("Copied" if task.copied == "" else top.descriptor.digest[:20])
        assert task.copied == top.descriptor.digest
        await task.press("i")
        await task.sees("Image and layer 9", top.diff_id)
