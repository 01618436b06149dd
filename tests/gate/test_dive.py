"""A ``.dive-ci`` means what it means to dive.

Every verdict here is that of dive itself (0.13.2-0.20250516191726-d6c691947f8f, run with
``CI=true`` on the same image and file), but for its exit status of 1 for a file that it refuses.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui.gate.config import Config, load_config
from layertui.gate.limits import Ratio
from layertui.gate.rules import Rules, Verdict
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.sources import open_image
from tests.commands.samples import tar
from tests.gate.subjects import image_of, judged
from tests.other_projects import fixture


@pytest.fixture(scope="module")
def image() -> Image:
    return open_image(str(fixture("wagoodman+dive/.data/test-docker-image.tar")))


def verdict(image: Image, text: str, folder: Path) -> Verdict:
    (folder / ".dive-ci").write_text(text)
    return judged(image, load_config(None, folder))


def statuses(image: Image, text: str, folder: Path) -> str:
    """Efficiency, wasted bytes and wasted percent in one letter each."""
    return "".join(str(result.outcome.status)[0] for result in verdict(image, text, folder).results)


@pytest.mark.parametrize(
    "efficiency, wasted, percent, told",
    [
        # dive's own tests of its evaluator, and limits on the edge.
        ("0.99", "1B", "0.01", "fff"),
        ("0.9", "50kB", "0.5", "ppp"),
        ("disabled", "disabled", "disabled", "sss"),
        ("0.9", "1B", "0.5", "pfp"),
        ("0.9844212134184309", "32025", "0.4834911001404049", "ppp"),
        ("0.984421213418431", "32024", "0.4834911001404048", "fff"),
        ("0", "32.025kB", "1", "ppp"),
        ("1", "31 ki", ".5", "ffp"),
        ("off", "false", "' Disabled '", "sss"),
        ("''", "", "~", "ssf"),
    ],
)
def test_limits(efficiency: str, wasted: str, percent: str, told: str, image: Image, tmp_path: Path) -> None:
    text = f"rules:\n  lowestEfficiency: {efficiency}\n  highestWastedBytes: {wasted}\n  highestUserWastedPercent: {percent}\n"
    assert statuses(image, text, tmp_path) == told


@pytest.mark.parametrize(
    "text, told",
    [
        ("", "psf"),
        ("# nothing\n", "psf"),
        ("plugins: [a]\n", "psf"),
        ("rules:\n", "psf"),
        ("rules:\n  highestUserWastedPercent: 0.9\n---\nrules: [\n", "psp"),
        ("x: &x\n  highestUserWastedPercent: 0.9\nrules:\n  <<: *x\n", "psp"),
        ("\ufeffrules:\n  highestUserWastedPercent: 0.9\n", "psp"),
        ("rules:\n  highestUserWastedPercent: !!str 0.9\n", "psp"),
        ("rules:\n  1: 2\n  highest-user-wasted-percent: 0.9\n", "psf"),
    ],
)
def test_files(text: str, told: str, image: Image, tmp_path: Path) -> None:
    assert statuses(image, text, tmp_path) == told


def test_what_dive_does_not_know_is_ignored_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / ".dive-ci").write_text("rules:\n  lowest-efficiency: 0.99\n")
    assert load_config(None, tmp_path).warnings == [
        f"{tmp_path}/.dive-ci: lowest-efficiency is not a rule of dive, ignored as by dive"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "rules: [1]", "rules: abc", "- a", "hello", "rules: [", "rules:\n\tlowestEfficiency: 1",
        *(
            f"rules:\n  {rule}"
            for rule in (
                "lowestEfficiency: 1.1", "lowestEfficiency: -0.1", "lowestEfficiency: 95%", "lowestEfficiency: true",
                "lowestEfficiency: no", "lowestEfficiency: .inf", "lowestEfficiency: 2001-01-01", "lowestEfficiency: ' 1'",
                "lowestEfficiency: {a: 1}", "lowestEfficiency: [1]", "lowestEfficiency: 1\n  lowestEfficiency: 1",
                "highestWastedBytes: -5", "highestWastedBytes: 20 XB", "highestWastedBytes: 1e6",
                "highestUserWastedPercent: 20%",
            )
        ),
        "[" * 5000,
        "? !!python/object/apply:os.system [true]\n: x",
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_what_dive_refuses_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / ".dive-ci").write_text(text)
    with pytest.raises(LayertuiError, match=r"\.dive-ci"):
        load_config(None, tmp_path)


def test_no_bytes_above_the_first_layer(tmp_path: Path) -> None:
    """dive divides by zero then, and compares what comes of it."""
    rules = Config(None, Rules(highest_user_wasted_percent=Ratio(1.0)))
    assert str(judged(image_of(tar(("/a", b"1"))), rules).status) == "pass"
    twice = image_of(tar(("/a", b"1")), tar(("/a", b"")))
    assert str(judged(twice, rules).status) == "fail"
