"""Every answer that was given, kept once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from estate.core.prediction import AnsweredBy, Prediction
from estate.store.tables import predictions as table

_BATCH_ROWS = 5_000

# Arrays instead of one VALUES row a prediction: one statement to parse whatever the number of rows.
_INSERT = sa.text(
    """
    INSERT INTO predictions
      (prediction_id, model, version, answered_by, entity_id, score, label, features, fingerprint, at)
    SELECT
      prediction_id, model, version, answered_by, entity_id, score, label, features::jsonb, fingerprint, at
    FROM unnest(
      CAST(:ids AS uuid[]), CAST(:models AS text[]), CAST(:versions AS text[]), CAST(:sources AS text[]),
      CAST(:entities AS text[]), CAST(:scores AS float8[]), CAST(:labels AS text[]),
      CAST(:features AS text[]), CAST(:fingerprints AS text[]), CAST(:moments AS timestamptz[])
    ) AS row (prediction_id, model, version, answered_by, entity_id, score, label, features, fingerprint, at)
    ON CONFLICT (prediction_id) DO NOTHING
    """
)


def write_many(connection: sa.Connection, predictions: Sequence[Prediction]) -> int:
    """Keep predictions; one that is already there (by ``prediction_id``) is left as it is.

    Numbers in ``features`` that are not finite are kept as null.

    Returns
    -------
    int
        How many were new.
    """
    new = 0
    for start in range(0, len(predictions), _BATCH_ROWS):
        result = connection.execute(_INSERT, _columns(predictions[start : start + _BATCH_ROWS]))
        new += max(result.rowcount, 0)
    return new


def _columns(predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
    return {
        "ids": [row.prediction_id for row in predictions],
        "models": [row.model for row in predictions],
        "versions": [row.version for row in predictions],
        "sources": [row.answered_by.value for row in predictions],
        "entities": [row.entity_id for row in predictions],
        "scores": [float(row.score) for row in predictions],
        "labels": [row.label for row in predictions],
        # msgspec writes NaN and infinities as null; JSONB would refuse them.
        "features": [msgspec.json.encode(row.features).decode() for row in predictions],
        "fingerprints": [row.fingerprint for row in predictions],
        "moments": [row.at for row in predictions],
    }


def read_recent(  # noqa: PLR0913 - four filters, all optional and by keyword
    connection: sa.Connection,
    model: str,
    *,
    version: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 5000,
) -> list[Prediction]:
    """Return a model's latest predictions, newest first.

    Parameters
    ----------
    version : str, optional
        Only of this version.
    since, until : datetime, optional
        Only with ``since <= at < until``.
    limit : int
        At most so many.
    """
    query = sa.select(table).where(table.c.model == model)
    if version is not None:
        query = query.where(table.c.version == version)
    if since is not None:
        query = query.where(table.c.at >= since)
    if until is not None:
        query = query.where(table.c.at < until)
    newest = query.order_by(table.c.at.desc(), table.c.prediction_id).limit(limit)
    return [_prediction(row) for row in connection.execute(newest).mappings()]


def latest_of(connection: sa.Connection, model: str, entity_id: str, *, until: datetime) -> Prediction | None:
    """Return what a model last answered about a case at or before a moment; None if it was not asked."""
    query = (
        sa.select(table)
        .where(table.c.entity_id == entity_id, table.c.at <= until, table.c.model == model)
        .order_by(table.c.at.desc(), table.c.prediction_id)
        .limit(1)
    )
    row = connection.execute(query).mappings().one_or_none()
    return _prediction(row) if row else None


def _prediction(row: Mapping[Any, Any]) -> Prediction:
    fields = dict(row)
    return Prediction(**{**fields, "answered_by": AnsweredBy(fields["answered_by"])})
