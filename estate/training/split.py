"""Train on the oldest rows, calibrate on the next, judge on the newest.

The newest rows are frozen. Those of them that earlier gates have used up are learned from instead, as long
as enough fresh ones are left to judge on; if not, only the fewest newest ones that are enough are frozen, for
they share the least with earlier gates. Fresh rows are never sought further back: the version in production
may have learned from those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.errors import NotEnoughData
from estate.core.model_spec import ModelSpec, Task
from estate.training.data import TrainingData
from estate.training.holdout import enough

HOLDOUT_SHARE = 0.20
CALIBRATION_SHARE = 0.15
LEAST_ROWS = 100


@dataclass(frozen=True)
class Split:
    """Three parts of the data, oldest first; ``calibration`` is empty where the task has no probability."""

    train: TrainingData
    calibration: TrainingData
    holdout: TrainingData


def split_by_time(spec: ModelSpec, data: TrainingData) -> Split:
    """Cut the rows, which are in order of time, into train, calibration and holdout.

    Rows that ``data.uses`` counts as used up are not frozen, if enough others are among the newest.

    Raises
    ------
    NotEnoughData
        If there are fewer than a hundred rows, or a part lacks a class.
    """
    require_rows(spec, data)
    n = len(data)
    frozen = _frozen(spec, data)
    rest = np.setdiff1d(np.arange(n), frozen)
    calibrated = spec.task is Task.BINARY
    train_to = len(rest) - (min(round(n * CALIBRATION_SHARE), spec.calibration_most) if calibrated else 0)
    parts = Split(data.take(rest[:train_to]), data.take(rest[train_to:]), data.take(frozen))
    _require_classes(spec, parts)
    return parts


def _frozen(spec: ModelSpec, data: TrainingData) -> NDArray[np.intp]:
    n = len(data)
    newest = np.arange(n - min(round(n * HOLDOUT_SHARE), spec.gate.holdout_most), n)
    if data.uses is None:
        return newest
    fresh = newest[data.uses[newest] < spec.gate.holdout_uses]
    if enough(spec, data.y[fresh]):
        return fresh
    for rows in range(spec.gate.holdout_rows, len(newest)):
        if enough(spec, data.y[newest[-rows:]]):
            return newest[-rows:]
    return newest


def require_rows(spec: ModelSpec, data: TrainingData) -> None:
    """Refuse a training of too few rows.

    Raises
    ------
    NotEnoughData
        If there are fewer than a hundred.
    """
    if len(data) < LEAST_ROWS:
        raise NotEnoughData(
            f"model `{spec.name}`",
            expected=f"at least {LEAST_ROWS} rows with a ripe label",
            got=f"{len(data)} of {data.candidates} candidates",
            todo="Import more data, or wait until more outcomes are known.",
        )


def _require_classes(spec: ModelSpec, parts: Split) -> None:
    if spec.task is Task.REGRESSION:
        return
    needed = {"train": parts.train, "holdout": parts.holdout}
    if spec.task is Task.BINARY:
        needed["calibration"] = parts.calibration
    else:
        _require_every_class(spec, parts.train)
    for name, part in needed.items():
        if len(np.unique(part.y)) < 2:
            raise NotEnoughData(
                f"{name} part of model `{spec.name}`",
                expected="at least two classes",
                got=f"one class in {len(part)} rows",
                todo="Import more data: outcomes of both kinds are needed in every part of time.",
            )


def _require_every_class(spec: ModelSpec, train: TrainingData) -> None:
    """An estimator that has not seen a class has no column for it: the others would shift."""
    absent = sorted(set(range(len(train.classes))) - set(train.y.astype(np.int64).tolist()))
    if absent:
        raise NotEnoughData(
            f"train part of model `{spec.name}`",
            expected="every class",
            got=f"no row of {', '.join(train.classes[code] for code in absent)}",
            todo="Import more data, or leave these rows out with a `reader`.",
        )
