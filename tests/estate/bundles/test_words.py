"""Features and their values in the sales team's words."""

from __future__ import annotations

import pytest

from estate.bundles.words import MOST_CHARACTERS, readable, text_of, titles
from estate.catalog import OWN
from estate.core.feature_set import FeatureSet


def plain(rows: object) -> None: ...


def long(rows: object) -> None:
    """A first sentence
    over two lines. And a second one.

    Parameters
    ----------
    rows : Frame
    """


def test_a_function_is_called_by_its_first_sentence_else_by_its_name() -> None:
    features = FeatureSet(numbers=(plain, long), categories=("what_is_it",))  # type: ignore[arg-type]
    assert titles(features) == {
        "plain": "Plain",
        "long": "A first sentence over two lines",
        "what_is_it": "What is it",
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("emp_var_rate", "Emp var rate"),
        ("TotalVisits", "Total visits"),
        ("customerID", "Customer ID"),
        ("Lead Origin", "Lead origin"),
        ("price_usd", "Price in USD"),
        ("usd", "Usd"),
        ("___", "___"),
        ("x" * 500, "X" + "x" * (MOST_CHARACTERS - 2) + "…"),
    ],
)
def test_a_column_name_becomes_words(name: str, said: str) -> None:
    assert readable(name) == said


@pytest.mark.parametrize(
    ("value", "usual", "said"),
    [
        (3.0, 1.0, "Rooms: 3, usually 1"),
        (3.0, 3.0, "Rooms: 3, as usual"),
        (float("nan"), 3.0, "Rooms: not known"),
        (3.0, "not known", "Rooms: 3, usually not known"),
        (350_000.0, 1995.0, "Rooms: 350,000, usually 1995"),
        (0.12345, 12.345, "Rooms: 0.123, usually 12.3"),
        (-122.304, -122.31, "Rooms: -122.3, usually -122.31"),
        (1e300, 0.0, "Rooms: 1e+300, usually 0"),
        ("portal", None, "Rooms: portal"),
        (None, None, "Rooms: not known"),
    ],
)
def test_a_value_is_told_beside_the_usual_one(
    value: float | str | None, usual: float | str | None, said: str
) -> None:
    assert text_of("Rooms", value, usual) == said


def test_yes_and_no_are_said_as_such() -> None:
    title = "1 if the lead named a budget"
    assert text_of(title, 0.0, 1.0) == "The lead named a budget: no, usually yes"
    assert text_of(title, 1.0, 1.0) == "The lead named a budget: yes, as usual"
    assert text_of(title, float("nan"), 1.0) == "The lead named a budget: not known"


def test_every_feature_of_the_catalog_has_words_that_fit_on_a_line() -> None:
    for spec in OWN:
        called = titles(spec.features)
        assert set(called) == set(spec.features.names)
        assert all(said and not said.endswith((".", "…")) for said in called.values()), called
