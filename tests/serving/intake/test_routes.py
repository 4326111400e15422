"""Rows, outcomes and events over HTTP."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from estate.core.errors import SettingsError, StoreError
from estate.store.database import Database
from estate.store.facts import count_facts, read_facts
from serving.guard.api_key import KeyTerms, Role
from serving.guard.key_file import key_file
from serving.intake.intake import Intake
from serving.intake.signatures import load_signatures
from tests.estate.intake.crm import contact, message, opportunity
from tests.serving.intake.signing import SECRET, CrmKeys, encoded, with_secret
from tests.serving.shop import Served, Shop, wait_for

VISIT = {"interaction_id": "v1", "lead_id": "L1", "kind": "visit", "event_at": "2026-01-05T08:30:00Z"}
WEBHOOK = "/v1/webhooks/crm"


@pytest.fixture
def signed_shop(shop: Shop) -> Shop:
    return replace(shop, settings=shop.settings.model_copy(update={"crm_secret": SecretStr(SECRET)}))


def post(served: Served, payload: dict[str, Any], **headers: str) -> httpx.Response:
    body = encoded(payload)
    return served.client.post(WEBHOOK, content=body, headers=with_secret(body) | headers)


def test_good_rows_are_in_and_bad_ones_say_why(shop: Shop) -> None:
    with shop.serve() as served:
        answer = served.client.post("/v1/facts/interactions", json={"rows": [VISIT, VISIT | {"kind": "x"}]})
        again = served.client.post("/v1/facts/interactions", json={"rows": [VISIT]}).json()
        rows_in = served.metric("leadloop_rows_in_total")
    assert answer.status_code == 200
    assert answer.json()["new"] == 1
    (refused,) = answer.json()["refused"]
    assert refused["row"] == 1
    assert refused["reasons"][0].startswith("kind: expected one of visit")
    assert (again["new"], again["known"]) == (0, 1)
    assert count_facts(shop.database, "interactions") == 1
    assert rows_in == 3


def test_where_no_row_is_good_it_is_a_problem_with_every_reason(shop: Shop) -> None:
    with shop.serve() as served:
        rows = [{"kind": "x"}, {}]
        answer = served.client.post("/v1/facts/interactions", json={"rows": rows})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("row 0: ")
    assert [one["row"] for one in answer.json()["refused"]] == [0, 1]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"rows": [{"a": NaN}]}', 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"rows": []}', 422),
        (b'{"rows": 1}', 422),
        (b'{"rows": [1]}', 422),
        (b'{"rows": [{"a": 1' + b"0" * 400 + b"}]}", 422),
        (b'{"rows": [{"a": "\\ud800"}]}', 400),
        (b'{"rows": [{"a":' + b"[" * 50_000, 400),
    ],
)
def test_hostile_bodies_are_the_senders_fault(body: bytes, status: int, shop: Shop) -> None:
    headers = {"content-type": "application/json"}
    with shop.serve() as served:
        for path in ("/v1/facts/leads", "/v1/outcomes"):
            named = body.replace(b"rows", b"outcomes") if path.endswith("outcomes") else body
            answer = served.client.post(path, content=named, headers=headers)
            assert answer.status_code == status, answer.text
            assert answer.json()["status"] == status


def test_kinds_sizes_and_content_types(shop: Shop) -> None:
    with shop.serve() as served:
        client = served.client
        assert client.post("/v1/facts/phones", json={"rows": [{}]}).status_code == 404
        assert client.post("/v1/facts/leads", json={"rows": [{}] * 10_001}).status_code == 413
        plain = {"content-type": "text/csv"}
        assert client.post("/v1/facts/leads", content=b"a,b", headers=plain).status_code == 415
        assert client.get("/v1/facts/leads").status_code == 405


def test_an_outcome_of_an_answer_reaches_its_lead(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        name = served.predict().json()["predictions"][0]["id"]
        outcome = {"prediction_id": name, "kind": "converted", "event_at": "2026-01-05T08:30:00Z"}

        def known() -> bool:
            answer = served.client.post("/v1/outcomes", json={"outcomes": [outcome]})
            return answer.status_code == 200

        wait_for(known)
    assert read_facts(shop.database, "outcomes")["lead_id"].tolist() == ["case-1"]


def test_where_keys_are_needed_only_an_admin_sends_facts_and_events_need_none(signed_shop: Shop) -> None:
    keys = key_file(signed_shop.settings)
    _, score = keys.create(KeyTerms(name="desk", role=Role.SCORE))
    _, admin = keys.create(KeyTerms(name="crm", role=Role.ADMIN))
    with signed_shop.serve() as served:
        for path, body in (
            ("/v1/facts/interactions", {"rows": [VISIT]}),
            ("/v1/outcomes", {"outcomes": [{}]}),
        ):
            statuses = [
                served.client.post(path, json=body, headers=headers).status_code
                for headers in ({}, {"x-api-key": score}, {"x-api-key": admin})
            ]
            assert statuses[:2] == [401, 403]
            assert statuses[2] in (200, 422)
        assert post(served, contact()).status_code == 200


def test_an_event_is_applied_and_known_when_it_comes_again(signed_shop: Shop) -> None:
    with signed_shop.serve() as served:
        first = post(served, message(webhookId="w1")).json()
        again = post(served, message(webhookId="w1")).json()
        keyed = post(served, message("m2"), **{"idempotency-key": "k"}).json()
        ignored = post(served, {"type": "NoteCreate"}).json()
        refused = post(served, opportunity("maybe", hours=1))
        counted = served.metric("leadloop_crm_events_total")
    assert (first["state"], first["known"], again["known"], keyed["known"]) == ("applied", False, True, False)
    assert ignored["state"] == "ignored"
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("status: expected open, won")
    assert counted == 5
    assert count_facts(signed_shop.database, "messages") == 2


def test_nobody_but_the_crm_is_heard(signed_shop: Shop, tmp_path: Path) -> None:
    keys = CrmKeys(tmp_path)
    shop = replace(signed_shop, settings=signed_shop.settings.model_copy(update={"crm_keys": keys.path}))
    body = encoded(contact())
    json_only = {"content-type": "application/json"}
    with shop.serve() as served:

        def status(headers: dict[str, str], content: bytes = body) -> int:
            return served.client.post(WEBHOOK, content=content, headers=headers).status_code

        assert status(json_only) == 401
        assert status(json_only | {"x-signature": "sha256=00"}) == 401
        odd: dict[Any, Any] = {**json_only, "x-wh-signature": "é".encode(), "x-signature": b"\xff"}
        assert status(odd) == 401
        assert status(with_secret(body, "another secret")) == 401
        assert status(with_secret(body), body + b" ") == 401
        assert status(keys.headers(body + b" ")) == 401
        assert status(keys.headers(body, "x-ghl-signature") | {"x-wh-signature": "AA=="}) == 200
        assert status(keys.headers(body)) == 200
        assert status(with_secret(body)) == 200
        assert status(with_secret(b"[]"), b"[]") == 400
        assert status(with_secret(b"x" * 1_100_000), b"x" * 1_100_000) == 413
        detail = served.client.post(WEBHOOK, content=body, headers=json_only).json()["detail"]
    assert SECRET not in detail
    assert count_facts(shop.database, "leads") == 1


def test_without_a_way_to_know_the_crm_the_webhook_says_what_to_set(shop: Shop) -> None:
    with shop.serve() as served:
        answer = post(served, contact())
    assert answer.status_code == 403
    assert "LEADLOOP_CRM_KEYS" in answer.json()["detail"]


def test_a_file_without_keys_is_named_at_the_start(shop: Shop, tmp_path: Path) -> None:
    for content in (b"", b"-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----"):
        path = tmp_path / "odd.pem"
        path.write_bytes(content)
        with pytest.raises(SettingsError, match="LEADLOOP_CRM_KEYS"):
            load_signatures(shop.settings.model_copy(update={"crm_keys": path}))


def test_while_the_database_is_away_events_wait_on_disk_and_rows_are_turned_away(
    signed_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = True
    find = Database.begin

    def begin(self: Database) -> Any:
        if away:
            raise StoreError("database", expected="an answer", got="none")
        return find(self)

    with signed_shop.serve() as served:
        intake: Intake = served.process.intake
        monkeypatch.setattr(Database, "begin", begin)
        answers = [post(served, contact(hours=hour, city=f"area-{hour}")) for hour in range(3)]
        rows = served.client.post("/v1/facts/interactions", json={"rows": [VISIT]})
        waiting = len(intake.inbox.waiting())
        modes = {path.stat().st_mode & 0o777 for path in intake.inbox.waiting()}
        away = False
        wait_for(lambda: not intake.inbox.waiting())
    assert [answer.status_code for answer in answers] == [202] * 3
    assert rows.status_code == 503
    assert waiting == 3
    assert modes == {0o600}
    assert read_facts(signed_shop.database, "leads")["area"].tolist() == ["area-2"]
    assert count_facts(signed_shop.database, "interactions") == 0


def test_with_neither_database_nor_disk_the_crm_is_asked_to_send_again(
    signed_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with signed_shop.serve() as served:
        folder = signed_shop.settings.home / "serving" / "inbox"
        folder.write_text("a file where the folder should be")
        monkeypatch.setattr(Database, "begin", _away)
        answer = post(served, contact())
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "600"


def _away(_self: Database) -> Any:
    raise StoreError("database", expected="an answer", got="none")


def test_what_waited_over_a_restart_is_brought_in(signed_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, signed_shop.serve() as served:
        patch.setattr(Database, "begin", _away)
        assert post(served, message()).status_code == 202
    folder = signed_shop.settings.home / "serving" / "inbox"
    assert len(list(folder.glob("*.json"))) == 1
    (folder / "00000000000000000001-odd.json").write_text("cut o")
    with signed_shop.serve():
        wait_for(lambda: not list(folder.glob("*.json")))
    assert count_facts(signed_shop.database, "messages") == 1
    assert len(list(folder.glob("*.bad"))) == 1


def test_a_burst_of_events_is_answered_and_brought_in(signed_shop: Shop) -> None:
    with signed_shop.serve() as served, ThreadPoolExecutor(30) as pool:
        statuses = list(pool.map(lambda i: post(served, message(f"m{i}")).status_code, range(50)))
        inbox = served.process.intake.inbox
        wait_for(lambda: not inbox.waiting(), seconds=60)
    assert set(statuses) == {200, 202}
    assert count_facts(signed_shop.database, "messages") == 50


def test_scores_are_answered_beside_rows_that_are_taken_in(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    rows = [VISIT | {"interaction_id": f"v{i}"} for i in range(5_000)]
    with shop.serve() as served:
        served.wait_for_version("1")
        began = time.monotonic()
        assert served.client.post("/v1/facts/interactions", json={"rows": rows}).json()["new"] == 5_000
        assert served.predict().status_code == 200
        assert time.monotonic() - began < 30
