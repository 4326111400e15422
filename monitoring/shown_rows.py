"""Homes that were shown, beside homes that were shown before.

They were chosen by their scores among all that are for sale, which the rows of a training were not: laid
beside these they would always have moved. So a version's latest answers are compared with its first ones,
which were chosen the same way. Homes of one lead are alike, and an open lead is shown homes every night: of
each lead one home counts, drawn by chance from all that it was shown in a span of days. Both spans are of one
length, so that a lead's age at the draw is the same matter in both.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from estate.store.database import Database
from estate.store.watch_passes import WatchFinding
from estate.store.watched_rows import first_answer_at, stream_rows
from monitoring.drift import Sample
from monitoring.production_rows import InProduction, Which
from monitoring.sample import window_of_parts
from monitoring.window import NO_ROWS, Window

SPAN_DAYS = 7.0


def read_shown(
    database: Database, model: str, found: InProduction, trained: Sample, which: Which
) -> tuple[Window, Window]:
    """Read one home a lead of a version's first days, and of its latest.

    Parameters
    ----------
    found : InProduction
        A version with its time in production.
    trained : Sample
        Its training reference: says which columns there are.
    which : Which
        Both spans are of its ``days``, 7 if not given.

    Returns
    -------
    tuple of Window
        What is compared with, oldest first, and what is judged. The first has no rows while the two spans
        would overlap.
    """
    days = timedelta(days=span_days(which))
    begin = which.moment - days
    with database.begin() as connection:
        first = first_answer_at(connection, model, found.version, since=found.since or begin)
        before = NO_ROWS
        if first is not None and first + days <= begin:
            parts = stream_rows(
                connection, model, found.version, since=first, until=first + days, one_a_lead=True
            )
            before = _oldest_first(window_of_parts(parts, trained))
        rows = stream_rows(connection, model, found.version, since=begin, until=which.moment, one_a_lead=True)
        return before, window_of_parts(rows, before if len(before.scores) else trained)


def span_days(which: Which) -> float:
    """Return how long each of the two spans is."""
    return which.days or SPAN_DAYS


def too_early(which: Which) -> WatchFinding:
    """Say that a version has not shown homes for long enough (MON104)."""
    days = span_days(which)
    sentence = (
        f"homes that were shown are compared with those of the version's first {days:g} days: "
        f"it has not shown homes for {2 * days:g} days"
    )
    return WatchFinding("MON104", None, None, 2 * days, sentence)


def _oldest_first(window: Window) -> Window:
    turned = np.arange(len(window.scores))[::-1]
    return Window(window.features.take(turned), window.scores[turned], window.fingerprints)
