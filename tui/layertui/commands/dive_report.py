"""The result of dive's rules as dive 0.13 prints it (``command/ci/evaluator.go``), for scripts that read its log."""

from __future__ import annotations

from layertui.commands.check_text import COLOURS
from layertui.commands.output import Output
from layertui.gate.rules import Status, Verdict
from layertui.insight.efficiency import Efficiency
from layertui.text.format import short_size
from layertui.text.sanitize import visible

NAMES = {
    "lowest-efficiency": "lowestEfficiency",
    "highest-wasted-bytes": "highestWastedBytes",
    "highest-user-wasted-percent": "highestUserWastedPercent",
}
"""dive's name of a rule."""


def print_dive_report(out: Output, verdict: Verdict, figures: Efficiency) -> None:
    """Print figures, inefficient files and the result of each rule."""
    out.line(out.colour("Analysis:", "bold"))
    wasted = f"({short_size(figures.wasted_bytes)})" if figures.wasted_bytes else ""
    ratio = figures.user_wasted_percent
    percent = "0 %" if not figures.wasted_bytes else "+Inf %" if ratio is None else f"{ratio:.2%}"[:-1] + " %"
    for name, value in (
        ("efficiency:", f"{figures.efficiency * 100:.2f} %"),
        ("wastedBytes:", f"{figures.wasted_bytes} bytes {wasted}"),
        ("userWastedPercent:", percent),
    ):
        out.line(f"  {name:18} {value}")
    out.line("")
    title = out.colour("Inefficient Files:", "bold")
    if not figures.inefficient:
        out.line(f"{title} (None)")
    else:
        out.line(title)
        out.line(out.colour(f"  {'Count':5}  {'Wasted Space':12}  File Path", "bold"))
        for row in figures.inefficient:
            out.line(f"  {row.times:<5}  {short_size(row.size):12}  {visible(row.path)}")
    out.line("")
    out.line(out.colour("Evaluation:", "bold"))
    for name, outcome in sorted((NAMES[result.rule], result.outcome) for result in verdict.results):
        mark = out.colour(outcome.status.upper(), COLOURS[outcome.status])
        out.line(f"  {mark}  {name} ({visible(outcome.message)})")
    out.line("")
    counts = [f"{status}:{count}" for status in Status if (count := verdict.count(status))]
    status = Status.PASS if verdict.status == Status.PASS else Status.FAIL
    out.line(out.colour(status.upper(), COLOURS[status]) + out.colour(f" [{' '.join(counts)}]", "dim"))
