"""How good a version was, window by window: the newest knowledge of each."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.store.watch_tables import quality_points as table

Kind = Literal["realised", "estimated"]
_BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class QualityPoint:
    """One metric of one version over one window.

    Parameters
    ----------
    model, version : str
    at : datetime
        As of when it was measured: nothing that was learned later is in it.
    window_from, window_to : datetime
        Of the answers: after the first, up to and with the second.
    metric : str
        One of the task's; ``skill``, ``calibration_intercept`` or ``calibration_slope``.
    slice : pair of str and (str or None), optional
        Column and value; None: all rows.
    kind : {"realised", "estimated"}
        From outcomes, or from calibrated scores alone.
    value : float
    low, high : float or None
        Ends of the 90 % interval.
    rows : int
        That it was measured on.
    mature_share : float
        Share of the window's answers whose outcome is known, in [0, 1].
    """

    model: str
    version: str
    at: datetime
    window_from: datetime
    window_to: datetime
    metric: str
    slice: tuple[str, str | None] | None
    kind: Kind
    value: float
    low: float | None
    high: float | None
    rows: int
    mature_share: float

    @property
    def key(self) -> str:
        """SHA-256 over what the point is of; one measured again later has the same."""
        span = (self.window_from.timestamp(), self.window_to.timestamp())
        of = (self.model, self.version, *span, self.metric, self.slice, self.kind)
        return hashlib.sha256(repr(of).encode()).hexdigest()


def save_points(connection: sa.Connection, points: Sequence[QualityPoint]) -> None:
    """Keep points; of one that is there already the later knowledge stays."""
    rows = {point.key: _row(point) for point in points if math.isfinite(point.value)}
    listed = list(rows.values())
    for start in range(0, len(listed), _BATCH):
        incoming = insert(table).values(listed[start : start + _BATCH])
        changed = {name: incoming.excluded[name] for name in ("at", *_MEASURED)}
        later = table.c.at <= incoming.excluded.at
        connection.execute(incoming.on_conflict_do_update(index_elements=["key"], set_=changed, where=later))


def list_points(
    connection: sa.Connection, model: str, *, version: str | None = None, since: datetime | None = None
) -> list[QualityPoint]:
    """Return a model's points by window, oldest first."""
    query = sa.select(table).where(table.c.model == model)
    if version is not None:
        query = query.where(table.c.version == version)
    if since is not None:
        query = query.where(table.c.window_to > since)
    order = (table.c.window_from, table.c.window_to, table.c.kind, table.c.metric, table.c.key)
    return [_point(row) for row in connection.execute(query.order_by(*order))]


_MEASURED = ("value", "low", "high", "rows", "mature_share")
_PLAIN = ("model", "version", "at", "window_from", "window_to", "metric", "kind", *_MEASURED)


def _row(point: QualityPoint) -> dict[str, object]:
    column, value = point.slice or (None, None)
    row = {name: getattr(point, name) for name in _PLAIN}
    return {**row, "key": point.key, "slice_column": column, "slice_value": value}


def _point(row: sa.Row[Any]) -> QualityPoint:
    of = None if row.slice_column is None else (row.slice_column, row.slice_value)
    return QualityPoint(**{name: getattr(row, name) for name in _PLAIN}, slice=of)
