"""What somebody wants scored, and how long they wait for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from time import monotonic

from estate.core.frame import Frame
from serving.answering import Answering
from serving.models import ServedModel

PATIENCE_SECONDS = 10.0
BULK_ROWS = 256
"""A request of more rows is bulk, unless it says otherwise."""


class Priority(IntEnum):
    """Who goes first."""

    INTERACTIVE = 0
    BULK = 1


@dataclass(frozen=True, kw_only=True)
class Question:
    """The rows of one request.

    Parameters
    ----------
    served : ServedModel
    answering : Answering
        What answers, as it was when the request came: one request sees one version.
    features : callable
        Computes the features, in whatever thread scores them; raises DataError where it can't.
    entities : sequence of (str or None)
        The case of each row.
    priority : Priority
    deadline : float
        Of :func:`time.monotonic`; after it nobody waits any more.
    """

    served: ServedModel
    answering: Answering
    features: Callable[[], Frame]
    entities: Sequence[str | None]
    priority: Priority = Priority.INTERACTIVE
    deadline: float = field(default_factory=lambda: monotonic() + PATIENCE_SECONDS)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.entities)


@dataclass(frozen=True)
class Terms:
    """What a caller asks for beside the answer.

    Parameters
    ----------
    priority : Priority, optional
        Chosen by the number of rows if not given.
    deadline : float
        Of :func:`time.monotonic`.
    """

    priority: Priority | None = None
    deadline: float = field(default_factory=lambda: monotonic() + PATIENCE_SECONDS)

    def priority_of(self, rows: int) -> Priority:
        """Return the priority of a request of so many rows."""
        return self.priority if self.priority is not None else usual_priority(rows)


def usual_priority(rows: int) -> Priority:
    """Return the priority of a request that does not name one.

    Examples
    --------
    >>> usual_priority(1), usual_priority(5_000)
    (<Priority.INTERACTIVE: 0>, <Priority.BULK: 1>)
    """
    return Priority.BULK if rows > BULK_ROWS else Priority.INTERACTIVE
