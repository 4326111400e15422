"""How far back a training learns: all rows, the recent ones, or all with weights that fade.

After a drift old rows may teach what is no longer so, or may be all that there is to learn from. Which it is
is not guessed but backtested: each memory is tried at several cuts before the frozen rows, always on the
rows that came next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from estate.core.errors import TrainingError
from estate.core.frame import Numbers
from estate.core.model_spec import CrmSource, ModelSpec
from estate.features.events import DAY_US
from estate.training.backtest import CUTS, neighbours, rolling_blocks
from estate.training.data import TrainingData
from estate.training.fit import fit
from estate.training.metrics import Metric, metric_named
from estate.training.split import Split

LEAST_ROWS = 400
"""A recent memory shorter than this is not tried."""
LEVEL = 0.05
"""The spec's own memory is left so often at most where all are equally good (Bonferroni over those tried)."""


@dataclass(frozen=True)
class Memory:
    """Which rows a training learns from.

    Parameters
    ----------
    name : str
        As people read it.
    share : float
        The newest share of the rows that come before the calibration part, in (0, 1].
    half_life_days : float or None
        Weight of a row halves with every so many days of age; None: as the spec says.
    """

    name: str
    share: float = 1.0
    half_life_days: float | None = None

    def spec(self, spec: ModelSpec) -> ModelSpec:
        """Return the spec with this memory's weights."""
        return spec if self.half_life_days is None else replace(spec, half_life_days=self.half_life_days)

    def of(self, parts: Split) -> Split:
        """Return the parts with as much of the train part as is remembered."""
        rows = len(parts.train)
        kept = parts.train.take(np.arange(rows - round(rows * self.share), rows))
        return Split(kept, parts.calibration, parts.holdout)


OWN = Memory("all rows, as the spec weighs them")


@dataclass(frozen=True)
class Choice:
    """Which memory was chosen, and what the backtest measured of each.

    Parameters
    ----------
    memory : Memory
    losses : tuple of (str, float)
        The gate's metric over all rows of the blocks, by the memory's name; empty where none was tried.
    sentence : str
        For a person.
    """

    memory: Memory
    losses: tuple[tuple[str, float], ...]
    sentence: str


def choose_memory(spec: ModelSpec, parts: Split) -> Choice:
    """Backtest the memories before the frozen rows; the spec's own unless another is clearly better.

    Parameters
    ----------
    spec : ModelSpec
        Its gate's metric decides; a metric that is no mean over rows leaves the spec's own memory.
    parts : Split
        The holdout is not looked at.
    """
    metric = metric_named(spec.task, spec.gate.metric)
    known = _before_holdout(parts)
    blocks = list(rolling_blocks(spec, known))
    tried = list(_memories(spec, known))
    if metric.per_row is None or not blocks or not tried:
        return Choice(OWN, (), "too few rows, or a metric that is no mean over rows: no backtest")
    own = _losses(spec, OWN, blocks, metric)
    if own is None:
        return Choice(OWN, (), "the spec's own memory can't be fitted on the backtest's rows: no backtest")
    found = {OWN: own}
    for memory in tried:
        losses = _losses(spec, memory, blocks, metric)
        if losses is not None:
            found[memory] = losses
    return _choice(found, metric)


def _choice(found: dict[Memory, Numbers], metric: Metric) -> Choice:
    own = found[OWN]
    errors = NormalDist().inv_cdf(1.0 - LEVEL / max(len(found) - 1, 1))
    best, margin = OWN, 0.0
    for memory, its in found.items():
        gain = own - its
        sure = float(gain.mean()) - errors * float(gain.std()) / len(gain) ** 0.5
        if memory is not OWN and sure > margin:
            best, margin = memory, sure
    sign = -1.0 if metric.larger_is_better else 1.0
    losses = tuple((memory.name, sign * float(values.mean())) for memory, values in found.items())
    said = ", ".join(f"{name} {loss:.4f}" for name, loss in losses)
    sentence = f"learned from {best.name}; {metric.name} of the next rows in {CUTS} backtests: {said}"
    return Choice(best, losses, sentence)


def _before_holdout(parts: Split) -> TrainingData:
    train, calibration = parts.train, parts.calibration
    if not len(calibration):
        return train
    columns = {
        name: np.concatenate([train.features[name], calibration.features[name]])
        for name in train.features.columns
    }
    together = replace(
        train,
        features=replace(train.features, columns=columns, rows=len(train) + len(calibration)),
        y=np.concatenate([train.y, calibration.y]),
        times=np.concatenate([train.times, calibration.times]),
        entities=np.concatenate([train.entities, calibration.entities]),
    )
    order = np.argsort(together.times, kind="stable")
    return replace(
        together,
        features=together.features.take(order),
        y=together.y[order],
        times=together.times[order],
        entities=together.entities[order],
    )


def _remembered(memory: Memory, block: Split) -> Split:
    rows = len(block.train)
    return replace(block, train=neighbours(block.train, rows - round(rows * memory.share), rows))


def _memories(spec: ModelSpec, known: TrainingData) -> Iterator[Memory]:
    for share in (0.5, 0.25, 0.1):
        if len(known) * share >= LEAST_ROWS:
            yield Memory(f"the newest {share:.0%} of the rows", share=share)
    if not isinstance(spec.source, CrmSource) and spec.source.time is None:
        return
    days = (int(known.times[-1]) - int(known.times[0])) / DAY_US
    for part in (4, 16):
        if days / part >= 1:
            yield Memory(
                f"all rows, half as much for each {days / part:.0f} days", half_life_days=days / part
            )


def _losses(spec: ModelSpec, memory: Memory, blocks: list[Split], metric: Metric) -> Numbers | None:
    """Return the losses of all blocks' rows, signed so that less is better; None if one can't be fitted."""
    assert metric.per_row is not None, "asked before"
    sign = -1.0 if metric.larger_is_better else 1.0
    parts = []
    for block in blocks:
        try:
            trained = fit(memory.spec(spec), _remembered(memory, block))
        except (TrainingError, ValueError):  # a part lacks a class
            return None
        scores = trained.predict_matrix(trained.encoder.matrix(block.holdout.features))
        parts.append(sign * metric.per_row(block.holdout.y, scores))
    return np.concatenate(parts)
