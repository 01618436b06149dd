"""How configs differ, field by field."""

from collections.abc import Mapping

from layertui.compare.config import config_changes

Config = Mapping[str, object]


def told(a: Config, b: Config) -> dict[str, tuple[object, object]]:
    return {row.field: (row.a, row.b) for row in config_changes(a, b)}


def test_fields_of_all_depths() -> None:
    a = {
        "architecture": "amd64",
        "created": "2026-01-01T00:00:00Z",
        "config": {
            "Env": ["PATH=/bin", "A=1", "GONE="],
            "Cmd": ["sh"],
            "Labels": {"version": "1", "empty": ""},
            "ExposedPorts": {"80/tcp": {}},
            "Healthcheck": {"Test": ["CMD", "x"], "Interval": 5},
        },
    }
    b = {
        "architecture": "arm64",
        "created": "2026-01-01T00:00:00Z",
        "config": {
            "Env": ["PATH=/bin", "A=2"],
            "Cmd": ["sh", "-c"],
            "Labels": {"version": "1"},
            "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
            "Healthcheck": {"Test": ["CMD", "x"], "Interval": 6},
            "User": "1000",
        },
    }
    assert told(a, b) == {
        "architecture": ("amd64", "arm64"),
        "config.Cmd": (["sh"], ["sh", "-c"]),
        "config.Env.A": ("1", "2"),
        "config.Env.GONE": ("", None),
        "config.ExposedPorts.443/tcp": (None, {}),
        "config.Healthcheck.Interval": (5, 6),
        "config.Labels.empty": ("", None),
        "config.User": (None, "1000"),
    }
    assert told(a, a) == {}


def test_not_set_is_not_set_however_it_is_written() -> None:
    a = {"author": "", "config": {"Entrypoint": None, "Volumes": None, "Tty": False, "Labels": {}}}
    assert told(a, {"config": {"User": ""}}) == {}
    assert told(a, {}) == {}
    assert told({}, {"config": None}) == {}


def test_the_order_of_variables() -> None:
    a, b = ({"config": {"Env": words}} for words in (["A=1", "B=$A"], ["B=$A", "A=1"]))
    assert told(a, b) == {"config.Env": (["A=1", "B=$A"], ["B=$A", "A=1"])}


def test_what_layers_and_builders_tell_is_left_out() -> None:
    a = {"rootfs": {"diff_ids": ["a"]}, "history": [{}], "container": "1", "container_config": {"Cmd": ["x"]}}
    assert told(a, {}) == {}


def test_fields_of_strange_types() -> None:
    a = {"config": {"Env": [1, None], "Labels": ["x"], "Healthcheck": "y", "ExposedPorts": "80"}}
    assert set(told(a, {"config": []})) == {
        "config.Env", "config.ExposedPorts", "config.Healthcheck", "config.Labels",
    }  # fmt: skip


def test_what_a_builder_recorded_of_its_own_build_is_no_difference() -> None:
    """The legacy builder writes its parent image and, before Docker 17, its container's name into ``config``."""
    a = {"config": {"Image": "sha256:aa", "Hostname": "8ddc19f16526", "Cmd": ["sh"]}, "container": "8ddc19"}
    b = {"config": {"Image": "sha256:bb", "Hostname": "1a2b3c4d5e6f", "Cmd": ["sh"]}, "container": "1a2b3c"}
    assert told(a, b) == {}
    assert told(a, {"config": {"Cmd": ["sh"]}}) == {}
