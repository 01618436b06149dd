"""An engine that answers as Docker 29 does with its default store (moby v2.0.0-beta.24, API 1.56).

What is stood in for: IDs are digests of indexes, one ID has several platforms of which some are not
stored, and the config is in the save stream only. The live programs are in :mod:`tests.engines`.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.engines import unix_server
from tests.layouts import CONFIG, INDEX, LAYER, MANIFEST, digest

Answer = Callable[[str, Mapping[str, str]], object]
"""Of a path and its parameters: bytes, JSON, or ``None`` if there is no such thing."""
HOST = "amd64"
PROVENANCE = "https://slsa.dev/provenance/v1"


@contextmanager
def serving(socket: Path, answer: Answer) -> Iterator[str]:
    """The URL of an engine on a socket, whose answers come from a function."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            path = "/" + url.path.split("/", 2)[2] if url.path.startswith("/v1.") else url.path
            found = answer(unquote(path), {key: values[0] for key, values in parse_qs(url.query).items()})
            data = (
                found
                if isinstance(found, bytes)
                else json.dumps(
                    {"message": "no such thing"} if found is None else found, separators=(",", ":")
                ).encode()
            )
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def address_string(self) -> str:
            return "test"

        def log_message(self, *_: object) -> None:
            pass

    with unix_server(socket, Handler) as url:
        yield url


@dataclass
class Variant:
    """An image for one platform."""

    architecture: str
    tars: Sequence[bytes]
    config: Mapping[str, Any] = field(default_factory=dict)
    is_stored: bool = True
    statements: Sequence[bytes] = ()
    """In-toto statements that are attached to it."""

    def __post_init__(self) -> None:
        self.document = {
            "created": "2026-01-02T03:04:05.678Z",
            "architecture": self.architecture,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in self.tars]},
            "history": [
                {"created": "2026-01-02T03:04:05.678Z", "created_by": f"COPY {number} / # buildkit"}
                for number in range(1, len(self.tars) + 1)
            ],
            **self.config,
        }

    @property
    def platform(self) -> dict[str, str]:
        return {"architecture": self.architecture, "os": "linux"}


class Docker29:
    """What is in the store; call it with a path and parameters for the engine's answer."""

    def __init__(self, version: str = "1.56") -> None:
        self.version = version
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.answers: dict[str, object] = {}
        """By path, in place of the engine's own."""
        self.sent = 0
        """Bytes of all save streams."""
        self._blobs: dict[str, bytes] = {}
        self._images: dict[str, tuple[str, list[Variant], list[dict[str, Any]]]] = {}
        self._names: dict[str, str] = {}

    def add(self, name: str, *variants: Variant) -> str:
        """Store an image for some platforms as an index under a name; return its ID."""
        manifests, attestations = [], []
        for variant in variants:
            layers = [self._blob(f"{LAYER}+gzip", gzip.compress(tar, mtime=0)) for tar in variant.tars]
            manifests.append(
                {**self._manifest(variant.document, CONFIG, layers), "platform": variant.platform}
            )
            statements = [
                {
                    **self._blob("application/vnd.in-toto+json", data),
                    "annotations": {"in-toto.io/predicate-type": PROVENANCE},
                }
                for data in variant.statements
            ]
            if statements:
                about = {
                    "vnd.docker.reference.type": "attestation-manifest",
                    "vnd.docker.reference.digest": manifests[-1]["digest"],
                }
                made = self._manifest({"architecture": "unknown", "os": "unknown"}, CONFIG, statements)
                attestations.append(
                    {**made, "annotations": about, "platform": {"architecture": "unknown", "os": "unknown"}}
                )
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*manifests, *attestations]}
        top = self._blob(INDEX, json.dumps(index).encode())
        self._images[top["digest"]] = (name, list(variants), [*manifests, *attestations])
        self._names[name] = top["digest"]
        return str(top["digest"])

    def remove(self, name: str) -> None:
        del self._images[self._names.pop(name)]

    def identity(self, name: str) -> str:
        return self._names[name]

    def image(self, name: str) -> tuple[str, list[Variant], list[dict[str, Any]]]:
        """The name of an image, its platforms, and the descriptors of its manifests."""
        return self._images[self._names[name]]

    def config_digest(self, name: str, number: int = 0) -> str:
        """The digest of the config of one of an image's platforms."""
        _, _, manifests = self._images[self._names[name]]
        return str(json.loads(self._blobs[manifests[number]["digest"]])["config"]["digest"])

    def saved(self, name: str) -> bytes:
        """What ``docker save`` writes of all that is stored of an image."""
        return self._saved(self._names[name], None)

    def manifest(self, name: str, number: int = 0) -> dict[str, Any]:
        """The descriptor of the manifest of one of an image's platforms."""
        return self._images[self._names[name]][2][number]

    def __call__(self, path: str, parameters: Mapping[str, str]) -> object:
        self.asked.append((path, parameters))
        if path in self.answers:
            return self.answers[path]
        if path == "/version":
            return {"ApiVersion": self.version, "Version": "29.0.0"}
        if path == "/images/json":
            return [self._listed(identity, parameters) for identity in self._images]
        name, _, what = path.removeprefix("/images/").rpartition("/")
        identity = self._names.get(name, name)
        if identity not in self._images:
            return None
        wanted = json.loads(parameters["platform"]) if "platform" in parameters else None
        if what == "json":
            return self._inspected(identity, wanted, "manifests" in parameters)
        # Docker 29 sends nothing where it would put the host's platform into manifest.json but does not have it.
        number = self._number(identity, wanted, any_stored=what == "history")
        if number is None:
            return None
        if what == "history":
            return self._history(identity, number)
        if what == "attestations":
            return self._statements(identity, number)
        if what == "get":
            data = self._saved(identity, None if wanted is None else number)
            self.sent += len(data)
            return data
        return None

    def _number(
        self, identity: str, wanted: Mapping[str, str] | None, any_stored: bool = False
    ) -> int | None:
        """Which platform is meant; with none given the host's, and another's only if the host's is unknown."""
        _, variants, _ = self._images[identity]
        architectures = [variant.architecture for variant in variants]
        stored = [number for number, variant in enumerate(variants) if variant.is_stored]
        if wanted is not None:
            return next((number for number in stored if variants[number].platform == wanted), None)
        own = [number for number in stored if architectures[number] == HOST]
        if not own and HOST in architectures and not any_stored:
            return None
        return next(iter(own or stored), None)

    def _inspected(self, identity: str, wanted: Mapping[str, str] | None, manifests: bool) -> object:
        name, _, _ = self._images[identity]
        number = self._number(identity, wanted)
        if number is None and wanted is not None:
            return None
        answer: dict[str, Any] = {
            "Id": identity,
            "RepoTags": [name],
            "RepoDigests": [f"{name.rpartition(':')[0]}@{identity}"],
            "Architecture": "",
            "Os": "",
            "Size": 0,
            "RootFS": {},
            "Config": {},
            "GraphDriver": {"Data": None, "Name": "overlayfs"},
            "Descriptor": {"mediaType": INDEX, "digest": identity, "size": len(self._blobs[identity])},
            "Metadata": {"LastTagTime": "2026-01-02T03:04:05Z"},
        }
        if number is not None:
            variant = self._images[identity][1][number]
            answer |= {
                "Architecture": variant.architecture,
                "Os": "linux",
                "Size": sum(map(len, variant.tars)),
                "RootFS": {"Type": "layers", "Layers": variant.document["rootfs"]["diff_ids"]},
                "Config": variant.document["config"],
                **({"Created": variant.document["created"]} if variant.document.get("created") else {}),
            }
            if wanted is not None:
                answer["Descriptor"] = self._images[identity][2][number]
                answer["Id"] = answer["Descriptor"]["digest"]
        if manifests:
            answer["Manifests"] = self._manifests(identity)
        return answer

    def _manifests(self, identity: str) -> list[dict[str, Any]]:
        _, variants, manifests = self._images[identity]
        found: list[dict[str, Any]] = []
        for number, descriptor in enumerate(manifests):
            common = {"ID": descriptor["digest"], "Descriptor": descriptor}
            if number < len(variants):
                data = {"Platform": variants[number].platform, "Size": {"Unpacked": 0}, "Containers": None}
                stored = variants[number].is_stored
                found.append({**common, "Available": stored, "Kind": "image", "ImageData": data})
            else:
                about = {"For": descriptor["annotations"]["vnd.docker.reference.digest"]}
                found.append({**common, "Available": True, "Kind": "attestation", "AttestationData": about})
        return found

    def _listed(self, identity: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        inspected: Any = self._inspected(identity, None, "manifests" in parameters)
        keys = ("Id", "RepoTags", "RepoDigests", "Size", "Descriptor", "Manifests")
        return {
            **{key: inspected[key] for key in keys if key in inspected},
            "Created": 1767323045 if "Created" in inspected else 0,
            "Labels": inspected["Config"].get("Labels"),
            "SharedSize": -1,
            "Containers": -1,
        }

    def _history(self, identity: str, number: int) -> list[dict[str, Any]]:
        variant = self._images[identity][1][number]
        sizes = iter([len(tar) for tar in reversed(variant.tars)])
        steps: list[dict[str, Any]] = [
            {
                "Id": "<missing>",
                "Created": 1767323045,
                "CreatedBy": step.get("created_by", ""),
                "Comment": step.get("comment", ""),
                "Size": 0 if step.get("empty_layer") else next(sizes),
                "Tags": None,
            }
            for step in reversed(variant.document["history"])
        ]
        steps[0] |= {"Id": identity, "Tags": [self._images[identity][0]]}
        return steps

    def _statements(self, identity: str, number: int) -> list[dict[str, Any]]:
        _, variants, manifests = self._images[identity]
        about = manifests[number]["digest"]
        found = []
        for each in manifests[len(variants) :]:
            if each["annotations"]["vnd.docker.reference.digest"] == about:
                for layer in json.loads(self._blobs[each["digest"]])["layers"]:
                    statement = json.loads(self._blobs[layer["digest"]])
                    found.append({"Descriptor": layer, "PredicateType": PROVENANCE, "Statement": statement})
        return found

    def _saved(self, identity: str, number: int | None) -> bytes:
        """All that is stored, or one platform without its index and attestations."""
        name, variants, manifests = self._images[identity]
        kept = {manifests[number]["digest"]} if number is not None else {identity}
        if number is None:
            kept |= {
                each["digest"]
                for position, each in enumerate(manifests)
                if position >= len(variants) or variants[position].is_stored
            }
        for each in list(kept - {identity}):
            manifest = json.loads(self._blobs[each])
            kept |= {manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
        whole = {"mediaType": INDEX, "digest": identity, "size": len(self._blobs[identity])}
        names = {"io.containerd.image.name": f"docker.io/library/{name}"}
        top = {**(whole if number is None else manifests[number]), "annotations": names}
        members = {f"blobs/sha256/{each[7:]}": self._blobs[each] for each in kept}
        members["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [top]}).encode()
        best = self._number(identity, None, any_stored=True) if number is None else number
        if best is not None:
            manifest = json.loads(self._blobs[manifests[best]["digest"]])
            paths = [
                f"blobs/sha256/{each['digest'][7:]}" for each in (manifest["config"], *manifest["layers"])
            ]
            item = {"Config": paths[0], "RepoTags": [name], "Layers": paths[1:]}
            members["manifest.json"] = json.dumps([item]).encode()
        members["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for path in sorted(members):
                member = tarfile.TarInfo(path)
                member.size = len(members[path])
                archive.addfile(member, io.BytesIO(members[path]))
        return buffer.getvalue()

    def _manifest(self, config: object, config_type: str, layers: list[dict[str, Any]]) -> dict[str, Any]:
        described = self._blob(config_type, json.dumps(config).encode())
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": layers}
        return self._blob(MANIFEST, json.dumps(manifest).encode())

    def _blob(self, media_type: str, data: bytes) -> dict[str, Any]:
        self._blobs[digest(data)] = data
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}
