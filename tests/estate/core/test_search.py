"""A search that can't be meant is refused where it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from estate.core.errors import SpecError
from estate.core.search import Choice, Float, Int, Search, own_parameters
from tests.specs import home_spec

WRONG: list[tuple[Any, str]] = [
    (lambda: Search(space={}), "`space` of a search: expected ranges by parameter, got {}"),
    (lambda: Search(space={"a": (1, 2)}), "`a` in the space of a search: expected an Int, Float or Choice"),  # type: ignore[dict-item]
    (lambda: Search(space={"a": Int(1, 2)}, trials=0), "`trials` of a search"),
    (lambda: Search(space={"a": Int(1, 2)}, trials=1001), "from 1 to 1000, got 1001"),
    (lambda: Search(space={"a": Int(1, 2)}, trials=True), "got True"),
    (lambda: Search(space={"a": Int(1, 2)}, patience=0), "`patience` of a search"),
    (lambda: Search(space={"a": Int(1, 2)}, minutes=0), "`minutes` of a search: expected a number above 0"),
    (lambda: Search(space={"a": Int(1, 2)}, minutes=float("nan")), "got nan"),
    (lambda: Search(space={"a": Int(1, 2)}, minutes=60), "at most 45, got 60"),
    (lambda: Int(3, 3), "Int: expected a `low` below `high`, got 3 and 3"),
    (lambda: Int(1.0, 3), r"Int: expected whole numbers, got 1\.0 and 3"),  # type: ignore[arg-type]
    (lambda: Int(0, 3, log=True), "`low` at least 1 where `log` is true, got 0"),
    (lambda: Float(0, 1, log=True), "`low` above 0 where `log` is true, got 0"),
    (lambda: Float(0, float("inf")), "Float: expected finite numbers"),
    (lambda: Choice(("a",)), "Choice: expected a tuple of at least two values"),
    (lambda: Choice("ab"), "Choice: expected a tuple"),  # type: ignore[arg-type]
    (lambda: Choice((1, 2, 1)), "each once"),
]


@pytest.mark.parametrize(("make", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_search_that_can_not_be_meant_is_refused(make: Any, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        make()


def estimator(seed: int, depth: int = 3, leaf: int = 50, *, rest: int) -> None: ...


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (
            {"deep": Int(1, 9)},
            "`deep` in the search of model `home_sale`: expected a parameter of `estimator` with a default, "
            r"one of depth, leaf, got no such parameter\. Write `def estimator\(seed, deep=…\):`",
        ),
        ({"seed": Int(1, 9)}, "got no such parameter"),
        ({"rest": Int(1, 9)}, "got one without a default"),
        ({"depth": Int(1, 9), "leaf": Int(1, 9)}, r"expected a default in Int\(low=1, high=9, .*got 50"),
        ({"depth": Choice((3.0, 4.0))}, "`depth` in the search .* got 3"),
    ],
)
def test_a_search_that_does_not_fit_its_estimator_is_refused(space: Any, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        home_spec(Path("none.csv"), estimator=estimator, search=Search(space=space))


def test_something_else_than_a_search_is_refused() -> None:
    with pytest.raises(SpecError, match="`search` of model `home_sale`: expected a Search, or None, got 30"):
        home_spec(Path("none.csv"), search=30)


def test_the_defaults_of_the_function_are_the_specs_own_parameters() -> None:
    search = Search(space={"leaf": Int(1, 99), "depth": Choice((2, 3))})
    assert own_parameters(search, estimator, model="m") == {"leaf": 50, "depth": 3}
