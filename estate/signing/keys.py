"""The keys of one installation.

::

    <home>/keys/signing.pem         private key, mode 0600: only where versions are judged
    <home>/keys/trusted/<id>.pem    public keys whose signatures count; old ones stay after a rotation
    <home>/keys/revoked/<id>.pem    public keys whose signatures count no more, whatever ``trusted`` says
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from estate.core.errors import SignatureError
from estate.core.settings import Settings
from estate.signing.key_files import pem, read_all, write, written
from estate.signing.signature import SigningKey, key_id

KeyState = Literal["signing", "trusted", "revoked"]
TrustedKeys = Mapping[str, Ed25519PublicKey]
"""Public keys by their ids."""


@dataclass(frozen=True)
class ListedKey:
    """A key as a person sees it.

    Parameters
    ----------
    key_id : str
    state : "signing", "trusted" or "revoked"
        What it counts for now; the key that signs is trusted too.
    since : datetime
        When its file was written: made, or revoked.
    """

    key_id: str
    state: KeyState
    since: datetime


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
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
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
        """Read every public key of the folder that is not revoked; none if there is no folder.

        Raises
        ------
        SignatureError
            If a file is no Ed25519 public key.
        """
        revoked = read_all(self.revoked)
        return {name: key for name, (_, key) in read_all(self.trusted).items() if name not in revoked}

    @property
    def revoked(self) -> Path:
        """Folder of the public keys that count no more."""
        return self.trusted.with_name("revoked")

    def listed(self) -> list[ListedKey]:
        """Return every key that was ever trusted here, the oldest first.

        Raises
        ------
        SignatureError
            If a file is no key.
        """
        signing = self.signing_key().key_id if self.signing.exists() else None
        revoked, trusted = read_all(self.revoked), read_all(self.trusted)
        found = [ListedKey(name, "revoked", written(path)) for name, (path, _) in revoked.items()]
        for name, (path, _) in trusted.items():
            if name not in revoked:
                found.append(ListedKey(name, "signing" if name == signing else "trusted", written(path)))
        return sorted(found, key=lambda one: (one.since, one.key_id))

    def revoke(self, name: str) -> None:
        """Take a key out of the trusted ones, for ever; what it signed counts no more.

        Raises
        ------
        SignatureError
            If there is no such key, or it is the one that signs now.
        """
        found = read_all(self.trusted)
        if name not in found:
            raise SignatureError(
                f"key {name}",
                expected=f"one of the trusted keys ({', '.join(sorted(found)) or 'there are none'})",
                got="another one",
                todo="See `leadloop keys list`.",
            )
        if self.signing.exists() and self.signing_key().key_id == name:
            raise SignatureError(
                f"key {name}",
                expected="a key that signs no more",
                got="the one that signs now",
                todo="Run `leadloop keys rotate` first.",
            )
        path, public = found[name]
        self.revoked.mkdir(parents=True, exist_ok=True, mode=0o700)
        write(self.revoked / f"{name}.pem", pem(public), mode=0o644)  # first: it wins over `trusted`
        path.unlink()

    def trust(self, public: Ed25519PublicKey) -> str:
        """Put a public key among the trusted ones; returns its id."""
        self.trusted.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = key_id(public)
        write(self.trusted / f"{name}.pem", pem(public), mode=0o644)
        return name

    def make_signing_key(self) -> SigningKey:
        """Make a new private key, trust it, and sign with it from now on; the old ones stay trusted."""
        private = Ed25519PrivateKey.generate()
        self.signing.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.trust(private.public_key())  # first: what the new key signs must be believed at once
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write(self.signing, pem, mode=0o600)
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
