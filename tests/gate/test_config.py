"""Files of rules: which one counts, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui.gate.config import load_config
from layertui.model.errors import LayertuiError

RULES = "[rules]\nsize = '1 MB'\n"


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def limits(folder: Path, file: Path | None = None) -> dict[str, object]:
    return dict(load_config(file, folder).rules.limits())


def test_the_first_file_that_is_there_counts(tmp_path: Path) -> None:
    assert limits(tmp_path) == {"lowest-efficiency": 0.9, "highest-user-wasted-percent": 0.1}
    assert load_config(None, tmp_path).file is None
    write(tmp_path, ".dive-ci", "rules:\n  lowestEfficiency: 0.8\n")
    assert limits(tmp_path) == {"lowest-efficiency": 0.8, "highest-user-wasted-percent": 0.1}
    project = write(tmp_path, "pyproject.toml", "[tool.ruff]\nline-length = 80\n")
    assert load_config(None, tmp_path).file == tmp_path / ".dive-ci"
    project.write_text("[tool.layertui.rules]\nsize = 5\n")
    assert limits(tmp_path) == {"size": 5}
    own = write(tmp_path, ".layertui.toml", RULES)
    assert load_config(None, tmp_path).file == own and limits(tmp_path) == {"size": 1_000_000}
    assert limits(tmp_path, tmp_path / ".dive-ci")["lowest-efficiency"] == 0.8  # unless one is named


def test_everything_that_can_be_set(tmp_path: Path) -> None:
    text = """
        ignore = ["/usr/share/doc"]
        baseline = "gate.json"
        [rules]
        lowest-efficiency = 1
        highest-wasted-bytes = 0
        highest-user-wasted-percent = 0.2
        reclaimable = "1MB"
        size = "1MB"
        growth = "5%"
        forbidden-paths = ["*.pem"]
        forbidden-in-layers = ["*.pem"]
        required-paths = ["/app"]
        setuid = []
        forbidden-packages = ["gcc"]
        secrets = {allow-paths = ["/a"], allow-rules = ["AWS access key"]}
    """
    config = load_config(write(tmp_path, "gate.toml", text), tmp_path)
    assert len(config.rules.limits()) == 12
    assert config.ignore == ("/usr/share/doc",)
    assert config.baseline == str(tmp_path / "gate.json")  # beside the file of rules
    image = load_config(write(tmp_path, "gate.toml", "baseline = 'app:1'\n" + RULES), tmp_path)
    assert image.baseline == "app:1"


@pytest.mark.parametrize(
    "text, told",
    [
        ("[rules", "cannot read FILE, invalid TOML: "),
        ("", "no rules in FILE, it has no table [rules] with a rule, see docs/check.md"),
        ("[rules]\n", "no rules in FILE, it has no table [rules] with a rule, see docs/check.md"),
        ("[rules]\nsecrets = false\nforbidden-paths = []", "no rules in FILE, all of its rules are disabled"),
        ("rule = 1\n" + RULES, "unknown rule in FILE, did you mean rules"),
        ("[rules]\nlowestEfficiency = 1", "unknown rules.lowestEfficiency in FILE, did you mean lowest-efficiency"),
        ("[rules]\nxyz = 1", "unknown rules.xyz in FILE, expected one of lowest-efficiency, "),
        ("[rules.secrets]\nallow = 1", "unknown rules.secrets.allow in FILE, did you mean allow-rules or allow-paths"),
        (
            "[rules.secrets]\nallow-rules = ['AWS acess key']",
            "unknown kind of secret AWS acess key in FILE, did you mean AWS access key",
        ),
        ("[rules]\nsize = '1 XB'", "rules.size in FILE has an invalid value, '1 XB' is not a size: expected bytes, or "),
        ("[rules]\nlowest-efficiency = 95", "rules.lowest-efficiency in FILE has an invalid value, 95 is not a ratio: "),
        ("[rules]\nsetuid = true", "rules.setuid in FILE has an invalid value, Expected `array | null`, got `bool`"),
        ("[rules]\nforbidden-paths = [1]", "rules.forbidden-paths[0] in FILE has an invalid value, Expected `str`, got `int`"),
        ("ignore = '/a'\n" + RULES, "ignore in FILE has an invalid value, Expected `array`, got `str`"),
        ("rules = 1", "rules in FILE has an invalid value, Expected `object`, got `int`"),
        ("ignore = ['.']\n" + RULES, "ignore in FILE has an invalid value, '.' matches no path: expected like /etc/passwd"),
        *(
            (f"[rules]\nforbidden-paths = ['{glob}']", f"rules.forbidden-paths in FILE has an invalid value, '{glob}' matches")
            for glob in ("", "/", "./a", "/./a", "../a", "/a/../b", "a//b", "a/.")
        ),
        ("[rules]\nforbidden-in-layers = ['./a']", "rules.forbidden-in-layers in FILE has an invalid value, './a' matches"),
        ("[rules]\nrequired-paths = ['./a']", "rules.required-paths in FILE has an invalid value, './a' matches no path"),
        ("[rules]\nsetuid = ['./a']", "rules.setuid in FILE has an invalid value, './a' matches no path"),
        ("[rules.secrets]\nallow-paths = ['./a']", "rules.secrets.allow-paths in FILE has an invalid value, './a' matches"),
        (
            "[rules]\nforbidden-packages = ['apk:a', 'deb:openssl']",
            "rules.forbidden-packages in FILE has an invalid value, deb:openssl matches no package, the kinds are "
            "dpkg, apk, rpm, python, npm, not deb, see docs/check.md",
        ),
        ("x = " + "[" * 100_000, "cannot read FILE, invalid TOML: "),
        ("\x00", "cannot read FILE, invalid TOML: "),
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_what_is_wrong_is_told(text: str, told: str, tmp_path: Path) -> None:
    file = write(tmp_path, ".layertui.toml", text)
    with pytest.raises(LayertuiError) as raised:
        load_config(None, tmp_path)
    assert str(raised.value).startswith(told.replace("FILE", str(file)))


def test_globs_that_may_match(tmp_path: Path) -> None:
    """Names may begin with dots; a colon of a version is no kind."""
    globs = ["a/", "//a", "/.git", "...", "**", "[a]"]
    packages = ["*", "*:a", "d*:a", "a=1:2", "npm:@a/b=1"]
    file = write(tmp_path, "g.toml", f"[rules]\nforbidden-paths = {globs}\nforbidden-packages = {packages}")
    assert load_config(file, tmp_path).rules.forbidden_paths == tuple(globs)


def test_a_byte_order_mark_is_no_part_of_the_rules(tmp_path: Path) -> None:
    for name in ("gate.toml", "dive"):
        text = (
            "[rules]\nlowest-efficiency = 0.5" if name.endswith("toml") else "rules: {lowestEfficiency: 0.5}"
        )
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert load_config(tmp_path / name, tmp_path).rules.lowest_efficiency == 0.5


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for name in ("no.toml", "no"):
        with pytest.raises(LayertuiError, match=f"cannot read .*/{name}, No such file"):
            load_config(tmp_path / name, tmp_path)
    (tmp_path / ".dive-ci").mkdir()
    with pytest.raises(LayertuiError, match=r"cannot read .*/\.dive-ci, Is a directory"):
        load_config(None, tmp_path)
    (tmp_path / "gate.toml").write_bytes(b"\xff")
    with pytest.raises(LayertuiError, match="it is not UTF-8"):
        load_config(tmp_path / "gate.toml", tmp_path)
