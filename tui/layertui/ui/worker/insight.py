"""Run one insight analysis in the worker and post the result."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError
from layertui.ui.worker.process import WorkerThread

if TYPE_CHECKING:
    from layertui.insight.tally import Finding, Survey
    from layertui.model.identity import Identity
    from layertui.worker.protocol import Frame


class PartProgress(Message):
    """``done`` of ``total`` bytes have been scanned."""

    def __init__(self, part: str, done: int, total: int) -> None:
        super().__init__()
        self.part = part
        self.done = done
        self.total = total


class PartSurveyed(Message):
    """The result of a part, or the error; the last message."""

    def __init__(self, part: str, result: "Survey | LayertuiError") -> None:
        super().__init__()
        self.part = part
        self.result = result


class Looker(WorkerThread):
    """Surveys ``part``."""

    def __init__(self, target: MessagePump, image: "Identity", cache: bool, part: str) -> None:
        from layertui.worker.protocol import SurveyRequest

        super().__init__(target, SurveyRequest(image, cache, part))
        self._part = part

    def _read(self, frames: "Iterator[Frame]") -> None:
        from layertui.worker.protocol import FilesRead, FindingsFound, SurveyDone

        findings: list[Finding] = []
        for frame in frames:
            match frame:
                case FilesRead():
                    self._post(PartProgress(self._part, frame.done, frame.total))
                case FindingsFound():
                    findings += frame.findings
                case SurveyDone():
                    self._post(PartSurveyed(self._part, replace(frame.survey, findings=findings)))

    def _failed(self, error: LayertuiError) -> None:
        self._post(PartSurveyed(self._part, error))
