"""Wrappers take a predictor and are one; an answer is signed by whoever gave it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from estate.core.errors import DataError
from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy, Scores
from estate.core.predictor import Predictor
from serving.predictors import Checked, Fallback, Measured, SignedScores, sign

FRAME = Frame.of({"rooms": [1.0, 2.0]})


@dataclass(frozen=True)
class Fixed:
    """Gives the same score to every row, or raises."""

    version: str
    answered_by: AnsweredBy
    value: float | Exception

    def predict_many(self, features: Frame) -> Scores:
        if isinstance(self.value, Exception):
            raise self.value
        return Scores(np.full(len(features), self.value))


MODEL = Fixed("3", AnsweredBy.MODEL, 0.9)
BROKEN = Fixed("3", AnsweredBy.MODEL, RuntimeError("broken"))
ODD = Fixed("3", AnsweredBy.MODEL, float("nan"))
RULES = Fixed("rules", AnsweredBy.RULES, 0.1)


@pytest.mark.parametrize(
    "wrapper", [Fallback(MODEL, RULES), Checked(MODEL), Measured(MODEL, lambda scores, seconds: None)]
)
def test_a_wrapper_is_a_predictor_that_answers_as_the_one_inside(wrapper: Predictor) -> None:
    assert isinstance(wrapper, Predictor)
    assert (wrapper.version, wrapper.answered_by) == ("3", AnsweredBy.MODEL)
    assert wrapper.predict_many(FRAME).score.tolist() == [0.9, 0.9]


@pytest.mark.parametrize("first", [BROKEN, ODD])
def test_the_rules_answer_for_a_model_that_fails_and_sign_for_it(first: Fixed) -> None:
    failures: list[int] = []
    scores = Fallback(Checked(first), RULES, on_failure=lambda: failures.append(1)).predict_many(FRAME)
    assert (scores.version, scores.answered_by) == ("rules", AnsweredBy.RULES)
    assert scores.score.tolist() == [0.1, 0.1]
    assert failures == [1]


def test_where_nobody_gives_a_finite_score_the_row_is_named() -> None:
    with pytest.raises(DataError, match="score of row 0: expected a finite number, got nan"):
        Fallback(BROKEN, Checked(ODD)).predict_many(FRAME)


def test_what_rules_of_the_users_own_raise_is_an_error_of_the_rows() -> None:
    with pytest.raises(DataError, match="expected values that `3` can score, got RuntimeError"):
        Checked(BROKEN).predict_many(FRAME)


def test_measured_tells_who_answered_and_how_long_it_took() -> None:
    told: list[tuple[str, float]] = []
    inner = Fallback(BROKEN, RULES)
    Measured(inner, lambda scores, seconds: told.append((scores.version, seconds))).predict_many(FRAME)
    ((version, seconds),) = told
    assert version == "rules"
    assert seconds >= 0


def test_what_was_signed_deeper_inside_keeps_its_origin() -> None:
    signed = sign(RULES.predict_many(FRAME), RULES)
    assert isinstance(signed, SignedScores)
    assert sign(signed, MODEL).version == "rules"
