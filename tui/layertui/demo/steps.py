"""The steps of the sample's Dockerfile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from layertui.demo import application, distribution
from layertui.demo.filesystem import Filesystem
from layertui.demo.packages import CACHE, DATABASE, SamplePackage, binary, install

HOME = "srv/quarry"
BASE_TIME = 1772442000  # 2026-03-02 09:00:00 UTC
BUILD_TIME = 1773050400  # 2026-03-09 10:00:00 UTC
QUARRY = (1000, 1000)
"""Owner and group of the application's files."""


@dataclass(frozen=True, slots=True)
class SampleStep:
    """One entry of the history, with the layer it made if it made one."""

    created: str
    created_by: str
    comment: str
    tar: bytes | None


def build() -> Iterator[SampleStep]:
    """Yield the steps, oldest first."""
    system = Filesystem(BASE_TIME)
    distribution.base(system)
    yield _step(system, "/bin/sh -c #(nop) ADD file:1b5a7d6e0c2f4938 in / ", changes=True, comment="")
    yield _step(system, '/bin/sh -c #(nop)  CMD ["/bin/sh"]', comment="")
    system.now = BUILD_TIME
    yield _step(system, "LABEL org.opencontainers.image.title=quarry")
    yield _step(system, "ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1")
    for created_by, change in _CHANGES:
        system.now += 41
        change(system)
        yield _step(system, created_by, changes=True)
    yield _step(system, "EXPOSE map[8080/tcp:{}]")
    yield _step(system, "USER quarry")
    yield _step(
        system, 'HEALTHCHECK &{["CMD-SHELL" "wget -qO- localhost:8080/health"] "30s" "3s" "0s" \'\\x03\'}'
    )
    yield _step(system, 'ENTRYPOINT ["/usr/local/bin/entrypoint.sh"]')
    yield _step(system, 'CMD ["python3" "app.py"]')


def _step(
    system: Filesystem, created_by: str, changes: bool = False, comment: str = "buildkit.dockerfile.v0"
) -> SampleStep:
    created = datetime.fromtimestamp(system.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return SampleStep(created, created_by, comment, system.commit() if changes else None)


def _add_packages(system: Filesystem) -> None:
    python = binary("python3.12", 16_000, "Python 3.12.9")
    install(
        system,
        SamplePackage(
            "python3",
            "3.12.9-r0",
            "High-level scripting language",
            "PSF-2.0",
            {
                "usr/bin/python3.12": (python, 0o755),
                "usr/lib/python3.12/json/__init__.py": ('"""JSON (JavaScript Object Notation)."""\n', 0o644),
                "usr/lib/python3.12/os.py": ('"""OS routines for NT or Posix."""\n', 0o644),
            },
        ),
        SamplePackage(
            "sqlite-libs",
            "3.45.3-r1",
            "Library of SQL in a file",
            "blessing",
            {"usr/lib/libsqlite3.so.0.8.6": (binary("libsqlite3.so.0", 9_000, "3.45.3"), 0o755)},
        ),
        SamplePackage(
            "stonecut",
            "1.0.3-r0",
            "Plans cuts so that little stone is wasted",
            "MIT",
            {"usr/lib/stonecut.so": (binary("stonecut.so", 6_000, "stonecut 1.0.3"), 0o755)},
        ),
        SamplePackage(
            "build-base",
            "0.5-r3",
            "Compiler and what it needs",
            "MIT",
            {
                "usr/bin/cc": (binary("cc", 5_000, "cc (Held) 13.2.1"), 0o755),
                "usr/include/stdio.h": ("#pragma once\nint printf(const char *, ...);\n", 0o644),
                "usr/include/stdlib.h": ("#pragma once\nvoid *malloc(unsigned long);\n", 0o644),
            },
        ),
        keep_cache=True,
    )
    system.link("usr/bin/python3", "usr/bin/python3.12")
    system.symlink("usr/bin/python", "python3")
    system.symlink("usr/lib/libsqlite3.so.0", "libsqlite3.so.0.8.6")


def _workdir(system: Filesystem) -> None:
    system.mkdir(HOME)


def _copy_application(system: Filesystem) -> None:
    for path, text in {
        "app.py": application.APP,
        "config/quarry.json": application.CONFIG,
        "README.md": application.README,
        "templates/index.html": application.INDEX_HTML,
        "static/quarry.css": application.STYLE,
        "static/orders.js": application.SCRIPT,
        "static/logo.svg": application.LOGO,
        "releases/1.0/NOTES": "First release.\n",
        "releases/1.1/NOTES": "Sandstone. Says so when the database is not ready.\n",
        "plugins/map/map.py": "def route(start, goal):\n    return [start, goal]\n",
        "plugins/map/tiles.json": json.dumps({"tiles": [[x, x * x % 17] for x in range(120)]}) + "\n",
        "exports": "One day a directory.\n",
        "docs/🪨 stones.md": "# Stones\n\n| stone | kg/m³ |\n|---|---|\n| granite | 2700 |\n",
        ".env": application.DOTENV_FILE,
    }.items():
        system.write(f"{HOME}/{path}", text)
    for language, greeting in application.GREETINGS.items():
        text = json.dumps({"greeting": greeting}, ensure_ascii=False) + "\n"
        system.write(f"{HOME}/locale/{language}.json", text)
    system.mkdir(f"{HOME}/deploy", 0o700)
    system.write(f"{HOME}/deploy/id_ed25519", application.DEPLOY_KEY, 0o600)
    system.symlink(f"{HOME}/current", "releases/1.0")
    system.write("etc/quarry/server.conf", application.SERVER_CONFIG)
    system.write("usr/local/bin/entrypoint.sh", application.ENTRYPOINT)


def _add_user(system: Filesystem) -> None:
    system.write(
        "etc/passwd", system.read("etc/passwd") + "quarry:x:1000:1000:quarry:/srv/quarry:/sbin/nologin\n"
    )
    system.write("etc/group", system.read("etc/group") + "quarry:x:1000:\n")
    system.write("etc/shadow", system.read("etc/shadow") + "quarry:!::0:::::\n")
    system.mkdir("var/lib/quarry", 0o750)
    for directory in (HOME, "var/lib/quarry"):
        system.chown(directory, *QUARRY)
    system.chmod("usr/local/bin/entrypoint.sh", 0o755)


def _delete_secrets(system: Filesystem) -> None:
    system.remove(f"{HOME}/.env")
    system.remove(f"{HOME}/deploy/id_ed25519")
    system.mkdir("var/log/quarry")
    system.write("var/log/quarry/access.log", application.access_log(160))
    system.link("var/log/quarry/access.log.1", "var/log/quarry/access.log")


def _delete_cache(system: Filesystem) -> None:
    for path in ("usr/bin/cc", "usr/include/stdio.h", "usr/include/stdlib.h"):
        system.remove(path)
    installed = system.read(DATABASE).split("\n\n")
    system.write(DATABASE, "\n\n".join(item for item in installed if "P:build-base\n" not in item))
    system.remove(CACHE)
    system.mkdir(CACHE)
    system.write("var/log/quarry/access.log", "")


def _configure(system: Filesystem) -> None:
    system.write("etc/quarry/server.conf", application.server_config_for_production())
    system.symlink(f"{HOME}/current", "releases/1.1")
    system.remove(f"{HOME}/plugins/map")
    system.write(f"{HOME}/plugins/map", "https://maps.quarry.example/\n")
    system.remove(f"{HOME}/exports")
    system.write(f"{HOME}/exports/2026/march.csv", "stone,kg\ngranite,5400\nslate,700\n")
    system.chown(f"{HOME}/exports", *QUARRY)
    system.move(f"{HOME}/static/logo.svg", f"{HOME}/static/quarry.svg")
    system.chmod(f"{HOME}/config/quarry.json", 0o640)
    system.touch(f"{HOME}/static/quarry.css")
    system.chown(f"{HOME}/static/orders.js", *QUARRY)


def _copy_release(system: Filesystem) -> None:
    system.write(f"{HOME}/app.py", application.app_1_1())
    system.write(f"{HOME}/templates/index.html", application.INDEX_HTML.replace("to order", "to your order"))
    stonecut = bytearray(binary("stonecut.so", 6_000, "stonecut 1.0.4"))
    stonecut[0x400:0x408] = b"\x90" * 8
    stonecut[0xC10:0xC14] = b"\xde\xad\xbe\xef"
    system.write("usr/lib/stonecut.so", bytes(stonecut))


_CHANGES: tuple[tuple[str, Callable[[Filesystem], None]], ...] = (
    (
        "RUN /bin/sh -c apk add python3 sqlite-libs stonecut build-base # buildkit",
        _add_packages,
    ),
    ("WORKDIR /srv/quarry", _workdir),
    ("COPY root/ / # buildkit", _copy_application),
    (
        "RUN /bin/sh -c adduser -D -h /srv/quarry quarry     && install -d -m 750 /var/lib/quarry"
        "     && chown -R quarry:quarry /srv/quarry /var/lib/quarry"
        "     && chmod +x /usr/local/bin/entrypoint.sh # buildkit",
        _add_user,
    ),
    (
        "RUN /bin/sh -c ./try-out.sh && rm .env deploy/id_ed25519 # buildkit",
        _delete_secrets,
    ),
    (
        "RUN /bin/sh -c apk del build-base     && rm -rf /var/cache/apk && mkdir /var/cache/apk"
        "     && : > /var/log/quarry/access.log # buildkit",
        _delete_cache,
    ),
    (
        "RUN |1 STAGE=production /bin/sh -c configure --stage=$STAGE     && ln -sfn releases/1.1 current"
        "     && mv static/logo.svg static/quarry.svg && chmod 640 config/quarry.json"
        "     && touch static/quarry.css # buildkit",
        _configure,
    ),
    ("COPY release-1.1/ / # buildkit", _copy_release),
)
