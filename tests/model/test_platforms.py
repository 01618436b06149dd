"""Which of several platforms is meant, as containerd and Docker choose."""

from __future__ import annotations

import pytest

from layertui.model import platforms
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Platform


def choose(offered: str, wanted: str | None = None) -> str:
    """The one chosen of platforms written with spaces between."""
    return platforms.choose_platform(
        [(platforms.parse_platform(text), text) for text in offered.split()], wanted, "app"
    )


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layertui.model.platforms.machine_name", lambda: "x86_64")


@pytest.mark.parametrize(
    ("kernel", "platform"),
    [("x86_64", "linux/amd64"), ("AMD64", "linux/amd64"), ("aarch64", "linux/arm64"), ("armv7l", "linux/arm"),
     ("i686", "linux/386"), ("riscv64", "linux/riscv64"), ("loongarch64", "linux/loongarch64")],
)  # fmt: skip
def test_hosts_are_named_as_images_name_them(
    kernel: str, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layertui.model.platforms.machine_name", lambda: kernel)
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
        # containerd/platforms, database.go: names in any case, of distributions too, and variants without the v
        ("linux/arm/v6 linux/arm/7", "linux/arm/v7", "linux/arm/7"),
        ("linux/arm/v7 linux/arm/v6", "linux/arm/6", "linux/arm/v6"),
        ("linux/arm64/8", "linux/aarch64/v8", "linux/arm64/8"),
        ("linux/arm/v7 linux/arm/v6", "linux/armel", "linux/arm/v6"),
        ("linux/arm/v6 linux/arm/v7", "linux/armhf", "linux/arm/v7"),
        ("Linux/AMD64", "linux/x86-64", "Linux/AMD64"),
        ("linux/amd64 linux/arm64", "LINUX/ARM64", "linux/arm64"),
        ("darwin/arm64", "macos/aarch64", "darwin/arm64"),
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


WINDOWS = "windows(10.0.17763.5458)/amd64 windows(10.0.20348.2322)/amd64"


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("windows/amd64", "10.0.17763.5458"),
        ("windows(10.0.17763.5458)/amd64", "10.0.17763.5458"),
        ("windows(10.0.20348.2322)/amd64", "10.0.20348.2322"),
        ("windows(10.0.20348)/amd64", "10.0.20348.2322"),
        ("windows/amd64:10.0.20348.2322", "10.0.20348.2322"),
        ("windows/amd64:10.0.20348", "10.0.20348.2322"),
    ],
)
def test_versions_of_windows(wanted: str, chosen: str) -> None:
    """Written as containerd (``FormatAll``) and as buildx do."""
    assert choose(WINDOWS, wanted) == f"windows({chosen})/amd64"


@pytest.mark.parametrize(
    "wanted", ["windows(10.0.2)/amd64", "windows/amd64:10.0.26100", "windows(10.0.20348)/arm64"]
)
def test_another_version_is_another_platform(wanted: str) -> None:
    with pytest.raises(LayertuiError) as raised:
        choose(WINDOWS, wanted)
    assert raised.value.why == f"platforms: {WINDOWS.replace(' ', ', ')}"


def test_images_of_one_platform_are_distinguished_by_their_digests() -> None:
    offered = [
        (platforms.parse_platform(text), Descriptor("", f"sha256:{number:064}", 1))
        for number, text in enumerate([*WINDOWS.split(), "linux/s390x"])
    ]
    with pytest.raises(LayertuiError) as raised:
        platforms.choose_platform(offered, None, "app")
    first, second = WINDOWS.split()
    listed = f"{first} @sha256:{0:064}, {second} @sha256:{1:064}, linux/s390x"
    assert raised.value.why == f"platforms: {listed}"


def test_of_many_platforms_the_first_are_listed() -> None:
    with pytest.raises(LayertuiError, match=r"linux/x0, .*linux/x9 and 3 more, choose with --platform"):
        choose(" ".join(f"linux/x{number}" for number in range(13)))


@pytest.mark.parametrize(
    "text", ["windows(10.0.20348.2322)/amd64", "linux/arm/v7", "windows(10.0.1)/arm64/v8", "linux/amd64"]
)
def test_a_platform_is_written_as_it_is_read(text: str) -> None:
    assert str(platforms.parse_platform(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "linux",
        "linux/",
        "/amd64",
        "linux/arm/v7/x",
        "linux//v7",
        "windows()/amd64",
        "windows(10.0)/amd64:10.0",
        "windows(10.0/amd64",
        "linux/amd64:",
    ],
)
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(LayertuiError, match="not a platform"):
        platforms.parse_platform(text)
