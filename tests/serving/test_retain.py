"""The nightly pass over the open leads: proposals once a round, a share held back, nothing of the erased."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from typer.testing import CliRunner

from estate.core.errors import DataError, RegistryError
from estate.core.settings import Settings
from estate.datasets.world import World, simulate_into
from estate.services.churn.effects import tried, uplifts
from estate.store import erasures
from estate.store.database import Database
from estate.store.interventions import (
    Intervention,
    add_event,
    add_interventions,
    find_intervention,
    latest_desk,
    list_interventions,
    matured,
)
from estate.store.open_leads import open_lead_ids
from infra.cli.main import app
from serving.batch import Retained, retain_leads
from serving.batch.retain import answer_of_lead

WORLD = World(seed=8, leads_per_day=6.0, days=120)
NOW = WORLD.at(110)


def no_registry(model: str, version: str, destination: Path) -> Path:
    raise RegistryError("model registry", expected="an answer", got="none")


@pytest.fixture
def settings(tmp_path: Path, database: Database) -> Settings:
    simulate_into(database, WORLD, home=tmp_path)
    return Settings(
        _env_file=None,
        home=tmp_path,
        database_url=SecretStr(database.url),
        intervention_holdback=0.3,
        lead_value_usd=500.0,
    )


def run(settings: Settings, database: Database, at: datetime = NOW) -> Retained:
    return retain_leads(settings, database, as_of=at, fetch=no_registry)


def rows(database: Database) -> list[Intervention]:
    with database.begin() as connection:
        return list_interventions(connection, arm=None, limit=10_000)


def test_a_round_begins_once_and_the_next_when_it_is_over(settings: Settings, database: Database) -> None:
    done = run(settings, database)
    first = rows(database)
    assert done.version == "rules"
    assert done.proposed + done.held_back == len(first) > 50
    assert 0.15 < done.held_back / len(first) < 0.45
    assert {one.propensity for one in first if one.arm == "held_back"} == {0.3}
    assert all(one.benefit_usd > 0 and one.indicators and one.evidence for one in first)
    for later in (NOW, NOW + timedelta(days=1)):
        run(settings, database, later)
        assert not {one.lead_id for one in first} & {one.lead_id for one in rows(database)[: -len(first)]}
    run(settings, database, NOW + timedelta(days=31))
    again = [one for one in rows(database) if one.round == 1]
    began = {one.lead_id: one.at for one in rows(database) if one.round == 0}
    assert again
    assert all(one.at - began[one.lead_id] >= timedelta(days=30) for one in again)

    with database.begin() as connection:
        over = matured(connection, as_of=NOW + timedelta(days=30))
        assert len(over) == len(first)
        assert any(one.left for one in over)
        assert matured(connection, as_of=NOW + timedelta(days=29)) == []
        assert latest_desk(connection)
    total = uplifts([tried(one) for one in over])[0]
    assert total.proposed + total.held_back == len(first)


@pytest.mark.thorough
def test_everybody_open_is_judged_and_others_events_change_nothing(
    settings: Settings, database: Database
) -> None:
    with database.begin() as connection:
        leads = open_lead_ids(connection, as_of=NOW)
    assert run(settings, database).leads == len(leads)
    before = answer_of_lead(settings, database, leads[0], as_of=NOW, fetch=no_registry)
    with database.begin() as connection:
        for table in ("interactions", "messages"):
            connection.execute(sa.text(f"DELETE FROM {table} WHERE lead_id <> :lead"), {"lead": leads[0]})
    assert answer_of_lead(settings, database, leads[0], as_of=NOW, fetch=no_registry) == before
    with pytest.raises(DataError, match="none of that id"):
        answer_of_lead(settings, database, "nobody", as_of=NOW, fetch=no_registry)


def test_what_was_made_of_it_is_noted_once_and_goes_with_the_lead(
    settings: Settings, database: Database
) -> None:
    run(settings, database)
    one = next(row for row in rows(database) if row.arm == "proposed")
    with database.begin() as connection:
        assert add_event(connection, one.intervention_id, "accepted", who="ada", at=NOW)
        assert not add_event(connection, one.intervention_id, "accepted", who="bob", at=NOW)
        found = find_intervention(connection, one.lead_id)
        assert found is not None
        assert found.events == ("accepted",)
    with database.begin() as connection:
        erasures.begin(connection, one.lead_id, who="ada", why="asked")
        assert erasures.delete_rows(connection, one.lead_id)["interventions"] == 1
    with database.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM intervention_events")).scalar_one() == 0
        assert add_interventions(connection, [one, replace(one, lead_id="somebody")]) == {
            replace(one, lead_id="somebody").intervention_id
        }


@pytest.mark.thorough
def test_the_commands_tell_it(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, database)
    one = next(row for row in rows(database) if row.arm == "proposed")
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", database.url)
    monkeypatch.setenv("LEADLOOP_HOME", str(settings.home))
    shown = CliRunner().invoke(app, ["interventions"]).output
    assert "not enough" in shown
    assert one.kind in shown
    noted = CliRunner().invoke(app, ["interventions", "note", one.lead_id, "done"])
    assert noted.output == f"{one.kind} of {one.lead_id}: done\n"
    told = json.loads(CliRunner().invoke(app, ["interventions", "--json", "--all", "--limit", "9999"]).output)
    assert {row["arm"] for row in told["interventions"]} == {"proposed", "held_back"}
    assert next(row for row in told["interventions"] if row["lead_id"] == one.lead_id)["events"] == ["done"]
    assert told["uplift"][0]["kind"] == "all"
    told = json.loads(CliRunner().invoke(app, ["churn", one.lead_id, "--json"]).output)
    assert (told["lead_id"], told["source"]) == (one.lead_id, "rules")
