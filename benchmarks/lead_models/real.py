"""Ours on the real tables, beside the best reference and an AutoML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.lead_models.automl import search
from benchmarks.lead_models.ours import answers, rows_of, split_at, vote_of
from benchmarks.lead_models.scores import MEASURES, behind, measured
from benchmarks.lead_models.tables import Case
from estate.core.errors import ContractError, StackError
from estate.core.frame import Numbers
from estate.core.model_spec import ModelSpec, Task
from estate.training.data import TrainingData
from estate.training.intervals import value_interval
from estate.training.split import Split

Row = dict[str, object]
AUC_BEHIND = 0.005
_HALVES = 40


def rows(cases: Sequence[Case], *, seconds: int, folds: int | None = None) -> Iterator[Row]:
    """Yield one row for each case and metric; one that says so where the file is absent.

    Parameters
    ----------
    seconds : int
        That AutoML searches, on the first fold of the cases that it is asked for.
    folds : int, optional
        Only the first so many folds of each case.
    """
    for case in cases:
        try:
            path = case.path
        except ContractError as error:
            yield {"table": case.table, "split": case.split, "skipped": str(error)}
            continue
        yield from _rows(case, case.spec(path), seconds, folds)


def _rows(case: Case, spec: ModelSpec, seconds: int, folds: int | None) -> Iterator[Row]:
    data = rows_of(spec)
    parts = [split_at(spec, data, *fold) for fold in case.folds(data.y, data.times)[:folds]]
    made = [answers(spec, part) for part in parts]
    ours = [scores for scores, _ in made]
    believed = vote_of(made[0][1]).weights_
    peer = _peer(spec, parts[0], ours[0], seconds) if case.automl else {}
    for name, best in case.best.items():
        # As the references are: the mean over the folds.
        by_fold = [measured(name, part.holdout.y, scores) for part, scores in zip(parts, ours, strict=True)]
        value = float(np.mean([one for one, _ in by_fold]))
        whole = measured(name, np.concatenate([part.holdout.y for part in parts]), np.concatenate(ours))
        yield {
            "table": case.table,
            "split": case.split,
            "rows": len(data),
            "test_rows": sum(len(part.holdout) for part in parts),
            "metric": name,
            "ours": value,
            "interval": whole[1],
            "best_reference": best,
            "weights": ", ".join(f"{who} {share:.2f}" for who, share in believed.items() if share),
            **peer.get(name, {}),
        }
    if spec.task is Task.REGRESSION:
        yield _coverage(case, spec, parts, ours)


def _peer(spec: ModelSpec, parts: Split, ours: Numbers, seconds: int) -> dict[str, Row]:
    """Return what AutoML reaches on the first fold, by metric."""
    try:
        found = search(spec, parts, seconds)
    except StackError as error:
        return {name: {"automl": f"absent: {error.got}"} for name in MEASURES}
    y = parts.holdout.y
    names = ("mae", "median_ape") if spec.task is Task.REGRESSION else ("roc_auc", "log_loss")
    told: dict[str, Row] = {}
    for name in names:
        difference, interval = behind(name, y, ours, found.scores)
        told[name] = {
            "automl": MEASURES[name][0](y, found.scores),
            "behind_automl": difference,
            "behind_interval": interval,
            "automl_found": f"{found.best}, {found.seconds:.0f} s",
        }
    return told


def _coverage(case: Case, spec: ModelSpec, parts: Sequence[Split], ours: Sequence[Numbers]) -> Row:
    """Return how often intervals that half of the frozen rows gave hold the values of the other half."""
    random, held = np.random.default_rng(0), []
    for part, scores in zip(parts, ours, strict=True):
        y = part.holdout.y
        for _ in range(_HALVES):
            order = random.permutation(len(y))
            one, other = order[: len(y) // 2], order[len(y) // 2 :]
            found = value_interval(y[one], scores[one], spec.interval)
            assert found is not None
            low, high = found.ends(scores[other])
            held.append(float(((low <= y[other]) & (y[other] <= high)).mean()))
    return {
        "table": case.table,
        "split": case.split,
        "rows": _count(parts),
        "test_rows": sum(len(part.holdout) for part in parts),
        "metric": "interval coverage",
        "ours": float(np.mean(held)),
        "interval": None,
        "best_reference": spec.interval,
    }


def _count(parts: Sequence[Split]) -> int:
    def rows_in(one: TrainingData) -> int:
        return len(one)

    return sum(rows_in(one) for one in (parts[0].train, parts[0].calibration, parts[0].holdout))
