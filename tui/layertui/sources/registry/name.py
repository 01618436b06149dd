"""Names of images in registries, as docker writes them (distribution/reference: regexp.go, normalize.go)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from layertui.model.errors import LayertuiError

DOCKER_HUB = "docker.io"

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
MAX_NAME = 255
"""Letters of host and repository together, at most."""


@dataclass(frozen=True, slots=True)
class Name:
    """``HOST/REPOSITORY[:TAG][@DIGEST]`` with nothing left to be understood but the tag."""

    host: str
    """``docker.io``, ``localhost:5000``."""
    repository: str
    """``library/nginx``."""
    tag: str = ""
    digest: str = ""
    """What counts, where there is a tag too."""

    @property
    def wanted(self) -> str:
        """What to ask the registry for: the digest, the tag, or ``latest``."""
        return self.digest or self.tag or "latest"

    @property
    def familiar(self) -> str:
        """Host and repository as people write them: without what docker adds."""
        if self.host != DOCKER_HUB:
            return f"{self.host}/{self.repository}"
        return self.repository.removeprefix("library/")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.host}/{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_name(text: str) -> Name:
    """Return the name in ``[//][HOST/]REPO[:TAG][@DIGEST]``.

    The part before the first slash is a host if it could be nothing else: with a dot, a
    colon or a capital letter, or ``localhost``. Raises :class:`LayertuiError` if it is not a name.
    """
    rest = text.removeprefix("//")
    rest, at_sign, digest = rest.partition("@")
    if at_sign and not _DIGEST.fullmatch(digest):
        raise _wrong(text, f"{digest or 'nothing'} is not a digest")
    head, slash, path = rest.partition("/")
    if not slash or not (re.search(r"[.:A-Z]", head) or head == "localhost"):
        head, path = DOCKER_HUB, rest
    host = DOCKER_HUB if head == "index.docker.io" else head
    if not _DOMAIN.fullmatch(host):
        raise _wrong(text, f"{host or 'nothing'} is not a host")
    repository, colon, tag = path.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise _wrong(text, f"{tag or 'nothing'} is not a tag")
    if not _PATH.fullmatch(repository):
        why = "repositories are lower case" if repository != repository.lower() else "no repository"
        raise _wrong(text, why if repository else "it names no repository")
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    if len(host) + 1 + len(repository) > MAX_NAME:
        raise _wrong(text, f"longer than {MAX_NAME} letters")
    return Name(host, repository, tag, digest)


def _wrong(text: str, why: str) -> LayertuiError:
    return LayertuiError(f"docker:{text} is not a name", why, "write docker://[HOST/]REPO[:TAG|@DIGEST]")
