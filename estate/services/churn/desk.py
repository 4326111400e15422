"""What is known of the desk as a whole, measured on its own leads and interventions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np

from estate.core.frame import Column, Frame, Numbers
from estate.core.model_spec import CrmSource, ModelSpec
from estate.core.outcomes import CLOSING
from estate.features.events import DAY_US, Micros
from estate.features.histories import micros
from estate.features.many_leads import features_of_many
from estate.services.churn.effects import effects, tried
from estate.services.churn.indicators import usuals_of
from estate.services.churn.model import HORIZON_DAYS
from estate.services.churn.service import Desk
from estate.services.churn.timing import curves
from estate.store.database import Database
from estate.store.facts import read_facts
from estate.store.interventions import matured
from estate.training.labels import labels_of_leads

MOST_LEADS = 5_000
"""The newest leads whose horizon is over, from which it is read when leads leave."""


def measure_desk(
    database: Database,
    spec: ModelSpec,
    score: Callable[[Frame], Numbers],
    open_facts: Frame,
    *,
    as_of: datetime,
) -> Desk:
    """Measure what is usual, when leads of each level leave, and what interventions have done.

    Parameters
    ----------
    database : Database
    spec : ModelSpec
        Of the model.
    score : callable
        From a frame of the model's features to risks: of the version in production.
    open_facts : Frame
        The facts that indicators read, of the open leads as of now.
    as_of : datetime
        Nothing that happened or was learned later is seen.
    """
    source = spec.source
    assert isinstance(source, CrmSource)
    leads, labels = labels_of_leads(source, database, as_of=as_of)
    ripe = np.flatnonzero(labels.ripe)
    ripe = ripe[np.argsort(labels.moment[ripe], kind="stable")][-MOST_LEADS:]
    moment = labels.moment[ripe]
    ids = leads["lead_id"].to_numpy(dtype=object)[ripe]
    risk = score(features_of_many(database, spec.features, ids, moment, as_of=as_of))
    left, won = _days_until(database, ids, moment, source.outcome, as_of=as_of)
    with database.begin() as connection:
        over = matured(connection, as_of=as_of)
    return Desk(
        usuals=usuals_of(open_facts),
        curves=curves(risk, left, won, days=HORIZON_DAYS),
        effects=effects([tried(one) for one in over]),
    )


def _days_until(
    database: Database, ids: Column, moment: Micros, outcome: str, *, as_of: datetime
) -> tuple[Numbers, Numbers]:
    """Return days from each lead's moment until it left, and until it was closed otherwise; else infinite."""
    outcomes = read_facts(database, "outcomes", as_of=as_of)
    outcomes = outcomes[outcomes["kind"].isin((*CLOSING, outcome))]
    at = {name: i for i, name in enumerate(ids.tolist())}
    lead = np.array([at.get(name, -1) for name in outcomes["lead_id"].tolist()], dtype=np.intp)
    known = lead >= 0
    lead, kind = lead[known], (outcomes["kind"] == outcome).to_numpy(dtype=bool)[known]
    days = (micros(outcomes["event_at"])[known] - moment[lead]) / DAY_US
    left, ended = np.full(len(ids), np.inf), np.full(len(ids), np.inf)
    np.minimum.at(left, lead[kind], days[kind])
    np.minimum.at(ended, lead[~kind], days[~kind])
    return left, ended
