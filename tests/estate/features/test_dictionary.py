"""What the dictionary says of each feature is what is computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from estate.core.sentiment import sentiment
from estate.features.dictionary import Feature, all_features, describe
from estate.features.histories import Histories, build_histories, micros
from infra.cli.features import page
from tests.estate.features.made_up import AS_OF, facts_of

DOCS = Path(__file__).parents[3] / "docs" / "features.md"
FEATURES = all_features()


@pytest.fixture(scope="module")
def desk() -> Histories:
    """400 leads, judged from the moment they came to 90 days later, and ten that nobody knows anything of."""
    facts = facts_of(leads=400)
    quiet = pd.DataFrame({"lead_id": [f"q{i}" for i in range(10)]})
    clocks = {"event_at": pd.Timestamp(AS_OF), "recorded_at": pd.Timestamp(AS_OF)}
    facts["leads"] = pd.concat([facts["leads"], quiet.assign(**clocks)], ignore_index=True)
    facts["messages"]["sentiment"] = facts["messages"]["text"].map(sentiment)
    leads = facts["leads"]
    age = np.random.default_rng(3).uniform(0, 90, len(leads)) * 86_400_000_000
    moments = micros(leads["event_at"]) + age.astype(np.int64)
    return build_histories(leads["lead_id"].to_numpy(dtype=object), moments, facts)


def test_there_are_more_than_a_hundred_each_once() -> None:
    names = [feature.__name__ for feature in FEATURES]
    assert len(names) > 100
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.__name__)
def test_it_is_what_the_dictionary_says(feature: Feature, desk: Histories) -> None:
    said, values = describe(feature), feature(desk)
    assert said.meaning
    assert values.shape == (len(desk),)
    if values.dtype == object:
        assert said.unit == "text"
        missing, known = np.array([value is None for value in values.tolist()]), np.zeros(0)
    else:
        missing, known = np.isnan(values), values[~np.isnan(values)]
        assert np.isfinite(known).all()
        assert len(np.unique(known)) > 1, "it says the same of everybody"
    assert missing.any() == (said.missing is not None)
    assert not missing.all()
    if said.low is not None:
        assert known.min() >= said.low
    if said.high is not None:
        assert known.max() <= said.high
    if said.unit in ("count", "0 or 1", "hour of the day", "weekday, Monday is 0"):
        assert (known == np.round(known)).all()


def test_the_page_is_written_by_the_command() -> None:
    assert DOCS.read_text() == page([describe(feature) for feature in FEATURES])
