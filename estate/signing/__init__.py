"""Who may vouch for a version: Ed25519 keys on disk, signatures over documents."""

from estate.signing.keys import KeyRing, ListedKey, TrustedKeys, ensure_keys, key_ring, load_trusted
from estate.signing.signature import Signature, SigningKey, verify

__all__ = [
    "KeyRing",
    "ListedKey",
    "Signature",
    "SigningKey",
    "TrustedKeys",
    "ensure_keys",
    "key_ring",
    "load_trusted",
    "verify",
]
