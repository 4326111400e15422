"""Ed25519 signatures (RFC 8032) over documents, each kind of document apart.

What was signed as one kind can't be shown as another: the kind is part of what is signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from estate.core.errors import SignatureError


@dataclass(frozen=True)
class Signature:
    """A signature as it is kept beside its document.

    Parameters
    ----------
    key_id : str
        First 16 hex digits of the SHA-256 of the public key's 32 bytes.
    value : str
        The 64 bytes in base64.
    """

    key_id: str
    value: str


@dataclass(frozen=True, repr=False)
class SigningKey:
    """A private key; never printed."""

    private: Ed25519PrivateKey

    @property
    def key_id(self) -> str:
        """Name of the key."""
        return key_id(self.private.public_key())

    def sign(self, kind: str, document: str) -> Signature:
        """Sign a document of a kind, such as ``"evidence"``."""
        value = self.private.sign(_message(kind, document))
        return Signature(self.key_id, base64.b64encode(value).decode())


def key_id(public: Ed25519PublicKey) -> str:
    """Return the name of a public key."""
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def verify(
    what: str,
    kind: str,
    document: str,
    *,
    signature: Signature | None,
    trusted: Mapping[str, Ed25519PublicKey],
) -> None:
    """Check that a trusted key signed exactly this document as this kind.

    Parameters
    ----------
    what : str
        Name of the document, for the error.

    Raises
    ------
    SignatureError
        If there is no signature, its key is not trusted, or it is not of this document.
    """
    if signature is None:
        raise SignatureError(
            what, expected="a signature of this platform", got="none", todo="Train again: it is signed then."
        )
    public = trusted.get(signature.key_id)
    if public is None:
        raise SignatureError(
            what,
            expected=f"a signature of a trusted key ({', '.join(sorted(trusted)) or 'there are none'})",
            got=f"key {signature.key_id}",
            todo="See `leadloop keys list`; train again to have it signed by the present key.",
        )
    try:
        public.verify(base64.b64decode(signature.value, validate=True), _message(kind, document))
    except (InvalidSignature, binascii.Error) as error:
        raise SignatureError(
            what,
            expected=f"the document that key {signature.key_id} signed",
            got="another one",
            todo="It was changed after it was signed: do not use it; train again.",
        ) from error


def _message(kind: str, document: str) -> bytes:
    return f"leadloop {kind}\n{document}".encode()
