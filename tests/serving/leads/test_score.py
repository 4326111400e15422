"""The score of a lead over HTTP and in bulk: by a trained version, by rules, and while parts are away."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from estate.bundles import Bundle
from estate.core.clock import now
from estate.services.lead_scoring import service
from estate.store.open_leads import open_lead_ids
from serving.leads.answers import Ranks
from serving.leads.in_bulk import ManyLeads
from tests.serving.leads.trained import open_desk, train
from tests.serving.shop import Served, Shop

MODEL = "lead_conversion"
NAMES = ["intent", "timing", "budget_qualification", "conversion", "churn_risk", "engagement_readiness"]


@pytest.fixture
def desk(shop: Shop) -> Shop:
    open_desk(shop)
    return shop


def open_leads(desk: Shop) -> list[str]:
    with desk.database.begin() as connection:
        return open_lead_ids(connection, as_of=now())


def score_of(served: Served, lead: str) -> dict[str, Any]:
    response = served.client.get(f"/v1/leads/{lead}/score")
    assert response.status_code == 200, response.text
    shown: dict[str, Any] = response.json()
    return shown


def test_a_trained_version_gives_score_band_interval_and_reasons(desk: Shop) -> None:
    train(desk, MODEL)
    leads = open_leads(desk)[:40]
    with desk.serve() as served:
        served.wait_for_version("1", MODEL)
        shown = [score_of(served, lead) for lead in leads]
        asked = served.client.post(f"/v1/models/{MODEL}/predict", json={"lead_ids": leads}).json()
    among = [one["score"] for one in asked["predictions"]]
    assert [one["probability"] for one in shown] == pytest.approx(among, abs=1e-6)
    assert {one["source"] for one in shown} == {"model"}
    assert len({one["band"] for one in shown}) > 1
    for one in shown:
        assert 0 <= one["score"] <= 100
        low, high = one["interval"]
        assert 0 <= low <= high <= 1
        means = one["band_means"]
        assert means["low"] <= means["of_100"] <= means["high"]
        assert means["leads"] > 10
        assert [dimension["name"] for dimension in one["dimensions"]] == NAMES
    # the score keeps the order of the chance to convert, and says where it stands among all
    by_chance = sorted(shown, key=lambda one: one["probability"])
    assert [one["score"] for one in by_chance] == sorted(one["score"] for one in shown)
    assert any(one["reasons_for"] for one in shown)
    assert any(one["reasons_against"] for one in shown)
    # beside the trained one, rules answer, and say so
    sources = {d["name"]: d["source"] for d in shown[0]["dimensions"]}
    assert sources == {name: "model" if name == "conversion" else "rules" for name in NAMES}


def test_where_a_score_stands_is_looked_up_of_the_one_that_is_told(
    desk: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(desk, MODEL)
    train(desk, "churn")
    looked_up: list[str] = []

    def of(self: Ranks, bundle: Bundle, score: float) -> float:
        looked_up.append(bundle.model)
        return 0.5

    monkeypatch.setattr(Ranks, "of", of)
    lead = open_leads(desk)[-1]
    with desk.serve() as served:
        served.wait_for_version("1", MODEL)
        served.wait_for_version("1", "churn")
        assert score_of(served, lead)["score"] == 50.0
        assert looked_up == [MODEL]
        served.client.get(f"/v1/leads/{lead}/review")
        assert looked_up == [MODEL, MODEL]
    many = ManyLeads(desk.settings, desk.database, (MODEL, "churn"), fetch=desk.fetch)
    dict(many.ask([lead], as_of=now(), ranked=(MODEL,)))
    assert looked_up == [MODEL] * 3


@pytest.mark.thorough
def test_in_bulk_gives_what_one_lead_gives(desk: Shop, tmp_path: Path) -> None:
    train(desk, MODEL)
    leads = open_leads(desk)[:25]
    with desk.serve() as served:
        served.wait_for_version("1", MODEL)
        alone = {lead: score_of(served, lead) for lead in leads}
    many = ManyLeads(desk.settings, desk.database, service.MODELS, fetch=desk.fetch)
    said = dict(many.ask(leads, as_of=now(), explain=(MODEL,), ranked=(MODEL,)))
    assert list(said) == leads
    for lead, answers in said.items():
        one = service.assess(lead, answers)
        assert one.probability == pytest.approx(alone[lead]["probability"], abs=1e-6)
        assert one.score == pytest.approx(alone[lead]["score"], abs=0.11)
        assert one.band == alone[lead]["band"]
        assert one.reasons_for == alone[lead]["reasons_for"]


def test_without_any_version_rules_answer_all_six(desk: Shop) -> None:
    with desk.serve() as served:
        shown = score_of(served, open_leads(desk)[0])
    assert shown["source"] == "rules"
    assert shown["version"] == "rules"
    assert shown["interval"] is None
    assert shown["band_means"] is None
    assert shown["score"] == pytest.approx(100 * shown["probability"], abs=0.06)
    assert [dimension["source"] for dimension in shown["dimensions"]] == ["rules"] * 6
    assert any("rules" in reason for reason in shown["thin"])


def test_an_old_lead_is_said_to_be_past_its_days(desk: Shop) -> None:
    first, last = sorted(open_leads(desk))[0], sorted(open_leads(desk))[-1]
    with desk.serve() as served:
        assert score_of(served, first)["horizon_over"] is True
        assert score_of(served, last)["horizon_over"] is False


def test_unknown_and_odd_leads_are_told_apart(desk: Shop) -> None:
    with desk.serve() as served:
        unknown = served.client.get("/v1/leads/nobody/score")
        odd = served.client.get("/v1/leads/%00/score")
        long = served.client.get(f"/v1/leads/{'x' * 201}/score")
    assert (unknown.status_code, odd.status_code, long.status_code) == (404, 422, 422)
    assert unknown.json()["field"] == "lead"


def test_while_the_database_is_away_a_lead_is_answered_from_what_is_kept_of_it(desk: Shop) -> None:
    first, second = open_leads(desk)[:2]
    with desk.serve() as served:
        kept = score_of(served, first)

        def away(*_: object, **__: object) -> None:
            from estate.core.errors import StoreError

            raise StoreError("database", expected="an answer", got="none")

        served.process.crm._cache._compute = away  # type: ignore[union-attr]
        again = score_of(served, first)
        refused = served.client.get(f"/v1/leads/{second}/score")
    assert again["probability"] == kept["probability"]
    assert refused.status_code == 503


def test_the_command_lists_open_leads_best_first(
    desk: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from infra.cli.main import app

    monkeypatch.setenv("LEADLOOP_DATABASE_URL", desk.database.url)
    monkeypatch.setenv("LEADLOOP_HOME", str(tmp_path / "home"))
    path = tmp_path / "leads.csv"
    result = CliRunner().invoke(app, ["leads", "--out", str(path)])
    assert result.exit_code == 0, result.output
    with path.open() as file:
        rows = list(csv.DictReader(file))
    with desk.database.begin() as connection:
        recent = open_lead_ids(connection, as_of=now(), came=(now() - timedelta(days=67), now()))
    assert sorted(row["lead"] for row in rows) == sorted(recent)
    assert len(recent) < len(open_leads(desk))
    chances = [float(row["probability"]) for row in rows]
    assert chances == sorted(chances, reverse=True)
    shown = CliRunner().invoke(app, ["leads", rows[0]["lead"]])
    assert shown.exit_code == 0, shown.output
    assert rows[0]["lead"] in shown.output
    absent = CliRunner().invoke(app, ["leads", "nobody"])
    assert absent.exit_code == 1
