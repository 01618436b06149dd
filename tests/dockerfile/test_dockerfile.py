"""Dockerfiles out of histories: one built from it again gives the same history."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from layertui import demo
from layertui.dockerfile import Instruction, heading, instructions
from layertui.dockerfile.base import Base, base_of
from layertui.dockerfile.base_candidates import neighbours
from layertui.dockerfile.effect import effect_of
from layertui.dockerfile.shell import broken
from layertui.model.image import HistoryEntry, Platform
from layertui.model.numbers import LayerNumber
from layertui.sources import open_image
from tests.commands.samples import tar
from tests.engines import Docker, containers_storage
from tests.images import layers_of, union_of
from tests.programs import need

NOTHING = Base("", "", -1, -1)
NOP = "/bin/sh -c #(nop) "


def of(
    *steps: str | HistoryEntry, config: dict[str, object] | None = None, os: str = "linux"
) -> list[Instruction]:
    """The instructions of a history, without ``FROM``."""
    history = [
        step if isinstance(step, HistoryEntry) else HistoryEntry(None, step, "", "", None) for step in steps
    ]
    image = demo.image()._replace(
        history=history, config={"config": config or {}}, platform=Platform(os, "amd64")
    )
    return instructions(image, NOTHING)[1:]


def text_of(step: str, **settings: Any) -> str:
    (found,) = of(step, **settings)
    return found.text


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (f"{NOP} ENV A=1 B=two words C=it is $5", 'ENV A=1 B="two words" C="it is \\$5"'),
        (f'{NOP} LABEL a.b/c-d=say "hi" e=\\', 'LABEL a.b/c-d="say \\"hi\\"" e="\\\\"'),
        (f"{NOP} ARG TOKEN", "ARG TOKEN"),
        (f"{NOP} VOLUME [/data /more]", "VOLUME /data /more"),
        (f"{NOP} SHELL [/bin/ash -e -c]", 'SHELL ["/bin/ash", "-e", "-c"]'),
        (f"{NOP} ONBUILD RUN a  b", "ONBUILD RUN a  b"),
        (f"{NOP}WORKDIR /a $b", "WORKDIR /a \\$b"),
        (f'{NOP} CMD ["/bin/sh" "-c" "run it $HOME"]', "CMD run it $HOME"),
        (f'{NOP} ENTRYPOINT ["/bin/bash" "-c" "x"]', 'ENTRYPOINT ["/bin/bash", "-c", "x"]'),
        (f"{NOP} CMD []", "CMD []"),
        (f"{NOP}COPY dir:0123456789ab in /x ", "COPY <directory> /x"),
        (f"{NOP}COPY --chown=1:1file:0123456789ab in /x ", "COPY --chown=1:1 <file> /x"),
        ("RUN /bin/sh -c make && make install # buildkit", "RUN make && make install"),
        ("RUN /app/tool # buildkit", 'RUN ["/app/tool"]'),
        ("RUN /bin/bash -o pipefail -c a | b # buildkit", 'RUN ["/bin/bash", "-o", "pipefail", "-c", "a | b"]'),
        ("RUN /bin/sh -c set -e\nmake\n # buildkit", "RUN <<EOF\nset -e\nmake\nEOF"),
        ("RUN /bin/sh -c cat <<EOF > /x\nEOF\n # buildkit", "RUN <<EOF1\ncat <<EOF > /x\nEOF\nEOF1"),
        ("RUN /bin/sh -c echo \\ # buildkit", "RUN <<EOF\necho \\\nEOF"),
        ("COPY --chown=1:1 a b / # buildkit", "COPY --chown=1:1 a b /"),
        ("EXPOSE map[80/tcp:{} 443/tcp:{}]", "EXPOSE 80/tcp 443/tcp"),
        ("bazel build ...", ""),
    ],
)  # fmt: skip
def test_what_builders_record_as_a_dockerfile_has_it(step: str, text: str) -> None:
    assert text_of(step) == text


def test_what_the_config_says_tells_where_a_value_ends() -> None:
    step = f"{NOP} ENV A=x B=y C=z D=w"
    (found,) = of(step, config={"Env": ["A=x B=y", "C=z", "D=w"]})
    assert (found.text, found.guesses) == ('ENV A="x B=y" C=z D=w', [])
    (guessed,) = of(f"{NOP} ENV A=x y B=z")
    assert guessed.guesses == ["the boundary between a value and the next name"]


def test_what_buildkit_records_without_quotes_is_as_in_the_config() -> None:
    """Steps and config of one image that BuildKit 0.33 built; where the config has others, words are guessed."""
    words = {"Test": ["CMD", "do", "e  r"]}
    config = {"Volumes": {"/d1": {}, "/d 2": {}}, "Healthcheck": words, "Shell": ["/my sh", "-c"]}
    times = "Interval:30s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0"
    steps = ("VOLUME [/d1 /d 2]", f"HEALTHCHECK {{Test:[CMD do e  r] {times}}}", "SHELL [/my sh -c]")
    found = of(*steps, config=config)
    assert [each.text for each in found] == [
        'VOLUME ["/d1", "/d 2"]',
        'HEALTHCHECK --interval=30s CMD ["do", "e  r"]',
        'SHELL ["/my sh", "-c"]',
    ]
    assert not any(each.guesses for each in found)
    guessed = of("VOLUME [/d1 /d 2]", f"HEALTHCHECK {{Test:[CMD do it] {times}}}", "VOLUME [/$d]")
    assert [each.text for each in guessed] == [
        "VOLUME /d1 /d 2",
        'HEALTHCHECK --interval=30s CMD ["do", "it"]',
        "VOLUME /\\$d",
    ]
    assert [bool(each.guesses) for each in guessed] == [True, True, False]


def test_onbuild_that_only_the_config_has() -> None:
    """BuildKit records none in the history; the classic builder does."""
    triggers = ["RUN a  b", "COPY . /x", "COPY . /x", "RUN x\nFROM y"]
    found = of(f"{NOP} ONBUILD RUN a b", f"{NOP} ONBUILD COPY . /x", config={"OnBuild": triggers})
    assert [each.text for each in found] == ["ONBUILD RUN a b", "ONBUILD COPY . /x", "ONBUILD COPY . /x", ""]
    assert [each.step for each in found] == [0, 1, -1, -1]
    assert found[2].comments == ["in the config; the history does not record it"]
    assert found[3].unknown


def test_what_is_missing_or_guessed_says_so() -> None:
    copied, words, script, staged, none = of(
        f"{NOP}ADD file:0123456789abcdef in / ",
        "RUN /app/tool --all # buildkit",
        "RUN /dev/pipes/EOF # buildkit",
        "COPY /out/app /app # buildkit",
        HistoryEntry(None, "", "", "", LayerNumber(2), recorded=False),
    )
    assert copied.unknown == ["the file's name"]
    assert words.guesses[1:] == ["the boundaries of its arguments"]  # and another builder's it is
    assert (script.text, script.unknown) == ("", ["the text of a heredoc (<<EOF)"])
    assert staged.guesses == ["from another stage or image, which is not recorded"]
    assert none.lines == ["# unknown: layer 2: it has no history entry"]


def test_build_arguments_that_no_step_declares() -> None:
    found = of(
        "ARG A=1", "RUN |2 A=1 B=two words /bin/sh -c x # buildkit", "RUN |2 A=3 B=two words /bin/sh -c x # buildkit"
    )  # fmt: skip
    assert [each.text for each in found] == ["ARG A=1", 'ARG B="two words"', "RUN x", "RUN x"]
    assert found[1].guesses and not found[2].facts
    assert found[3].facts == ["A was 3, by its ARG or by --build-arg"]


def test_a_shell_counts_from_where_it_is_set() -> None:
    found = of(
        "RUN /bin/sh -c a # buildkit",
        "SHELL [/bin/bash -c]",
        "RUN /bin/bash -c b # buildkit",
        "RUN /bin/sh -c c # buildkit",
        'CMD ["/bin/bash" "-c" "d"]',
    )
    assert [each.text for each in found[2:]] == ["RUN b", 'RUN ["/bin/sh", "-c", "c"]', "CMD d"]


def test_windows() -> None:
    image = demo.image()._replace(platform=Platform("windows", "amd64"), name="syntax=evil/frontend")
    assert heading(image)[0] == "# escape=`" and heading(image)[1].startswith("# Reconstructed")
    assert text_of("cmd /S /C mkdir C:\\app", os="windows") == "RUN mkdir C:\\app"
    assert text_of("cmd /S /C #(nop)  ENV P=C:\\a b", os="windows") == 'ENV P="C:\\a b"'
    assert text_of("cmd /S /C #(nop) WORKDIR C:\\app\\", os="windows") == "WORKDIR C:\\app\\"


@pytest.mark.parametrize(
    "step",
    [
        f"{NOP} USER x\nRUN evil",
        f"{NOP} ENV A=x\nRUN evil",
        f'{NOP} CMD ["x\nRUN evil"]',
        f"{NOP} CMD x\nRUN evil",
        "x\nRUN evil",
        f"{NOP} USER x\\",
        f"{NOP}COPY <<EOF /x",
        "RUN |1 A=x\nRUN /bin/sh -c x",
    ],
)
def test_no_step_becomes_two(step: str) -> None:
    lines = [line for each in of(step) for line in each.lines]
    assert not [line for line in lines if line.startswith("RUN evil") or "\n" in line]
    assert all(line.startswith(("# ", "CMD", "RUN x")) for line in lines)


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("set -x     && a  && b", "set -x \\\n    && a \\\n && b"),
        ("echo 'a  b'     && c", "echo 'a  b' \\\n    && c"),
        ("a && b; c", "a && b; c"),
        ("if [ -e /etc/app ]; then update 'x && y'; fi && install \"a; b\" || exit 1",
         "if [ -e /etc/app ]; then update 'x && y'; \\\n    fi \\\n    && install \"a; b\" \\\n    || exit 1"),
        ("echo \"$(cat 'x; y' && z)\" && apt-get update && apt-get install -y git", None),
        ("a  # b", None),
    ],
)  # fmt: skip
def test_shell_on_the_lines_that_a_person_would_use(command: str, lines: str | None) -> None:
    assert broken(command) == (command if lines is None else lines)
    joined = broken(command).replace("\\\n", "")
    assert joined == command or joined.split() == command.split()


@pytest.mark.parametrize(
    "step",
    [
        f"{NOP} ENV " + "A=b c " * 10_000,
        '/bin/sh -c "' + '\\"' * 30_000,
        "/bin/sh -c a" + " " * 60_000 + "#",
        "|9999 " + "A=b " * 15_000 + "/bin/sh -c x",
        "RUN /bin/sh -c " + "EOF\n" * 15_000 + "# buildkit",
        "RUN /bin/sh -c " + " 1111" * 12_000 + " # buildkit",
    ],
    ids=range(6),
)
def test_no_step_takes_long(step: str) -> None:
    started = time.process_time()
    of(step)
    assert time.process_time() - started < 1


def test_neither_does_a_long_history() -> None:
    image = demo.image()._replace(
        history=[HistoryEntry(None, f"{NOP} CMD x", "", "", None) for _ in range(20_000)]
    )
    started = time.process_time()
    assert len(instructions(image, base_of(image, ()))) == 20_001
    assert time.process_time() - started < 5


# The base


def test_a_base_is_named_by_label_or_annotation() -> None:
    name = {"org.opencontainers.image.base.name": "docker.io/library/debian:12"}
    labelled = demo.image()._replace(config={"config": {"Labels": name}}, history=[])
    assert base_of(labelled, ()) == Base(
        "docker.io/library/debian:12", "label org.opencontainers.image.base.name", -1, -1
    )
    (first, *_) = instructions(labelled, base_of(labelled, ()))
    assert first.text == "FROM scratch" and "where the base image" in first.unknown[0]
    annotated = demo.image()._replace(manifest={"annotations": name})
    base = base_of(annotated, ())
    assert base.source == "annotation org.opencontainers.image.base.name"
    assert (base.steps, base.layers) == (2, 1) and base.guess  # another builder goes on
    from_base = instructions(annotated, base)[2]
    assert from_base.text == "FROM docker.io/library/debian:12" and from_base.guesses


def test_without_a_base_the_end_of_an_image_is_only_a_guess() -> None:
    image = demo.image()
    found = instructions(image, base_of(image, ()), "Held Linux 3.1")
    assert found[0].text == "FROM scratch" and "Held Linux 3.1" in found[0].guesses[0]
    assert not any(each.is_base for each in found)
    assert [
        each.step for each in found if any("the base image ends here" in text for text in each.guesses)
    ] == [2]


def test_what_a_layer_did() -> None:
    union = union_of(
        layers_of([tar(("/a", b"12"), ("/b", b"123")), tar(("/a", b"1234"), ("/.wh.b", b""), ("/c", b""))])
    )
    effect = effect_of(union, LayerNumber(2))
    assert (effect.counts.added, effect.counts.modified, effect.counts.deleted) == (1, 1, 1)
    assert (effect.size, effect.largest) == (4, [("/a", 4)])


# Against builders

BASE = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "ln", "/bin/busybox", "/bin/sh"]
CMD ["sh"]
"""
DOCKERFILE = r"""FROM base:1
ARG STAGE=dev
ENV A=1 B="two words" C='it is $5' PATH=$PATH:/opt
LABEL name="a label" org.example.x=y version=1.0
WORKDIR /srv/app
RUN echo one && \
    echo "two && three" > two; echo 'four; five' \
 && if [ -n "$STAGE" ]; then echo $STAGE; fi
SHELL ["/bin/sh", "-e", "-c"]
RUN echo more > more && echo "a  b" > b
USER 1000:1000
EXPOSE 80 443/tcp
VOLUME /data /more
HEALTHCHECK --interval=5s --retries=4 CMD true || exit 1
ENTRYPOINT ["/bin/sh", "-c", "exec \"$@\"", "--"]
CMD run it $HOME
"""


def context(folder: Path) -> Path:
    need("busybox")
    folder.mkdir()
    shutil.copy(str(shutil.which("busybox")), folder / "busybox")
    return folder


def history(reference: str) -> list[str]:
    """The history, but for blanks, in which a shell sees no difference."""
    return [" ".join(entry.created_by.split()) for entry in open_image(reference).history]


def test_docker_builds_the_same_from_it(docker: Docker, tmp_path: Path) -> None:
    folder = context(tmp_path / "context")
    docker.build("base:1", folder, BASE)
    docker.build("app:1", folder, DOCKERFILE)
    archive = tmp_path / "both.tar"
    docker("save", "--output", archive, "base:1", "app:1")
    reference = f"docker-archive:{archive}:app:1"
    image = open_image(reference)
    base = base_of(image, neighbours(image))
    assert (base.name, base.steps, base.layers, base.guess) == ("base:1", 3, 2, "")
    found = instructions(image, base)
    own = [each for each in found if not each.is_base]
    assert not any(each.unknown or each.guesses for each in own)
    docker.build("again:1", folder, "\n".join(line for each in found for line in each.lines))
    again = docker.save("again:1", tmp_path / "again.tar")
    assert history(str(again)) == history(reference)
    theirs, mine = open_image(str(again)).config["config"], image.config["config"]
    assert {key: theirs[key] for key in theirs if key != "Image"} == {
        key: mine[key] for key in mine if key != "Image"
    }


def test_buildah_leaves_the_base_and_the_instructions_as_they_were(tmp_path: Path) -> None:
    need("buildah")
    folder = context(tmp_path / "context")
    own = ['ENV A="two words" B=$A', "LABEL x='y z'", "COPY busybox /again", 'CMD ["sh", "-c", "x"]']
    with containers_storage("buildah") as buildah:
        for name, text in (
            ("base:1", BASE.replace("RUN", "# RUN")),
            ("app:1", "\n".join(["FROM localhost/base:1", *own])),
        ):
            (folder / "Dockerfile").write_text(text)
            command = [*buildah, "build", "--layers", "--tag", name, str(folder)]
            subprocess.run(command, check=True, capture_output=True)
        archive = f"oci-archive:{tmp_path / 'app.tar'}"
        subprocess.run([*buildah, "push", "--quiet", "app:1", archive], check=True, capture_output=True)
    image = open_image(archive)
    base = base_of(image, ())
    assert (base.name, base.steps, base.layers, base.guess) == ("localhost/base:1", 2, 1, "")
    found = [each for each in instructions(image, base) if not each.is_base]
    texts = [each.text for each in found]
    assert texts == ["FROM localhost/base:1", own[0], own[1], "COPY <file> /again", own[3]]
