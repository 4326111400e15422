"""Asking for a training over HTTP."""

from __future__ import annotations

from estate.store.training_requests import list_requests
from tests.serving.shop import Shop


def test_a_training_is_asked_for_once_by_its_key(shop: Shop) -> None:
    with shop.serve() as served:
        wish = {"why": "the CRM was cleaned", "key": "2026-11"}
        first = served.client.post("/v1/trainings/sale", json=wish)
        again = served.client.post("/v1/trainings/sale", json=wish)
        listed = served.client.get("/v1/trainings/sale").json()["trainings"]
    assert first.status_code == 202
    assert first.json()["state"] == "waiting"
    assert again.json()["id"] == first.json()["id"]
    assert [one["id"] for one in listed] == [first.json()["id"]]
    with shop.database.begin() as connection:
        (kept,) = list_requests(connection, "sale")
    assert (kept.cause, kept.detail) == ("api", "the CRM was cleaned")


def test_what_is_wrong_with_a_wish_is_said(shop: Shop) -> None:
    with shop.serve() as served:
        post = served.client.post
        assert post("/v1/trainings/nobody", json={"why": "x"}).status_code == 404
        assert post("/v1/trainings/sale", json={"why": ""}).status_code == 422
        assert post("/v1/trainings/sale", json={"why": "a\u0000b"}).json()["field"] == "why"
        assert post("/v1/trainings/sale", json={}).json()["got"].startswith("Object missing required field")
        plain = {"content-type": "text/plain"}
        assert post("/v1/trainings/sale", content=b"why", headers=plain).status_code == 415
        assert served.client.get("/v1/trainings/sale").json() == {"trainings": []}
