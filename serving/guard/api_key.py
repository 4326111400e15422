"""An API key, as it is kept: without its secret."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime
from enum import StrEnum

import msgspec

from estate.core.clock import now
from estate.core.errors import SettingsError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_ID_BYTES, _SECRET_BYTES = 6, 32
ID = slice(3, 3 + 2 * _ID_BYTES)
"""Where the id stands in a key: ``ll_<id>_<secret>``."""
LENGTH = ID.stop + 1 + 2 * _SECRET_BYTES
"""Of every key, in bytes."""


class Role(StrEnum):
    """What a key may do: ask for scores; say what came of leads, too; all."""

    SCORE = "score"
    FEEDBACK = "feedback"
    ADMIN = "admin"

    @property
    def enough(self) -> tuple[Role, ...]:
        """The roles of keys that may what this one may.

        Examples
        --------
        >>> [role.value for role in Role.FEEDBACK.enough]
        ['feedback', 'admin']
        """
        roles = tuple(Role)
        return roles[roles.index(self) :]


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a key.

    Parameters
    ----------
    id : str
        12 hexadecimal digits; public, part of the key.
    name : str
        For people and logs.
    role : Role
    digest : str
        SHA-256 of the whole key, in hexadecimal. A slow hash protects passwords, which can be guessed; among
        2**256 keys nobody can try a share worth naming, and every request would pay for it.
    number : int
        From 1, never given twice: the place of its rate limit in the table that workers share.
    created : datetime
    rate, burst : float, optional
        Rows a second, and rows at once.
    expires, revoked : datetime, optional
    """

    id: str
    name: str
    role: Role
    digest: str
    number: int
    created: datetime
    rate: float | None = None
    burst: float | None = None
    expires: datetime | None = None
    revoked: datetime | None = None

    @property
    def most_at_once(self) -> float | None:
        """Rows that it may take at once: its burst, or what one second gives; None without a rate."""
        return self.burst if self.rate is None else self.burst or max(self.rate, 1.0)

    def state(self, at: datetime) -> str:
        """Return ``valid``, ``expired`` or ``revoked``."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= at else "valid"


class KeyTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a new key is to be; the fields are those of :class:`ApiKey`.

    Raises
    ------
    SettingsError
        If one of them can't be.
    """

    name: str
    role: Role
    rate: float | None = None
    burst: float | None = None
    expires: datetime | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            expected = "1 to 40 of a to z, 0 to 9 and -"
            raise SettingsError("name of an API key", expected=expected, got=repr(self.name))
        if self.burst is not None and self.rate is None:
            raise SettingsError("burst of an API key", expected="a rate with it", got="none")
        for what, value in (("rate", self.rate), ("burst", self.burst)):
            if value is not None and not 0 < value < float("inf"):
                raise SettingsError(f"{what} of an API key", expected="more than 0", got=str(value))
        if self.expires is not None and self.expires <= now():
            got = self.expires.isoformat()
            raise SettingsError("end of an API key", expected="a time to come", got=got)


def make_key(terms: KeyTerms, number: int) -> tuple[ApiKey, str]:
    """Return a new key as it is kept, and as its owner gets it: the only time that the secret is there."""
    key_id = secrets.token_hex(_ID_BYTES)
    presented = f"ll_{key_id}_{secrets.token_hex(_SECRET_BYTES)}"
    kept = ApiKey(
        id=key_id,
        name=terms.name,
        role=terms.role,
        digest=digest(presented.encode()).hex(),
        number=number,
        created=now(),
        rate=terms.rate,
        burst=terms.burst,
        expires=terms.expires,
    )
    return kept, presented


def digest(presented: bytes) -> bytes:
    """Return the 32 bytes that are compared."""
    return hashlib.sha256(presented).digest()
