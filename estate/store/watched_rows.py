"""Predictions in parts, as columns: however many there are, only a part of them is in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from estate.core.frame import Numbers
from estate.core.pair_id import MARK
from estate.store.prediction_rows import Layout
from estate.store.tables import feature_layouts as layouts
from estate.store.tables import predictions as table

PART_ROWS = 5_000
Values = Numbers | Sequence[float | str | None]
"""Of one feature as they were kept: an array of numbers, or a list that may hold text."""


@dataclass(frozen=True)
class RowsPart:
    """Some predictions that have the same features.

    Parameters
    ----------
    features : mapping of str to values
        Only what was kept: a column that no row has is not there.
    scores : float64 array of shape (rows,)
    fingerprints : sequence of str, one a row
    at : sequence of datetime, one a row
    """

    features: Mapping[str, Values]
    scores: Numbers
    fingerprints: Sequence[str]
    at: Sequence[datetime]

    def __len__(self) -> int:
        return len(self.scores)


def stream_rows(  # noqa: PLR0913 - which rows, by keyword
    connection: sa.Connection,
    model: str,
    version: str,
    *,
    since: datetime,
    until: datetime | None = None,
    limit: int | None = None,
    one_a_lead: bool = False,
) -> Iterator[RowsPart]:
    """Yield a version's predictions, newest first, from a cursor that stays on the server.

    Parameters
    ----------
    since, until : datetime
        Only with ``since <= at < until``.
    limit : int, optional
        Only the newest so many.
    one_a_lead : bool
        Of predictions about a lead and a home only one of each lead, drawn by chance.
    """
    known = {
        row.layout: Layout(tuple(row.numbers), tuple(row.texts))
        for row in connection.execute(layouts.select())
    }
    query = (
        sa.select(
            *(
                table.c[name]
                for name in ("score", "fingerprint", "at", "layout", "numbers", "texts", "features")
            )
        )
        .where(*_chosen(model, version, since, until, one_a_lead=one_a_lead))
        .order_by(table.c.at.desc(), table.c.prediction_id)
        .limit(limit)
    )
    streamed = connection.execute(
        query, execution_options={"stream_results": True, "max_row_buffer": PART_ROWS}
    )
    for part in streamed.partitions(PART_ROWS):
        groups: dict[object, list[sa.Row[Any]]] = {}
        for row in part:
            groups.setdefault(_shape(row), []).append(row)
        for rows in groups.values():
            yield _part(rows, known)


def count_others(
    connection: sa.Connection, model: str, version: str, *, since: datetime, until: datetime | None = None
) -> int:
    """Return how many predictions of a model came from rules or other versions."""
    query = sa.select(sa.func.count()).select_from(table)
    others = query.where(_of(model, since, until), table.c.version != version)
    return int(connection.execute(others).scalar_one())


def first_answer_at(
    connection: sa.Connection, model: str, version: str, *, since: datetime
) -> datetime | None:
    """Return when a version answered first at or after a moment; None if it did not."""
    first = sa.select(table.c.at).where(_of(model, since, None), table.c.version == version)
    return connection.execute(first.order_by(table.c.at).limit(1)).scalar_one_or_none()


def _chosen(
    model: str, version: str, since: datetime, until: datetime | None, *, one_a_lead: bool
) -> list[sa.ColumnElement[bool]]:
    of_version = [_of(model, since, until), table.c.version == version]
    if not one_a_lead:
        return of_version
    lead = sa.func.split_part(table.c.entity_id, MARK, 1)
    by_chance = sa.func.md5(sa.cast(table.c.prediction_id, sa.Text))
    one = (
        sa.select(table.c.prediction_id)
        .where(*of_version, table.c.entity_id.is_not(None))
        .distinct(lead)
        .order_by(lead, by_chance)
    )
    return [*of_version, table.c.prediction_id.in_(one)]


def _of(model: str, since: datetime, until: datetime | None) -> sa.ColumnElement[bool]:
    known = sa.and_(table.c.model == model, table.c.at >= since)
    return known if until is None else sa.and_(known, table.c.at < until)


def _shape(row: sa.Row[Any]) -> object:
    return row.layout if row.features is None else tuple(row.features)


def _part(rows: Sequence[sa.Row[Any]], known: Mapping[int, Layout]) -> RowsPart:
    first = rows[0]
    if first.features is None:
        features = _of_layout(rows, known[first.layout])
    else:
        features = {name: [row.features[name] for row in rows] for name in first.features}
    return RowsPart(
        features,
        np.array([row.score for row in rows], dtype=np.float64),
        [row.fingerprint for row in rows],
        [row.at for row in rows],
    )


def _of_layout(rows: Sequence[sa.Row[Any]], layout: Layout) -> dict[str, Values]:
    matrix = np.array([row.numbers or () for row in rows], dtype=np.float64).reshape(
        len(rows), len(layout.numbers)
    )
    features: dict[str, Values] = {name: matrix[:, i] for i, name in enumerate(layout.numbers)}
    for i, name in enumerate(layout.texts):
        features[name] = [row.texts[i] if row.texts else None for row in rows]
    return features
