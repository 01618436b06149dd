"""Which of several platforms is meant, as containerd and Docker choose."""

from __future__ import annotations

import pytest

from layertui.model import platforms
from layertui.model.errors import LayertuiError
from layertui.model.image import Platform


def choose(offered: str, wanted: str | None = None) -> str:
    """The one chosen of platforms written with spaces between."""
    return platforms.choose_platform(
        [(platforms.parse_platform(text), text) for text in offered.split()], wanted, "app"
    )


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


@pytest.mark.parametrize(
    ("kernel", "platform"),
    [("x86_64", "linux/amd64"), ("AMD64", "linux/amd64"), ("aarch64", "linux/arm64"), ("armv7l", "linux/arm"),
     ("i686", "linux/386"), ("riscv64", "linux/riscv64"), ("loongarch64", "linux/loongarch64")],
)  # fmt: skip
def test_hosts_are_named_as_images_name_them(
    kernel: str, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: kernel)
    assert str(platforms.host_platform()) == platform


def test_host_first_then_the_only_one() -> None:
    assert choose("linux/arm64 linux/amd64 linux/s390x") == "linux/amd64"
    assert choose("linux/s390x") == "linux/s390x"
    assert choose("windows/amd64") == "windows/amd64"


def test_several_others_are_listed() -> None:
    with pytest.raises(LayertuiError) as raised:
        choose("linux/arm64 linux/s390x linux/arm64 windows/amd64")
    assert raised.value.what == "app has no image for linux/amd64"
    assert raised.value.why == "platforms: linux/arm64, linux/s390x, windows/amd64"
    assert raised.value.remedy == "choose with --platform"


def test_the_one_asked_for_or_an_error_that_lists_them_even_if_there_is_only_one() -> None:
    assert choose("linux/amd64 linux/s390x", "linux/s390x") == "linux/s390x"
    for offered in ("linux/s390x", "linux/amd64 linux/s390x"):
        with pytest.raises(LayertuiError) as raised:
            choose(offered, "linux/arm64")
        assert raised.value.why == "platforms: " + offered.replace(" ", ", ")
    with pytest.raises(LayertuiError, match="platforms: none"):
        platforms.choose_platform([], "linux/arm64", "app")


@pytest.mark.parametrize(
    ("offered", "wanted", "chosen"),
    [
        ("linux/arm64/v8", "linux/arm64", "linux/arm64/v8"),
        ("linux/arm64", "linux/arm64/v8", "linux/arm64"),
        ("linux/arm/v6 linux/arm/v7", "linux/arm", "linux/arm/v7"),
        ("linux/arm/v6 linux/arm/v5", "linux/arm", "linux/arm/v6"),
        ("linux/arm/v7 linux/arm/v6", "linux/arm/v6", "linux/arm/v6"),
        ("linux/amd64/v3 linux/amd64", None, "linux/amd64"),
        ("linux/amd64/v3 linux/amd64/v2", None, "linux/amd64/v3"),
        ("linux/amd64 linux/amd64/v3", "linux/amd64/v3", "linux/amd64/v3"),
        ("linux/amd64", "linux/amd64/v1", "linux/amd64"),
    ],
)
def test_a_variant_left_out_is_the_usual_one_else_any(offered: str, wanted: str | None, chosen: str) -> None:
    assert choose(offered, wanted) == chosen


def test_another_variant_is_another_platform() -> None:
    with pytest.raises(LayertuiError, match=r"has no image for linux/arm/v6, platforms: linux/arm/v7"):
        choose("linux/arm/v7", "linux/arm/v6")


@pytest.mark.parametrize(("offered", "wanted"), [("linux/aarch64", "linux/arm64"), ("linux/arm64", "linux/aarch64"),
                                                 ("linux/x86_64 linux/arm64", None)])  # fmt: skip
def test_the_kernels_names_are_understood(offered: str, wanted: str | None) -> None:
    assert choose(offered, wanted) == offered.split()[0]


def test_first_of_the_same_platform_counts() -> None:
    windows = [(Platform("windows", "amd64", os_version=version), version) for version in ("10.1", "10.2")]
    assert platforms.choose_platform(windows, "windows/amd64", "app") == "10.1"


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "linux/arm/v7/x", "linux//v7"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(LayertuiError, match="not a platform"):
        platforms.parse_platform(text)
