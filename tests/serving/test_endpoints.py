"""Health, metrics, documents, and what is said of each model."""

from __future__ import annotations

import re

import pytest

from serving.app import ROUTES
from serving.openapi import document
from serving.status import readiness
from tests.serving.shop import Served, Shop, wait_for


def ready(served: Served) -> tuple[int, str]:
    response = served.client.get("/health/ready")
    return response.status_code, response.json()["because"]


def test_live(shop: Shop) -> None:
    with shop.serve() as served:
        assert served.client.get("/health/live").json() == {"live": True}


def test_ready_by_rules_where_nothing_is_in_production_yet(shop: Shop) -> None:
    with shop.serve() as served:
        wait_for(lambda: ready(served)[0] == 200)
        assert "no model is known to be in production" in ready(served)[1]
        states = served.client.get("/health/ready").json()["models"]
    assert states["sale"] == "rules rules"
    assert states["bare"] == "can not answer: neither a version nor rules"


def test_not_ready_until_every_version_in_production_is_loaded(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    shop.registry_answers = False
    with shop.serve() as served:
        wait_for(lambda: ready(served) == (503, "the version of `sale` in production is not loaded yet"))
        shop.registry_answers = True
        wait_for(lambda: ready(served) == (200, "all 1 models in production are loaded"))


def test_no_models_at_all_is_not_ready() -> None:
    state = readiness([], looked=True, reachable=True)
    assert (state.ready, state.because) == (False, "no model can answer")


def test_not_ready_before_the_first_look_at_the_ledger() -> None:
    assert not readiness([], looked=False, reachable=False).ready


def test_all_models_are_listed_with_what_a_row_needs(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        models = {m["model"]: m for m in served.client.get("/v1/models").json()["models"]}
    assert {"sale", "bare", "lead_conversion", "churn", "call_conversion"} <= set(models)
    assert models["sale"]["inputs"] == [
        {"name": "rooms", "kind": "number"},
        {"name": "price_usd", "kind": "number"},
        {"name": "area", "kind": "category"},
    ]
    assert models["sale"]["entity"] == "case_id"
    assert re.fullmatch("[0-9a-f]{64}", models["sale"]["digest"])
    assert models["lead_conversion"]["takes_lead_ids"]
    assert models["bare"]["version"] is None


def test_metrics_count_by_model_version_and_source_and_hold_no_case(shop: Shop) -> None:
    shop.train("1")
    with shop.serve() as served:
        served.predict()
        shop.promote("1")
        served.wait_for_version("1")
        served.predict()
        served.predict({"rooms": 1})
        text = served.client.get("/metrics").text
    assert 'leadloop_predictions_total{answered_by="rules",model="sale",version="rules"} 1.0' in text
    assert 'leadloop_predictions_total{answered_by="model",model="sale",version="1"} 1.0' in text
    assert 'leadloop_requests_total{model="sale",route="predict",status="200"} 2.0' in text
    assert 'leadloop_requests_total{model="",route="predict",status="422"} 1.0' in text
    assert 'leadloop_swaps_total{model="sale",version="1"} 1.0' in text
    assert "leadloop_request_seconds_bucket" in text
    assert "case-1" not in text


def test_docs_need_nothing_from_elsewhere(shop: Shop) -> None:
    with shop.serve() as served:
        page = served.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "/v1/models/{model}/predict" in page.text
    assert not re.search(r'(src|href)="(https?:)?//', page.text)


def test_the_openapi_document_has_every_route_and_no_other(shop: Shop) -> None:
    with shop.serve() as served:
        made = served.client.get("/openapi.json").json()
    described = {(path, method.upper()) for path, methods in made["paths"].items() for method in methods}
    real = {(route.path, method) for route in ROUTES for method in route.methods or () if method != "HEAD"}
    assert described == real
    text = str(made)
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in made["components"]["schemas"]


@pytest.mark.parametrize("status", [400, 404, 413, 415, 422, 503])
def test_the_type_of_a_problem_is_a_place_in_the_docs(status: int) -> None:
    from serving.docs_page import page

    assert f'id="problem-{status}"' in page(document())
