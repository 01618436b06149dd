"""Digests, ``algorithm:hexadecimal`` (OCI image specification, descriptor.md, "Digests")."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module

from layertui import TYPE_CHECKING
from layertui.model.errors import LayertuiError

if TYPE_CHECKING:
    from typing import Any


ALGORITHMS = ("sha256", "sha384", "sha512")
"""The algorithms that can be computed here."""
DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
"""The grammar of a digest in any algorithm; what matches is safe as part of a path."""
HEX = re.compile(r"[0-9a-f]{64}")
"""The hexadecimal part of a SHA-256 digest, which stores also use as an ID."""
_FEW_BYTES = 1 << 18
"""Bytes that Python's own module hashes in less time than OpenSSL takes to load."""
SHA256 = re.compile(rf"sha256:{HEX.pattern}")


class WrongDigest(LayertuiError):
    """The digest of ``subject``'s bytes is not the one that names them."""

    def __init__(self, subject: str, expected: str, found: str, remedy: str = "") -> None:
        self.subject = subject
        self.expected = expected
        self.found = found
        super().__init__(f"{subject}: wrong digest", f"expected {expected}, got {found}", remedy)


def wrong_digest(expected: str, found: str) -> str:
    """Describe a mismatch where the context names the subject."""
    return f"wrong digest: expected {expected}, got {found}"


def is_known(digest: str) -> bool:
    """Return whether a digest's algorithm can be computed here."""
    return digest.partition(":")[0] in ALGORITHMS


def algorithm_of(digest: str) -> str:
    """Return a digest's algorithm, ``sha256`` where it cannot be computed here or there is no digest."""
    return digest.partition(":")[0] if is_known(digest) else "sha256"


def digest_of(data: bytes, like: str = "sha256:") -> str:
    """Return the digest of bytes, in the algorithm of the digest ``like``.

    Raises :class:`LayertuiError` if that algorithm cannot be computed.
    """
    algorithm = like.partition(":")[0]
    if algorithm not in ALGORITHMS:
        raise LayertuiError(f"cannot check the digest {like}", f"unsupported algorithm {algorithm}")
    if algorithm == "sha256":
        return f"sha256:{sha256_hex(data)}"
    import hashlib

    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal.

    Of a document or a key by Python's own module, as ``random`` does it: hashlib loads OpenSSL, which takes longer.
    """
    digest: str = _sha256(len(data) <= _FEW_BYTES)(data).hexdigest()
    return digest


@cache
def _sha256(is_small: bool) -> Any:
    """Return what begins a SHA-256: quick to import, or quick for many bytes."""
    for name in ("_sha2", "_sha256") if is_small else ():  # since Python 3.12, and before
        try:
            return import_module(name).sha256
        except ImportError:
            continue
    return import_module("hashlib").sha256


def check_digest(data: bytes, expected: str, subject: str) -> None:
    """Raise :class:`WrongDigest` unless the bytes have the digest."""
    found = digest_of(data, expected)
    if found != expected:
        raise WrongDigest(subject, expected, found)
