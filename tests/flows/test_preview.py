"""A training shows on its version's page what a promotion would change; a preview that fails, fails alone."""

from __future__ import annotations

import uuid

import pytest

from estate.catalog import load_specs
from estate.core.clock import now
from estate.core.prediction import AnsweredBy, Prediction
from estate.core.settings import Settings
from estate.store import training_requests
from estate.store.database import Database
from estate.store.predictions import write_many
from model_registry import connect
from tests.flows.conftest import asked, put_model
from tests.flows.training_process import TrainingProcess

pytestmark = [pytest.mark.stack, pytest.mark.thorough]
RULES = "def rules(features):\n    return features['rooms'] * 0 + 40.0\n\n\nSPEC ="


def page(stack: Settings, model: str, version: str) -> str:
    return connect(stack).client.get_model_version(model, version).description or ""


def reason(database: Database, request_id: str) -> str:
    with database.begin() as connection:
        return str(training_requests.get(connection, request_id).reason)


def ask(database: Database, model: str, fingerprint: str, *, unit: str | None = None) -> None:
    rows = [
        Prediction(
            prediction_id=str(uuid.uuid4()),
            model=model,
            version="rules",
            answered_by=AnsweredBy.RULES,
            entity_id=f"home-{rooms}",
            score=40.0,
            label=None,
            features={"rooms": f"{rooms} {unit}" if unit else float(rooms), "area": "north"},
            fingerprint=fingerprint,
            at=now(),
        )
        for rooms in range(1, 7)
    ]
    with database.begin() as connection:
        write_many(connection, rows)


def test_each_training_writes_a_preview_and_a_broken_one_fails_alone(
    stack: Settings, trainings: TrainingProcess, stack_database: Database
) -> None:
    name = put_model(stack, "preview_home")
    file = stack.models[0] / f"{name}.py"
    plain = (
        file.read_text().replace("SPEC =", RULES).replace("    schedule=", "    rules=rules,\n    schedule=")
    )
    file.write_text(plain)
    assert trainings.run(name, asked(stack_database, name)).result == "1"
    assert page(stack, name, "1").endswith("No preview: nobody has asked `preview_home` yet.")

    (spec,) = load_specs(file)
    ask(stack_database, name, spec.features.fingerprint)
    assert trainings.run(name, asked(stack_database, name)).result == "2"
    assert "Against version 1, on 6 cases of the latest 6 answers" in page(stack, name, "2")

    ask(stack_database, name, spec.features.fingerprint, unit="rooms")  # a number that was kept as a text
    request = asked(stack_database, name)
    assert trainings.run(name, request).result == "3"
    assert reason(stack_database, request).startswith("version 3: passed; no preview: ValueError")
