"""One call for a lead: all parts as they are alone, and each that is away named while the others answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from estate.core.clock import now
from estate.core.errors import StoreError
from estate.core.feature_set import FeatureSet
from estate.features.live import LeadFeatures
from estate.store.open_leads import open_lead_ids
from tests.serving.leads.trained import open_desk
from tests.serving.shop import Shop


@pytest.fixture
def lead(shop: Shop) -> str:
    open_desk(shop)
    with shop.database.begin() as connection:
        return open_lead_ids(connection, as_of=now())[-1]


def test_the_parts_are_what_each_is_alone(shop: Shop, lead: str) -> None:
    with shop.serve() as served:
        review = served.client.get(f"/v1/leads/{lead}/review").json()
        alone = {
            part: served.client.get(f"/v1/leads/{lead}/{part}").json()
            for part in ("score", "churn", "matches")
        }
    assert review["problems"] == {}
    assert review["score"]["dimensions"][4]["score"] == review["churn"]["risk"]
    assert review["score"]["probability"] == alone["score"]["probability"]
    assert review["churn"]["risk"] == alone["churn"]["risk"]
    best = [home["property_id"] for home in alone["matches"]["homes"]]
    assert review["matches"]["homes"][0]["property_id"] == best[0]
    assert review["next_action"]["title"]
    assert review["next_action"]["why"]


def test_each_model_is_asked_once_whichever_parts_read_it(shop: Shop, lead: str) -> None:
    with shop.serve() as served:
        served.client.get(f"/v1/leads/{lead}/review")
        text = served.client.get("/metrics").text
    counted = [line for line in text.splitlines() if line.startswith("leadloop_predictions_total{")]
    assert sum(float(line.split()[-1]) for line in counted if 'model="churn"' in line) == 1


def test_the_facts_are_read_once_whichever_parts_read_them(
    shop: Shop, lead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop.serve() as served:
        crm, reads = served.process.crm, []
        read_now = crm.read_now

        def counted(features: FeatureSet, lead_ids: Sequence[str]) -> LeadFeatures:
            reads.append(features)
            return read_now(features, lead_ids)

        monkeypatch.setattr(crm, "read_now", counted)
        review = served.client.get(f"/v1/leads/{lead}/review").json()
    assert len(reads) == 1
    assert review["score"]["horizon_over"] is False  # of which the age tells
    assert review["churn"]["round"] is not None  # which is asked for where the signs are known


def test_the_thresholds_of_the_action_are_those_of_the_settings(shop: Shop, lead: str) -> None:
    asking = {"next_action_tours": 0.0, "next_action_pays": 1.0}  # whoever is not kept or called is asked
    kinds = []
    for changed in (asking, {"next_action_pays": 0.0}):
        shop.settings = shop.settings.model_copy(update={**changed, "lead_value_usd": 0.0})
        with shop.serve() as served:
            kinds.append(served.client.get(f"/v1/leads/{lead}/review").json()["next_action"]["kind"])
    assert kinds[0] == "financing"
    assert kinds[1] != "financing"


def test_a_part_that_is_away_is_named_and_the_others_answer(
    shop: Shop, lead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreError("database", expected="an answer", got="none")

    with shop.serve() as served:
        monkeypatch.setattr(served.process.crm.homes, "read", away)
        review = served.client.get(f"/v1/leads/{lead}/review").json()
    assert review["matches"] is None
    assert list(review["problems"]) == ["matches"]
    assert review["score"]["score"] >= 0
    assert review["churn"]["level"]


def test_nothing_at_all_is_a_503_and_nobody_a_404(
    shop: Shop, lead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreError("database", expected="an answer", got="none")

    with shop.serve() as served:
        unknown = served.client.get("/v1/leads/nobody/review")
        monkeypatch.setattr(served.process.crm, "read_leads", away)
        monkeypatch.setattr(served.process.crm, "read_now", away)
        monkeypatch.setattr(served.process.crm.homes, "read", away)
        nothing = served.client.get(f"/v1/leads/{lead}/review")
    assert (unknown.status_code, nothing.status_code) == (404, 503)
