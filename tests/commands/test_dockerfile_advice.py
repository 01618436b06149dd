"""A build that follows the advice of ``layertui dockerfile`` saves what it promises."""

from __future__ import annotations

import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

from layertui.sources import open_image
from tests.commands.running import Run
from tests.engines import Docker
from tests.images import trees_of
from tests.programs import need
from tests.union.trees import Facts

START = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir /opt /srv
"""
WASTEFUL = f"""{START}
COPY input.tar /tmp/input.tar
RUN tar -xf /tmp/input.tar -C /srv && rm /tmp/input.tar
COPY tool /opt/tool
RUN chown 1000:1000 /opt/tool && chmod 750 /opt/tool
RUN mkdir -p /var/cache/apk && for name in a b c; do dd if=/dev/zero of=/var/cache/apk/$name bs=1000 count=90; done
RUN rm -rf /var/cache/apk/*
RUN dd if=/dev/zero of=/opt/data bs=1000 count=150
RUN chmod 600 /opt/data
COPY page /srv/page
COPY page /srv/page
COPY app.conf /etc/draft.conf
RUN mv /etc/draft.conf /etc/app.conf
COPY settings /etc/settings
COPY settings.final /etc/settings
"""
FIXED = f"""{START}
ADD input.tar /srv/
COPY --chown=1000:1000 tool-750 /opt/tool
CACHE
DATA
COPY page /srv/page
COPY app.conf /etc/app.conf
COPY settings.final /etc/settings
"""


def timeless(tree: dict[str, Facts]) -> dict[str, Facts]:
    """A tree without times, which are those of the build, and the directory /tmp, which nothing else is copied to."""
    return {path: replace(each, mtime=None) for path, each in tree.items() if path != "/tmp"}


def test_a_build_by_the_advice_saves_what_it_promises(docker: Docker, tmp_path: Path, run: Run) -> None:
    need("busybox")
    context = tmp_path / "context"
    context.mkdir()
    shutil.copy(str(shutil.which("busybox")), context / "busybox")
    for number, name in enumerate(("tool", "page", "app.conf", "settings", "settings.final", "unpacked")):
        (context / name).write_bytes(bytes([number]) * (100_000 + 1000 * number))
    shutil.copy2(context / "tool", context / "tool-750")
    (context / "tool-750").chmod(0o750)
    with tarfile.open(context / "input.tar", "w") as archive:
        archive.add(context / "unpacked", "unpacked")
    docker.build("wasteful:1", context, WASTEFUL)
    wasteful = docker.save("wasteful:1", tmp_path / "wasteful.tar")
    (found,) = run("dockerfile", wasteful, "--json").objects
    change = {
        piece["steps"][0]: piece["change"] for piece in found["advice"] if piece["change"].startswith("RUN")
    }
    cache, data = (
        next(text for text in change.values() if word in text) for word in ("/var/cache/apk", "/opt/data")
    )
    docker.build("fixed:1", context, FIXED.replace("CACHE", cache).replace("DATA", data))
    fixed = docker.save("fixed:1", tmp_path / "fixed.tar")

    def size(archive: Path) -> int:
        (sizes,) = run("size", archive, "--json").objects
        return int(sizes["live"]) + int(sizes["dead"])

    promised, saved = sum(piece["bytes"] for piece in found["advice"]), size(wasteful) - size(fixed)
    assert {piece["reason"] for piece in found["advice"]} == {
        "deleted", "mode or owner only", "repeated unchanged", "moved", "rewritten"
    }  # fmt: skip
    assert promised > 900_000
    assert 0.95 * promised <= saved
    final = [timeless(trees_of(open_image(str(archive)).layers)[-1]) for archive in (wasteful, fixed)]
    assert final[0] == final[1]
