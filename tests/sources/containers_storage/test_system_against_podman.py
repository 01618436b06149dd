"""Which store is the system's, by the files that the installed Podman reads, which it is asked for itself.

Each configuration is laid over the machine's in a mount namespace of its own: nothing of it is changed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from layertui.sources.containers_storage import system
from layertui.sources.containers_storage.system import system_place
from tests.engines import podman_user, run
from tests.programs import need

LAID_OVER = (
    "mount -t tmpfs tmpfs /var/lib && mount -t tmpfs tmpfs /run && mount --bind etc /etc/containers && "
    'mount --bind usr /usr/share/containers && exec "$@"'
)
ETC, USR, HOME, XDG = "etc/storage.conf", "usr/storage.conf", "home/.config/containers/storage.conf", "xdg/containers/storage.conf"  # fmt: skip


def conf(root: str = "", driver: str = "vfs", more: str = "", stores: str = "") -> str:
    """A file; ``@`` is the folder that all lie in."""
    lines = ["[storage]", f'driver = "{driver}"', 'runroot = "@/runroot"', more]
    lines += [f'graphroot = "@/{root}"'] if root else []
    lines += ["[storage.options]", f'additionalimagestores = ["@/{stores}"]'] if stores else []
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Case:
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


FOR_USERS = 'rootless_storage_path = "@/user/$USER$UID"'
CASES = {
    "nothing": Case(),
    "the distribution's": Case({USR: conf("usr")}),
    "the administrator's first": Case({ETC: conf("etc"), USR: conf("usr", "overlay")}),
    "a user's own": Case({ETC: conf("etc", "overlay"), HOME: conf("own")}),
    "a user's own without a root": Case({HOME: conf(more='rootless_storage_path = "@/less"')}),
    "of XDG": Case({ETC: conf("etc"), XDG: conf("xdg-root")}, {"XDG_CONFIG_HOME": "@/xdg"}),
    "data of XDG": Case({XDG: conf()}, {"XDG_CONFIG_HOME": "@/xdg", "XDG_DATA_HOME": "@/data"}),
    "named": Case({ETC: conf("etc"), "own.conf": conf("named")}, {"CONTAINERS_STORAGE_CONF": "@/own.conf"}),
    "for users": Case({ETC: conf("etc", more=FOR_USERS)}),
    "driver of the environment": Case({ETC: conf("etc", "overlay")}, {"STORAGE_DRIVER": "vfs"}),
    "driver of the environment alone": Case({}, {"STORAGE_DRIVER": "vfs"}),
    "variables": Case({ETC: conf("$NONE${USER}/$UID"), HOME: conf("own$UID-${USER}")}),
    "the driver's old name": Case({ETC: conf("etc", "overlay2"), HOME: conf("own", "overlay2")}),
    "additional": Case(
        {ETC: conf("etc", "overlay", stores="one"), HOME: conf("own", "overlay", stores="two")}
    ),
    "options of the environment": Case(
        {ETC: conf("etc", "overlay", stores="one")}, {"STORAGE_OPTS": "overlay.imagestore=@/two"}
    ),
    "no options of the environment": Case({ETC: conf("etc", "overlay", stores="one")}, {"STORAGE_OPTS": ""}),
    "what newer ones drop in": Case(
        {ETC: conf("etc"), "etc/storage.conf.d/1.conf": conf("dropped", "overlay")}
    ),
    "images elsewhere in newer ones": Case({ETC: conf("etc", "overlay", more='imagestore = "@/images"')}),
}
OTHERWISE = {
    ("user", "named"): "Podman 4.3 leaves a user's store where it is without that file",
    ("root", "data of XDG"): "Podman 4.3 refuses a file of root's without a graphroot",
    ("root", "a user's own without a root"): "only Podman 6 asks root's own file for the driver",
    ("root", "driver of the environment alone"): "only Podman 6 asks the environment where there is no file",
}
"""What later ones do otherwise than the one that is installed."""
QUESTIONS = [(who, name) for who in ("root", "user") for name in CASES if (who, name) not in OTHERWISE]


@pytest.fixture(scope="module")
def user() -> Iterator[tuple[list[str], Path]]:
    need("podman", "crun")
    with podman_user() as found:
        yield found


@pytest.mark.parametrize(("who", "name"), QUESTIONS)
def test_the_store_is_podmans(
    who: str, name: str, user: tuple[list[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_user, folder = user
    identity = folder.stat().st_uid if who == "user" else 0
    here = folder / str(QUESTIONS.index((who, name)))
    for source, copied in (("/etc/containers", "etc"), ("/usr/share/containers", "usr")):
        shutil.copytree(source, here / copied)
    for directory in ("home", "one", "two", "rt"):
        (here / directory).mkdir(0o700)
    for path, text in CASES[name].files.items():
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        (here / path).write_text(text.replace("@", str(here)))
    run("chown", "--recursive", str(identity), here)
    environment = {"HOME": f"{here}/home", "USER": "me", "XDG_RUNTIME_DIR": f"{here}/rt"}
    environment |= {key: value.replace("@", str(here)) for key, value in CASES[name].environment.items()}
    try:
        told = json.loads(
            run(
                *("env", f"--chdir={here}", "unshare", "--mount", "--propagation=slave"),
                *("sh", "-c", LAID_OVER, "sh"),
                *(as_user if who == "user" else ()),
                *("env", *(f"{key}={value}" for key, value in environment.items())),
                *("podman", "--cgroup-manager=cgroupfs", "--events-backend=file", "info", "--format=json"),
            )
        )["store"]
    finally:
        subprocess.run(["umount", "--lazy", *here.glob("*/overlay")], capture_output=True, check=False)
        for file in here.glob("rt/libpod/tmp/pause.pid"):  # it holds the user's namespaces
            os.kill(int(file.read_text()), signal.SIGTERM)
    for key in (
        "CONTAINERS_STORAGE_CONF",
        "STORAGE_DRIVER",
        "STORAGE_OPTS",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
    ):
        monkeypatch.delenv(key, raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(system, "CONFIGURATIONS", (str(here / ETC), str(here / USR)))
    monkeypatch.setattr(os, "geteuid", lambda: identity)
    ours = system_place()
    assert str(ours.root) == told["graphRoot"]
    assert ours.driver in ("", told["graphDriverName"]) and (ours.driver or not CASES[name].files)
    stores = [value for key, value in told["graphOptions"].items() if key.endswith(".imagestore")]
    assert list(map(str, ours.additional)) == stores
