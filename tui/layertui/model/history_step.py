"""Restore build steps as they stood in the Dockerfile from what builders record in the history.

Docker's classic builder and Buildah record ``/bin/sh -c #(nop) CMD ["x"]`` for instructions
that run nothing and ``/bin/sh -c COMMAND`` for RUN; BuildKit records ``RUN /bin/sh -c COMMAND
# buildkit``; both prepend build arguments, ``|2 A=1 B=2 /bin/sh -c COMMAND``. Kaniko records
the Dockerfile's line. Builders without a Dockerfile record their own name and describe the
layer in ``comment`` (ko, Jib, apko), or only the latter (Nix, ``docker import``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from layertui.model.image import HistoryEntry
from layertui.model.typed import NamedTuple

INSTRUCTIONS = {
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
    "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}  # fmt: skip
"""Dockerfile instructions."""

MAX_TEXT = 1 << 16
"""Characters of a step that are parsed; a config may contain any number."""
_MAX_WORDS = 4096
"""Longest word list that is parsed, in characters: parsing may take quadratic time."""

# A shell with its options, up to the one that takes the command. Bounded repetitions keep
# matching linear for any input.
SHELL = re.compile(
    r"(?:/\S{1,60}/)?(?:ba|da|a|k|z|fi)?sh(?: (?:-[A-Za-z]{1,12}|pipefail|errexit|nounset|xtrace)){0,8}? "
    r"-[A-Za-z]{0,10}c(?: |$)"
    r"|(?:\S{1,60}[/\\])?cmd(?:\.exe)?(?: /S)? /C(?: |$)"
    r"|(?:\S{1,60}[/\\])?(?:powershell|pwsh)(?:\.exe)?(?: -[A-Za-z]{1,20}(?: Bypass| Unrestricted)?){0,6}? "
    r"-[Cc]ommand (?:\$\w{1,40} ?= ?'[^'\n]{0,40}'; ?){0,6}"
)
_NOTHING_RUN = re.compile(r"#\(nop\)\s*")
_ARGUMENTS = re.compile(r"\|(\d{1,4}) ")
SENT = re.compile(r"(?P<kind>file|dir|multi):[0-9a-f]{6,128}(?P<rest> in .*)", re.DOTALL)
# Of steps that few images have: compiled when they are first used.
_PORTS = r"(?s)map\[(?P<ports>.*)\]"
_HEALTH = (
    r'(?s)&\{\[(?P<test>.*)\] "(?P<interval>[\w.]+)" "(?P<timeout>[\w.]+)" "(?P<start_period>[\w.]+)"'
    r"""(?: "(?P<start_interval>[\w.]+)")? '(?P<retries>.+)'\}"""
)
# BuildKit 0.33 prints it without quotes.
_HEALTH_PLAIN = (
    r"(?s)&?\{Test:\[(?P<test>.*)\] Interval:(?P<interval>\S+) Timeout:(?P<timeout>\S+) "
    r"StartPeriod:(?P<start_period>\S+)(?: StartInterval:(?P<start_interval>\S+))? Retries:(?P<retries>\d{1,19})\}"
)
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_STORE_PATH = r"/nix/store/[0-9a-z]{32}-"


class Step(NamedTuple):
    """One build step."""

    instruction: str
    """Dockerfile instruction in upper case; empty for a step that was not one."""
    arguments: str
    """What follows the instruction, or the recorded text; may have several lines and be hostile."""


def recorded(entry: HistoryEntry) -> Step:
    """Return the instruction as recorded, without ``#(nop)`` and ``# buildkit``.

    A ``RUN`` keeps its leading build arguments and shell.
    """
    text, comment = entry.created_by[:MAX_TEXT].strip(), entry.comment[:MAX_TEXT].strip()
    if not text:
        return Step("", _of_comment(comment))
    text = text.removesuffix("# buildkit").rstrip()
    step = _split(text)
    if step.instruction:
        return step
    _, bare = split_arguments(text)
    shell = SHELL.match(bare)
    if shell is None:
        if bare != text:  # build arguments, and a command without a shell
            return Step("RUN", text)
        # Not from a Dockerfile: the comment describes the step as much as the text.
        return Step("", f"{text}: {_of_comment(comment)}" if comment else text)
    nothing = _NOTHING_RUN.match(bare, shell.end())
    return Step("RUN", text) if nothing is None else _split(bare[nothing.end() :].strip())


def step_of(entry: HistoryEntry) -> Step:
    """Return the step of a history entry; both parts are empty if it records nothing."""
    step = recorded(entry)
    if step.instruction == "RUN":
        return Step("RUN", _command(step.arguments))
    return Step(step.instruction, written(step.instruction, step.arguments))


def step_text(entry: HistoryEntry) -> str:
    """Return the step on one line (see :func:`command_line`); empty if nothing is recorded.

    Control characters remain, for :func:`layertui.text.sanitize.visible` to escape.
    """
    step = step_of(entry)
    return f"{step.instruction} {command_line(step.arguments)}".strip()


def command_line(text: str) -> str:
    """Join the lines of ``text`` with ``⏎`` and collapse blanks."""
    lines = (re.sub(r"[ \t]+", " ", line.removesuffix("\\")).strip() for line in text.split("\n"))
    return " ⏎ ".join(line for line in lines if line)


def _split(text: str) -> Step:
    """Split instruction and arguments; the instruction is empty if it is not a Dockerfile's."""
    word, _, rest = text.partition(" ")
    return Step(word, rest.strip()) if word in INSTRUCTIONS else Step("", text)


def _command(text: str) -> str:
    """Return the command of a ``RUN``, without build arguments and shell."""
    _, text = split_arguments(text)
    shell = SHELL.match(text)
    return text[shell.end() :].strip() if shell else text


def split_arguments(text: str) -> tuple[str, str]:
    """Split build arguments and command: ``|2 A=1 B=x y /bin/sh -c make`` → ``A=1 B=x y``, ``/bin/sh -c make``."""
    count = _ARGUMENTS.match(text)
    if count is None:
        return "", text
    start = count.end()
    if int(count[1]) == 0:
        return "", text[start:]
    found = text.find(" ", start)
    while found >= 0:  # values may contain blanks
        if SHELL.match(text, found + 1):
            return text[start:found], text[found + 1 :]
        found = text.find(" ", found + 1)
    words = text[start:].split(" ")
    split = int(count[1])
    if len(words) > split and all("=" in word for word in words[:split]):
        return " ".join(words[:split]), " ".join(words[split:])
    return "", text


def written(instruction: str, text: str) -> str:
    """Return the arguments of an instruction other than RUN as in a Dockerfile."""
    match instruction:
        case "ADD" | "COPY":
            # Only the hash of the sent files is recorded, not their names.
            return SENT.sub(_what_was_sent, text, count=1).strip()
        case "CMD" | "ENTRYPOINT":
            return exec_form(text)
        case "EXPOSE" if ports := re.fullmatch(_PORTS, text):
            return " ".join(port.removesuffix(":{}") for port in ports["ports"].split())
        case "VOLUME" | "EXPOSE" if text.startswith("[") and text.endswith("]") and '"' not in text:
            return text[1:-1]
        case "HEALTHCHECK":
            return health_check(text)[0]
    return text


def _what_was_sent(sent: re.Match[str]) -> str:
    kind = {"file": "a file", "dir": "a directory", "multi": "files"}[sent["kind"]]
    # Docker omits the blank after --chown.
    return " " * (sent.start() > 0 and sent.string[sent.start() - 1] != " ") + kind + sent["rest"].rstrip()


def exec_form(text: str) -> str:
    """Convert ``["sh" "-c" "x"]``, as Go prints it, to JSON; of a shell return only the command."""
    words = quoted_words(text[1:-1]) if text.startswith("[") and text.endswith("]") else None
    if words is None:
        return text
    if len(words) == 3 and SHELL.fullmatch(f"{words[0]} {words[1]} "):
        return words[2]
    return json.dumps(words, ensure_ascii=False)


def quoted_words(text: str) -> list[str] | None:
    """Return quoted words separated by blanks or commas; ``None`` if there is anything else."""
    if len(text) > _MAX_WORDS or re.sub(_QUOTED, "", text).strip(", "):
        return None
    try:
        words = [json.loads(word, strict=False) for word in re.findall(_QUOTED, text)]
    except ValueError:
        return None
    return words


def health_check(text: str, known: Sequence[str] = ()) -> tuple[str, bool]:
    """Return the arguments of a HEALTHCHECK as in a Dockerfile, and whether its words' boundaries are certain.

    ``known`` are the words of the config's ``Healthcheck.Test``: BuildKit records them joined by blanks.
    """
    is_sure = True
    if health := re.fullmatch(_HEALTH, text):
        words, retries = quoted_words(health["test"]) or [], _go_character(health["retries"])
    elif health := re.fullmatch(_HEALTH_PLAIN, text):
        joined, retries = health["test"], int(health["retries"])
        words = joined.split(" ", 1 if joined.startswith("CMD-SHELL ") else -1)
        if " ".join(known) == joined:
            words = list(known)
        else:
            is_sure = words[0] != "CMD" or len(words) == 2
    else:
        return text, is_sure
    if words == ["NONE"]:
        return "NONE", is_sure
    if words[:1] not in (["CMD"], ["CMD-SHELL"]):
        return text, is_sure
    options = [
        f"--{name.replace('_', '-')}={health[name]}"
        for name in ("interval", "timeout", "start_period", "start_interval")
        if health[name] not in (None, "0s")
    ]
    if retries:
        options.append(f"--retries={retries}")
    command = " ".join(words[1:]) if words[0] == "CMD-SHELL" else json.dumps(words[1:], ensure_ascii=False)
    return " ".join([*options, "CMD", command]), is_sure


def _go_character(text: str) -> int:
    """Return the number that Go's ``%q`` printed as a character: ``\\x03``, ``\\n``; 0 if malformed."""
    named = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
    if re.fullmatch(r"\\[xuU][0-9a-fA-F]{2,8}", text):
        return int(text[2:], 16)
    if len(text) == 2 and text[0] == "\\":
        return named.get(text[1], ord(text[1]))
    return ord(text) if len(text) == 1 else 0


def _of_comment(comment: str) -> str:
    """Return a comment; for Nix, which lists a layer's store paths in it, their names."""
    if not comment.startswith("store paths: ["):
        return comment
    import shlex

    paths = comment.removeprefix("store paths: [").removesuffix("]")
    try:
        names = shlex.split(paths.replace(",", " "))
    except ValueError:
        return comment
    return "store paths " + ", ".join(re.sub(_STORE_PATH, "", name) for name in names)
