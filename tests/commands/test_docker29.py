"""Commands on images of an engine with Docker 29's default store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.commands.running import Run
from tests.content.archives import tar_of
from tests.sources.engine.docker29 import Docker29, Variant, serving

TOKEN = "ghp_" + "a1B2" * 9
TARS = [tar_of({"etc/a": b"one\n"}), tar_of({"srv/b": b"two\n" * 1000})]
CONFIG = {"config": {"Labels": {"token": TOKEN}, "Env": ["A=1"]}}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Docker29]:
    engine = Docker29()
    with serving(tmp_path / "s", engine) as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        monkeypatch.chdir(tmp_path)
        yield engine


def arm64(name: str) -> list[Variant]:
    """An image for two platforms, each with a file that says which; only one layer is common."""
    return [Variant(each, [TARS[0], tar_of({"arch": f"{each}\n".encode()})]) for each in ("amd64", name)]


COMMANDS = {
    "history": ("history",),
    "inspect": ("inspect",),
    "anatomy": ("anatomy", "--json"),
    "insight": ("insight", "--json"),
    "check": ("check",),
    "verify": ("verify", "--json"),
    "tree": ("tree", "--json"),
    "dockerfile": ("dockerfile",),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_answer_does_not_depend_on_the_cache(
    run: Run, docker: Docker29, command: tuple[str, ...]
) -> None:
    """The ID of the image is its index's digest, and the stream brings that index: it is not the config."""
    docker.add("app:1", Variant("amd64", TARS, CONFIG, statements=[b'{"_type": "statement"}']))
    Path(".layertui.toml").write_text("[rules]\nsecrets = true\n")
    first = run(*command, "docker-daemon:app:1")
    assert run("verify", "docker-daemon:app:1").status == 0  # has all layers and documents in the cache
    again = run(*command, "docker-daemon:app:1")
    assert (again.status, again.out, again.err) == (first.status, first.out, first.err)


def test_a_secret_in_a_label_fails_the_gate_every_time(run: Run, docker: Docker29) -> None:
    docker.add("app:1", Variant("amd64", TARS, CONFIG))
    Path(".layertui.toml").write_text("[rules]\nsecrets = true\n")
    for _ in range(2):
        result = run("check", "docker-daemon:app:1")
        assert (result.status, "GitHub token" in result.text) == (1, True)


def test_verify_finds_every_document_in_the_stream(run: Run, docker: Docker29) -> None:
    identity = docker.add("app:1", Variant("amd64", TARS))
    (found,) = run("verify", "--json", "docker-daemon:app:1").objects
    digests = {step["subject"]: step["found"] for step in found["steps"] if step["what"] == "digest"}
    assert {step["status"] for step in found["steps"]} == {"ok"}
    assert digests == {
        "index": identity,
        "manifest": docker.manifest("app:1")["digest"],
        "config": docker.config_digest("app:1"),
    }


def test_compare_with_the_same_image_as_it_was_saved(run: Run, docker: Docker29) -> None:
    docker.add("app:1", Variant("amd64", TARS, CONFIG))
    Path("saved.tar").write_bytes(docker.saved("app:1"))
    for _ in range(2):
        result = run("compare", "docker-daemon:app:1", "oci-archive:saved.tar")
        assert (result.status, "Config: the same" in result.text) == (0, True), result.text


@pytest.mark.parametrize("command", ["tree", "history", "insight", "check", "verify", "extract"])
def test_the_platform_that_is_stored_is_opened(
    run: Run, docker: Docker29, command: str, tmp_path: Path
) -> None:
    """``docker pull --platform linux/arm64`` on amd64: inspect without a platform describes nothing."""
    amd64, arm = arm64("arm64")
    docker.add("multi:1", Variant("amd64", amd64.tars, is_stored=False), arm)
    arguments = ["/", tmp_path / "out"] if command == "extract" else []
    assert run(command, "docker-daemon:multi:1", *arguments).status == 0
    assert run("cat", "docker-daemon:multi:1", "/arch").out == b"arm64\n"
    assert [row["Layer"] for row in run("history", "docker-daemon:multi:1", "--json").objects] == [2, 1]


@pytest.mark.parametrize("command", ["tree", "history", "insight", "check", "verify", "extract", "cat"])
def test_an_image_of_which_nothing_is_stored_is_an_error(run: Run, docker: Docker29, command: str) -> None:
    docker.add("multi:1", *(Variant(each, TARS, is_stored=False) for each in ("amd64", "arm64")))
    arguments = {"extract": ("/", "out"), "cat": ("/etc/a",)}.get(command, ())
    result = run(command, "docker-daemon:multi:1", *arguments)
    assert (result.status, result.out) == (2, b"")
    assert (
        "docker-daemon:multi:1 is not stored" in result.err
        or "multi:1 is not stored for linux/" in result.err
    )
    assert "docker pull --platform linux/" in result.err


@pytest.mark.parametrize(
    "answer",
    [
        {"RootFS": {}, "Os": "", "Architecture": ""},
        {"RootFS": None, "Os": None},
        {"RootFS": {"Layers": None}, "Os": "linux", "Architecture": "amd64"},
    ],
    ids=["nothing", "nulls", "a history with layers"],
)
@pytest.mark.parametrize("command", ["tree", "check", "verify"])
def test_an_answer_that_says_nothing_is_an_error(
    run: Run, docker: Docker29, command: str, answer: dict[str, object]
) -> None:
    """Before API 1.48 no manifests are listed."""
    identity = docker.add("app:1", Variant("amd64", TARS))
    docker.version = "1.47"
    docker.answers["/images/app:1/json"] = {"Id": identity, "RepoTags": ["app:1"], **answer}
    result = run(command, "docker-daemon:app:1")
    assert (result.status, result.out) == (2, b"")
    assert result.err.startswith("layertui: Docker does not ")


def test_an_image_without_layers_is_not_an_error(run: Run, docker: Docker29) -> None:
    """``FROM scratch`` with only a label."""
    step = {"created_by": "LABEL a=b", "empty_layer": True}
    docker.add("empty:1", Variant("amd64", [], {"history": [step]}))
    assert (run("tree", "docker-daemon:empty:1").status, run("verify", "docker-daemon:empty:1").status) == (
        0,
        0,
    )


def test_a_platform_is_asked_for_alone(run: Run, docker: Docker29) -> None:
    docker.add("multi:1", *arm64("arm64"))
    result = run("cat", "--platform", "linux/arm64", "docker-daemon:multi:1", "/arch")
    assert (result.status, result.out) == (0, b"arm64\n")
    (request,) = (parameters for path, parameters in docker.asked if path.endswith("/get"))
    assert json.loads(request["platform"]) == {"os": "linux", "architecture": "arm64"}
    assert run("cat", "docker-daemon:multi:1", "/arch").out == b"amd64\n"
    steps = run("history", "--platform", "linux/arm64", "docker-daemon:multi:1", "--json").objects
    assert [step["Layer"] for step in steps] == [2, 1]
    (inspected,) = json.loads(run("inspect", "--platform", "linux/arm64", "docker-daemon:multi:1").out)
    assert inspected["Architecture"] == "arm64"
    assert run("verify", "--platform", "linux/arm64", "docker-daemon:multi:1").status == 0


def test_only_the_platform_that_is_read_is_sent(run: Run, docker: Docker29) -> None:
    large = [tar_of({"f": Random(number).randbytes(50_000)}) for number in range(8)]
    docker.add("multi:1", *(Variant(f"cpu{number}", [tar]) for number, tar in enumerate(large)))
    assert run("tree", "--platform", "linux/cpu3", "docker-daemon:multi:1").status == 0
    one = docker.sent
    docker("/images/multi:1/get", {})
    assert one < (docker.sent - one) / 4


def test_a_platform_that_is_not_stored(run: Run, docker: Docker29) -> None:
    docker.add("multi:1", Variant("amd64", TARS), Variant("arm64", TARS, is_stored=False))
    result = run("tree", "--platform", "linux/arm64", "docker-daemon:multi:1")
    assert (result.status, result.err) == (
        2,
        "layertui: multi:1 is not stored for linux/arm64, stored: linux/amd64, "
        "docker pull --platform linux/arm64 multi:1 fetches it\n",
    )
    result = run("tree", "--platform", "linux/mips", "docker-daemon:multi:1")
    assert (result.status, "has no image for linux/mips" in result.err) == (2, True)


def test_the_list_has_the_platforms_that_are_stored(run: Run, docker: Docker29) -> None:
    docker.add("multi:1", *arm64("arm64"), Variant("s390x", TARS, is_stored=False))
    docker.add("app:1", Variant("amd64", TARS))
    for platform, names in (
        ("linux/amd64", ["multi", "app"]),
        ("linux/arm64", ["multi"]),
        ("linux/s390x", []),
    ):
        rows = run("images", "docker-daemon:", "--json", "--platform", platform).objects
        assert [row["Repository"] for row in rows] == names


def test_platforms_are_a_column_if_an_image_has_several(run: Run, docker: Docker29) -> None:
    docker.add("app:1", Variant("amd64", TARS))
    assert "PLATFORMS" not in run("images", "docker-daemon:").text
    docker.add("multi:1", *arm64("arm64"))
    Path("saved.tar").write_bytes(docker.saved("multi:1"))
    listed = run("images", "docker-daemon:", "saved.tar").lines
    assert "PLATFORMS" in listed[0]
    assert (
        sum("  linux/amd64, linux/arm64  " in line for line in listed) == 2
    )  # the engine's, and the archive's
    assert run("cat", "--platform", "linux/arm64", "saved.tar", "/arch").out == b"arm64\n"


def test_an_image_known_by_its_digest_alone(run: Run, docker: Docker29) -> None:
    """The containerd store lists the digest among the tags, too; ``docker images`` prints <none> as tag."""
    identity = docker.add("there/app:1", Variant("amd64", TARS))
    name = f"there/app@{identity}"
    docker.answers["/images/json"] = [{"Id": identity, "RepoTags": [name], "RepoDigests": [name], "Size": 5}]
    (row,) = run("images", "docker-daemon:", "--json").objects
    assert (row["Repository"], row["Tag"], row["Digest"]) == ("there/app", "<none>", identity)
    assert row["Reference"] == f"docker-daemon:{name}"
    docker.answers["/images/json"] = [{"Id": identity, "RepoTags": None, "RepoDigests": [name], "Size": 5}]
    assert run("images", "docker-daemon:", "--json").objects == [row]


def test_an_unknown_creation_time(run: Run, docker: Docker29) -> None:
    """Docker 28 and newer print N/A."""
    docker.add("app:1", Variant("amd64", TARS, {"created": None}))
    (row,) = run("images", "docker-daemon:", "--json").objects
    assert (row["CreatedAt"], row["CreatedSince"]) == (None, None)
    assert "N/A" in run("images", "docker-daemon:").text


def test_inspect_is_the_engines_own(run: Run, docker: Docker29) -> None:
    """No fields that its API dropped: ContainerConfig, VirtualSize."""
    identity = docker.add("app:1", Variant("amd64", TARS, CONFIG))
    (found,) = json.loads(run("inspect", "docker-daemon:app:1").out)
    assert found == docker(f"/images/{identity}/json", {})


def test_more_shared_than_the_image_has(run: Run, docker: Docker29) -> None:
    """As Docker 29 reports it for images that share unpacked layers: what is unique is unknown."""
    identity = docker.add("app:1", Variant("amd64", TARS))
    docker.answers["/images/json"] = [{"Id": identity, "RepoTags": ["app:1"], "Size": 100, "SharedSize": 140}]
    docker.answers["/containers/json"] = []
    (row,) = run("images", "docker-daemon:", "--json").objects
    assert (row["Size"], row["SharedSize"], row["UniqueSize"]) == (100, 140, None)


def test_year_one_is_no_time(run: Run, docker: Docker29) -> None:
    never = "0001-01-01T00:00:00Z"
    steps = [{"created": never, "created_by": f"COPY {number} /"} for number in (1, 2)]
    identity = docker.add("app:1", Variant("amd64", TARS, {"created": never, "history": steps}))
    Path("saved.tar").write_bytes(docker.saved("app:1"))
    for row in run("images", "saved.tar", "--json").objects:
        assert (row["CreatedAt"], row["CreatedSince"]) == (None, None)
    assert {row["CreatedAt"] for row in run("history", "oci-archive:saved.tar", "--json").objects} == {None}
    assert "N/A" in run("history", "oci-archive:saved.tar").text
    # The engine's history has a count of seconds.
    docker.answers[f"/images/{identity}/history"] = [
        {"Id": "<missing>", "Created": -62135596800, "CreatedBy": "COPY", "Size": 5} for _ in range(2)
    ]
    assert {row["CreatedAt"] for row in run("history", "docker-daemon:app:1", "--json").objects} == {None}
