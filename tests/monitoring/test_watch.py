"""One pass on real predictions, a real registry and a real ledger."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from estate.bundles import Bundle, Encoder, InputColumn, Reference, write_manifest
from estate.bundles.bundle import FEATURES, REFERENCE, describe
from estate.bundles.encoder import EncodedColumn
from estate.core.frame import Frame
from estate.core.model_spec import Task
from estate.core.prediction import AnsweredBy, Prediction
from estate.core.settings import Settings
from estate.store import ledger
from estate.store.database import Database
from estate.store.predictions import write_many
from estate.store.training_requests import get, list_requests
from estate.store.watch_passes import WatchPass, list_passes
from model_registry.connection import Registry
from monitoring import watch
from monitoring.window import Window
from tests.monitoring.conftest import Sampler

MODEL = "lead_conversion"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def write_bundle(folder: Path, reference: Window, *, model: str = MODEL) -> None:
    """Write a bundle that has a reference and no model."""
    folder.mkdir(parents=True)
    columns = [
        (name, "category" if values.dtype == np.object_ else "number")
        for name, values in reference.features.columns.items()
    ]
    bundle = Bundle(
        folder,
        "",
        model,
        Task.BINARY,
        (),
        "f",
        tuple(InputColumn(name, kind) for name, kind in columns),  # type: ignore[arg-type]
        Encoder(tuple(EncodedColumn(name, kind) for name, kind in columns)),  # type: ignore[arg-type]
    )
    (folder / FEATURES).write_text(describe(bundle))
    Reference(reference.features, reference.scores).write(folder / REFERENCE)
    write_manifest(folder)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, reference: Window) -> Registry:
    """One registered version, with a bundle."""
    folder = tmp_path_factory.mktemp("registry")
    write_bundle(folder / "model" / "bundle", reference)
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
    client: MlflowClient = registry.client
    client.create_registered_model(MODEL)
    client.create_model_version(MODEL, source=(folder / "model").as_uri())
    return registry


class Desk:
    """A desk whose model is in production as version 1."""

    def __init__(self, database: Database, registry: Registry, home: Path) -> None:
        self.database, self.registry, self.settings = database, registry, Settings(home=home)

    def promote(self) -> None:
        order = ledger.Order(model=MODEL, decision="promoted", to_version="1", who="a", why="b")
        with self.database.begin() as connection:
            ledger.append(connection, order)

    def answer(self, window: Window, version: str = "1", *, days_ago: int = 0) -> None:
        by = AnsweredBy.RULES if version == "rules" else AnsweredBy.MODEL
        rows = [
            Prediction(
                prediction_id=str(uuid.uuid4()),
                model=MODEL,
                version=version,
                answered_by=by,
                entity_id=None,
                score=float(score),
                label=None,
                features=features,
                fingerprint="f",
                at=NOON - timedelta(days=days_ago, seconds=i),
            )
            for i, (score, features) in enumerate(
                zip(window.scores, window.features.records(), strict=True), 1
            )
        ]
        with self.database.begin() as connection:
            write_many(connection, rows)

    def watch(self, window: int = 500) -> WatchPass:
        return watch(self.settings, self.database, MODEL, window=window, until=NOON, registry=self.registry)


@pytest.fixture
def desk(database: Database, registry: Registry, tmp_path: Path) -> Desk:
    made = Desk(database, registry, tmp_path)
    made.promote()
    return made


def _codes(made: WatchPass) -> list[str]:
    return [finding.code for finding in made.findings]


def test_nothing_happened(desk: Desk, sample: Sampler) -> None:
    desk.answer(sample(300, 1))
    made = desk.watch(window=200)
    assert (made.decision, made.findings, made.rows, made.version) == ("quiet", (), 200, "1")
    assert (made.window_from, made.window_to) == (NOON - timedelta(seconds=200), NOON - timedelta(seconds=1))
    assert made.report is not None
    assert Path(made.report).parent == desk.settings.home / "reports" / MODEL
    assert {path.name for path in Path(made.report).iterdir()} == {"report.html", "report.json"}
    with desk.database.begin() as connection:
        assert list_passes(connection, MODEL) == [made]
        assert list_requests(connection) == []


def test_drift_asks_for_one_training(desk: Desk, sample: Sampler) -> None:
    desk.answer(sample(200, 1, budget_usd=sample(200, 2).features["budget_usd"] * 1.6))
    made, again = desk.watch(), desk.watch()
    assert (made.decision, _codes(made)) == ("drift", ["MON201"])
    assert made.request_id == again.request_id
    with desk.database.begin() as connection:
        (request,) = list_requests(connection)
        assert get(connection, str(made.request_id)) == request
        assert list_passes(connection, MODEL) == [again, made]
    assert (request.cause, request.state, request.as_of) == ("drift", "waiting", NOON)
    assert request.detail == "version 1: budget_usd moved in the last 200 rows"


def test_broken_data_ask_for_no_training_whatever_drifted(desk: Desk, sample: Sampler) -> None:
    gone = np.full(200, np.nan)
    desk.answer(sample(200, 1, budget_usd=gone, source=np.full(200, "web", dtype=object)))
    made = desk.watch()
    assert (made.decision, _codes(made)) == ("broken_data", ["MON101", "MON402"])
    assert made.request_id is None
    with desk.database.begin() as connection:
        assert list_requests(connection) == []


def test_answers_of_rules_and_of_other_versions_are_counted_and_not_judged(
    desk: Desk, sample: Sampler
) -> None:
    desk.answer(sample(10, 1))
    desk.answer(sample(9, 2), "rules")
    made = desk.watch()
    assert (made.decision, made.rows, _codes(made)) == ("too_few", 10, ["MON104", "MON107"])
    assert made.findings[1].sentence.startswith("9 predictions")


def test_predictions_of_last_month_say_nothing_of_today(desk: Desk, sample: Sampler) -> None:
    desk.answer(sample(200, 1), days_ago=31)
    made = desk.watch()
    assert (made.decision, made.rows, _codes(made)) == ("too_few", 0, ["MON105"])
    assert made.findings[0].sentence == "version 1 answered nothing in the last 30 days"


def test_without_a_production_version_there_is_nothing_to_compare(
    database: Database, registry: Registry, tmp_path: Path, sample: Sampler
) -> None:
    desk = Desk(database, registry, tmp_path)
    desk.answer(sample(40, 1), "rules")
    made = desk.watch()
    assert (made.version, made.decision, _codes(made)) == ("rules", "too_few", ["MON108"])
    assert "40 recent predictions" in made.findings[0].sentence


def test_a_window_by_time_takes_all_of_its_days(desk: Desk, sample: Sampler) -> None:
    desk.answer(sample(60, 1), days_ago=1)
    desk.answer(sample(60, 2), days_ago=6)
    desk.answer(sample(60, 3), days_ago=9)
    made = watch(desk.settings, desk.database, MODEL, window=30, days=7, until=NOON, registry=desk.registry)
    assert (made.rows, made.decision) == (120, "quiet")


def test_a_pass_says_what_it_spent_and_what_it_could_have_seen(desk: Desk, sample: Sampler) -> None:
    desk.answer(sample(200, 1))
    first, again = desk.watch(), desk.watch()
    assert first.alarm_rate == pytest.approx(0.1 * 7 / 30)
    assert again.alarm_rate == pytest.approx(0.1 * 3.5 / 30)
    assert first.as_of == NOON
    assert first.visible is not None
    assert first.visible.startswith("200 rows show a number that moves by 0.")


def test_broken_data_spend_nothing_of_the_budget(desk: Desk, sample: Sampler) -> None:
    desk.answer(sample(200, 1, budget_usd=np.full(200, np.nan)))
    made = desk.watch()
    assert (made.alarm_rate, made.visible) == (None, None)


def test_a_shifted_mix_is_told_and_asks_for_no_training(desk: Desk, sample: Sampler) -> None:
    source = np.random.default_rng(1).choice(np.array(["portal", "web", "web", "web"], dtype=object), 200)
    desk.answer(sample(200, 1, source=source))
    made = desk.watch()
    assert (made.decision, _codes(made), made.request_id) == ("mix", ["MON211"], None)


def test_a_number_that_comes_as_text_is_of_another_type(desk: Desk, sample: Sampler) -> None:
    told = np.array([f"{value:.0f} USD" for value in sample(200, 2).features["budget_usd"]], dtype=object)
    desk.answer(sample(200, 1, budget_usd=told))
    made = desk.watch()
    assert (made.decision, _codes(made)) == ("broken_data", ["MON110", "MON402"])


def test_a_column_that_no_prediction_has_is_gone(desk: Desk, sample: Sampler) -> None:
    whole = sample(200, 1)
    kept = {name: values for name, values in whole.features.columns.items() if name != "source"}
    desk.answer(Window(Frame(kept, 200), whole.scores))
    made = desk.watch()
    assert (made.decision, _codes(made)) == ("broken_data", ["MON109", "MON402"])
