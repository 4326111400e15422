"""Cron schedules: those of prefect.yaml and those that model files bring, as Prefect really plans them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from estate.catalog import OWN
from estate.core.clock import now
from estate.core.settings import Settings
from estate.store import training_requests
from estate.store.database import Database
from estate.store.governor_decisions import decisions_of
from infra.stack.health import request
from infra.stack.schedules import synchronise, wanted_schedules
from tests.conftest import ROOT
from tests.flows.conftest import put_model

NEW_YORK = ZoneInfo("America/New_York")


def test_the_platforms_own_models_say_the_same_as_prefect_yaml() -> None:
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    (retrain,) = (one for one in deployments if one["name"] == "retrain")
    there = {one["parameters"]["model"]: (one["cron"], one["timezone"]) for one in retrain["schedules"]}
    assert there == {
        spec.name: (spec.schedule.cron, spec.schedule.timezone) for spec in OWN if spec.schedule is not None
    }
    assert all(one["parameters"]["cause"] == "schedule" for one in retrain["schedules"])


def test_a_model_of_the_platforms_own_is_not_scheduled_twice() -> None:
    assert wanted_schedules(OWN, frozenset(spec.name for spec in OWN)) == {}


@pytest.mark.stack
@pytest.mark.thorough
def test_cron_lines_become_scheduled_runs_in_their_time_zone(stack: Settings) -> None:
    runs = scheduled_runs(stack)
    by_model = {run["parameters"]["model"]: run for run in runs}
    assert {"lead_conversion", "churn"} <= by_model.keys()
    assert "call_conversion" not in by_model  # paused until a file of calls is named
    planned = datetime.fromisoformat(by_model["churn"]["expected_start_time"]).astimezone(NEW_YORK)
    assert (planned.weekday(), planned.hour, planned.minute) == (0, 5, 30)
    assert by_model["churn"]["parameters"]["cause"] == "schedule"


@pytest.fixture
def api(stack: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return Prefect's address, with the settings of the stack; the stack's schedules are put right again."""
    monkeypatch.setenv("LEADLOOP_HOME", str(stack.home))
    monkeypatch.setenv("LEADLOOP_MODELS", ":".join(map(str, stack.models)))
    yield stack.endpoint("prefect_url")
    synchronise(stack.endpoint("prefect_url"), ROOT)


@pytest.mark.stack
@pytest.mark.thorough
def test_a_model_files_schedule_comes_changes_and_goes_with_it(stack: Settings, api: str) -> None:
    name = put_model(stack, "weekly_home")
    file = stack.models[0] / f"{name}.py"
    unscheduled = file.read_text()
    try:
        synchronise(api, ROOT)
        assert "model-weekly-home" not in schedules(api)

        schedule(file, unscheduled, cron="15 7 * * 2")
        synchronise(api, ROOT)
        synchronise(api, ROOT)
        made = schedules(api)["model-weekly-home"]
        assert made["active"]
        assert made["parameters"] == {"model": name, "cause": "schedule"}
        planned = next(run for run in scheduled_runs(stack, model=name))
        at = datetime.fromisoformat(planned["expected_start_time"]).astimezone(ZoneInfo("Europe/Berlin"))
        assert (at.weekday(), at.hour, at.minute) == (1, 7, 15)

        schedule(file, unscheduled, cron="0 4 * * *")
        synchronise(api, ROOT)
        assert schedules(api)["model-weekly-home"]["schedule"]["cron"] == "0 4 * * *"
        assert schedules(api).keys() >= {"lead-conversion", "churn", "call-conversion"}
    finally:
        for path in stack.models[0].glob(f"{name}.*"):
            path.unlink()
    synchronise(api, ROOT)
    assert "model-weekly-home" not in schedules(api)


@pytest.mark.stack
@pytest.mark.thorough
def test_hours_missed_in_an_outage_are_one_training(stack: Settings, stack_database: Database) -> None:
    """Prefect starts every run that fell due meanwhile; the governor lets one of them train."""
    name, api = put_model(stack, "outage_home"), stack.endpoint("prefect_url")
    deployment = json.loads(request("GET", f"{api}/deployments/name/retrain/retrain") or b"null")["id"]
    for weeks in (3, 2, 1):
        due = (now() - timedelta(weeks=weeks)).isoformat()
        late = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
        run = {"state": late, "parameters": {"model": name, "cause": "schedule"}}
        assert request("POST", f"{api}/deployments/{deployment}/create_flow_run", run)
    until = time.monotonic() + 240
    while True:
        with stack_database.begin() as connection:
            made = training_requests.list_requests(connection, name)
            decided = decisions_of(connection, name)
        if len(made) == 3 and all(one.state in training_requests.ENDED for one in made):
            break
        assert time.monotonic() < until, made
        time.sleep(0.5)
    assert Counter(one.state for one in made) == {"done": 1, "refused": 2}
    assert all(one.due_at is not None and one.due_at < now() - timedelta(days=6) for one in made)
    assert {one.rule for one in decided if one.decision == "refused"} <= {"answered", "running"}


def schedule(file: Path, text: str, *, cron: str) -> None:
    wanted = f"schedule=Schedule(cron={cron!r}, timezone='Europe/Berlin')"
    file.write_text(text.replace("schedule=None", wanted).replace("Policy, Table", "Policy, Schedule, Table"))


def schedules(api: str) -> dict[str, Any]:
    found = json.loads(request("GET", f"{api}/deployments/name/retrain/retrain") or b"null")
    slugs = [one["slug"] for one in found["schedules"]]
    assert len(slugs) == len(set(slugs))
    return {one["slug"]: one for one in found["schedules"]}


def scheduled_runs(stack: Settings, *, model: str | None = None, seconds: float = 90) -> list[Any]:
    """Return runs of `retrain` that Prefect's scheduler has planned, of one model if it is named."""
    until = time.monotonic() + seconds
    wanted = {
        "deployments": {"name": {"any_": ["retrain"]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        "sort": "EXPECTED_START_TIME_ASC",
    }
    while True:
        answer = request("POST", f"{stack.endpoint('prefect_url')}/flow_runs/filter", wanted)
        runs = [run for run in json.loads(answer or b"[]") if run["auto_scheduled"]]
        names = {run["parameters"]["model"] for run in runs}
        if model in names or (model is None and {"lead_conversion", "churn"} <= names):
            return [run for run in runs if model is None or run["parameters"]["model"] == model]
        assert time.monotonic() < until, names
        time.sleep(0.5)
