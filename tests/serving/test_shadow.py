"""The canary and the shadow as predictors: what they count, what they let go."""

from __future__ import annotations

import threading

import numpy as np

from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy, Scores
from serving.predictors import Canary, Cases, MixedScores, Shadow, Share, sign
from serving.tally import SideTally, Tally, score_edges
from tests.serving.shop import wait_for
from tests.serving.test_predictors import BROKEN, MODEL, RULES, Fixed

ALL = Share(1.0, "1")


def tally(most_errors: float = 0.01) -> Tally:
    edges = score_edges(np.linspace(0, 1, 101))
    sides = [SideTally(edges, count_rows=lambda n: None, count_errors=lambda n: None) for _ in range(2)]
    return Tally(*sides, most_errors=most_errors)


def rows(count: int) -> Cases:
    rooms = {"rooms": np.arange(count, dtype=np.float64)}
    return Cases(rooms, count, entities=[f"c{i}" for i in range(count)])


def test_the_scores_of_two_versions_keep_the_order_of_the_rows() -> None:
    present = sign(Scores(np.array([0.2]), np.array([[0.2, 0.8]]), ("a", "b")), RULES)
    other = sign(Scores(np.array([0.5, 0.6]), np.array([[1, 0, 0], [0, 0, 1.0]]), ("a", "b", "c")), MODEL)
    mixed = MixedScores.of(present, other, np.array([True, False, True]))
    assert mixed.score.tolist() == [0.5, 0.2, 0.6]
    assert mixed.labels() == ["a", "b", "c"]
    model, rules = ("3", AnsweredBy.MODEL), ("rules", AnsweredBy.RULES)
    assert mixed.origins() == [model, rules, model]
    assert dict(mixed.rows_by_origin()) == {model: 2, rules: 1}


def test_a_few_errors_are_borne_and_too_many_are_not() -> None:
    few = tally(most_errors=0.5)
    canary = Canary(RULES, BROKEN, share=ALL, tally=few)
    for _ in range(19):
        assert canary.predict_many(rows(1)).version == "rules"
    assert not few.stopped
    canary.predict_many(rows(1))
    assert few.stopped
    canary.predict_many(rows(5))
    assert few.candidate.side.rows == 20


def test_shares_of_the_cases_are_what_was_asked_for_and_differ_between_rollouts() -> None:
    many = rows(20_000)
    one, other = Share(0.1, "1").of(many), Share(0.1, "2").of(many)
    assert abs(one.mean() - 0.1) < 0.01
    assert abs((one & other).mean() - 0.01) < 0.005
    more = Share(0.3, "1").of(many)
    assert not (one & ~more).any()  # a greater share keeps the cases that a smaller one had


class Slow(Fixed):
    """Waits until it may answer."""

    gate = threading.Event()

    def predict_many(self, features: Frame) -> Scores:
        self.gate.wait(10)
        return super().predict_many(features)


def test_a_shadow_that_can_not_keep_up_lets_rows_go_and_counts_them() -> None:
    counted, dropped = tally(), [0.0]

    def drop(count: float) -> None:
        dropped[0] += count

    slow = Slow("4", AnsweredBy.MODEL, 0.4)
    shadow = Shadow(RULES, slow, share=ALL, tally=counted, count_dropped=drop)
    for _ in range(100):
        assert shadow.predict_many(rows(3)).version == "rules"
    shadow.predict_many(rows(30_000))
    assert dropped[0] >= 30_000 + 3 * 30
    slow.gate.set()
    kept = 300 + 30_000 - dropped[0]
    wait_for(lambda: counted.candidate.side.rows == kept)
    shadow.close()
    assert counted.stable.side.rows == kept
