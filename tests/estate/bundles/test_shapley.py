"""Contributions are Shapley values, by the formula over all subsets and by known effects."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from estate.bundles.encoder import Matrix
from estate.bundles.shapley import Shapley, Value
from estate.core.frame import Numbers

D = 5
STARTS = np.array([0, 1, 2, 3, 6])  # the fourth feature is a category of three columns
RANDOM = np.random.default_rng(0)


def rows(count: int, seed: int = 1) -> Matrix:
    random = np.random.default_rng(seed)
    made = random.normal(size=(count, 7)).astype(np.float32)
    made[:, 3:6] = np.eye(3)[random.integers(0, 3, count)]
    return made


def additive(x: Matrix) -> Numbers:
    wide = x.astype(np.float64)
    return (np.sin(wide[:, 0]) + wide[:, 1] ** 2 - 2 * wide[:, 2] + wide[:, 3:6] @ [0.0, 1.0, 5.0])[:, None]


def in_pairs(x: Matrix) -> Numbers:
    wide = x.astype(np.float64)
    return additive(x) + (wide[:, 0] * wide[:, 1] + 2 * wide[:, 2] * wide[:, 4])[:, None]


def all_together(x: Matrix) -> Numbers:
    value: Numbers = np.tanh(in_pairs(x)) * x.sum(axis=1, dtype=np.float64)[:, None]
    return value


def by_formula(row: Matrix, background: Matrix, value: Value) -> Numbers:
    """Return the Shapley values against one background row, over all subsets of the features."""
    ends = np.append(STARTS[1:], len(row))

    def worth(present: set[int]) -> float:
        mixed = background.copy()
        for i in present:
            mixed[STARTS[i] : ends[i]] = row[STARTS[i] : ends[i]]
        return float(value(mixed[None])[0, 0])

    found = np.zeros(D)
    for i in range(D):
        for size in range(D):
            weight = factorial(size) * factorial(D - size - 1) / factorial(D)
            for subset in combinations(sorted(set(range(D)) - {i}), size):
                found[i] += weight * (worth({*subset, i}) - worth(set(subset)))
    return found


def test_where_features_only_add_up_contributions_are_exact_against_the_whole_pool() -> None:
    pool, some = rows(200), rows(20, seed=2)
    found = Shapley.over(pool, STARTS, additive, seed=3, pairs=2)
    contributions = found.contributions(some, additive)[:, :, 0]
    assert contributions[:, 2] == pytest.approx(-2 * (some[:, 2] - pool[:, 2].mean(dtype=float)), abs=1e-6)
    assert contributions[:, 1] == pytest.approx(
        some[:, 1] ** 2 - (pool[:, 1] ** 2).mean(dtype=float), abs=1e-5
    )
    assert contributions[:, 4] == pytest.approx(0.0, abs=1e-12)  # has no effect at all
    assert found.base[0] == pytest.approx(additive(pool).mean(), abs=1e-9)


@pytest.mark.parametrize("value", [additive, in_pairs, all_together])
def test_contributions_sum_to_the_value_minus_the_base(value: Value) -> None:
    found = Shapley.over(rows(50), STARTS, value, seed=3, pairs=3)
    some = rows(40, seed=2)
    assert found.contributions(some, value).sum(axis=1) + found.base == pytest.approx(value(some), abs=1e-9)


def test_features_that_act_in_pairs_are_split_exactly() -> None:
    background, some = rows(1), rows(10, seed=2)
    found = Shapley.over(background, STARTS, in_pairs, seed=3, pairs=1).contributions(some, in_pairs)
    expected = [by_formula(row, background[0], in_pairs) for row in some]
    assert found[:, :, 0] == pytest.approx(np.array(expected), abs=1e-9)


def test_with_many_orders_any_function_comes_close_to_the_formula() -> None:
    background, some = rows(1), rows(10, seed=2)
    expected = np.array([by_formula(row, background[0], all_together) for row in some])

    def error(pairs: int) -> float:
        made = Shapley.over(background, STARTS, all_together, seed=3, pairs=pairs)
        return float(np.abs(made.contributions(some, all_together)[:, :, 0] - expected).max())

    assert error(2000) < 0.1 * np.abs(expected).max()
    assert error(2000) < error(4)


def test_many_rows_have_the_same_contributions_as_each_alone() -> None:
    found = Shapley.over(rows(50), STARTS, all_together, seed=3)
    some = rows(3000, seed=2)  # more than one piece
    some[0] = found.background[0]
    together = found.contributions(some, all_together)
    for at in (0, 1, 1500, 2999):
        alone = found.contributions(some[at : at + 1], all_together)
        assert together[at] == pytest.approx(alone[0], abs=1e-12)


def test_not_known_is_a_value_like_others() -> None:
    def known(x: Matrix) -> Numbers:
        return np.isnan(x[:, :1]).astype(np.float64)

    pool, some = rows(100), rows(2, seed=2)
    pool[:30, 0], some[0, 0] = np.nan, np.nan
    found = Shapley.over(pool, STARTS, known, seed=3).contributions(some, known)[:, :, 0]
    assert found[:, 0] == pytest.approx([0.7, -0.3])
    assert found[:, 1:] == pytest.approx(0.0)


def test_several_outputs_are_explained_at_once() -> None:
    def both(x: Matrix) -> Numbers:
        return np.concatenate([additive(x), -2 * additive(x)], axis=1)

    found = Shapley.over(rows(50), STARTS, both, seed=3)
    one, other = np.moveaxis(found.contributions(rows(5, seed=2), both), 2, 0)
    assert other == pytest.approx(-2 * one)
