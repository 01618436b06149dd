"""Looks into a part of the insight by way of the worker process, and tells a screen what has come of it."""

import json
from typing import IO, TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError
from layertui.ui.worker.process import WorkerProcess

if TYPE_CHECKING:
    from layertui.insight.tally import Survey


class PartProgress(Message):
    """``done`` of ``total`` bytes have been looked at."""

    def __init__(self, part: str, done: int, total: int) -> None:
        super().__init__()
        self.part = part
        self.done = done
        self.total = total


class PartSurveyed(Message):
    """What there is to tell of a part, or why there is not; nothing else comes."""

    def __init__(self, part: str, result: "Survey | LayertuiError") -> None:
        super().__init__()
        self.part = part
        self.result = result


class Looker(WorkerProcess):
    """Looks into ``part``."""

    def __init__(
        self, target: MessagePump, reference: str, platform: str | None, cache: bool, part: str
    ) -> None:
        super().__init__(target, reference, platform, cache, part=part)
        self._part = part

    def _read(self, output: IO[bytes]) -> bool:
        """Posts what the frames say; False when they end without an end."""
        import msgspec

        from layertui.insight.tally import Finding, Survey

        findings: list[Finding] = []
        for tag, payload in self._frames(output):
            match tag:
                case b"l":
                    self._post(PartProgress(self._part, *msgspec.msgpack.decode(payload)))
                case b"f":
                    findings += msgspec.convert(json.loads(payload), list[Finding])
                case b"s":
                    found = msgspec.convert(json.loads(payload) | {"findings": findings}, Survey)
                    self._post(PartSurveyed(self._part, found))
                    return True
        return False

    def _failed(self, error: LayertuiError) -> None:
        self._post(PartSurveyed(self._part, error))
