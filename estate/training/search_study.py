"""A search in Optuna's words: what proposes the next trial, what gives one up, and the ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from estate.core.search import Choice, Float, Int, Range, Search

if TYPE_CHECKING:
    import optuna

WARM_BLOCKS = 1
"""No trial is given up before its second block: one block alone says little."""


def new_study(seed: int, search: Search) -> optuna.Study:
    """Return an empty study in memory, quiet, drawn from the seed."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    started = min(10, max(1, search.trials // 3))
    return optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=started),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=min(5, started), n_warmup_steps=WARM_BLOCKS),
    )


def distributions(search: Search) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return the space in Optuna's words."""
    return {name: _distribution(kept) for name, kept in search.space.items()}


def _distribution(kept: Range) -> optuna.distributions.BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    match kept:
        case Int():
            return IntDistribution(kept.low, kept.high, log=kept.log)
        case Float():
            return FloatDistribution(kept.low, kept.high, log=kept.log)
        case Choice():
            return CategoricalDistribution(range(len(kept.options)))  # by place: Optuna knows no tuples


def as_asked(search: Search, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return an estimator's parameters as Optuna writes them; a choice is its place among the options."""
    return {
        name: [repr(one) for one in kept.options].index(repr(parameters[name]))
        if isinstance(kept, Choice)
        else parameters[name]
        for name, kept in search.space.items()
    }


def as_named(search: Search, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Optuna asks for as the estimator takes it."""
    return {
        name: kept.options[asked[name]] if isinstance(kept, Choice) else asked[name]
        for name, kept in search.space.items()
    }
