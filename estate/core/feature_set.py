"""A model's features: plain functions, each named after the column that it computes."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import Any, Literal, get_type_hints

import numpy as np

from estate.core.errors import SpecError
from estate.core.frame import Column, Frame

_FEATURES = "estate.features"

FeatureFunction = Callable[[Any], Column]
"""From the histories of n leads, or from a frame of n raw rows, to an array of shape (n,)."""


@dataclass(frozen=True)
class FeatureSet:
    """The features of a model, by name and kind.

    Parameters
    ----------
    numbers, categories : tuple
        A function (its name is the column's name), or the name of a raw column that is taken as it is.

    Examples
    --------
    >>> def price_per_room_usd(rows): return rows["price_usd"] / rows["rooms"]
    >>> features = FeatureSet(numbers=("rooms", price_per_room_usd), categories=("area",))
    >>> raw = Frame.of({"price_usd": [300_000.0], "rooms": [3.0], "area": ["north"]})
    >>> features.compute(raw).records()
    [{'rooms': 3.0, 'price_per_room_usd': 100000.0, 'area': 'north'}]
    """

    numbers: tuple[FeatureFunction | str, ...] = ()
    categories: tuple[FeatureFunction | str, ...] = ()

    def __post_init__(self) -> None:
        for kind, features in (("numbers", self.numbers), ("categories", self.categories)):
            _require_tuple(kind, features)
        doubled = {name for name in self.names if self.names.count(name) > 1}
        if doubled or not self.names:
            raise SpecError(
                "feature set", expected="one or more features, each once", got=str(sorted(doubled))
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, numbers first."""
        return tuple(_name(feature) for feature in (*self.numbers, *self.categories))

    def kind(self, name: str) -> Literal["number", "category"]:
        """Return whether the column is a number or a category."""
        return "number" if name in {_name(feature) for feature in self.numbers} else "category"

    def compute(self, batch: Any) -> Frame:
        """Compute every feature of every row; one row alone gives the same bits as among a million.

        Parameters
        ----------
        batch : Histories or Frame
            What the functions read; ``len(batch)`` rows.
        """
        columns: dict[str, Column] = {}
        for name, feature in self._numbers:
            columns[name] = np.asarray(_value(feature, batch), dtype=np.float64)
        for name, feature in self._categories:
            columns[name] = np.asarray(_value(feature, batch), dtype=object)
        return Frame(columns, len(batch))

    @cached_property
    def _numbers(self) -> tuple[tuple[str, FeatureFunction | str], ...]:
        return tuple((_name(feature), feature) for feature in self.numbers)

    @cached_property
    def _categories(self) -> tuple[tuple[str, FeatureFunction | str], ...]:
        return tuple((_name(feature), feature) for feature in self.categories)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over names, kinds and code; changes when a feature, what it calls or what it reads does."""
        return _fingerprint(self.numbers, self.categories)

    def inputs(self, batch: Frame) -> tuple[str, ...]:
        """Return the raw columns that the features of a table read, in the table's order."""
        seen = _Recorder(batch)
        for feature in (*self.numbers, *self.categories):
            _value(feature, seen)
        return tuple(name for name in batch.columns if name in seen.names)


def _require_tuple(kind: str, features: object) -> None:
    if not isinstance(features, tuple | list):
        raise SpecError(
            f"`{kind}` of a feature set",
            expected="a tuple",
            got=repr(features),
            todo="A tuple of one is written with a comma: `(name,)`.",
        )
    for feature in features:
        if not isinstance(feature, str) and getattr(feature, "__name__", "<lambda>") == "<lambda>":
            raise SpecError(
                f"`{kind}` of a feature set",
                expected="column names, and functions with a name",
                got=repr(feature),
                todo="Write it with `def`: the function's name is the column's name.",
            )


class _Recorder:
    """A frame that remembers which columns were asked for."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.names: set[str] = set()

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, name: str) -> Column:
        self.names.add(name)
        return self.frame[name]


def _fingerprint(
    numbers: tuple[FeatureFunction | str, ...], categories: tuple[FeatureFunction | str, ...]
) -> str:
    digest = hashlib.sha256()
    for kind, features in (("number", numbers), ("category", categories)):
        for feature in features:
            code = feature if isinstance(feature, str) else _source(feature)
            digest.update(f"{kind}\0{_name(feature)}\0{code}\0".encode())
    return digest.hexdigest()


def _source(feature: FeatureFunction) -> str:
    """Source of a function, of what it calls beside it, and of the modules whose types it reads."""
    modules: dict[str, str] = {}
    for kind in _types(feature):
        _read_with(kind.__module__, modules)
    return "\n".join([*_called(feature, {}).values(), *(modules[name] for name in sorted(modules))])


def _read_with(module: str, found: dict[str, str]) -> None:
    """Collect the source of a module of features and of those that it takes classes or functions from."""
    if module in found or not module.startswith(_FEATURES):
        return
    found[module] = inspect.getsource(sys.modules[module])
    for value in vars(sys.modules[module]).values():
        if inspect.isclass(value) or inspect.isfunction(value):
            _read_with(value.__module__, found)


def _called(function: Callable[..., Any], found: dict[str, str]) -> dict[str, str]:
    """Collect the source of a function, and of the functions and plain values of features that it names."""
    found[f"{function.__module__}.{function.__qualname__}"] = inspect.getsource(function)
    for name in sorted(_named(function.__code__)):
        value = function.__globals__.get(name)
        if inspect.isfunction(value):
            near = value.__module__ == function.__module__ or value.__module__.startswith(_FEATURES)
            if near and f"{value.__module__}.{value.__qualname__}" not in found:
                _called(value, found)
        elif _is_plain(value):
            found[f"{function.__module__}.{name}"] = repr(value)
    return found


def _is_plain(value: object) -> bool:
    """Whether the value looks the same in every process."""
    if isinstance(value, tuple):
        return all(_is_plain(one) for one in value)
    return isinstance(value, int | float | str)


def _named(code: CodeType) -> set[str]:
    """Names that a function's code looks up, and those of the functions inside of it."""
    inside = [_named(one) for one in code.co_consts if isinstance(one, CodeType)]
    return set(code.co_names).union(*inside)


def _types(owner: object) -> list[type]:
    hints = get_type_hints(owner).values()
    return [kind for kind in hints if inspect.isclass(kind) and kind.__module__.startswith(_FEATURES)]


def _name(feature: FeatureFunction | str) -> str:
    return feature if isinstance(feature, str) else feature.__name__


def _value(feature: FeatureFunction | str, batch: Any) -> Column:
    return batch[feature] if isinstance(feature, str) else feature(batch)
