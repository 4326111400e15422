"""A version judged on a real Postgres: leads, answers, outcomes that ripen, and outcomes that come late."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from estate.core.frame import Numbers
from estate.core.model_spec import CrmSource
from estate.core.prediction import AnsweredBy, Prediction
from estate.intake.outcomes import take_outcomes
from estate.services.lead_scoring.model import SPEC as WHOLE
from estate.store.database import Database
from estate.store.facts import write_facts
from estate.store.predictions import write_many
from estate.store.quality_points import list_points, save_points
from monitoring.quality import QualitySeen, judge_quality
from monitoring.quality.answered import Answered, read_answered
from tests.monitoring.quality.worlds import NOON, labels, proof, scores

SPEC = replace(WHOLE, source=CrmSource(outcome="converted", horizon_days=20, age_days=7))
DAY = timedelta(days=1)
LEADS, DAYS = 3_000, 120


class Desk:
    """A desk that answers about each lead when it is seven days old."""

    def __init__(self, database: Database, *, slope: float = 1.0, delay: timedelta = DAY / 2) -> None:
        self.database, random = database, np.random.default_rng(0)
        self.p: Numbers = scores(LEADS, 7)
        self.y = labels(self.p, 7, slope=slope)
        self.ids = [f"l{i:05d}" for i in range(LEADS)]
        self.asked = [NOON - DAYS * DAY + i * DAYS * DAY / LEADS for i in range(LEADS)]
        after = random.uniform(0.5, 18, LEADS)
        self.happened = [at + d * DAY for at, d in zip(self.asked, after, strict=True)]
        # The delay begins 40 days ago: what happened before was heard of within a day.
        self.learned = [at + (delay if at > NOON - 40 * DAY else DAY / 2) for at in self.happened]
        self._write()

    def _write(self) -> None:
        came = [at - 7 * DAY for at in self.asked]
        leads = pd.DataFrame({"lead_id": self.ids, "source": "web", "event_at": came, "recorded_at": came})
        converted = [i for i in range(LEADS) if self.y[i] == 1]
        outcomes = pd.DataFrame(
            {
                "outcome_id": [f"o{i}" for i in converted],
                "lead_id": [self.ids[i] for i in converted],
                "kind": "converted",
                "event_at": [self.happened[i] for i in converted],
                "recorded_at": [self.learned[i] for i in converted],
            }
        )
        answers = [
            Prediction(
                prediction_id=str(uuid.UUID(int=i + 1)),
                model=SPEC.name,
                version="1",
                answered_by=AnsweredBy.MODEL,
                entity_id=self.ids[i],
                score=float(self.p[i]),
                label=None,
                features={"lead_source": "web", "financing": None},
                fingerprint="f",
                at=self.asked[i],
            )
            for i in range(LEADS)
        ]
        again = [replace(a, prediction_id=str(uuid.uuid4()), at=a.at + DAY, score=0.5) for a in answers[:500]]
        with self.database.begin() as connection:
            write_facts(connection, "leads", leads)
            write_facts(connection, "outcomes", outcomes)
            write_many(connection, [*answers, *again])

    def judge(self) -> QualitySeen:
        held = scores(2_000, 3)
        evidence = proof(held, labels(held, 3))
        return judge_quality(SPEC, self.database, "1", evidence=evidence, now=NOON)

    def read(self) -> Answered:
        return read_answered(SPEC, self.database, "1", since=NOON - 300 * DAY, now=NOON)


def codes(seen: QualitySeen) -> set[str]:
    return {finding.code for finding in seen.findings}


def test_each_lead_counts_once_by_its_first_answer_and_its_label_ripens(database: Database) -> None:
    desk = Desk(database)
    found = desk.read()
    assert found.score.tolist() == pytest.approx(desk.p.tolist())
    over = np.array([at + 20 * DAY <= NOON - 2 * DAY for at in desk.asked])
    assert found.y[over].tolist() == desk.y[over].tolist()
    assert np.isnan(found.y[np.array([at + 20 * DAY > NOON for at in desk.asked])]).all()


def test_nothing_fell(database: Database) -> None:
    seen = Desk(database).judge()
    assert not codes(seen) & {"MON301", "MON302", "MON303", "MON304", "MON305", "MON306"}
    assert seen.costs != "yes"


def test_a_fall_costs(database: Database) -> None:
    seen = Desk(database, slope=0.0).judge()
    assert {"MON301", "MON303", "MON306"} <= codes(seen)
    assert seen.costs == "yes"


def test_labels_that_come_a_month_late_are_found_and_never_negatives(database: Database) -> None:
    desk = Desk(database, delay=30 * DAY)
    found, seen = desk.read(), desk.judge()
    assert "MON305" in codes(seen)
    assert not codes(seen) & {"MON301", "MON303"}
    wrong = found.ripe & (found.y == 0) & (desk.y == 1)
    assert wrong.sum() == 0


def test_what_was_learned_later_is_not_seen(database: Database) -> None:
    desk = Desk(database)
    then = NOON - 60 * DAY
    found = read_answered(SPEC, database, "1", since=NOON - 300 * DAY, now=then)
    assert len(found) < LEADS
    assert found.at.max() <= then.timestamp() * 1e6
    positive = found.y == 1
    learned = np.array([at.timestamp() for at in desk.learned])[: len(found)]
    assert (learned[positive] <= then.timestamp()).all()


def test_points_kept_twice_are_one_set_and_later_knowledge_stays(database: Database) -> None:
    points = Desk(database).judge().points
    older = [replace(point, at=point.at - DAY, value=-1.0) for point in points]
    with database.begin() as connection:
        for kept in (points, points, older):
            save_points(connection, kept)
        found = list_points(connection, SPEC.name, version="1")
    assert {point.key for point in found} == {point.key for point in points}
    assert len(found) == len(points)
    assert min(point.value for point in found if point.metric == "brier") >= 0
    assert {point.kind for point in found} == {"realised", "estimated"}


def test_an_outcome_sent_by_prediction_id_is_the_leads(database: Database) -> None:
    desk = Desk(database)
    none = int(np.flatnonzero(desk.y == 0)[0])
    sent = [
        {
            "prediction_id": str(uuid.UUID(int=i)),
            "kind": "converted",
            "event_at": desk.happened[none].isoformat(),
        }
        for i in (none + 1, 10**9)
    ]
    with database.begin() as connection:
        taken = take_outcomes(connection, sent, at=NOON - 30 * DAY)
        again = take_outcomes(connection, sent, at=NOON)
    assert list(taken.refused) == [1]
    assert (taken.new, again.new, again.known) == (1, 0, 1)
    assert desk.read().y[none] == 1
