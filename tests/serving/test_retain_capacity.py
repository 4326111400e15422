"""What a pass proposes where the desk can do only so much in a day: never more, whoever runs it how often."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from estate.core.errors import SettingsError
from estate.core.settings import Settings
from estate.datasets.world import simulate_into
from estate.services.churn.capacity import minutes_of
from estate.store import erasures
from estate.store.database import Database
from estate.store.interventions import (
    WAITING,
    Intervention,
    add_event,
    list_interventions,
    matured,
    next_rounds,
    waits,
)
from infra.cli.main import app
from serving.batch import Retained, retain_leads
from serving.batch.retain import answer_of_lead
from tests.serving.test_retain import NOW, WORLD, no_registry

MINUTES, CALLS = 90.0, 2


@pytest.fixture
def settings(tmp_path: Path, database: Database) -> Settings:
    simulate_into(database, WORLD, home=tmp_path)
    return Settings(
        _env_file=None,
        home=tmp_path,
        database_url=SecretStr(database.url),
        intervention_holdback=0.3,
        intervention_minutes=MINUTES,
        intervention_most={"call": CALLS},
        lead_value_usd=500.0,
    )


def run(settings: Settings, database: Database, days: float = 0.0) -> Retained:
    return retain_leads(settings, database, as_of=NOW + timedelta(days=days), fetch=no_registry)


def rows(database: Database, arm: str | None = None) -> list[Intervention]:
    with database.begin() as connection:
        return list_interventions(connection, arm=arm, limit=10_000)


def taken(found: Sequence[Intervention]) -> tuple[float, int]:
    proposed = [one.kind for one in found if one.arm == "proposed"]
    return sum(map(minutes_of, proposed)), Counter(proposed)["call"]


def test_a_day_is_filled_once_and_who_finds_no_room_waits_for_another(
    settings: Settings, database: Database
) -> None:
    done = run(settings, database)
    first = rows(database)
    minutes, calls = taken(first)
    assert MINUTES - 2 < minutes <= MINUTES
    assert calls <= CALLS
    assert done.waiting == len(rows(database, WAITING)) > 20
    assert {one.propensity for one in first if one.arm == "held_back"} == {0.3}
    again = run(settings, database, 0.2)
    assert (again.proposed, again.held_back) == (0, 0)
    assert rows(database) == first
    waited = {one.lead_id for one in rows(database, WAITING)}
    run(settings, database, 1.0)
    second = [one for one in rows(database) if one not in first]
    assert MINUTES - 2 < taken(second)[0] <= MINUTES
    assert waited & {one.lead_id for one in second}
    assert not {one.lead_id for one in second} & {one.lead_id for one in first}
    with database.begin() as connection:
        assert {one.propensity for one in matured(connection, as_of=NOW + timedelta(days=40))} <= {0.3, 0.7}
        assert len(matured(connection, as_of=NOW + timedelta(days=40))) == len(first) + len(second)


def test_what_is_done_today_of_earlier_proposals_takes_of_the_day(
    settings: Settings, database: Database
) -> None:
    run(settings, database)
    some = [one for one in rows(database) if one.arm == "proposed"][:5]
    with database.begin() as connection:
        for one in some:
            add_event(connection, one.intervention_id, "accepted", who="ada", at=NOW + timedelta(days=1))
            add_event(connection, one.intervention_id, "done", who="ada", at=NOW + timedelta(days=1))
    before = rows(database)
    run(settings, database, 1.0)
    room = MINUTES - sum(minutes_of(one.kind) for one in some)
    assert room - 2 < taken([one for one in rows(database) if one not in before])[0] <= room


def test_two_passes_at_once_fill_one_day(settings: Settings, database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: run(settings, database), range(4)))
    assert taken(rows(database))[0] <= MINUTES
    assert sorted(one.proposed > 0 for one in done) == [False, False, False, True]
    assert len({one.waiting for one in done}) == 1


def test_another_limit_or_none_counts_at_the_next_pass(settings: Settings, database: Database) -> None:
    none = settings.model_copy(update={"intervention_minutes": 0.0})
    nothing = run(none, database)
    assert (nothing.proposed, nothing.held_back) == (0, 0)
    assert nothing.waiting > 50
    run(settings, database)
    less = settings.model_copy(update={"intervention_minutes": 10.0})
    assert run(less, database).proposed == 0
    free = settings.model_copy(update={"intervention_minutes": None, "intervention_most": {}})
    rest = run(free, database)
    assert (rest.waiting, rows(database, WAITING)) == (0, [])
    assert rest.proposed + rest.held_back > 30


def test_a_lead_that_waits_is_proposed_nothing_whatever_it_will_be_drawn_to(
    settings: Settings, database: Database
) -> None:
    run(settings, database)
    waiting = rows(database, WAITING)[:12]
    for one in waiting:
        answer = answer_of_lead(settings, database, one.lead_id, as_of=NOW, fetch=no_registry)
        assert answer.round is not None
        assert (answer.round.arm, answer.round.kind, answer.proposals) == ("waiting", None, ())
        assert "the desk's day is full" in answer.notes[-1]
    with database.begin() as connection:
        lead = waiting[0].lead_id
        assert next_rounds(connection, [lead], as_of=NOW) == {lead: 0}
        assert waits(connection, lead, as_of=NOW + timedelta(days=1.9))
        assert not waits(connection, lead, as_of=NOW + timedelta(days=2.1))  # no pass has said so since
    with database.begin() as connection:
        erasures.begin(connection, lead, who="ada", why="asked")
        assert erasures.delete_rows(connection, lead)["interventions"] == 1
    run(settings, database, 0.1)
    assert lead not in {one.lead_id for one in rows(database, WAITING)}


def test_a_kind_that_there_is_not_is_refused_before_anything_is_done(
    settings: Settings, database: Database
) -> None:
    with pytest.raises(SettingsError, match="kind of intervention"):
        run(settings.model_copy(update={"intervention_most": {"letter": 3}}), database)
    with pytest.raises(SettingsError, match="time zone of the desk"):
        run(settings.model_copy(update={"desk_timezone": "Mars/Olympus"}), database)
    assert rows(database) == []


def test_the_command_tells_what_is_taken_of_the_day_and_who_waits(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(settings, database)
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", database.url)
    monkeypatch.setenv("LEADLOOP_INTERVENTION_MINUTES", f"{MINUTES:g}")
    monkeypatch.setenv("LEADLOOP_INTERVENTION_MOST", f"call={CALLS}")
    monkeypatch.setattr("estate.core.clock.now", lambda: NOW)
    minutes, calls = taken(rows(database))
    shown = CliRunner().invoke(app, ["interventions"]).output
    minutes_taken = f"today {minutes:g} of {MINUTES:g} minutes are taken"
    assert f"{minutes_taken}, call {calls} of {CALLS}; {done.waiting} leads wait" in shown
    told = json.loads(CliRunner().invoke(app, ["interventions", "--waiting", "--json"]).output)
    assert {row["arm"] for row in told["interventions"]} == {WAITING}
    assert told["today"]["waiting"] == done.waiting
    listed = CliRunner().invoke(app, ["interventions", "--waiting"]).output
    assert told["interventions"][0]["lead_id"] in listed
