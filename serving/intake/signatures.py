"""Whether an event comes from the CRM: nobody else can sign its body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from estate.core.errors import SettingsError, SignatureError
from estate.core.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PUBLIC_KEY_HEADERS = ("x-ghl-signature", "x-wh-signature")
"""Base64; Ed25519 or RSA (PKCS #1 v1.5, SHA-256) over the body, as HighLevel signs."""
SECRET_HEADER = "x-signature"  # noqa: S105  the name of a header
"""``sha256=<hex>``: HMAC-SHA256 over the body with the shared secret."""

_END = b"-----END PUBLIC KEY-----"


class Signatures:
    """Checks signatures of bodies.

    Parameters
    ----------
    secret : bytes, optional
        For HMAC.
    keys : sequence of public keys
    """

    def __init__(self, secret: bytes | None, keys: tuple[RSAPublicKey | Ed25519PublicKey, ...]) -> None:
        self._secret, self._keys = secret, keys

    @property
    def usable(self) -> bool:
        """Whether any signature could be checked."""
        return self._secret is not None or bool(self._keys)

    def check(self, headers: Mapping[str, str], body: bytes) -> None:
        """Let a body pass that is signed.

        Raises
        ------
        SignatureError
            If it has no signature, or a wrong one.
        """
        asked = [*PUBLIC_KEY_HEADERS] * bool(self._keys) + [SECRET_HEADER] * (self._secret is not None)
        given = [name for name in asked if name in headers]
        if not given:
            raise SignatureError("signature", expected=f"the header {' or '.join(asked)}", got="none")
        for name in given:
            if name == SECRET_HEADER and self._secret is not None:
                right = f"sha256={hmac.new(self._secret, body, hashlib.sha256).hexdigest()}"
                if hmac.compare_digest(right.encode(), headers[name].strip().encode()):
                    return
            elif any(_signed(key, headers[name], body) for key in self._keys):
                return
        raise SignatureError(
            "signature",
            expected=f"that of this body in {' or '.join(given)}",
            got="another one",
            todo="It is over the bytes of the body as they are sent.",
        )


def load_signatures(settings: Settings) -> Signatures:
    """Return what the settings say of the CRM's signatures.

    Raises
    ------
    SettingsError
        If the file of keys can't be read or holds none.
    """
    secret = settings.crm_secret.get_secret_value().encode() if settings.crm_secret else None
    return Signatures(secret or None, _read_keys(settings.crm_keys) if settings.crm_keys else ())


def _read_keys(path: Path) -> tuple[RSAPublicKey | Ed25519PublicKey, ...]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        parts = [part + _END for part in path.read_bytes().split(_END)[:-1]]
        keys = [load_pem_public_key(part) for part in parts]
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        got = error.strerror if isinstance(error, OSError) else "something else"
        raise SettingsError(
            f"LEADLOOP_CRM_KEYS {path}", expected="public keys in PEM", got=got or ""
        ) from error
    usable = tuple(key for key in keys if isinstance(key, RSAPublicKey | Ed25519PublicKey))
    if len(usable) < len(keys) or not keys:
        got = "none" if not keys else "a key of another kind"
        raise SettingsError(f"LEADLOOP_CRM_KEYS {path}", expected="RSA or Ed25519 keys in PEM", got=got)
    return usable


def _signed(key: RSAPublicKey | Ed25519PublicKey, given: str, body: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        signature = base64.b64decode(given.strip(), validate=True)
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, body)
        else:
            key.verify(signature, body, PKCS1v15(), SHA256())
    except (binascii.Error, InvalidSignature, ValueError):
        return False
    return True
