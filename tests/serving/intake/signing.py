"""Keys of a CRM, and what it signs with them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SECRET = "between the CRM and us"


class CrmKeys:
    """Both keys that HighLevel signs with, and their public file."""

    def __init__(self, folder: Path) -> None:
        self.rsa: RSAPrivateKey = generate_private_key(65537, 2048)
        self.ed25519 = Ed25519PrivateKey.generate()
        self.path = folder / "crm.pem"
        publics = (self.rsa.public_key(), self.ed25519.public_key())
        pems = [key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in publics]
        self.path.write_bytes(b"".join(pems))

    def headers(self, body: bytes, name: str = "x-wh-signature") -> dict[str, str]:
        if name == "x-wh-signature":
            signed = self.rsa.sign(body, PKCS1v15(), SHA256())
        else:
            signed = self.ed25519.sign(body)
        return {name: base64.b64encode(signed).decode(), "content-type": "application/json"}


def with_secret(body: bytes, secret: str = SECRET) -> dict[str, str]:
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-signature": f"sha256={signed}", "content-type": "application/json"}


def encoded(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload).encode()
