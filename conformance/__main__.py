"""Run a tool on the cases: ``python -m conformance --tool 'COMMAND {image} {out}'``."""

import argparse
import sys

from conformance.case import CONTROL, REFUSED, Answer, Case, all_cases
from conformance.run import answer, is_same


def main() -> int:
    """Run the program; its status is 1 if a case differs from ``--like``, and 2 if the tool does not work."""
    parser = argparse.ArgumentParser(prog="conformance", description="What a tool makes of unusual layers.")
    parser.add_argument(
        "--tool",
        required=True,
        metavar="COMMAND",
        help="with {image} (OCI layout, PATH:TAG) or {archive} (docker-archive), and {out}: the directory to unpack to; "
        "without {out} it prints paths",
    )
    parser.add_argument(
        "--like", metavar="ENGINE", help="fail where it differs from an engine, as 'umoci 0.4.7'"
    )
    parser.add_argument(
        "--record", metavar="ENGINE", help="write what it does into the cases, under this name"
    )
    parser.add_argument("case", nargs="*", help="names of cases (default: all)")
    arguments = parser.parse_args()
    cases = {case.name: case for case in all_cases()}
    unknown = [name for name in arguments.case if name not in cases]
    if unknown:
        parser.error(f"no case {', '.join(unknown)}")
    if arguments.like and not any(arguments.like in case.expect for case in cases.values()):
        engines = sorted({engine for case in cases.values() for engine in case.expect})
        parser.error(f"no engine {arguments.like!r}; there are {', '.join(engines)}")
    differing = 0
    _check(arguments.tool, cases[CONTROL])
    for name in arguments.case or cases:
        case = cases[name]
        found, said = answer(arguments.tool, case)
        if arguments.record:
            case.record(arguments.record, found)
        differs = arguments.like in case.expect and not is_same(found, case.expect[arguments.like])
        differing += differs
        print(
            f"{'✗ ' if differs else ''}{case.name}: {_words(found, case)}{f' ({said})' if said else ''}",
            flush=True,
        )
    _check(arguments.tool, cases[CONTROL])
    if arguments.like:
        print(f"{differing} of {len(arguments.case or cases)} differ from {arguments.like}")
    return 1 if differing else 0


def _check(tool: str, control: Case) -> None:
    """Exit unless a tool unpacks an ordinary image: what it refuses would say nothing about layers."""
    found, said = answer(tool, control)
    if found == REFUSED:
        print(f"conformance: the tool fails on an ordinary image: {said or 'no message'}", file=sys.stderr)
        sys.exit(2)


def _words(found: Answer, case: Case) -> str:
    """Return an answer, and who else gives it."""
    same = [engine for engine, expected in case.expect.items() if is_same(found, expected)]
    shown = (
        found
        if isinstance(found, str)
        else ", ".join(f"{path} {kind}".strip() for path, kind in sorted(found.items()))
    )
    return (
        f"{shown or 'nothing'}; as {', '.join(same)}"
        if same
        else f"{shown or 'nothing'}; as none of those recorded"
    )


if __name__ == "__main__":
    sys.exit(main())
