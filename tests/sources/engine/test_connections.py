"""Engines that listen on TCP with TLS and certificates of their own."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.sources import open_image
from tests.engines import docker_daemon, run
from tests.layouts import docker_archive
from tests.programs import need


def certificates(folder: Path) -> Path:
    """An authority, a server's certificate for 127.0.0.1 and a client's, named as docker names them."""
    need("openssl")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    def certificate(name: str, extension: str) -> None:
        openssl(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            f"/CN={name}",
            "-keyout",
            f"{name}-key.pem",
            "-out",
            f"{name}.csr",
        )
        (folder / f"{name}.ext").write_text(extension)
        openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial",
            "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}-cert.pem",
        )  # fmt: skip

    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=authority",
        "-keyout",
        "ca-key.pem",
        "-out",
        "ca.pem",
    )
    certificate("server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    certificate("client", "extendedKeyUsage=clientAuth\n")
    (folder / "client-cert.pem").rename(folder / "cert.pem")
    (folder / "client-key.pem").rename(folder / "key.pem")
    return folder


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A daemon that has the sample and listens on loopback for those with a certificate, and the certificates."""
    folder = certificates(tmp_path_factory.mktemp("certificates"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = (
        f"--host=tcp://127.0.0.1:{port}",
        "--tlsverify",
        f"--tlscacert={folder / 'ca.pem'}",
        f"--tlscert={folder / 'server-cert.pem'}",
        f"--tlskey={folder / 'server-key.pem'}",
    )
    with docker_daemon(Path(tempfile.mkdtemp(prefix="layertui-")), options=options) as docker:
        docker_archive(folder / "sample.tar", demo.image())
        docker("load", "--input", folder / "sample.tar")
        yield f"tcp://127.0.0.1:{port}", folder


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


def whole(reference: str) -> bool:
    """Whether an image is the sample, all of its layers read."""
    image = open_image(reference)
    return image.id == demo.image().id and not any(index_layer(layer, None).damage for layer in image.layers)


def test_tls_by_environment(remote: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    url, folder = remote
    monkeypatch.setenv("DOCKER_HOST", url)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(folder))
    assert whole(f"docker-daemon:{demo.SAMPLE_NAME}")
    # What lies in the daemon's directories is not asked for: they may be those of another machine.
    assert open_image(f"docker-daemon:{demo.SAMPLE_NAME}").arrival is not None


def test_tls_by_context(remote: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = remote
    name = hashlib.sha256(b"far").hexdigest()
    docker = tmp_path / "docker"
    meta, tls = docker / "contexts/meta" / name, docker / "contexts/tls" / name / "docker"
    meta.mkdir(parents=True)
    tls.mkdir(parents=True)
    endpoint = {"docker": {"Host": url, "SkipTLSVerify": False}}
    (meta / "meta.json").write_text(json.dumps({"Name": "far", "Metadata": {}, "Endpoints": endpoint}))
    for file in ("ca.pem", "cert.pem", "key.pem"):
        (tls / file).write_bytes((folder / file).read_bytes())
    (docker / "config.json").write_text(json.dumps({"currentContext": "far"}))
    assert run("docker", "--config", docker, "version", "--format", "{{.Server.Version}}").strip()
    assert whole(f"docker-daemon:{demo.SAMPLE_NAME}")


def test_without_a_certificate_it_is_said_why(
    remote: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", remote[0])
    with pytest.raises(LayertuiError, match="Client sent an HTTP request to an HTTPS server"):
        open_image(f"docker-daemon:{demo.SAMPLE_NAME}")


def test_a_certificate_of_another_authority_is_refused(
    remote: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless DOCKER_TLS asks for encryption alone, as docker takes it."""
    (tmp_path / "other").mkdir()
    other = certificates(tmp_path / "other")
    for file in ("cert.pem", "key.pem"):
        (other / file).write_bytes((remote[1] / file).read_bytes())
    monkeypatch.setenv("DOCKER_HOST", remote[0])
    monkeypatch.setenv("DOCKER_CERT_PATH", str(other))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    with pytest.raises(LayertuiError, match=r"TLS fails: .*certificate"):
        open_image(f"docker-daemon:{demo.SAMPLE_NAME}")
    monkeypatch.delenv("DOCKER_TLS_VERIFY")
    monkeypatch.setenv("DOCKER_TLS", "1")
    assert whole(f"docker-daemon:{demo.SAMPLE_NAME}")
