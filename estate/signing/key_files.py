"""Public keys as files, one each."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from estate.core.errors import SignatureError
from estate.signing.signature import key_id


def read_all(folder: Path) -> dict[str, tuple[Path, Ed25519PublicKey]]:
    """Read every public key of a folder by its id, with its file; none if there is no folder.

    Raises
    ------
    SignatureError
        If a file is no Ed25519 public key.
    """
    found: dict[str, tuple[Path, Ed25519PublicKey]] = {}
    for path in sorted(folder.glob("*.pem")):
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # revoked this moment
            continue
        except OSError as error:
            raise _no_key(path, type(error).__name__) from error
        public = _public(path, content)
        found[key_id(public)] = (path, public)
    return found


def _public(path: Path, content: bytes) -> Ed25519PublicKey:
    try:
        found = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(path, type(error).__name__) from error
    if not isinstance(found, Ed25519PublicKey):
        raise _no_key(path, type(found).__name__)
    return found


def _no_key(path: Path, got: str) -> SignatureError:
    return SignatureError(
        f"public key {path}",
        expected="an Ed25519 public key (PEM)",
        got=got,
        todo="Take the file away, or put the right one there.",
    )


def pem(public: Ed25519PublicKey) -> bytes:
    """Return a public key as a file holds it."""
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def written(path: Path) -> datetime:
    """Return when a file was written."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def write(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file whole or not at all, never readable by others than its mode says."""
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).chmod(mode)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
