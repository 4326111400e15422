"""Who may ask, and how often; knows no HTTP but its statuses."""

from __future__ import annotations

import hmac
import logging
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time

from estate.core.errors import DataError, LeadloopError, SettingsError
from serving.guard.api_key import ID, LENGTH, ApiKey, Role, digest
from serving.guard.key_file import KeyFile
from serving.guard.rates import Rate, Rates
from serving.problems import Problem

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_NO_DIGEST = bytes(32)
_CHALLENGE = {"www-authenticate": "Bearer"}


class Refusal(Problem):
    """A request that may not pass.

    Parameters
    ----------
    reason : str
        ``no_key``, ``wrong_key``, ``revoked``, ``expired``, ``role``, ``rate`` or ``rows``.
    status, error, headers
        As of :class:`Problem`.
    """

    def __init__(
        self, reason: str, status: int, error: LeadloopError, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, error, headers)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Admission:
    """A caller that may ask.

    Parameters
    ----------
    name : str
        Of the key, for logs; empty where none was needed.
    rate : Rate, optional
        What it may take.
    """

    name: str = ""
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class _Holder:
    key: ApiKey
    digest: bytes
    admission: Admission
    expires: float


class Guard:
    """Checks keys and rates.

    Keys are read again when their file has changed, at most twice a second; one that can't be read any more
    leaves those that were read last in force.

    Parameters
    ----------
    keys : KeyFile
    rates : Rates
    must : bool
        Whether nobody gets in while there is no key; without it everybody does.
    rate : float, optional
        Rows a second of a key without a rate of its own; without any key, of all callers together.

    Raises
    ------
    SettingsError
        If the key file can't be read.
    """

    def __init__(
        self,
        keys: KeyFile,
        rates: Rates,
        *,
        must: bool = False,
        rate: float | None = None,
    ) -> None:
        self._keys, self._rates, self._must, self._rate = keys, rates, must, rate
        self._anybody = Admission("", _limit(0, rate, None))
        self._seen = _mark(keys.path)
        self._holders = self._read()
        self._look_at = monotonic() + _LOOK_SECONDS
        self._looking = threading.Lock()

    @property
    def open(self) -> bool:
        """Whether anybody may ask as often as they like."""
        self._look()
        return not self._holders and not self._must and self._rate is None

    def admit(self, presented: bytes | None, role: Role = Role.SCORE, rows: int = 1) -> Admission:
        """Let a caller in who takes so many rows.

        Raises
        ------
        Refusal
            What :meth:`identify` and :meth:`spend` raise.
        """
        admission = self.identify(presented, role)
        if admission.rate is not None:
            self.spend(admission, rows)
        return admission

    def identify(self, presented: bytes | None, role: Role = Role.SCORE) -> Admission:
        """Say who asks.

        Parameters
        ----------
        presented : bytes or None
            The key (:func:`presented_key`).
        role : Role
            What the route asks for.

        Raises
        ------
        Refusal
            401 without a valid key, 403 with one of another role.
        """
        self._look()
        if not self._holders and not self._must:
            return self._anybody
        if presented is None:
            raise _no_key("no_key", "none")
        holder = self._holders.get(presented[ID]) if len(presented) == LENGTH else None
        # An id that is not known is compared like one that is.
        known = _NO_DIGEST if holder is None else holder.digest
        if not hmac.compare_digest(digest(presented), known) or holder is None:
            raise _no_key("wrong_key", "another one")
        if holder.key.revoked is not None or holder.expires <= time():
            raise _no_key(*_ended(holder.key))
        if holder.key.role not in role.enough:
            expected = f"one of role {' or '.join(role.enough)}"
            error = DataError("API key", expected=expected, got=f"role {holder.key.role}")
            raise Refusal("role", 403, error)
        return holder.admission

    def spend(self, admission: Admission, rows: int, *, paid: int = 0) -> None:
        """Count a request's rows against a caller's rate.

        Parameters
        ----------
        admission : Admission
        rows : int
            Of the whole request.
        paid : int
            Of these, counted before.

        Raises
        ------
        Refusal
            429 with the seconds after which they would be granted; 413 if they never would, being more than
            the burst.
        """
        rate = admission.rate
        if rate is None or rows <= paid:
            return
        whose = f"rate of API key `{admission.name}`" if admission.name else "rate of all callers"
        if rows > rate.burst:
            expected = f"at most {rate.burst:g} rows at once"
            todo = "Send several requests, or ask for a larger burst."
            raise Refusal("rows", 413, DataError(whose, expected=expected, got=str(rows), todo=todo))
        wait = self._rates.take(rate, rows - paid)
        if wait:
            seconds = str(max(1, math.ceil(wait)))
            expected = f"at most {rate.rows_per_second:g} rows a second"
            todo = f"Try again in {seconds} s."
            error = DataError(whose, expected=expected, got="more", todo=todo)
            raise Refusal("rate", 429, error, {"retry-after": seconds})

    def refund(self, admission: Admission, rows: int) -> None:
        """Take back what :meth:`spend` counted, for a request that is counted again elsewhere."""
        if admission.rate is not None and rows:
            self._rates.give_back(admission.rate, rows)

    def _look(self) -> None:
        if monotonic() < self._look_at or not self._looking.acquire(blocking=False):
            return
        try:
            self._look_at = monotonic() + _LOOK_SECONDS
            seen = _mark(self._keys.path)
            if seen != self._seen:
                self._holders, self._seen = self._read(), seen
                logger.info("api_keys_read keys=%d", len(self._holders))
        except (SettingsError, OSError) as error:
            logger.error("api_keys_unreadable error=%s", type(error).__name__)
        finally:
            self._looking.release()

    def _read(self) -> Mapping[bytes, _Holder]:
        return {key.id.encode(): self._holder(key) for key in self._keys.read()}

    def _holder(self, key: ApiKey) -> _Holder:
        limit = _limit(key.number, key.rate or self._rate, key.burst)
        expires = key.expires.timestamp() if key.expires else math.inf
        return _Holder(key, bytes.fromhex(key.digest), Admission(key.name, limit), expires)


def presented_key(authorization: bytes | None, x_api_key: bytes | None) -> bytes | None:
    """Return the key that a request presents in either header; None if neither has one.

    Examples
    --------
    >>> presented_key(b"bearer ll_1", None), presented_key(None, b"ll_2"), presented_key(b"Basic eDp5", None)
    (b'll_1', b'll_2', None)
    """
    if x_api_key is not None:
        return x_api_key
    if authorization is not None and authorization[:7].lower() == b"bearer ":
        return authorization[7:].strip()
    return None


def _limit(number: int, rate: float | None, burst: float | None) -> Rate | None:
    return None if rate is None else Rate(number, rate, burst or max(rate, 1.0))


def _no_key(reason: str, got: str) -> Refusal:
    todo = "Send `authorization: Bearer KEY` or `x-api-key: KEY`."
    error = DataError("API key", expected="a valid one", got=got, todo=todo)
    return Refusal(reason, 401, error, _CHALLENGE)


def _ended(key: ApiKey) -> tuple[str, str]:
    """Return why a key counts no more, as a reason and as a phrase: its owner may know."""
    if key.revoked is not None:
        return "revoked", f"`{key.name}`, which was revoked"
    return "expired", f"`{key.name}`, which has expired"


def _mark(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with the file, which is replaced and never written to."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
