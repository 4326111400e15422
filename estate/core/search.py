"""Which parameters of an estimator a training may choose by itself, and how long it may look for them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from estate.core.errors import SpecError

TRIALS_MOST = 1000
MINUTES_MOST = 45.0
"""The step of a training that searches is ended after an hour."""


@dataclass(frozen=True)
class Int:
    """Whole numbers from low to high, both included.

    Parameters
    ----------
    low, high : int
    log : bool
        Whether ratios count rather than differences; needs ``low`` of at least 1.

    Examples
    --------
    >>> Int(8, 2)
    Traceback (most recent call last):
    estate.core.errors.SpecError: Int: expected a `low` below `high`, got 8 and 2.
    """

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        if not all(isinstance(end, int) and not isinstance(end, bool) for end in (self.low, self.high)):
            raise SpecError("Int", expected="whole numbers", got=f"{self.low!r} and {self.high!r}")
        _require_ends("Int", self.low, self.high, least=1 if self.log else None)

    def holds(self, value: object) -> bool:
        """Return whether a value is in the range."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True)
class Float:
    """Numbers from low to high, both included.

    Parameters
    ----------
    low, high : float
    log : bool
        Whether ratios count rather than differences; needs a positive ``low``.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not all(_is_number(end) for end in (self.low, self.high)):
            raise SpecError("Float", expected="finite numbers", got=f"{self.low!r} and {self.high!r}")
        _require_ends("Float", self.low, self.high, least=math.ulp(0.0) if self.log else None)

    def holds(self, value: object) -> bool:
        """Return whether a value is in the range."""
        return _is_number(value) and self.low <= value <= self.high  # type: ignore[operator]


@dataclass(frozen=True)
class Choice:
    """One of several values without an order.

    Parameters
    ----------
    options : tuple
        At least two, each once: texts, numbers, booleans, None, or tuples of these.
    """

    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        known = isinstance(self.options, tuple | list)
        if not known or len(self.options) < 2 or len(set(map(repr, self.options))) < len(self.options):
            raise SpecError(
                "Choice", expected="a tuple of at least two values, each once", got=repr(self.options)
            )
        object.__setattr__(self, "options", tuple(self.options))

    def holds(self, value: object) -> bool:
        """Return whether a value is one of them; 1, 1.0 and True are three."""
        return repr(value) in map(repr, self.options)


Range = Int | Float | Choice


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a training tries before it fits; see ``docs/models.md``.

    Parameters
    ----------
    space : mapping of str to Int, Float or Choice
        Parameters of the spec's ``estimator`` function. Each has a default there, which lies in its range:
        the defaults are the first trial.
    trials : int
        At most so many, 1 to 1000, the defaults among them.
    minutes : float
        No trial, and no further block of one, begins after so long; above 0, at most 45.
    patience : int
        So many trials in a row that bring nothing better end the search.

    Raises
    ------
    SpecError
        If there is nothing to search, or a budget is out of its range.

    Examples
    --------
    >>> Search(space={"max_depth": Int(2, 8)}, trials=0)
    Traceback (most recent call last):
    estate.core.errors.SpecError: `trials` of a search: expected a whole number from 1 to 1000, got 0.
    """

    space: Mapping[str, Range] = field(hash=False)
    trials: int = 30
    minutes: float = 10.0
    patience: int = 15

    def __post_init__(self) -> None:
        if not isinstance(self.space, Mapping) or not self.space:
            raise SpecError("`space` of a search", expected="ranges by parameter", got=repr(self.space))
        for name, kept in self.space.items():
            if not isinstance(kept, Range):
                raise SpecError(
                    f"`{name}` in the space of a search", expected="an Int, Float or Choice", got=repr(kept)
                )
        for field_, most in (("trials", TRIALS_MOST), ("patience", None)):
            value = getattr(self, field_)
            wrong = not isinstance(value, int) or isinstance(value, bool) or value < 1
            if wrong or (most is not None and value > most):
                said = "of at least 1" if most is None else f"from 1 to {most}"
                raise SpecError(f"`{field_}` of a search", expected=f"a whole number {said}", got=repr(value))
        if not _is_number(self.minutes) or not 0 < self.minutes <= MINUTES_MOST:
            raise SpecError(
                "`minutes` of a search",
                expected=f"a number above 0, at most {MINUTES_MOST:g}",
                got=repr(self.minutes),
            )
        object.__setattr__(self, "space", dict(self.space))


def own_parameters(search: Search, estimator: Callable[..., Any], *, model: str) -> dict[str, Any]:
    """Return the defaults that an estimator's function gives to the searched parameters.

    Raises
    ------
    SpecError
        If the function lacks one of them, or its default, or the default is out of range.

    Examples
    --------
    >>> def estimator(seed, max_depth=3): ...
    >>> own_parameters(Search(space={"max_depth": Int(2, 8)}), estimator, model="sale")
    {'max_depth': 3}
    >>> own_parameters(Search(space={"depth": Int(2, 8)}), estimator, model="sale")
    Traceback (most recent call last):
    estate.core.errors.SpecError: `depth` in the search of model `sale`: expected a parameter of `estimator` \
with a default, one of max_depth, got no such parameter. Write `def estimator(seed, depth=…):`.
    """
    try:
        taken = list(inspect.signature(estimator).parameters.values())[1:]
    except (TypeError, ValueError):
        taken = []
    known = {one.name: one.default for one in taken if one.default is not inspect.Parameter.empty}
    for name, kept in search.space.items():
        what = f"`{name}` in the search of model `{model}`"
        if name not in known:
            there = any(one.name == name for one in taken)
            raise SpecError(
                what,
                expected="a parameter of `estimator` with a default"
                + (", one of " * bool(known))
                + ", ".join(known),
                got="one without a default" if there else "no such parameter",
                todo=f"Write `def estimator(seed, {name}=…):`.",
            )
        if not kept.holds(known[name]):
            raise SpecError(
                what,
                expected=f"a default in {kept}",
                got=repr(known[name]),
                todo="The default is the first trial: widen the range, or change the default.",
            )
    return {name: known[name] for name in search.space}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _require_ends(kind: str, low: float, high: float, *, least: float | None) -> None:
    if low >= high:
        raise SpecError(kind, expected="a `low` below `high`", got=f"{low} and {high}")
    if least is not None and low < least:
        said = "at least 1" if least == 1 else "above 0"
        raise SpecError(kind, expected=f"a `low` {said} where `log` is true", got=str(low))
