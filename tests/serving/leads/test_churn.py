"""What the desk is told of a lead's leaving: by rules, by a trained version, and while parts are away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from httpx import Response
from pydantic import SecretStr

from estate.core.clock import now
from estate.datasets.world import World, simulate
from estate.services.churn.interventions import INTERVENTIONS
from estate.services.churn.model import SPEC
from estate.store.facts import write_facts
from estate.store.interventions import WAITING, Intervention, list_interventions
from estate.store.open_leads import open_lead_ids
from estate.training.bundling import write_bundle
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.split import split_by_time
from serving.batch import retain_leads
from serving.batch.retain import answer_of_lead
from serving.guard.api_key import KeyTerms, Role
from serving.guard.key_file import key_file
from tests.serving.shop import Served, Shop

DAYS = 100


@pytest.fixture
def desk(shop: Shop) -> Shop:
    world = World(seed=3, leads_per_day=12, start=(now() - timedelta(days=DAYS)).date(), days=DAYS)
    with shop.database.begin() as connection:
        for kind, facts in simulate(world).facts.items():
            write_facts(connection, kind, facts)
    shop.settings = shop.settings.model_copy(update={"intervention_holdback": 0.3, "lead_value_usd": 500.0})
    return shop


def ask(served: Served, lead: str) -> dict[str, Any]:
    response = served.client.get(f"/v1/leads/{lead}/churn")
    assert response.status_code == 200, response.text
    shown: dict[str, Any] = response.json()
    return shown


def begun(desk: Shop) -> list[Intervention]:
    retain_leads(desk.settings, desk.database, as_of=now(), fetch=desk.fetch)
    with desk.database.begin() as connection:
        return list_interventions(connection, arm=None, limit=10_000)


def test_a_lead_that_is_held_back_is_proposed_nothing_and_another_can_be_noted(desk: Shop) -> None:
    rounds = begun(desk)
    held = next(one for one in rounds if one.arm == "held_back")
    chosen = next(one for one in rounds if one.arm == "proposed" and one.source == "rules")
    with desk.serve() as served:
        shown = ask(served, held.lead_id)
        assert shown["proposals"] == []
        assert shown["round"]["arm"] == "held_back"
        assert any("held back" in one for one in shown["notes"])
        shown = ask(served, chosen.lead_id)
        assert shown["source"] == "rules"
        assert shown["round"]["kind"] == chosen.kind
        assert shown["proposals"][0]["kind"] in INTERVENTIONS
        assert shown["indicators"][0]["evidence"]
        where = f"/v1/leads/{chosen.lead_id}/interventions"
        first, again = (served.client.post(where, json={"event": "accepted"}) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 200)
        assert (first.json()["kind"], first.json()["new"], again.json()["new"]) == (chosen.kind, True, False)
        assert noted_by(desk) == {"accepted": "api"}
        assert ask(served, chosen.lead_id)["round"]["events"] == ["accepted"]
        assert served.client.post(where, json={"event": "eaten"}).status_code == 422
        refused = served.client.post(f"/v1/leads/{held.lead_id}/interventions", json={"event": "done"})
        assert refused.status_code == 404
        assert served.client.get("/v1/leads/nobody/churn").status_code == 404


def test_a_lead_for_which_the_day_has_no_room_is_said_to_wait(desk: Shop) -> None:
    changed = {"intervention_minutes": 30.0, "intervention_holdback": 0.0}
    desk.settings = desk.settings.model_copy(update=changed)
    begun(desk)
    with desk.database.begin() as connection:
        waiting = list_interventions(connection, arm=WAITING)[0]
    with desk.serve() as served:
        shown = ask(served, waiting.lead_id)
        assert (shown["round"]["arm"], shown["proposals"]) == ("waiting", [])
        assert any("the lead waits" in one for one in shown["notes"])
        where = f"/v1/leads/{waiting.lead_id}/interventions"
        assert served.client.post(where, json={"event": "done"}).status_code == 404
        review = served.client.get(f"/v1/leads/{waiting.lead_id}/review").json()
        assert review["next_action"]["kind"] != waiting.kind


def test_what_was_made_of_a_proposal_is_noted_by_a_key_of_role_feedback_under_its_name(desk: Shop) -> None:
    chosen = next(one for one in begun(desk) if one.arm == "proposed")
    kept = key_file(desk.settings)
    score, feedback, admin = (kept.create(KeyTerms(name=f"the-{role}", role=role))[1] for role in Role)
    where = f"/v1/leads/{chosen.lead_id}/interventions"
    with desk.serve() as served:

        def post(event: str, key: str | None, path: str = where) -> Response:
            headers = {"x-api-key": key} if key is not None else {}
            return served.client.post(path, json={"event": event}, headers=headers)

        assert [post("done", None).status_code, post("done", score).status_code] == [401, 403]
        assert post("done", score, f"{where}/").status_code == 403
        assert noted_by(desk) == {}
        asked = served.client.get(f"/v1/leads/{chosen.lead_id}/churn", headers={"x-api-key": score})
        assert asked.status_code == 200
        assert [post("accepted", feedback).status_code, post("done", admin).status_code] == [201, 201]
        again = post("accepted", admin)
        assert (again.status_code, again.json()["new"]) == (200, False)
    assert noted_by(desk) == {"accepted": "the-feedback", "done": "the-admin"}


def noted_by(desk: Shop) -> dict[str, str]:
    with desk.database.begin() as connection:
        found = connection.execute(sa.text("SELECT event, who FROM intervention_events"))
        return {row.event: row.who for row in found}


def test_with_the_database_away_what_is_kept_is_told_and_what_is_not_is_said(desk: Shop) -> None:
    with desk.database.begin() as connection:
        lead = open_lead_ids(connection, as_of=now())[0]
    with desk.serve() as served:
        before = ask(served, lead)
        served.process.crm._find = _nowhere
        served.process.crm._reader.close()
        served.process.crm._reader._connections._find = _nowhere
        after = ask(served, lead)
    assert after["risk"] == before["risk"]
    assert (after["indicators"], after["proposals"], after["round"]) == ([], [], None)
    assert len(after["not_known"]) == 10
    assert any("database is away" in one for one in after["notes"])
    nowhere = SecretStr("postgresql://postgres@127.0.0.1:9/none")
    away = replace(desk, settings=desk.settings.model_copy(update={"database_url": nowhere}))
    with away.serve() as served:
        response = served.client.get(f"/v1/leads/{lead}/churn")
        assert response.status_code == 503
        assert "127.0.0.1" not in response.text


def _nowhere() -> Any:
    from estate.store.database import Database

    return Database("postgresql://postgres@127.0.0.1:9/none")


@pytest.mark.thorough
def test_a_trained_version_says_what_its_levels_mean_and_batch_says_the_same(desk: Shop) -> None:
    parts = split_by_time(SPEC, extract(SPEC, desk.database, as_of=now()))
    write_bundle(fit(SPEC, parts), parts, desk.folder / "registry" / "churn" / "1")
    made = desk.judge("1", model="churn")
    desk.keep("1", made, desk.sign(made), model="churn")
    desk.promote("1", model="churn")
    rounds = begun(desk)
    young = [one for one in rounds if one.source == "model" and one.version == "1"]
    assert young
    with desk.serve() as served:
        served.wait_for_version("1", "churn")
        shown = [ask(served, one.lead_id) for one in young[:30]]
        asked = served.client.post(
            "/v1/models/churn/predict", json={"lead_ids": [one.lead_id for one in young[:30]]}
        ).json()["predictions"]
    assert [one["risk"] for one in shown] == pytest.approx([one["score"] for one in asked], abs=1e-6)
    assert {one["band"] for one in asked} <= {"very low", "low", "medium", "high", "very high"}
    assert any(one["meaning"]["sentence"].startswith("of 100 leads") for one in shown)
    assert {one["timing"]["basis"] for one in shown} == {"measured"}
    alone = answer_of_lead(desk.settings, desk.database, young[0].lead_id, as_of=now(), fetch=desk.fetch)
    assert alone.risk == pytest.approx(shown[0]["risk"], abs=1e-6)
    assert [one.name for one in alone.indicators] == [one["name"] for one in shown[0]["indicators"]]
