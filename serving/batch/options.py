"""How a table is scored, and what came of it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from estate.core.prediction import AnsweredBy

logger = logging.getLogger(__name__)

Progress = Callable[[int, int | None], None]
"""Told of the rows done and of all rows, if their number is known."""

BadRows = Literal["stop", "quarantine"]


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def _log(sentence: str) -> None:
    logger.info("batch %s", sentence)


def _silent(done: int, total: int | None) -> None:
    del done, total


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """How a table is scored.

    Parameters
    ----------
    workers : int
        Threads that score, at least 1.
    on_bad_rows : "stop" or "quarantine"
        Whether a row that can't be read ends the run, or is put aside with the reason.
    rows_at_once : int, optional
        Rows of a chunk; by the width of the table if not given.
    progress : callable
    say : callable
        Told sentences for a person: that a run goes on, or starts anew and why.
    """

    workers: int = field(default_factory=cores)
    on_bad_rows: BadRows = "stop"
    rows_at_once: int | None = None
    progress: Progress = _silent
    say: Callable[[str], None] = _log


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """What came of it.

    Parameters
    ----------
    rows : int
        Rows in the target.
    bad_rows : int
        Rows put aside.
    resumed_at : int
        Rows that an earlier run had done.
    version : str
    answered_by : AnsweredBy
    """

    rows: int
    bad_rows: int
    resumed_at: int
    version: str
    answered_by: AnsweredBy
