"""The rolling origin: what was known at several cuts in time, and the block of rows behind each.

References
----------
Tashman (2000), "Out-of-sample tests of forecasting accuracy", International Journal of Forecasting 16.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from estate.core.model_spec import ModelSpec, Task
from estate.training.data import TrainingData
from estate.training.split import CALIBRATION_SHARE, Split

CUTS = 4
"""Cuts of the backtest, each on the block of rows behind it."""
BLOCK_SHARE = 0.08
"""Of the known rows: size of a block."""
LEAST_BLOCK = 100


def rolling_blocks(spec: ModelSpec, known: TrainingData) -> Iterator[Split]:
    """Give for each cut what was known before it, parted as a training parts it, and the block behind it.

    Parameters
    ----------
    spec : ModelSpec
    known : TrainingData
        In order of time. Cuts with fewer than 200 rows before them are left out.
    """
    rows = len(known)
    size = max(LEAST_BLOCK, round(rows * BLOCK_SHARE))
    for cut in range(rows - CUTS * size, rows, size):
        if cut < 2 * LEAST_BLOCK:
            continue
        calibrated = spec.task is Task.BINARY
        held = min(round(cut * CALIBRATION_SHARE), spec.calibration_most) if calibrated else 0
        yield Split(
            neighbours(known, 0, cut - held),
            neighbours(known, cut - held, cut),
            neighbours(known, cut, min(cut + size, rows)),
        )


def neighbours(data: TrainingData, start: int, stop: int) -> TrainingData:
    """Return neighbouring rows, with what fitting reads of them only."""
    index = np.arange(start, stop)
    return replace(
        data,
        features=data.features.take(index),
        y=data.y[index],
        times=data.times[index],
        entities=data.entities[index],
    )
