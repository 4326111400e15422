"""Who is answered: a connection, as the short ways see it."""

from __future__ import annotations

from typing import Protocol


class Asker(Protocol):
    """The connection that a request came on."""

    @property
    def key_name(self) -> str:
        """Name of the key that the request came with; empty without one."""
        ...

    def answer(self, head: bytes, body: bytes) -> str:
        """Send an answer; returns the request's id."""
        ...

    def charge(self, rows: int) -> bool:
        """Take rows from what the caller may have; False where that is too much."""
        ...

    def wait(self) -> None:
        """Hear no further request until this one is answered."""
        ...

    def hand_over(self) -> None:
        """Let the application answer the request that came last."""
        ...
