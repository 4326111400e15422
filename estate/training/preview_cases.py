"""Which cases a preview looks at: the open leads of today, or what a model was last asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from estate.core.frame import Column, Frame
from estate.core.model_spec import CrmSource, ModelSpec
from estate.core.prediction import Prediction
from estate.features.live import features_of_leads
from estate.store import predictions
from estate.store.database import Database
from estate.store.open_leads import newest_open_lead_ids
from estate.training.preview import Cases, NoPreview

MOST_CASES = 5_000


def cases_of_today(database: Database, spec: ModelSpec, *, as_of: datetime) -> Cases | NoPreview:
    """Return the cases on which a model's scores matter now.

    A model of leads: the open leads that have reached the age at which it judges and whose horizon is not
    over. A model of a table: the cases of its latest answers, each once. At most 5,000, the newest.
    """
    if isinstance(spec.source, CrmSource):
        return _open_leads(database, spec, spec.source, as_of=as_of)
    return _asked(database, spec, as_of=as_of)


def _open_leads(
    database: Database, spec: ModelSpec, source: CrmSource, *, as_of: datetime
) -> Cases | NoPreview:
    youngest = as_of - timedelta(days=source.age_days)
    came = youngest - timedelta(days=source.horizon_days), youngest
    with database.begin() as connection:
        ids = newest_open_lead_ids(connection, MOST_CASES, as_of=as_of, came=came)
    if not ids:
        return NoPreview(f"no lead that `{spec.name}` judges is open at {as_of:%Y-%m-%d %H:%M} UTC")
    found = features_of_leads(database, spec, ids, as_of=as_of)
    newest = "the newest " if len(ids) == MOST_CASES else ""
    said = f"{newest}{len(found.found):,} open leads of {as_of:%Y-%m-%d %H:%M} UTC"
    return Cases(found.features, found.found, said)


def _asked(database: Database, spec: ModelSpec, *, as_of: datetime) -> Cases | NoPreview:
    with database.begin() as connection:
        latest = predictions.read_recent(connection, spec.name, until=as_of, limit=MOST_CASES)
    if not latest:
        return NoPreview(f"nobody has asked `{spec.name}` yet")
    fitting = {
        row.entity_id or row.prediction_id: row
        for row in reversed(latest)
        if row.fingerprint == spec.features.fingerprint
    }
    if not fitting:
        return NoPreview(f"`{spec.name}` was not asked since its features were changed")
    newest = list(fitting.values())
    said = f"{len(newest):,} cases of the latest {len(latest):,} answers"
    return Cases(_frame(spec, newest), tuple(fitting), said)


def _frame(spec: ModelSpec, rows: Sequence[Prediction]) -> Frame:
    columns: dict[str, Column] = {}
    for name in spec.features.names:
        values = [row.features.get(name) for row in rows]
        if spec.features.kind(name) == "number":
            columns[name] = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
        else:
            columns[name] = np.array(values, dtype=object)
    return Frame(columns, len(rows))
