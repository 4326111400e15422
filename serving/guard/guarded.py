"""Nobody comes past without a key, where keys are needed."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.guard.guard import Admission, Guard, presented_key
from serving.guard.routes import role_of
from serving.problems import Problem

_ADMITTED = "leadloop.admitted"


class Guarded:
    """An ASGI application around another one.

    Parameters
    ----------
    app : ASGIApp
    guard : Guard
    metrics_open : bool
        Whether ``/metrics`` needs no key.
    """

    def __init__(self, app: ASGIApp, guard: Guard, *, metrics_open: bool) -> None:
        self._app, self._guard, self._metrics_open = app, guard, metrics_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; every one counts as a row, whatever becomes of it."""
        if scope["type"] == "http":
            role = role_of(scope["path"], metrics_open=self._metrics_open)
            if role is not None:
                try:
                    admission = self._guard.admit(_presented(scope["headers"]), role)
                except Problem as problem:
                    await problem.response()(scope, receive, send)
                    return
                scope[_ADMITTED] = self._guard, admission
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
    Problem
        429 or 413, as :meth:`Guard.spend` says.
    """
    admitted: tuple[Guard, Admission] | None = scope.get(_ADMITTED)
    if admitted is not None and admitted[1].rate is not None:
        admitted[0].spend(admitted[1], rows, paid=paid)


def key_name(scope: Scope) -> str:
    """Return the name of the key that a request came with; empty without one."""
    admitted: tuple[Guard, Admission] | None = scope.get(_ADMITTED)
    return admitted[1].name if admitted is not None else ""


def _presented(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    found = {name: value for name, value in headers if name in {b"authorization", b"x-api-key"}}
    return presented_key(found.get(b"authorization"), found.get(b"x-api-key")) if found else None
