"""``layertui dockerfile``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.running import Run
from tests.commands.samples import eventful
from tests.dockerfile.builds import CASES, FIXTURE


def test_prints_a_dockerfile_with_what_each_step_did(run: Run) -> None:
    done = run("dockerfile", "demo:")
    assert (done.status, done.err) == (0, "")
    assert done.lines[0] == "# Reconstructed from the history of quarry:1.1."
    assert "FROM scratch" in done.lines
    at = done.lines.index("RUN apk add python3 sqlite-libs stonecut build-base")
    assert done.lines[at - 1].startswith(
        "# layer 2: 18 added, 1 modified, 4 attributes only, 0 deleted, 57.0 kB of files"
    )


def test_json_has_the_steps_with_their_lines_and_sizes(run: Run) -> None:
    (found,) = run("dockerfile", "demo:", "--json").objects
    steps, lines = found["steps"], found["text"].split("\n")
    assert list(found) == ["source", "text", "steps", "advice", "provenance"]
    assert (found["source"], found["provenance"]) == ("history", None)
    assert [each["layer"] for each in steps if each["layer"]] == list(range(1, 10))
    for each in steps:
        text = each["text"] or f"# unknown: {each['unknown'][0]}"
        assert lines[each["line"] - 1] == text.split("\n")[0]
    (user,) = (each for each in steps if each["instruction"] == "USER")
    assert user == {
        "line": lines.index("USER quarry") + 1,
        "instruction": "USER",
        "text": "USER quarry",
        "step": 14,
        "layer": None,
        "size": 0,
        "live": 0,
        "dead": 0,
        "base": False,
        "stage": None,
        "used": True,
        "facts": [],
        "guesses": [],
        "unknown": [],
        "did": None,
    }
    run_step = next(each for each in steps if each["layer"] == 2)
    changes = run("changes", "demo:", "--layer", "2", "--json").objects
    for kind in ("added", "modified", "deleted", "repeated"):
        assert run_step["did"][kind] == sum(change["change"] == kind for change in changes), kind


def test_sizes_and_advice_are_those_of_size_and_insight(run: Run) -> None:
    (found,) = run("dockerfile", "demo:", "--json").objects
    (sizes,) = run("size", "demo:", "--json").objects
    fields = ("layer", "size", "live", "dead")
    assert [{key: each[key] for key in fields} for each in found["steps"] if each["layer"]] == sizes["layers"]
    (insight,) = run("insight", "demo:", "--only", "waste", "--json").objects
    dead = {(row["path"], row["size"], row["by"]) for row in insight["waste"]["paths"]}
    promised = [
        (file["path"], file["size"], piece["layers"][1])
        for piece in found["advice"]
        for file in piece["files"]
    ]
    assert len(promised) == len(set(promised)) and set(promised) <= dead
    amounts = [piece["bytes"] for piece in found["advice"]]
    assert amounts == sorted(amounts, reverse=True) and sum(amounts) <= insight["waste"]["reclaimable_bytes"]


def test_what_is_known_only_of_layers_is_null_where_they_would_have_to_be_fetched(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layertui.commands.dockerfile.is_at_hand", lambda image: False)
    (found,) = run("dockerfile", "demo:", "--json").objects
    assert found["advice"] is None
    for each in found["steps"]:
        known = None if each["layer"] else 0
        assert (each["size"], each["live"], each["dead"], each["did"]) == (known, known, known, None)
    assert not [line for line in run("dockerfile", "demo:").lines if "# Advice" in line or "live" in line]


def test_advice_is_at_the_end_as_comments(run: Run) -> None:
    lines = run("dockerfile", "demo:").lines
    at = next(number for number, line in enumerate(lines) if line.startswith("# Advice: "))
    assert all(line.startswith("#") for line in lines[at:])
    assert "# Delete them in step 5 instead of step 10." in lines[at:]


def test_a_step_that_no_instruction_makes_is_a_comment(run: Run, tmp_path: Path) -> None:
    done = run("dockerfile", eventful(tmp_path), "--quiet")
    assert done.status == 0
    assert "# unknown: no Dockerfile instruction creates this: layer 1" in done.lines
    assert all(line.startswith("#") for line in done.lines if line and line != "FROM scratch")


def test_the_dockerfile_that_buildkit_recorded(run: Run) -> None:
    done = run("dockerfile", f"oci-archive:{FIXTURE}:escape", "--json")
    (found,) = done.objects
    assert found["source"] == "provenance" and found["text"] == CASES["escape"].data.decode()
    own = [each for each in found["steps"] if not each["base"]]
    assert [(each["line"], each["layer"], each["stage"], each["used"]) for each in own] == [
        (2, None, "0", True), (3, 4, "0", True), (5, 5, "0", True), (8, 6, "0", True),
    ]  # fmt: skip
    assert own[1]["text"] == "RUN touch /line-3 `\n    && echo \\"
    assert [each["line"] for each in found["steps"] if each["base"]] == [2] * 5
    assert found["provenance"] == {
        "digest": found["provenance"]["digest"],
        "predicate": "https://slsa.dev/provenance/v1",
        "file": "Dockerfile",
        "target": None,
        "arguments": {},
        "layers": "digest",
        "why": None,
    }


def test_a_recorded_dockerfile_is_annotated_but_stays_one(run: Run) -> None:
    """Parser directives are its first lines; what is not in the file is a comment."""
    lines = run("dockerfile", f"oci-archive:{FIXTURE}:escape", "--quiet").lines
    assert lines[:3] == ["# escape=`", "# Dockerfile, as recorded by BuildKit (provenance).", ""]
    assert [line for line in lines if line and not line.startswith("#")] == CASES[
        "escape"
    ].data.decode().splitlines()[1:]
    done = run("dockerfile", f"oci-archive:{FIXTURE}:stages", "--quiet")
    at = done.lines.index("COPY --from=build /out /line-8")
    assert done.lines[at - 2 : at] == [
        "FROM base",
        "# layer 4: 1 added, 0 modified, 0 deleted, 4 B of files = 4 B live + 0 B dead",
    ]


def test_a_provenance_that_is_not_used_says_why(run: Run) -> None:
    done = run("dockerfile", f"oci-archive:{FIXTURE}:rewritten")
    assert (done.status, done.lines[0]) == (0, "# Reconstructed from the history of rewritten.")
    assert "# The provenance is not used: its layers are not those of the image." in done.lines
    (found,) = run("dockerfile", f"oci-archive:{FIXTURE}:rewritten", "--json").objects
    assert (found["source"], found["provenance"]["layers"]) == ("history", None)
    assert found["provenance"]["why"] == "its layers are not those of the image"
