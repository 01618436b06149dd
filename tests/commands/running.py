"""Runs commands in this process, which is quicker than the program."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from layertui.cli import main


@dataclass(frozen=True)
class Result:
    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "surrogateescape")

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def objects(self) -> list[Any]:
        """What ``--json`` printed, one object a line."""
        assert self.out.isascii()
        return [json.loads(line) for line in self.lines]


Run = Callable[..., Result]


def runner(capture: Any) -> Iterator[Run]:
    def run(*words: object) -> Result:
        status = main([str(word) for word in words])
        out, err = capture.readouterr()
        return Result(status, out, err.decode())

    yield run
