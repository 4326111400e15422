"""Every open lead, judged for its leaving, and what is proposed to keep it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from estate.bundles.bands import Bands
from estate.core.errors import DataError
from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy
from estate.core.settings import Settings
from estate.features.live import features_of_leads
from estate.features.many_leads import features_of_many
from estate.services.churn.beginning import Wish, begin_rounds
from estate.services.churn.capacity import capacity_of, day_of
from estate.services.churn.indicators import FACTS
from estate.services.churn.rounds import in_round, present_round
from estate.services.churn.schema import ChurnAnswer, Source
from estate.services.churn.service import Desk, Judged, assess
from estate.store.database import Database
from estate.store.interventions import WAITING, kinds_between, latest_desk, next_rounds, save_desk
from estate.store.locks import advisory_lock
from estate.store.open_leads import open_lead_ids
from serving.batch.open_leads import scores_of
from serving.models import ServedModel
from serving.production import answering_of, production_model

if TYPE_CHECKING:
    from serving.last_good import Fetch

MODEL = "churn"
_LEADS_AT_ONCE = 5_000
_LOCK, _LOCK_SECONDS = "interventions", 3600.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Retained:
    """What a pass over the open leads did.

    Parameters
    ----------
    leads : int
        Open leads.
    proposed, held_back : int
        New rounds that began, by arm.
    waiting : int
        Leads for which the desk's day has no room.
    version : str
        Of the model that judged, or ``"rules"``.
    """

    leads: int
    proposed: int
    held_back: int
    waiting: int
    version: str


def retain_leads(
    settings: Settings, database: Database, *, as_of: datetime, fetch: Fetch | None = None
) -> Retained:
    """Judge all open leads, keep what is known of the desk, and begin a round for whom it is worth it.

    A lead's round lasts as long as the horizon; until it is over no other begins, so the same pass again
    proposes nothing twice. What was proposed or done today counts against what the desk can do in a day; of
    two passes at the same time one waits for the other.

    Parameters
    ----------
    settings : Settings
    database : Database
    as_of : datetime
        Nothing that happened or was learned later is seen.
    fetch : callable, optional
        Brings a version's bundle; from the model registry if not given.

    Raises
    ------
    SettingsError
        If a limit names a kind, or a time zone, that there is not.
    StoreError
        If the database is away.
    """
    day = day_of(as_of, settings.desk_timezone)
    whole = capacity_of(settings.intervention_minutes, settings.intervention_most)
    served = production_model(settings, database, MODEL, fetch=fetch)
    with database.begin() as connection:
        leads = open_lead_ids(connection, as_of=as_of)
    with advisory_lock(database, _LOCK, wait_seconds=_LOCK_SECONDS):
        wishes = _wishes(settings, database, served, leads, as_of)
        with database.begin() as connection:
            left = whole.less(kinds_between(connection, *day))
        begun = begin_rounds(database, wishes, left, held_back=settings.intervention_holdback)
    arms = [one.arm for one in begun]
    proposed, held_back, waiting = (arms.count(arm) for arm in ("proposed", "held_back", WAITING))
    return Retained(len(leads), proposed, held_back, waiting, answering_of(served).version)


def _wishes(
    settings: Settings, database: Database, served: ServedModel, leads: Sequence[str], as_of: datetime
) -> list[Wish]:
    """Keep what is known of the desk; return the leads for which something is worth it, and is their turn."""
    from estate.services.churn.desk import measure_desk  # with it comes what reads tables

    facts = facts_of(database, leads, as_of)
    desk = measure_desk(
        database, served.spec, lambda features: scores_of(served, features).score, facts, as_of=as_of
    )
    with database.begin() as connection:
        save_desk(connection, desk.to_dict(), at=as_of)
    wishes: list[Wish] = []
    for some, own in _turns(leads, facts):
        answers = answers_of(served, database, some, own, as_of=as_of, desk=desk, settings=settings)
        worth = [answer for answer in answers if answer.proposals]
        with database.begin() as connection:
            rounds = next_rounds(connection, [answer.lead_id for answer in worth], as_of=as_of)
        wishes += [Wish(answer, rounds[answer.lead_id]) for answer in worth if answer.lead_id in rounds]
    return wishes


def answer_of_lead(
    settings: Settings, database: Database, lead_id: str, *, as_of: datetime, fetch: Fetch | None = None
) -> ChurnAnswer:
    """Return what is known of one lead's leaving, by the version in production.

    Raises
    ------
    DataError
        If the lead is not known.
    StoreError
        If the database is away.
    """
    served = production_model(settings, database, MODEL, fetch=fetch)
    if not features_of_leads(database, served.spec, [lead_id], as_of=as_of).found:
        raise DataError(f"lead `{lead_id}`", expected="one that was imported", got="none of that id")
    with database.begin() as connection:
        document = latest_desk(connection)
    desk = Desk.of(document) if document is not None else Desk()
    facts = facts_of(database, [lead_id], as_of)
    (answer,) = answers_of(served, database, [lead_id], facts, as_of=as_of, desk=desk, settings=settings)
    held_back = settings.intervention_holdback
    return in_round(answer, present_round(database, lead_id, as_of=as_of, held_back=held_back))


def answers_of(  # noqa: PLR0913 - of whom, and what is known, by name
    served: ServedModel,
    database: Database,
    lead_ids: Sequence[str],
    facts: Frame,
    *,
    as_of: datetime,
    desk: Desk,
    settings: Settings,
) -> list[ChurnAnswer]:
    """Return what is known of known leads' leaving, in their order; ``facts`` are theirs as of now."""
    found = features_of_leads(database, served.spec, lead_ids, as_of=as_of)
    answering = answering_of(served)
    bands = answering.bundle.bands if answering.bundle is not None else None
    by: Source = "rules" if answering.answered_by is AnsweredBy.RULES else "model"
    judged = [
        Judged(lead, risk, by, answering.version, _rate(bands, risk))
        for lead, risk in zip(found.found, scores_of(served, found.features).score.tolist(), strict=True)
    ]
    return assess(judged, facts, as_of=as_of, desk=desk, lead_value_usd=settings.lead_value_usd)


def facts_of(database: Database, lead_ids: Sequence[str], as_of: datetime) -> Frame:
    """Return what indicators read of known leads, as of now."""
    moments = np.full(len(lead_ids), (as_of - _EPOCH) // timedelta(microseconds=1), dtype=np.int64)
    return features_of_many(database, FACTS, np.array(lead_ids, dtype=object), moments, as_of=as_of)


def _turns(leads: Sequence[str], facts: Frame) -> Iterator[tuple[Sequence[str], Frame]]:
    for start in range(0, len(leads), _LEADS_AT_ONCE):
        rows = np.arange(start, min(start + _LEADS_AT_ONCE, len(leads)))
        yield leads[start : start + _LEADS_AT_ONCE], facts.take(rows)


def _rate(bands: Bands | None, risk: float) -> tuple[float, float, float, int] | None:
    if bands is None or not bands.measured:
        return None
    rate = bands.measured[int(bands.codes(np.array([risk]))[0])]
    return (rate.share, rate.low, rate.high, rate.rows) if rate.rows else None
