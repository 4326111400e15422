"""Every lead without an outcome, scored into the table of predictions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from estate.core.errors import DataError
from estate.core.frame import Frame
from estate.core.model_spec import CrmSource, Source
from estate.core.settings import Settings
from estate.features.live import features_of_leads
from estate.store.database import Database
from estate.store.open_leads import open_lead_ids
from estate.store.predictions import write_many
from serving.models import ServedModel
from serving.prediction_log import AnsweredRows
from serving.predictors import SignedScores, sign
from serving.production import answering_of, production_model

if TYPE_CHECKING:
    pass

Progress = Callable[[int, int | None], None]
"""Told of the rows done and of all rows, if their number is known."""

_LEADS_AT_ONCE = 5_000
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "leadloop:predictions")


def score_open_leads(
    settings: Settings, database: Database, model: str, *, as_of: datetime, run_id: str | None = None
) -> int:
    """Score every lead without an outcome by the version in production; see :func:`score_leads`."""
    return score_leads(production_model(settings, database, model), database, as_of=as_of, run_id=run_id)


def _came(source: Source, as_of: datetime) -> tuple[datetime, datetime] | None:
    if not isinstance(source, CrmSource):
        return None
    youngest = as_of - timedelta(days=source.age_days)
    return youngest - timedelta(days=source.horizon_days), youngest


def score_leads(
    served: ServedModel, database: Database, *, as_of: datetime, run_id: str | None = None
) -> int:
    """Score every open lead that the model can judge, and keep the predictions.

    Those are leads without an outcome, that have reached the age at which the model judges, and whose horizon
    is not over.

    Parameters
    ----------
    served : ServedModel
        From :func:`serving.production.production_model`.
    database : Database
    as_of : datetime
        What is known then is read, and the predictions are of that time.
    run_id : str, optional
        The same run again keeps nothing twice. If not given: model, version and ``as_of`` are the run.

    Returns
    -------
    int
        Leads scored.

    Raises
    ------
    DataError
        If the model does not read event histories.
    StoreError
        If the database is away.
    """
    model = served.spec.name
    if not served.spec.computes_from_histories:
        raise DataError(
            f"model `{model}`",
            expected="a model of leads",
            got="one of rows of a table",
            todo="Score a file: `leadloop score MODEL --in FILE --out FILE`.",
        )
    with database.begin() as connection:
        leads = open_lead_ids(connection, as_of=as_of, came=_came(served.spec.source, as_of))
    run = run_id or f"{model}/{answering_of(served).version}/{as_of.isoformat()}"
    for start in range(0, len(leads), _LEADS_AT_ONCE):
        some = leads[start : start + _LEADS_AT_ONCE]
        found = features_of_leads(database, served.spec, some, as_of=as_of)
        ids = [str(uuid.uuid5(_NAMESPACE, f"{run}/{lead_id}")) for lead_id in found.found]
        scores = scores_of(served, found.features)
        rows = AnsweredRows(model, ids, found.found, found.features, scores, served.fingerprint, as_of)
        with database.begin() as connection:
            write_many(connection, rows.predictions())
    return len(leads)


def scores_of(served: ServedModel, features: Frame) -> SignedScores:
    """Return the scores of a frame of the model's features, by the version in production."""
    predictor = answering_of(served).predictor
    return sign(predictor.predict_many(features), predictor)
