"""Dockerfiles that BuildKit builds, and its images as a fixture: ``buildkit.oci.tar.xz``.

Each instruction that makes a layer makes a path ``line-N`` with the number of its own line, so that the
layers themselves prove where they are from.

To record the fixture again: ``python -m tests.dockerfile.builds BUILDCTL ADDRESS``, with the address of a
buildkitd. A registry at :data:`REGISTRY` has to have ``dockerfile:1``: BuildKit's
``frontend/dockerfile/cmd/dockerfile-frontend`` as the entry point of an image.
"""

from __future__ import annotations

import io
import json
import lzma
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.content.archives import tar_of

FIXTURE = Path(__file__).with_name("buildkit.oci.tar.xz")
REGISTRY = "127.0.0.1:5003"
ONLINE = ("syntax", "registry", "registry-alone")
"""The cases that need the registry."""
MAX_BLOB = 20_000
"""Bytes of a blob from which the fixture leaves it out: the base image's shell."""


@dataclass(frozen=True)
class Case:
    """A Dockerfile and how it is built."""

    template: str
    """``@`` is the number of its line, ``@^`` that of the line above, ``@^^`` that of the one above it."""
    options: Sequence[str] = ()
    """Of the frontend."""
    file: str = "Dockerfile"
    encoding: str = "utf-8"
    output: str = ""
    """More attributes of the exporter."""
    provenance: str = "mode=max"

    @property
    def data(self) -> bytes:
        """The Dockerfile."""
        lines = [
            re.sub(r"@(\^*)", partial(_number, at), line)
            for at, line in enumerate(self.template.split("\n"), 1)
        ]
        return "\n".join(lines).encode(self.encoding)


def _number(at: int, found: re.Match[str]) -> str:
    return str(at - len(found[1]))


BASE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV PATH=/bin
COPY a /base
CMD ["sh"]
"""
TRIGGERS = """\
FROM base
ONBUILD COPY a /triggered-1
ONBUILD ENV T=1
ONBUILD RUN echo 2 > /triggered-2
CMD ["sh"]
"""

CASES = {
    "plain": Case("FROM scratch\nCOPY a /line-@\nADD b /line-@\nENV A=1 B=2\nLABEL x=y\nCMD [\"x\"]\n"),
    "base": Case("FROM base\nRUN touch /line-@\nCOPY a /line-@\nCMD [\"sh\"]\n"),
    "base-alone": Case("FROM base\nENV ONLY=context\n"),
    "stages": Case("""\
FROM base AS build
RUN touch /line-@ && echo out > /out
FROM base AS unused
RUN touch /line-@
FROM base AS other
COPY a /line-@
FROM base
COPY --from=build /out /line-@
RUN touch /line-@
COPY --from=other /line-6 /line-@
"""),
    "chain": Case("""\
FROM scratch AS first
COPY a /line-@
ENV A=1
FROM first AS second
ENV B=2
COPY b /line-@
FROM second AS third
FROM third
WORKDIR /line-@
LABEL c=3
"""),
    "heredocs": Case("""\
FROM base
RUN <<EOF
touch /line-@^; FROM() { :; }
FROM nothing
EOF
COPY <<A <<"B" /line-@/
RUN touch /never
A
COPY $x
B
RUN <<-'END OF' sh -s
\ttouch /line-@^; RUN() { :; }
\tRUN touch /never
\tEND OF
RUN cat <<ONE - <<TWO > /line-@
one
ONE
two
TWO
RUN ["touch", "<<EOF", "/line-@"]
RUN echo it is "<<EOF" > /line-@
RUN touch /line-@
"""),
    "mounts": Case("""\
FROM base AS build
RUN touch /made
FROM base
RUN --mount=type=cache,target=/cache touch /cache/x /line-@
RUN --mount=type=bind,source=sub,target=/sub,rw \\
    --mount=type=tmpfs,target=/t \\
    touch /sub/y /t/z /line-@^^
RUN --mount=type=bind,from=build,source=/made,target=/made cp /made /line-@
RUN --mount=type=secret,id=none --network=none touch /line-@
"""),
    "arguments": Case("""\
ARG FROM_NAME=nothing
ARG VERSION=1 OTHER="a b"
ARG SUFFIX=${OTHER:+e}
FROM base AS base-one
ARG VERSION
COPY a /line-@
FROM base AS base-two
COPY a /line-@
FROM ${FROM_NAME}-on${SUFFIX}
ARG VERSION
ARG SOURCE=b LATE=${VERSION}x
COPY ${SOURCE} /line-@
RUN echo $VERSION $LATE > /line-@
ARG SOURCE=a
RUN touch /line-@
""", ("build-arg:FROM_NAME=base", "build-arg:VERSION=1.2")),
    "onbuild": Case("FROM triggers AS last\nCOPY b /line-@\nONBUILD RUN touch /never\nENV C=3\nRUN touch /line-@\n"),
    "onbuild-inside": Case("""\
FROM base AS first
ONBUILD COPY a /line-6
COPY a /line-@
ENV A=1

FROM first
ENV B=2
COPY b /line-@
"""),
    "links": Case("""\
FROM base
COPY --link a /line-@
COPY --link --chmod=700 b /line-@
RUN touch /line-@
COPY --link --chown=5:6 sub /line-@
ADD --link b /line-@
ENV A=1
"""),
    "links-alone": Case("FROM scratch\nCOPY --link a /line-@\nCOPY --link b /line-@\n"),
    "comments": Case("""\
# A comment at the start: FROM nothing
#escape=`

FROM base
# RUN touch /never
RUN touch /line-@ && \\
# a comment inside
    # an indented one \\

    true
   # the next instruction is indented
   COPY a \\
   /line-@^
\t
RUN echo \\\\ > /line-@
RUN touch /line-@ # no comment
# the end"""),
    "escape": Case("""\
# escape=`
FROM base
RUN touch /line-@ `
    && echo \\
COPY `
  a `
  /line-@^^
RUN touch /line-@
"""),
    "crlf": Case("""\
# check=skip=all\r
FROM base AS x\r
RUN touch /line-@ && \\\r
    true\r
\r
COPY <<EOF /line-@\r
text\r
EOF\r
COPY a /line-@\r
"""),
    "subdirectory": Case("FROM base\nCOPY sub/c /line-@\n", ("filename=docker/app.Dockerfile",), "docker/app.Dockerfile"),
    "bom": Case("FROM base\nRUN touch /line-@\nCOPY a /line-@", (), "Dockerfile", "utf-8-sig"),
    "lower": Case("from base as Stage\n\trun\ttouch /line-@\n  copy a /line-@\nfrom stage\nenv a 1\nrUn touch /line-@\n"),
    "target": Case("""\
FROM base AS common
RUN touch /line-@
FROM common AS Test
COPY a /line-@
FROM common AS release
COPY b /line-@
""", ("target=test",)),
    "same": Case("""\
FROM base AS one
COPY a /line-5
RUN touch /out
FROM base
COPY a /line-@
COPY --from=one /out /line-@
RUN touch /line-@
"""),
    "config-alone": Case("FROM scratch\nENV A=1\nLABEL b=2\n"),
    "everything": Case("""\
# syntax-like comment
FROM base
MAINTAINER me
SHELL ["/bin/sh", "-e", "-c"]
WORKDIR /line-@
WORKDIR line-@
ADD archive.tar /line-@/
VOLUME /data
USER 7:8
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s CMD true
EXPOSE 80 90/udp
USER 0
RUN touch /line-@
WORKDIR /line-5
ENTRYPOINT ["sh", "-c"]
CMD true
"""),
    "bytes": Case("FROM base\n# n\xe4ch\x85ste \u00a0Zeile\nRUN touch /line-@\nCOPY a /line-@\n", (), "Dockerfile", "latin-1"),
    "platforms": Case("""\
FROM scratch AS for-amd64
COPY a /line-@
FROM scratch AS for-arm64
COPY b /line-@
FROM for-${TARGETARCH}
ARG TARGETPLATFORM
COPY sub /line-@
""", ("platform=linux/amd64,linux/arm64",)),
    "context": Case("""\
FROM base AS replaced
COPY a /line-@
FROM replaced
COPY b /line-@
""", ("context:replaced=BASE",)),
    "slsa-02": Case("FROM base AS x\nRUN touch /line-@\nFROM x\nCOPY a /line-@\n", (), provenance="mode=max,version=v0.2"),
    "min": Case("FROM base AS x\nARG V=0\nRUN touch /line-@\n", ("build-arg:V=1", "target=x"), provenance="mode=min"),
    "min-02": Case("FROM base\nRUN touch /line-@\n", ("filename=sub.Dockerfile",), "sub.Dockerfile", provenance="mode=min,version=v0.2"),
    "zstd": Case("FROM base\nRUN touch /line-@\nCOPY a /line-@\n", output=",compression=zstd,force-compression=true"),
    "stargz": Case("FROM scratch\nCOPY a /line-@\nCOPY b /line-@\n", output=",compression=estargz,force-compression=true"),
    "rewritten": Case("FROM scratch\nCOPY a /line-@\n", ("build-arg:SOURCE_DATE_EPOCH=1",), output=",rewrite-timestamp=true"),
    "syntax": Case(f"# syntax={REGISTRY}/dockerfile:1\n\nFROM base\nRUN touch /line-@\nCOPY --exclude=b a /line-@\n"),
    "registry": Case(f"""\
FROM {REGISTRY}/base:1 AS first
RUN touch /line-@
FROM {REGISTRY}/base:1
COPY --from={REGISTRY}/base:1 /base /line-@
RUN --mount=from=first,target=/first touch /line-@
"""),
    "registry-alone": Case(f"FROM {REGISTRY}/base:1\nENV ONLY=config\n"),
}  # fmt: skip


class BuildKit:
    """Builds cases into a directory."""

    def __init__(self, buildctl: str, address: str, directory: Path) -> None:
        self._command = [
            buildctl,
            f"--addr={address}",
            "build",
            "--frontend=dockerfile.v0",
            "--progress=plain",
        ]
        self._directory = directory
        self._context = directory / "context"
        self._bases: dict[str, str] = {}
        write_context(self._context)
        self.add_base("base", BASE)
        self.add_base("triggers", TRIGGERS)

    def add_base(self, name: str, dockerfile: str) -> None:
        """Build an image that Dockerfiles may name."""
        archive = self.build(name, Case(dockerfile, provenance=""))
        layout = self._directory / "bases" / name
        layout.mkdir(parents=True)
        with tarfile.open(archive) as tar:
            tar.extractall(layout, filter="data")
        self._bases[name] = json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"]

    def build(self, name: str, case: Case) -> Path:
        """Build a case; return its archive."""
        archive = self._directory / f"{name}.tar"
        self._build(name, case, f"type=oci,dest={archive},name=test/{name}:1{case.output}")
        return archive

    def store(self, name: str, case: Case) -> None:
        """Build a case as ``test/NAME:1`` of the engine that BuildKit is part of."""
        self._build(name, case, f"type=image,name=docker.io/test/{name}:1{case.output}")

    def _build(self, name: str, case: Case, output: str) -> None:
        file = self._context / case.file
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(case.data)
        options = [f"--opt={each}" for each in ("force-network-mode=none", *case.options)]
        for each, digest in self._bases.items():
            options += [
                f"--oci-layout={each}={self._directory / 'bases' / each}",
                f"--opt=context:{each}=oci-layout://{each}@{digest}",
            ]
        options = [each.replace("=BASE", f"=oci-layout://base@{self._bases.get('base')}") for each in options]
        if case.provenance:
            options.append(f"--opt=attest:provenance={case.provenance}")
        command = [
            *self._command,
            f"--local=context={self._context}",
            f"--local=dockerfile={self._context}",
            *options,
            f"--output={output}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}"


def write_context(directory: Path) -> None:
    """Write the files that the cases copy."""
    (directory / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (directory / name).write_text(f"{name}\n")
    with tarfile.open(directory / "archive.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("line-7"), io.BytesIO())
    (directory / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (directory / "busybox").chmod(0o755)


def merged(archives: Mapping[str, Path]) -> bytes:
    """Return one archive of images by their tags, without large blobs."""
    blobs: dict[str, bytes] = {}
    manifests: list[dict[str, Any]] = []
    for tag, archive in archives.items():
        with tarfile.open(archive) as tar:
            stored = {each.name: file.read() for each in tar if (file := tar.extractfile(each)) is not None}
        blobs |= {
            name: data for name, data in stored.items() if name.startswith("blobs/") and len(data) <= MAX_BLOB
        }
        for each in json.loads(stored["index.json"])["manifests"]:
            manifests.append({**each, "annotations": {"org.opencontainers.image.ref.name": tag}})
    index = {"schemaVersion": 2, "manifests": manifests}
    files = {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.dumps(index).encode(),
        **dict(sorted(blobs.items())),
    }
    return tar_of(files)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        buildkit = BuildKit(sys.argv[1], sys.argv[2], Path(directory))
        base = Path(directory) / "bases" / "base"
        push = ["skopeo", "copy", "--dest-tls-verify=false", f"oci:{base}", f"docker://{REGISTRY}/base:1"]
        subprocess.run(push, check=True)
        archives = {name: buildkit.build(name, case) for name, case in CASES.items()}
        FIXTURE.write_bytes(lzma.compress(merged(archives), preset=9))
    print(f"{FIXTURE}: {len(archives)} images, {FIXTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
