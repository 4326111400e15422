"""Rollouts on a whole running stack: commands, ledger, reconciler and serving together."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.desk import MODEL, MODEL_FILE, ROW, Desk

pytestmark = [pytest.mark.thorough, pytest.mark.stack, pytest.mark.timeout(300)]

ENOUGH = 120
Answered = dict[str, Any]
"""The JSON of a response."""


def ask_until(desk: Desk, condition: Callable[[], bool], *, seconds: float = 60) -> list[Answered]:
    """Ask about one home after the other until it is so; return all answers, none of them a failure."""
    address = f"{desk.settings.endpoint('serving_url')}/v1/models/{MODEL}/predict"
    answers: list[Answered] = []
    until = time.monotonic() + seconds
    with httpx.Client(trust_env=False, timeout=10) as client:
        for i in itertools.count():
            answered = client.post(address, json={"rows": [{**ROW, "home_id": f"c{i}"}]})
            assert answered.is_success, answered.text
            answers.append(answered.json())
            if condition():
                return answers
            assert time.monotonic() < until, (len(answers), desk.served(), desk.history()[-3:])
    raise AssertionError


def who_answered(answers: list[Answered]) -> Counter[str]:
    found: Counter[str] = Counter()
    for answer in answers:
        (row,) = answer["predictions"]
        found[str(row.get("version", answer["version"]))] += 1
    return found


def shown_alias(desk: Desk, alias: str) -> str | None:
    version = desk.registry.client.get_registered_model(MODEL).aliases.get(alias)
    return None if version is None else str(version)


def test_a_canary_answers_its_share_and_is_promoted(from_first: Desk) -> None:
    desk, rows = from_first, len(from_first.history())
    options = ("--rollout", "canary", "--share", "0.3", "--requests", str(ENOUGH), "--reason", "better")
    desk.leadloop("promote", MODEL, "2", *options)
    desk.wait(lambda: shown_alias(desk, "canary") == "2")
    assert desk.shown() == ("1", ["1"])
    answers = ask_until(desk, lambda: desk.shown() == ("2", ["2"]))
    assert [(entry.decision, entry.to_version) for entry in desk.history()[rows:]] == [
        ("started", "2"),
        ("promoted", "2"),
    ]
    during = who_answered([answer for answer in answers if answer["version"] == "1"])
    assert during["2"] >= ENOUGH * 0.8  # those that were on their way when it was promoted count elsewhere
    assert 0.2 < during["2"] / during.total() < 0.4
    assert shown_alias(desk, "canary") is None
    told = desk.history()[-1].why
    assert "0 errors" in told


def test_a_canary_whose_scores_are_others_takes_itself_back(from_first: Desk) -> None:
    desk, rows = from_first, len(from_first.history())
    (folder,) = desk.settings.models
    file = folder / MODEL_FILE.name
    whole = file.read_text()
    strict = whole.replace("most_shift=1.0", "most_shift=0.25")
    assert strict != whole
    file.write_text(strict)
    try:
        options = ("--rollout", "canary", "--share", "0.5", "--requests", "100000", "--reason", "a try")
        desk.leadloop("promote", MODEL, "2", *options)
        answers = ask_until(desk, lambda: len(desk.history()) >= rows + 2)
    finally:
        file.write_text(whole)
    last = desk.history()[-1]
    assert (last.decision, last.to_version) == ("aborted", "2")
    assert "another distribution" in last.why
    assert who_answered(answers)["2"] > 0  # it did answer its share until then
    assert set(who_answered(ask_until(desk, lambda: desk.served().get("rollout") is None))) <= {"1", "2"}
    assert desk.shown() == ("1", ["1"])


def test_a_shadow_is_never_seen_and_ends_with_a_report(from_first: Desk) -> None:
    desk, rows = from_first, len(from_first.history())
    options = ("--rollout", "shadow", "--share", "1", "--requests", str(ENOUGH), "--reason", "a look")
    desk.leadloop("promote", MODEL, "2", *options)
    answers = ask_until(desk, lambda: len(desk.history()) >= rows + 2)
    assert set(who_answered(answers)) == {"1"}
    last = desk.history()[-1]
    assert (last.decision, last.to_version) == ("ended", "2")
    assert "distance of the scores" in last.why
    assert desk.shown() == ("1", ["1"])


def test_blue_green_swaps_when_every_process_is_ready(from_first: Desk) -> None:
    desk, rows = from_first, len(from_first.history())
    desk.leadloop("promote", MODEL, "2", "--rollout", "blue_green", "--reason", "together")
    desk.wait(lambda: desk.shown() == ("2", ["2"]), seconds=30)
    assert [entry.decision for entry in desk.history()[rows:]] == ["started", "promoted"]
    desk.wait(lambda: desk.served()["version"] == "2")


def test_a_rollback_during_a_canary_takes_it_back(from_first: Desk) -> None:
    desk, rows = from_first, len(from_first.history())
    desk.leadloop("promote", MODEL, "2", "--rollout", "canary", "--reason", "carefully")
    assert "canary" in desk.leadloop("rollout", MODEL)
    desk.leadloop("rollback", MODEL, "--reason", "sales complain")
    assert [entry.decision for entry in desk.history()[rows:]] == ["started", "aborted"]
    answers = ask_until(desk, lambda: desk.served().get("rollout") is None)
    assert set(who_answered(answers)) <= {"1", "2"}
    assert set(who_answered(ask_until(desk, lambda: True))) == {"1"}
    desk.wait(lambda: shown_alias(desk, "canary") is None)


def test_a_dry_run_changes_nothing(from_first: Desk) -> None:
    rows = len(from_first.history())
    count = itertools.count()
    ask_until(from_first, lambda: next(count) >= 50)
    said = ""

    def previewed() -> bool:  # the log keeps an answer moments after it was given
        nonlocal said
        said = from_first.leadloop("promote", MODEL, "2", "--dry-run")
        return "band" in said

    from_first.wait(previewed, seconds=30)
    assert "would be accepted" in said
    assert len(from_first.history()) == rows
    assert from_first.shown() == ("1", ["1"])
