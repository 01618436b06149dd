"""Dockerfiles split into instructions, as BuildKit splits them (frontend/dockerfile/parser)."""

from __future__ import annotations

import pytest

from layertui.dockerfile.syntax import lines_of, stages_of, substituted, way_to, written_in


def found(text: str) -> list[tuple[str, str, int, int]]:
    return [(each.keyword, each.arguments, each.start, each.end) for each in written_in(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from\tscratch\n\n  run  a  b \n", [("FROM", "scratch", 1, 1), ("RUN", "a  b", 3, 3)]),
        ("\ufeffFROM a", [("FROM", "a", 1, 1)]),
        ("# escape=`\r\nRUN a `\r\n b\\\r\nENV c", [("RUN", "a  b\\", 2, 3), ("ENV", "c", 4, 4)]),
        ("# Escape = `\n#escape=\\\nRUN a `\n b", [("RUN", "a  b", 3, 4)]),
        ("#\n# escape=`\nRUN a `\nENV b", [("RUN", "a `", 3, 3), ("ENV", "b", 4, 4)]),
        ("RUN a \\ \n# x\n\n  # y \\\n b\nENV c", [("RUN", "a  b", 1, 5), ("ENV", "c", 6, 6)]),
        ("RUN a \\\\\nENV b", [("RUN", "a \\\\", 1, 1), ("ENV", "b", 2, 2)]),
        ("\\\nRUN a", [("RUN", "a", 1, 2)]),
        ("RUN a \\", [("RUN", "a", 1, 1)]),
        ("# only\n\t\n", []),
    ],
)  # fmt: skip
def test_lines_that_are_continued(text: str, expected: list[tuple[str, str, int, int]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("RUN <<A cat\nB\nA\nENV x", [3, 4]),
        ("COPY <<A <<'B C' /x/\nB C\nA\nA\nB C\nENV x", [5, 6]),
        ("RUN <<-\"A\"\n\tA \n\t\tA\nENV x", [3, 4]),
        ("RUN 3<<A\nA\nENV x", [2, 3]),
        ("RUN a \\\n <<A\n# no comment\nA\nENV x", [4, 5]),
        ("ONBUILD RUN <<A\nA\nENV x", [2, 3]),
        ('RUN ["<<A"]\nENV x', [1, 2]),
        ("COPY --chmod=1 [\"<<A\", \"b\"]\nENV x", [1, 2]),
        ("RUN echo '<<A'\nENV x", [1, 2]),
        ("RUN cat <<<A\nENV x", [1, 2]),
        ("RUN a<<A\nENV x", [1, 2]),
        ("RUN it's <<A\nENV x", [1, 2]),
        ("ENV a <<A\nENV x", [1, 2]),
        ("RUN <<A\nno end\n", [2]),
    ],
)  # fmt: skip
def test_heredocs(text: str, ends: list[int]) -> None:
    assert [each.end for each in written_in(text)] == ends


def test_lines_end_as_in_a_dockerfile() -> None:
    assert lines_of("a\x0bb\r\n\x0c\n\u2028\n") == ["a\x0bb", "\x0c", "\u2028"]
    assert lines_of("a\n\nb") == ["a", "", "b"]


def test_the_stages_that_a_target_is_built_on() -> None:
    text = """\
ARG V=1
FROM a AS Base
FROM --platform=$BUILDPLATFORM base as two
FROM b
FROM ${V:-x}two
"""
    stages = stages_of(written_in(text))
    assert [(each.name, each.image) for each in stages] == [
        ("Base", "a"), ("two", "base"), ("", "b"), ("", "${V:-x}two"),
    ]  # fmt: skip
    ways = {
        (target, value): [each.number for each in way_to(stages, target, {"V": value}, replaced)]
        for target, value, replaced in (
            ("", "", ()), ("", "1", ()), ("TWO", "", ()), ("none", "", ()), ("two", "x", ("base",)),
        )
    }  # fmt: skip
    assert ways == {("", ""): [3], ("", "1"): [3], ("TWO", ""): [0, 1], ("none", ""): [], ("two", "x"): [1]}
    assert [
        each.number for each in way_to(stages_of(written_in("FROM a AS a\nFROM a AS a")), "", {}, ())
    ] == [0, 1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a-$V.b", "a-1.b"),
        ("${V}x${NONE}", "1x"),
        ("${NONE:-d}${V:-d}${V:+s}${NONE:+s}", "d1s"),
        ('"a $V"\'b\'', "a 1b"),
        ("\\$V", "$V"),
    ],
)  # fmt: skip
def test_variables(text: str, value: str) -> None:
    assert substituted(text, {"V": "1"}) == value


def test_values_that_double() -> None:
    value = "x"
    for _ in range(100):
        value = substituted("$A$A$A$A", {"A": value})
    assert len(value) <= 4096
