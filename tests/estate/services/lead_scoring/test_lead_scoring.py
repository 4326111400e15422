"""What a person expects of a score: what must not matter does not, what must moves it the right way."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from estate.core.clock import now
from estate.core.errors import RegistryError, StoreError
from estate.core.frame import Frame
from estate.core.lead_answer import LeadAnswer, Said
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy
from estate.services.lead_scoring import service
from estate.services.lead_scoring.confidence import confidence_of
from estate.services.lead_scoring.dimensions import (
    DIMENSIONS,
    INTENT,
    QUALIFICATION,
    READINESS,
    SPECS,
    TIMING,
)

KNOWN: dict[str, float | str | None] = {
    "interactions_count_7d": 9.0,
    "messages_in_count_7d": 2.0,
    "budget_usd": 400_000.0,
    "timeline_days": 30.0,
    "bedrooms_wanted": 3.0,
    "financing": "cash",
    "lead_source": "portal",
}


def answer(model: str, score: float = 0.2, **changed: Any) -> LeadAnswer:
    made = LeadAnswer(
        model=model,
        version="3",
        answered_by=AnsweredBy.MODEL,
        prediction_id="p",
        score=score,
        features=KNOWN,
        as_of=now(),
        known_until=now(),
        band="medium",
        interval=(0.15, 0.25),
        band_rate=(0.2, 0.16, 0.24, 400),
        rank=0.7,
        reasons=(Said("tours", "Tours: 2", "for", 0.4), Said("budget", "Budget: low", "against", -0.2)),
    )
    return replace(made, **changed)


ALL = {one.model: answer(one.model) for one in DIMENSIONS}


def test_the_parts_are_put_together() -> None:
    found = service.assess("lead-1", ALL)
    assert (found.score, found.band, found.probability, found.interval) == (70.0, "medium", 0.2, (0.15, 0.25))
    assert found.band_means is not None
    assert (found.band_means.of_100, found.band_means.low, found.band_means.high) == (20.0, 16.0, 24.0)
    assert (found.reasons_for, found.reasons_against) == (["Tours: 2"], ["Budget: low"])
    assert [one.name for one in found.dimensions] == [one.name for one in DIMENSIONS]


def test_a_dimension_that_is_away_says_so_and_changes_nothing_else() -> None:
    away = RegistryError("model `lead_intent`", expected="a version in production, or rules", got="neither")
    found, whole = service.assess("lead-1", {**ALL, "lead_intent": away}), service.assess("lead-1", ALL)
    (intent,) = (one for one in found.dimensions if one.name == "intent")
    assert intent.score is None
    assert "lead_intent" in str(intent.problem)
    assert replace(found, dimensions=[]) == replace(whole, dimensions=[])


def test_without_a_chance_to_convert_there_is_no_score() -> None:
    away = StoreError("database", expected="an answer", got="none")
    with pytest.raises(StoreError):
        service.assess("lead-1", {**ALL, service.MAIN: away})


def test_a_higher_chance_never_gets_a_lower_score() -> None:
    chances = np.linspace(0.01, 0.9, 20)
    scores = [
        service.assess("l", {**ALL, service.MAIN: answer(service.MAIN, p, rank=p)}).score for p in chances
    ]
    assert scores == sorted(scores)


def test_confidence_never_rises_when_a_fact_is_taken_away() -> None:
    for size in range(len(KNOWN)):
        for left in combinations(KNOWN, size):
            some = {name: value if name in left else None for name, value in KNOWN.items()}
            for name in left:
                fewer = {**some, name: None}
                now_, then = (confidence_of(answer("m", features=one)) for one in (some, fewer))
                assert then.value <= now_.value
                assert len(then.thin) >= len(now_.thin)


def test_rules_are_believed_less_than_a_model_and_say_so() -> None:
    by_rules = confidence_of(answer("m", answered_by=AnsweredBy.RULES))
    assert by_rules.value < confidence_of(answer("m")).value
    assert any("rules" in words for words in by_rules.thin)


RISING = (
    (INTENT, "tours_count_7d"),
    (INTENT, "listing_saves_count_7d"),
    (INTENT, "listing_views_count_7d"),
    (TIMING, "replies_count_7d"),
    (QUALIFICATION, "budget_to_area_price"),
    (READINESS, "replies_count_7d"),
    (READINESS, "calls_count_7d"),
)


def rows_of(spec: ModelSpec, values: dict[str, list[float | None]], rows: int) -> Frame:
    columns: dict[str, list[float | str | None]] = {
        name: [None] * rows if spec.features.kind(name) == "category" else [1.0] * rows
        for name in spec.features.names
    }
    return Frame.of({**columns, **values})


@pytest.mark.parametrize(("spec", "name"), RISING, ids=lambda one: getattr(one, "name", one))
def test_more_of_what_speaks_for_it_never_lowers_the_rules(spec: ModelSpec, name: str) -> None:
    assert spec.rules is not None
    scores = spec.rules(rows_of(spec, {name: [0.0, 0.5, 1.0, 2.0, 5.0]}, 5))
    assert (np.diff(scores) >= 0).all()
    assert scores[-1] > scores[0]


def test_silence_and_a_far_plan_lower_the_rules() -> None:
    silent = rows_of(READINESS, {"days_since_interaction": [0.0, 3.0, 7.0, None]}, 4)
    far = rows_of(TIMING, {"timeline_days": [14.0, 90.0, 365.0]}, 3)
    assert READINESS.rules is not None
    assert TIMING.rules is not None
    assert (np.diff(READINESS.rules(silent)) <= 0).all()
    assert (np.diff(TIMING.rules(far)) <= 0).all()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_lead_of_which_nothing_is_known_has_an_answer(spec: ModelSpec) -> None:
    assert spec.rules is not None
    nothing = Frame.of({name: [None] for name in spec.features.names})
    (score,) = spec.rules(nothing).tolist()
    assert 0.0 < score < 0.5


def test_once_its_60_days_are_over_nothing_is_left_of_the_confidence() -> None:
    young, old = (service.assess("lead-1", ALL, age_days=days) for days in (30.0, 80.0))
    assert (young.horizon_over, old.horizon_over) == (False, True)
    assert young.confidence > old.confidence == 0.0
    assert "60 days are over" in old.thin[0]
    assert old.probability == young.probability
    assert service.assess("lead-1", ALL).horizon_over is None
