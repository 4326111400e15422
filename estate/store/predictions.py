"""Every answer that was given, kept once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import psycopg
import sqlalchemy as sa

from estate.core.prediction import AnsweredBy, Prediction
from estate.store.prediction_rows import Layout, features_of, rows_of
from estate.store.prediction_writer import add_layouts, copy_new, layouts_of
from estate.store.tables import feature_layouts as layouts
from estate.store.tables import predictions as table

_BATCH_ROWS = 5_000
_SELECT = sa.select(
    table,
    layouts.c.numbers.label("number_names"),
    layouts.c.texts.label("text_names"),
).select_from(table.outerjoin(layouts, table.c.layout == layouts.c.layout))


def write_many(connection: sa.Connection, predictions: Sequence[Prediction]) -> int:
    """Keep predictions; one that is already there (by ``prediction_id``) is left as it is.

    Returns
    -------
    int
        How many were new.
    """
    new = 0
    for start in range(0, len(predictions), _BATCH_ROWS):
        groups = rows_of(predictions[start : start + _BATCH_ROWS])
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        connection.execute(sa.text("SELECT"))  # the transaction begins: what follows is inside it
        with _as_sqlalchemy_says():
            add_layouts(driver, set(layouts_of(groups)))
            new += copy_new(driver, groups)
    return new


@contextmanager
def _as_sqlalchemy_says() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise sa.exc.DBAPIError.instance("COPY predictions", {}, error, psycopg.Error) from error


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
    query = _SELECT.where(table.c.model == model)
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
        _SELECT.where(table.c.entity_id == entity_id, table.c.at <= until, table.c.model == model)
        .order_by(table.c.at.desc(), table.c.prediction_id)
        .limit(1)
    )
    row = connection.execute(query).mappings().one_or_none()
    return _prediction(row) if row else None


def find(connection: sa.Connection, prediction_id: str) -> Prediction | None:
    """Return a prediction exactly as the model's input and answer were; None if it is not there.

    A feature may be infinite here, where the other readers say that it is missing.
    """
    query = _SELECT.where(table.c.prediction_id == prediction_id)
    row = connection.execute(query).mappings().one_or_none()
    return _exact(row) if row else None


def _prediction(row: Mapping[Any, Any]) -> Prediction:
    exact = _exact(row)
    return replace(exact, features={name: _finite(value) for name, value in exact.features.items()})


def _finite(value: float | str | None) -> float | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _exact(row: Mapping[Any, Any]) -> Prediction:
    features = row["features"]
    if features is None:
        layout = Layout(tuple(row["number_names"]), tuple(row["text_names"]))
        features = features_of(layout, row["numbers"], row["texts"] or ())
    return Prediction(
        row["prediction_id"],
        row["model"],
        row["version"],
        AnsweredBy(row["answered_by"]),
        row["entity_id"],
        row["score"],
        row["label"],
        features,
        row["fingerprint"],
        row["at"],
    )
