"""How many predictions and facts come in, and how often the same one comes again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

_HOURS = """
SELECT floor(extract(epoch FROM CAST(:until AS timestamptz) - at) / 3600)::int AS hour, count(*) AS rows
FROM predictions WHERE model = :model AND at >= :since AND at < :until GROUP BY 1"""
_FACTS = {
    "leads": """
SELECT floor(extract(epoch FROM CAST(:until AS timestamptz) - recorded_at) / 3600)::int AS hour,
       count(*) AS rows
FROM leads
WHERE event_at >= :since AND recorded_at >= :since AND recorded_at < :until AND superseded_at >= :until
GROUP BY 1""",
    "interactions": """
SELECT floor(extract(epoch FROM CAST(:until AS timestamptz) - i.recorded_at) / 3600)::int AS hour,
       count(*) AS rows
FROM leads l JOIN interactions i ON i.lead_id = l.lead_id AND i.event_at >= :since
WHERE l.event_at >= :since AND l.superseded_at >= :until
  AND i.recorded_at >= :since AND i.recorded_at < :until AND i.superseded_at >= :until
GROUP BY 1""",
}
_DOUBLED = """
SELECT count(*) AS rows, count(DISTINCT (entity_id, layout, numbers, texts, features)) AS different FROM (
  SELECT entity_id, layout, numbers, texts, features FROM predictions
  WHERE model = :model AND version = :version AND at < :until AND at >= :since AND entity_id IS NOT NULL
  ORDER BY at DESC, prediction_id LIMIT :most OFFSET :skip) AS newest"""


@dataclass(frozen=True)
class Doubled:
    """How often the same case came with the same features.

    Parameters
    ----------
    rows : int
        Predictions that named their case.
    again : int
        Those of them that repeat another one.
    """

    rows: int
    again: int

    @property
    def share(self) -> float:
        """Share that repeats, in [0, 1]; 0 where there are no rows."""
        return self.again / self.rows if self.rows else 0.0


def prediction_hours(
    connection: sa.Connection, model: str, *, until: datetime, span: timedelta
) -> NDArray[np.int64]:
    """Return a model's answers in each hour before a moment, by whomever; the last hour first."""
    return _counted(connection, _HOURS, {"model": model}, until=until, span=span)


def fact_hours(
    connection: sa.Connection, kind: str, *, until: datetime, span: timedelta
) -> NDArray[np.int64]:
    """Return how many facts of recent leads the desk learned in each hour before a moment, the last first.

    Parameters
    ----------
    kind : {"leads", "interactions"}
    """
    return _counted(connection, _FACTS[kind], {}, until=until, span=span)


def doubled(  # noqa: PLR0913 - which rows, by keyword
    connection: sa.Connection,
    model: str,
    version: str,
    *,
    since: datetime,
    until: datetime,
    most: int,
    skip: int = 0,
) -> Doubled:
    """Count repeated cases among the newest predictions that name their case, after the first ``skip``."""
    row = connection.execute(
        sa.text(_DOUBLED),
        {"model": model, "version": version, "since": since, "until": until, "most": most, "skip": skip},
    ).one()
    return Doubled(row.rows, row.rows - row.different)


def _counted(
    connection: sa.Connection, query: str, names: dict[str, str], *, until: datetime, span: timedelta
) -> NDArray[np.int64]:
    hours = np.zeros(span // timedelta(hours=1), dtype=np.int64)
    given = {**names, "until": until, "since": until - span}
    for hour, rows in connection.execute(sa.text(query), given).all():
        if hour < len(hours):
            hours[hour] = rows
    return hours
