"""An image whose every text tries to take over the terminal, or to break the screen."""

from __future__ import annotations

import json

from layertui import demo
from layertui.model.image import Image
from tests.images import layers_of
from tests.layers.tars import END, extended, file, header
from tests.layouts import CONFIG, LAYER, MANIFEST, digest

NUMBER = "6666"
"""In every sequence of the image; no program has a reason to write it."""
SEQUENCES = [
    f"\x1b]52;c;{NUMBER}\x07",  # writes the clipboard
    f"\x1b]0;title{NUMBER}\x1b\\",
    f"\x1b]8;;http://{NUMBER}.example\x07",
    f"\x1b[{NUMBER};{NUMBER}H\x1b[{NUMBER}m\x1b[2J",
    f"\x1bP{NUMBER}q\x1b\\",  # sixel
    f"\x1b_{NUMBER}\x1b\\",
    "\x1bc",  # resets the terminal
    f"\x9b{NUMBER}m\x9d52;c;{NUMBER}\x9c\x90{NUMBER}\x85",
    "\x07\x08\x7f\x0e\x0f\x0b\x0c\x05",
    "\r\n\t",
    "\u202e\u2066\u200f\u061c\u2028\u2029\u200b\ufeff",
    "\udc9b\udcff",  # bytes that are no UTF-8
    "[@click=app.quit]quit[/]",
    "[/nope]",
    "[bold",
    "$error {x} %s \\",
    "e\u0301\u0308" * 3,
    "漢字ｗｉｄｅ한글👩‍🚀🏳‍🌈",
]
EVIL = "<" + "".join(SEQUENCES) + ">"
NAME = EVIL.replace("/", "∕")
JSON = EVIL.replace("\udc9b\udcff", "\ud800\udfff\udc00\x00")
"""What JSON can hold: NUL, and halves of surrogate pairs."""
KEY = EVIL.replace("=", "")
DIRECTORY = f"/srv/{NAME}"
FILE = f"{DIRECTORY}/file{NAME}"


def image(platform: str = "amd64") -> Image:
    """Three layers: names, links, owners, contents; changes of all of them; a deletion, and a file that the
    same layer whites out."""
    tars = [
        _tar(
            (FILE, _bytes(f"one\n{EVIL}\nthree\n")),
            (f"{FILE}.py", _bytes(f"# {EVIL}\nprint('{EVIL}')\n")),
            (f"{FILE}.bin", b"\x00\x1b]52;c;6666\x07" * 40),
            (f"/gone{NAME}", _bytes(EVIL)),
            (f"/link{NAME}", f"->{EVIL}"),
        ),
        _tar(
            (FILE, _bytes(f"one\n{EVIL}{EVIL}\nfour\n")),
            (f"{FILE}.bin", b"\x00\x1b]52;c;6666\x08" * 40),
            (f"/.wh.gone{NAME}", b""),
        ),
        _tar((f"{DIRECTORY}/.wh.file{NAME}.py", b""), (f"{FILE}.py", _bytes(EVIL))),
    ]
    config = {
        "created": f"2026-01-02T03:04:05Z{JSON}",
        "author": JSON,
        "architecture": platform,
        "os": "linux",
        "variant": JSON,
        "config": {
            "User": JSON,
            "Env": [f"PATH={JSON}", f"{JSON}=1"],
            "Cmd": [JSON, "-x"],
            "Entrypoint": [JSON],
            "WorkingDir": JSON,
            "Labels": {JSON: JSON, "a": JSON},
            "ExposedPorts": {JSON: {}},
            "Volumes": {JSON: {}},
            "StopSignal": JSON,
            "Healthcheck": {"Test": ["CMD-SHELL", JSON]},
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]},
        "history": [
            {"created_by": f"/bin/sh -c {JSON} # buildkit", "comment": JSON, "author": JSON, "created": JSON},
            {"created_by": f"ENV {JSON}", "empty_layer": True},
            {"created_by": f"COPY {JSON * 50} /", "comment": "buildkit.dockerfile.v0"},
            {"created_by": JSON},
        ],
    }
    config_bytes = json.dumps(config).encode()
    layers = layers_of(tars)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest(config_bytes), "size": len(config_bytes)},
        "layers": [
            {
                "mediaType": LAYER,
                "digest": layer.diff_id,
                "size": layer.descriptor.size,
                "annotations": {JSON: JSON},
            }
            for layer in layers
        ],
        "annotations": {JSON: JSON},
    }
    return demo.image()._replace(
        tags=[f"{JSON}:{JSON}"],
        id=digest(config_bytes),
        config=config,
        config_bytes=config_bytes,
        manifest_bytes=json.dumps(manifest).encode(),
        layers=layers,
    )


def _tar(*members: tuple[str, str | bytes]) -> bytes:
    """A layer's tar of files and of symlinks (``->`` and the target), with hostile owners and xattrs."""
    tar = b""
    for path, content in members:
        records = [
            ("path", path.removeprefix("/")),
            ("uname", EVIL),
            ("gname", EVIL),
            (f"SCHILY.xattr.user.{KEY}", EVIL),
        ]
        if isinstance(content, str):
            records.append(("linkpath", content.removeprefix("->")))
            member = header(b"link", b"2")
        else:
            member = file(b"file", content)
        tar += extended(*((_bytes(key), _bytes(value)) for key, value in records)) + member
    return tar + END


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
