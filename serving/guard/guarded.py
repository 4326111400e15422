"""Nobody comes past without a key, where keys are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.guard.guard import Admission, Guard, Refusal, presented_key
from serving.guard.routes import role_of

Refused = Callable[[str], None]
"""Told why a request was refused: the reason of its :class:`Refusal`."""

_ADMITTED = "leadloop.admitted"


class _Admitted(NamedTuple):
    guard: Guard
    admission: Admission
    refused: Refused


class Guarded:
    """An ASGI application around another one.

    Parameters
    ----------
    app : ASGIApp
    guard : Guard
    metrics_open : bool
        Whether ``/metrics`` needs no key.
    refused : callable
    """

    def __init__(self, app: ASGIApp, guard: Guard, *, metrics_open: bool, refused: Refused) -> None:
        self._app, self._guard, self._metrics_open, self._refused = app, guard, metrics_open, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; every one counts as a row, whatever becomes of it."""
        if scope["type"] == "http":
            role = role_of(scope["path"], metrics_open=self._metrics_open)
            if role is not None:
                try:
                    admission = self._guard.admit(_presented(scope["headers"]), role)
                except Refusal as refusal:
                    self._refused(refusal.reason)
                    await refusal.response()(scope, receive, send)
                    return
                scope[_ADMITTED] = _Admitted(self._guard, admission, self._refused)
        await self._app(scope, receive, send)


def charge(scope: Scope, rows: int, *, paid: int = 1) -> None:
    """Count a request's rows, once they are known, against its caller's rate.

    Parameters
    ----------
    scope : Scope
    rows : int
        Of the whole request, as far as they are known.
    paid : int
        Of these, counted before: the one of every request, and what came earlier of a stream.

    Raises
    ------
    Refusal
        429 or 413, as :meth:`Guard.spend` says.
    """
    admitted: _Admitted | None = scope.get(_ADMITTED)
    if admitted is None:
        return
    try:
        admitted.guard.spend(admitted.admission, rows, paid=paid)
    except Refusal as refusal:
        admitted.refused(refusal.reason)
        raise


def most_at_once(scope: Scope) -> int | None:
    """Return how many rows a request's caller may ever have at once; None without a rate."""
    admitted: tuple[Guard, Admission] | None = scope.get(_ADMITTED)
    rate = admitted[1].rate if admitted is not None else None
    return None if rate is None else max(1, int(rate.burst))


def key_name(scope: Scope) -> str:
    """Return the name of the key that a request came with; empty without one."""
    admitted: _Admitted | None = scope.get(_ADMITTED)
    return admitted.admission.name if admitted is not None else ""


def _presented(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    found = {name: value for name, value in headers if name in {b"authorization", b"x-api-key"}}
    return presented_key(found.get(b"authorization"), found.get(b"x-api-key")) if found else None
