"""Homes that were shown are laid beside homes that were shown before, one of each lead."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from estate.core.clock import now
from estate.core.pair_id import pair_id
from estate.core.prediction import AnsweredBy, Prediction
from estate.core.settings import Settings
from estate.store import ledger
from estate.store.database import Database
from estate.store.predictions import write_many
from estate.store.training_requests import list_requests
from estate.store.watch_passes import WatchPass
from estate.store.watched_rows import stream_rows
from model_registry.connection import Registry
from monitoring import watch
from monitoring.window import Window
from tests.monitoring.conftest import Sampler
from tests.monitoring.test_watch import write_bundle

MODEL = "home_choice"
DAY = timedelta(days=1)
RICH = 2.5
"""Homes that are shown are unlike those of the training: these are dearer."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, reference: Window) -> Registry:
    folder = tmp_path_factory.mktemp("registry")
    write_bundle(folder / "model" / "bundle", reference, model=MODEL)
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
    client: MlflowClient = registry.client
    client.create_registered_model(MODEL)
    client.create_model_version(MODEL, source=(folder / "model").as_uri())
    return registry


class Desk:
    """A desk that shows homes from the moment of the promotion on."""

    def __init__(self, database: Database, registry: Registry, home: Path, sample: Sampler) -> None:
        self.database, self.registry, self.settings = database, registry, Settings(home=home)
        self.sample, self.begin = sample, now()
        order = ledger.Order(model=MODEL, decision="promoted", to_version="1", who="a", why="b")
        with database.begin() as connection:
            ledger.append(connection, order)

    def show(self, day: float, leads: range, seed: int, *, homes: int = 1, **instead: float) -> None:
        """Show homes to leads on a day; numbers are multiplied by those given."""
        drawn = self.sample(len(leads), seed)
        times = {"budget_usd": RICH, **instead}
        moved = {name: drawn.features[name] * by for name, by in times.items()}
        rows = replace(drawn.features, columns={**drawn.features.columns, **moved}).records()
        at = self.begin + day * DAY
        made = [
            self._row(pair_id(f"l{lead}", f"h{home}"), float(score), features, at)
            for lead, score, features in zip(leads, drawn.scores, rows, strict=True)
            for home in range(homes)
        ]
        with self.database.begin() as connection:
            write_many(connection, made)

    def _row(
        self, pair: str, score: float, features: dict[str, float | str | None], at: datetime
    ) -> Prediction:
        return Prediction(
            str(uuid.uuid4()), MODEL, "1", AnsweredBy.MODEL, pair, score, None, features, "f", at
        )

    def watch(self, day: float) -> WatchPass:
        until = self.begin + day * DAY
        return watch(self.settings, self.database, MODEL, until=until, registry=self.registry, report=False)


@pytest.fixture
def desk(database: Database, registry: Registry, tmp_path: Path, sample: Sampler) -> Desk:
    return Desk(database, registry, tmp_path, sample)


def codes(made: WatchPass) -> list[str]:
    """Return what was found, but of the quality: nobody looks at homes on this desk."""
    return [finding.code for finding in made.findings if not finding.code.startswith("MON3")]


def test_homes_unlike_those_of_the_training_are_no_drift(desk: Desk) -> None:
    desk.show(1, range(300), 1)
    desk.show(15, range(300, 600), 2)
    made = desk.watch(16)
    assert (made.decision, codes(made), made.rows) == ("quiet", [], 300)


def test_homes_unlike_those_that_were_shown_before_are(desk: Desk) -> None:
    desk.show(1, range(300), 1)
    desk.show(15, range(300, 600), 2, budget_usd=1.6 * RICH)
    made = desk.watch(16)
    assert (made.decision, codes(made)) == ("drift", ["MON201"])
    with desk.database.begin() as connection:
        (request,) = list_requests(connection)
    assert request.model == MODEL


def test_a_version_is_not_judged_before_it_can_be_compared_with_itself(desk: Desk) -> None:
    desk.show(1, range(300), 1)
    desk.show(6, range(300, 600), 2, budget_usd=9.0)
    made = desk.watch(7)
    assert (made.decision, codes(made)) == ("too_few", ["MON104"])
    assert made.findings[0].sentence.endswith("it has not shown homes for 14 days")


def test_a_version_that_shows_nothing_is_told(desk: Desk) -> None:
    made = desk.watch(16)
    assert (made.decision, codes(made)) == ("too_few", ["MON105"])
    assert made.findings[0].sentence == "version 1 answered nothing in the last 7 days"


def test_however_often_leads_are_shown_homes_each_counts_once(desk: Desk) -> None:
    """The same few leads, every night and with many homes: no more is known than of so many leads."""
    for night in range(7):
        desk.show(0.5 + night, range(40), 1, homes=10)
        desk.show(14.5 + night, range(40, 80), 2, homes=10)
    made = desk.watch(21.4)
    assert made.rows == 40
    assert made.decision == "quiet", "40 leads differ from 40 others by chance"


def test_which_home_of_a_lead_counts_is_chance_and_stays_so(desk: Desk) -> None:
    rows = np.arange(200)
    for home in range(4):
        with desk.database.begin() as connection:
            write_many(
                connection,
                [
                    desk._row(pair_id(f"l{lead}", f"h{home}"), home / 4, {"budget_usd": 1.0}, desk.begin)
                    for lead in rows.tolist()
                ],
            )
    with desk.database.begin() as connection:
        first, again = (
            [
                score
                for part in stream_rows(connection, MODEL, "1", since=desk.begin, one_a_lead=True)
                for score in part.scores.tolist()
            ]
            for _ in range(2)
        )
    assert first == again
    assert len(first) == 200
    counts = np.unique(first, return_counts=True)[1]
    assert len(counts) == 4
    assert counts.min() > 25
