"""Real registries: distribution's, the packaged one or another, on a loopback port, filled by skopeo or by hand."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.engines import run
from tests.layouts import digest
from tests.programs import need
from tests.waiting import SECONDS, wait_for

"""Seconds that a registry may take until it listens."""


@dataclass(frozen=True)
class Registry:
    """A registry on this machine."""

    host: str
    scheme: str = "http"

    def load(self, source: str, name: str, *options: str, same: bool = True) -> None:
        """Copy an image into the registry, the same to the byte unless skopeo may compress its layers."""
        need("skopeo")
        command = ["skopeo", "copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false"]
        command += ["--all", *(["--preserve-digests"] if same else [])]
        run(*command, *options, source, f"docker://{self.host}/{name}")

    def push_blob(self, repository: str, data: bytes, media_type: str) -> dict[str, Any]:
        """Store a blob; gives its descriptor."""
        base = f"{self.scheme}://{self.host}"
        begun = requests.post(f"{base}/v2/{repository}/blobs/uploads/", timeout=SECONDS)
        name = digest(data)
        joint = "&" if "?" in begun.headers["Location"] else "?"
        done = requests.put(f"{begun.headers['Location']}{joint}digest={name}", data=data, timeout=SECONDS)
        assert done.status_code == 201, done.text
        return {"mediaType": media_type, "digest": name, "size": len(data)}

    def push_manifest(self, repository: str, manifest: dict[str, Any], tag: str = "") -> dict[str, Any]:
        """Store a manifest or index, with or without a tag; gives its descriptor."""
        data = json.dumps(manifest).encode()
        url = f"{self.scheme}://{self.host}/v2/{repository}/manifests/{tag or digest(data)}"
        headers = {"Content-Type": manifest["mediaType"]}
        done = requests.put(url, data=data, headers=headers, timeout=SECONDS)
        assert done.status_code == 201, done.text
        return {"mediaType": manifest["mediaType"], "digest": digest(data), "size": len(data)}


@contextmanager
def docker_registry(
    directory: Path,
    http: dict[str, Any] | None = None,
    auth: dict[str, Any] | None = None,
    program: str = "docker-registry",
) -> Iterator[Registry]:
    """A registry that keeps its files in a directory; ``http`` and ``auth`` as in its configuration."""
    need(program)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config = {
        "version": "0.1",
        "log": {"accesslog": {"disabled": True}, "level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": True}},
        "http": {"addr": host, **(http or {})},
        **({"auth": auth} if auth else {}),
    }
    path = directory / "config.yml"
    path.write_text(json.dumps(config))  # JSON is YAML
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", path], stdout=log, stderr=log)
    try:
        _wait(host, process, directory / "log")
        yield Registry(host, "https" if http and "tls" in http else "http")
    finally:
        process.terminate()
        process.wait(SECONDS)


def _wait(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    name, _, port = host.partition(":")

    def answers() -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection((name, int(port)), 1).close()
            return True
        return False

    wait_for(lambda: process.poll() is not None or answers(), log.read_text)
    assert process.poll() is None, f"the registry does not start: {log.read_text()}"
