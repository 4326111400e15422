"""Rollouts in steps: a share of the cases, a shadow, or loaded first; and what happens when it goes wrong."""

from __future__ import annotations

from typing import Any

import pytest

from estate.core.rollout import Rollout, RolloutKind, RolloutReport
from estate.store.ledger import Entry
from estate.store.predictions import read_recent
from tests.serving.hammer import Hammer
from tests.serving.shop import ROW, Shop, score_of, wait_for

CANARY = Rollout(kind=RolloutKind.CANARY, share=0.3)
SHADOW = Rollout(kind=RolloutKind.SHADOW, share=1.0)
CASES = [{**ROW, "case_id": f"case-{number}"} for number in range(200)]


def report(shop: Shop, entry: Entry) -> RolloutReport:
    (found,) = shop.reports(entry)
    return found


def version_of(answer: dict[str, Any], response: dict[str, Any]) -> str:
    return str(answer.get("version", response["version"]))


def test_a_canary_answers_its_share_of_the_cases_and_signs_for_them(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        entry = shop.start("2", CANARY)
        shop.wait_ready(entry)
        response = served.predict(*CASES).json()
        again = served.predict(*CASES[::-1]).json()["predictions"][::-1]
        wait_for(lambda: report(shop, entry).stable.rows > 200)
        told, shown = report(shop, entry), served.show()
        rows = served.metric('leadloop_rollout_rows_total{model="sale",side="candidate",version="2"}')
    assert (response["version"], response["source"]) == ("1", "model")
    versions = [version_of(answer, response) for answer in response["predictions"]]
    assert versions == [version_of(answer, response) for answer in again]  # a case stays on its side
    assert 35 <= versions.count("2") <= 85
    for answer, version in zip(response["predictions"], versions, strict=True):
        assert answer["score"] == pytest.approx(score_of(version), abs=1e-6)
        assert "source" not in answer
    new = 2 * versions.count("2")
    assert (told.candidate.rows, told.candidate.errors, rows) == (new, 0, new)
    assert told.stable.rows == 400 - new
    assert sum(told.candidate.latency) == 2
    assert sum(told.candidate.scores) == new
    assert shown["rollout"] == {
        "version": "2",
        "kind": "canary",
        "share": 0.3,
        "state": "ready",
        "rows": new,
        "errors": 0,
        "problem": None,
    }
    with shop.database.begin() as connection:
        kept = {row.prediction_id: row.version for row in read_recent(connection, "sale")}
    assert [kept[answer["id"]] for answer in response["predictions"]] == versions


def test_a_row_without_a_name_stays_on_its_side_by_its_values(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    rows = [{"rooms": 3, "price_usd": 1000.0 * number, "area": "north"} for number in range(100)]
    with shop.serve() as served:
        served.wait_for_version("1")
        shop.wait_ready(shop.start("2", CANARY))
        together = [answer.get("version") for answer in served.predict(*rows).json()["predictions"]]
        alone = [served.predict(row).json()["predictions"][0].get("version") for row in rows]
    assert together == alone
    assert set(together) == {None, "2"}


def test_a_promoted_canary_takes_over_without_being_loaded_again(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        hammer = Hammer(served)
        shop.wait_ready(shop.start("2", CANARY))
        shop.registry_answers = False
        shop.promote("2")
        served.wait_for_version("2")
        hammer.stop()
        wait_for(lambda: served.show()["rollout"] is None)
        response = served.predict(*CASES).json()
    assert {version_of(answer, response) for answer in response["predictions"]} == {"2"}
    assert shop.fetched == ["sale/1", "sale/2"]


@pytest.mark.parametrize("decision", ["aborted", "ended"])
def test_an_aborted_canary_is_taken_off(shop: Shop, decision: Any) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        shop.wait_ready(shop.start("2", CANARY))
        shop.decide(decision, "2")
        wait_for(lambda: served.show()["rollout"] is None)
        response = served.predict(*CASES).json()
        assert served.process.loader.opener.warm.versions("sale") == ["1"]
    assert {version_of(answer, response) for answer in response["predictions"]} == {"1"}


def test_a_canary_that_fails_is_not_asked_any_more_and_no_request_fails(shop: Shop) -> None:
    shop.train("1")
    shop.train("2", fails_above=50)
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        entry = shop.start("2", CANARY)
        shop.wait_ready(entry)
        answers = [served.predict({**case, "rooms": 99}).json() for case in CASES]
        wait_for(lambda: report(shop, entry).state == "refused")
        told = report(shop, entry)
        after = served.predict(*CASES).json()
        failures = served.metric("leadloop_model_failures_total")
    assert {answer["version"] for answer in answers} == {"1"}
    assert {len(answer["predictions"]) for answer in answers} == {1}
    assert told.candidate.errors == told.candidate.rows == 20  # no more than it takes to know
    assert "failed on 20 of 20 rows" in str(told.problem)
    assert {version_of(answer, after) for answer in after["predictions"]} == {"1"}
    assert failures == 0


def test_rows_that_neither_version_can_score_are_not_held_against_the_new_one(shop: Shop) -> None:
    shop.train("1", fails_above=50)
    shop.train("2", fails_above=50)
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        entry = shop.start("2", Rollout(kind=RolloutKind.CANARY, share=1.0))
        shop.wait_ready(entry)
        sources = {served.predict({**case, "rooms": 99}).json()["source"] for case in CASES[:40]}
        served.predict(*CASES[:7])
        wait_for(lambda: report(shop, entry).candidate.rows == 7)
        assert report(shop, entry).candidate.errors == 0
    assert sources == {"rules"}


def test_a_shadow_never_answers_and_is_compared_on_the_same_rows(shop: Shop) -> None:
    shop.train("1")
    shop.train("90")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        entry = shop.start("90", SHADOW)
        shop.wait_ready(entry)
        responses = [served.predict(case).json() for case in CASES[:50]]
        wait_for(lambda: report(shop, entry).candidate.rows == 50)
        told = report(shop, entry)
        shop.decide("ended", "90")
        wait_for(lambda: served.show()["rollout"] is None)
    for response in responses:
        assert response["version"] == "1"
        assert "version" not in response["predictions"][0]
        assert response["predictions"][0]["score"] == pytest.approx(score_of("1"), abs=1e-6)
    assert (told.stable.rows, sum(told.stable.latency)) == (50, 50)
    assert told.candidate.scores != told.stable.scores
    with shop.database.begin() as connection:
        assert {row.version for row in read_recent(connection, "sale")} == {"1"}


def test_a_shadow_that_fails_harms_nobody(shop: Shop) -> None:
    shop.train("1")
    shop.train("2", fails_above=50)
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        entry = shop.start("2", SHADOW)
        shop.wait_ready(entry)
        answers = [served.predict({**case, "rooms": 99}).json() for case in CASES[:60]]
        wait_for(lambda: report(shop, entry).state == "refused")
    assert {answer["version"] for answer in answers} == {"1"}


def test_blue_green_is_loaded_and_gets_no_traffic_before_it_is_promoted(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        entry = shop.start("2", Rollout(kind=RolloutKind.BLUE_GREEN))
        shop.wait_ready(entry)
        response = served.predict(*CASES).json()
        assert report(shop, entry).candidate.rows == 0
        assert {version_of(answer, response) for answer in response["predictions"]} == {"1"}
        shop.promote("2")
        served.wait_for_version("2")


def test_a_first_version_may_come_as_a_canary_beside_the_rules(shop: Shop) -> None:
    shop.train("2")
    with shop.serve() as served:
        shop.wait_ready(shop.start("2", CANARY))
        response = served.predict(*CASES).json()
    new = [answer for answer in response["predictions"] if answer.get("version") == "2"]
    assert response["version"] == "rules"
    assert {answer["source"] for answer in new} == {"model"}


@pytest.mark.parametrize(
    ("model", "said"), [("sale", "expected a signature of this platform"), ("bare", "promote it at once")]
)
def test_what_can_not_be_rolled_out_is_refused_and_says_why(shop: Shop, model: str, said: str) -> None:
    shop.train("2", model=model, judged=model == "bare")
    if model == "sale":
        shop.keep("2", shop.judge("2"), None)
    with shop.serve() as served:
        entry = shop.start("2", CANARY, model=model)
        wait_for(lambda: [told.state for told in shop.reports(entry)] == ["refused"])
        assert said in str(report(shop, entry).problem)
        assert served.show(model)["version"] != "2"


def test_features_that_differ_are_not_compared(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        path = shop.folder / "models" / "model.py"
        path.write_text(path.read_text().replace('rows["rooms"]\n', 'rows["rooms"] * 1\n'))
        shop.train("2")
        entry = shop.start("2", CANARY)
        wait_for(lambda: [told.state for told in shop.reports(entry)] == ["refused"])
        assert "computed by other code" in str(report(shop, entry).problem)


def test_a_rollout_waits_for_a_registry_that_is_away(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        shop.registry_answers = False
        entry = shop.start("2", CANARY)
        wait_for(lambda: any(told.problem for told in shop.reports(entry)))
        assert report(shop, entry).state == "loading"
        shop.registry_answers = True
        shop.wait_ready(entry)
        assert report(shop, entry).problem is None


def test_every_process_reports_under_its_own_name(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    with shop.serve() as one, shop.serve() as other:
        one.process.rollouts.process, other.process.rollouts.process = "one", "other"
        entry = shop.start("2", CANARY)
        wait_for(
            lambda: (
                [(told.process, told.state) for told in shop.reports(entry)]
                == [("one", "ready"), ("other", "ready")]
            )
        )
        sides = [served.predict(*CASES).json()["predictions"] for served in (one, other)]
    versions = [[answer.get("version") for answer in answers] for answers in sides]
    assert versions[0] == versions[1]
