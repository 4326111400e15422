"""The keys of one installation.

::

    <home>/keys/signing.pem         private key, mode 0600: only where versions are judged
    <home>/keys/trusted/<id>.pem    public keys whose signatures count; old ones stay after a rotation
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from estate.core.errors import SignatureError
from estate.core.settings import Settings
from estate.signing.signature import SigningKey, key_id

TrustedKeys = Mapping[str, Ed25519PublicKey]
"""Public keys by their ids."""


@dataclass(frozen=True)
class KeyRing:
    """Where the keys of an installation lie.

    Parameters
    ----------
    signing : Path
        File of the private key.
    trusted : Path
        Folder of the public keys.
    """

    signing: Path
    trusted: Path

    def signing_key(self) -> SigningKey:
        """Read the private key.

        Raises
        ------
        SignatureError
            If it is not there, or is no Ed25519 key.
        """
        try:
            found = load_pem_private_key(self.signing.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise SignatureError(
                f"signing key {self.signing}",
                expected="an Ed25519 private key (PEM)",
                got=type(error).__name__,
                todo="Run `leadloop keys init`, or set LEADLOOP_SIGNING_KEYS.",
            ) from error
        if not isinstance(found, Ed25519PrivateKey):
            raise SignatureError(
                f"signing key {self.signing}", expected="an Ed25519 private key", got=type(found).__name__
            )
        return SigningKey(found)

    def trusted_keys(self) -> TrustedKeys:
        """Read every public key of the folder; none if there is no folder.

        Raises
        ------
        SignatureError
            If a file is no Ed25519 public key.
        """
        return dict(_public(path) for path in sorted(self.trusted.glob("*.pem")))

    def trust(self, public: Ed25519PublicKey) -> str:
        """Put a public key among the trusted ones; returns its id."""
        self.trusted.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = key_id(public)
        text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        _write(self.trusted / f"{name}.pem", text, mode=0o644)
        return name

    def make_signing_key(self) -> SigningKey:
        """Make a new private key, trust it, and sign with it from now on; the old ones stay trusted."""
        private = Ed25519PrivateKey.generate()
        self.signing.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.trust(private.public_key())  # first: what the new key signs must be believed at once
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(self.signing, pem, mode=0o600)
        return SigningKey(private)


def key_ring(settings: Settings) -> KeyRing:
    """Return where the settings say that the keys lie."""
    folder = settings.signing_keys or settings.home / "keys"
    return KeyRing(folder / "signing.pem", folder / "trusted")


def ensure_keys(settings: Settings) -> KeyRing:
    """Make the first key of an installation if there is none; safe to repeat."""
    ring = key_ring(settings)
    if not ring.signing.exists():
        ring.make_signing_key()
    return ring


def load_trusted(settings: Settings) -> TrustedKeys:
    """Return the trusted public keys."""
    return key_ring(settings).trusted_keys()


def _public(path: Path) -> tuple[str, Ed25519PublicKey]:
    try:
        found = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SignatureError(
            f"trusted key {path}", expected="an Ed25519 public key (PEM)", got=type(error).__name__
        ) from error
    if not isinstance(found, Ed25519PublicKey):
        raise SignatureError(
            f"trusted key {path}", expected="an Ed25519 public key", got=type(found).__name__
        )
    return key_id(found), found


def _write(path: Path, content: bytes, *, mode: int) -> None:
    # Never half there, and never readable by others, not even for a moment.
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
