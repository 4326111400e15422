"""Every model of the catalog: its rules, its names, and what a person would expect of its scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estate.catalog import OWN
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.services.churn.rules import churn_by_silence
from estate.services.lead_scoring.rules import conversion_by_engagement

EVERY = pytest.mark.parametrize("spec", OWN, ids=lambda spec: spec.name)


def rows_of(spec: ModelSpec, rows: int = 50) -> Frame:
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for name in spec.features.names:
        if spec.features.kind(name) == "number":
            columns[name] = np.where(random.random(rows) < 0.2, np.nan, random.normal(2, 3, rows))
        else:
            columns[name] = random.choice(np.array(["a", "success", None], dtype=object), rows)
    return Frame(columns, rows)


@EVERY
def test_rules_give_a_probability_for_any_row(spec: ModelSpec) -> None:
    assert spec.rules is not None
    scores = spec.rules(rows_of(spec))
    assert scores.shape == (50,)
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= 1)).all()


@EVERY
def test_rules_change_no_input(spec: ModelSpec) -> None:
    assert spec.rules is not None
    rows = rows_of(spec)
    before = {name: values.copy() for name, values in rows.columns.items()}
    spec.rules(rows)
    assert all(np.array_equal(before[n], rows[n], equal_nan=rows[n].dtype != object) for n in before)


@EVERY
def test_every_feature_function_says_what_it_is(spec: ModelSpec) -> None:
    functions = [f for f in (*spec.features.numbers, *spec.features.categories) if not isinstance(f, str)]
    assert all((f.__doc__ or "").endswith(".") for f in functions)


@EVERY
def test_the_estimator_is_new_each_time_and_follows_the_seed(spec: ModelSpec) -> None:
    assert spec.estimator(1) is not spec.estimator(1)
    assert hasattr(spec.estimator(1), "predict_proba")


@EVERY
def test_a_model_has_a_purpose_and_a_schedule(spec: ModelSpec) -> None:
    assert spec.purpose.endswith(".")
    assert spec.schedule is not None


def test_more_signs_of_intent_score_higher() -> None:
    names = ("tours_count_7d", "replies_count_7d", "listing_saves_count_7d")
    scores = conversion_by_engagement(
        Frame.of({n: [float(i < k) for k in range(4)] for i, n in enumerate(names)})
    )
    assert (np.diff(scores) > 0).all()


def test_longer_silence_is_more_risk() -> None:
    rows = {"silence_days": [0.0, 3.0, 9.0, 14.0], "first_response_hours_log": [1.0] * 4}
    scores = churn_by_silence(Frame.of(rows))
    assert (np.diff(scores) > 0).all()
