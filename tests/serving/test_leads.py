"""Leads of the CRM by their ids, and the same features sent as rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from estate.core.clock import now
from estate.core.errors import SettingsError
from estate.core.model_spec import ModelSpec
from estate.features.live import features_of_leads
from estate.store.database import Database
from estate.store.facts import write_facts
from estate.store.predictions import read_recent
from serving.batch import score_leads
from serving.models import ServedModel
from serving.production import production_model
from tests.serving.shop import Served, Shop, wait_for

MODEL = "lead_conversion"


@pytest.fixture
def crm(shop: Shop) -> Shop:
    """Return a shop with three leads, of which one has converted."""
    long_ago = now() - timedelta(days=20)
    clocks = {"event_at": long_ago, "recorded_at": long_ago}
    names = ["lead-1", "lead-2", "lead-3"]
    leads = pd.DataFrame(
        {"lead_id": names, "source": ["portal", "ads", "portal"], "budget_usd": 3e5, **clocks}
    )
    visits = pd.DataFrame(
        {
            "interaction_id": ["i-1"],
            "lead_id": ["lead-1"],
            "kind": ["visit"],
            "duration_seconds": 60.0,
            **clocks,
        }
    )
    outcome = pd.DataFrame({"outcome_id": ["o-1"], "lead_id": ["lead-3"], "kind": ["converted"], **clocks})
    with shop.database.begin() as connection:
        write_facts(connection, "leads", leads)
        write_facts(connection, "interactions", visits)
        write_facts(connection, "outcomes", outcome)
    return shop


def ask(served: Served, *lead_ids: str) -> dict[str, Any]:
    response = served.client.post(f"/v1/models/{MODEL}/predict", json={"lead_ids": lead_ids})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_leads_are_scored_by_id_each_once_and_unknown_ones_are_named(crm: Shop) -> None:
    with crm.serve() as served:
        answer = ask(served, "lead-2", "nobody", "lead-1", "lead-2")
    predictions = answer["predictions"]
    assert isinstance(predictions, list)
    assert [found["entity"] for found in predictions] == ["lead-2", "lead-1"]
    assert answer["missing"] == ["nobody"]


def test_only_unknown_leads_is_an_error(crm: Shop) -> None:
    with crm.serve() as served:
        response = served.client.post(f"/v1/models/{MODEL}/predict", json={"lead_ids": ["nobody"]})
    assert response.status_code == 422
    assert response.json()["got"] == "none of 1 known"


def test_the_features_of_a_lead_sent_as_a_row_give_the_same_score(crm: Shop) -> None:
    with crm.serve() as served:
        by_id = ask(served, "lead-1")["predictions"]
        features = features_of_leads(crm.database, spec(crm), ["lead-1"], as_of=now()).features.records()[0]
        by_row = served.predict({**features, "lead_id": "lead-1"}, model=MODEL).json()["predictions"]
    assert isinstance(by_id, list)
    assert by_row[0]["score"] == pytest.approx(by_id[0]["score"], abs=1e-6)
    assert by_row[0]["entity"] == "lead-1"


def test_with_the_database_away_leads_get_503_and_rows_an_answer(crm: Shop) -> None:
    features = features_of_leads(crm.database, spec(crm), ["lead-1"], as_of=now()).features.records()[0]
    nowhere = SecretStr("postgresql://postgres@127.0.0.1:9/none")
    away = replace(crm, settings=crm.settings.model_copy(update={"database_url": nowhere}))
    with away.serve() as served:
        response = served.client.post(f"/v1/models/{MODEL}/predict", json={"lead_ids": ["lead-1"]})
        assert response.status_code == 503
        assert response.headers["retry-after"] == "5"
        assert "127.0.0.1" not in response.text
        assert served.predict(features, model=MODEL).json()["source"] == "rules"


def test_batch_scores_every_open_lead_once_a_run(crm: Shop) -> None:
    served, moment = production(crm), now()
    for _ in range(2):
        assert score_leads(served, crm.database, as_of=moment) == 2
    assert kept(crm.database) == ["lead-1", "lead-2"]
    score_leads(served, crm.database, as_of=moment, run_id="another run")
    assert len(kept(crm.database)) == 4


def test_batch_sees_only_what_was_known(crm: Shop) -> None:
    assert score_leads(production(crm), crm.database, as_of=now() - timedelta(days=30)) == 0


def test_batch_and_serving_give_the_same_score(crm: Shop) -> None:
    with crm.serve() as served:
        asked = ask(served, "lead-1")["predictions"]
        wait_for(lambda: len(kept(crm.database)) == 1)
    score_leads(production(crm), crm.database, as_of=now())
    with crm.database.begin() as connection:
        found = read_recent(connection, MODEL)
    scores = [row.score for row in found if row.entity_id == "lead-1"]
    assert isinstance(asked, list)
    assert scores == pytest.approx([asked[0]["score"]] * 2, abs=1e-6)


def spec(shop: Shop) -> ModelSpec:
    from estate.catalog import load_catalog

    return load_catalog(shop.settings).get(MODEL)


def production(shop: Shop) -> ServedModel:
    return production_model(shop.settings, shop.database, MODEL, fetch=shop.fetch)


def kept(database: Database) -> list[str]:
    with database.begin() as connection:
        return sorted(str(row.entity_id) for row in read_recent(connection, MODEL))


@contextmanager
def cut_off(shop: Shop) -> Iterator[None]:
    """Take the shop's database away, and bring it back."""
    name = make_url(shop.database.url).database
    elsewhere = shop.database.url.replace(f"/{name}?", "/postgres?")
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


def with_settings(shop: Shop, **changed: object) -> Shop:
    return replace(shop, settings=shop.settings.model_copy(update=changed))


def test_a_lead_that_was_just_read_comes_from_memory_with_its_own_time(crm: Shop) -> None:
    with with_settings(crm, cache_memory_seconds=60.0).serve() as served:
        read = served.process.crm.read_leads
        first, again = read(spec(crm), ["lead-1"]), read(spec(crm), ["lead-2", "lead-1", "nobody"])
    assert (first.cache, again.cache, again.missing) == (("miss",), ("miss", "memory"), ("nobody",))
    assert again.as_of[1] == first.as_of[0] < again.as_of[0]
    assert again.known_until[1] == first.known_until[0]
    assert again.features.records()[1] == first.features.records()[0]


def test_with_the_database_cut_off_leads_that_are_kept_are_answered(crm: Shop) -> None:
    with with_settings(crm, cache_memory_seconds=0.0).serve() as served:
        ask(served, "lead-1")
        with cut_off(crm):
            (score,) = ask(served, "lead-1")["predictions"]
            refused = served.client.post(
                f"/v1/models/{MODEL}/predict", json={"lead_ids": ["lead-1", "lead-2"]}
            )
            assert refused.status_code == 503
        assert (score["entity"], score["cache"]) == ("lead-1", "stale")
        wait_for(lambda: served.process.crm.read_leads(spec(crm), ["lead-1"]).cache == ("miss",))
        assert len(ask(served, "lead-1", "lead-2")["predictions"]) == 2


def test_the_answer_says_how_old_its_data_are_and_where_they_come_from(crm: Shop) -> None:
    with with_settings(crm, cache_memory_seconds=60.0).serve() as served:
        first, again = ask(served, "lead-1"), ask(served, "lead-2", "lead-1")
    (told,) = first["predictions"]
    assert told["cache"] == "miss"
    assert told["data_age_seconds"] == pytest.approx(20 * 86_400, abs=300)
    assert [found["cache"] for found in again["predictions"]] == ["miss", "memory"]
    assert again["as_of"] == first["as_of"]


def test_caches_are_counted_by_tier_and_model(crm: Shop) -> None:
    with with_settings(crm, cache_memory_seconds=60.0).serve() as served:
        ask(served, "lead-1")
        ask(served, "lead-1", "lead-2")
        labels = f'{{model="{MODEL}",tier="memory"}}'
        assert served.metric(f"leadloop_cache_hits_total{labels}") == 1
        assert served.metric(f"leadloop_cache_misses_total{labels}") == 2
        assert served.metric("leadloop_cache_entries") == 2


def test_a_redis_address_without_sense_is_refused_at_the_start(crm: Shop) -> None:
    pytest.importorskip("redis")
    with (
        pytest.raises(SettingsError, match="LEADLOOP_REDIS_URL"),
        with_settings(crm, redis_url=SecretStr("localhost")).serve(),
    ):
        pass
