"""The catalog's models on simulated desks whose true probabilities are known.

A model is trained as of a day, on what the platform's tables held then, and asked for leads that came later.
A *ratio* is the log loss that its answers are to be expected to have, given the true probabilities, over that
of the true probabilities themselves: the same as on labels, without their noise.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.caches.ground import desk
from estate.bundles import open_predictor
from estate.core.frame import Numbers
from estate.core.model_spec import ModelSpec
from estate.core.prediction import Scores
from estate.datasets.world import World, simulate
from estate.services.churn.model import SPEC as CHURN
from estate.services.lead_scoring.model import SPEC as CONVERSION
from estate.store.database import Database
from estate.training.bundling import write_bundle
from estate.training.data import TrainingData
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.intervals import rate_interval
from estate.training.metrics import log_loss, roc_auc
from estate.training.split import Split, split_by_time

MODELS: tuple[tuple[ModelSpec, str], ...] = ((CONVERSION, "p_converted"), (CHURN, "p_churned"))
LATER_DAYS = 120
BINS = 15
REDRAWS = 100
_SMALL = 1e-9


@dataclass(frozen=True)
class Judged:
    """One model of one desk, and how its answers for later leads compare with the truth.

    Parameters
    ----------
    model : str
    trained_on, leads : int
        Rows it learned from, and later leads that it was asked for.
    p, truth, y, rules : float64 array of shape (leads,)
        What it said, the true probability, what came true, and what the rules say.
    held : float
        Share of later leads for whose like the interval holds the true rate, over redrawn outcomes.
    base : float
        Share of positives among its training rows.
    """

    model: str
    trained_on: int
    leads: int
    p: Numbers
    truth: Numbers
    y: Numbers
    rules: Numbers
    held: float
    base: float

    @property
    def ratio(self) -> float:
        """Expected log loss over the least possible; 1 is perfect."""
        return ratio(self.truth, self.p)

    @property
    def realised_ratio(self) -> float:
        """The same, on what came true."""
        return log_loss(self.y, Scores(self.p)) / log_loss(self.y, Scores(self.truth))

    @property
    def calibration_error(self) -> float:
        """ECE over 15 bins of equal count, against the true probabilities."""
        bins = np.array_split(np.argsort(self.p, kind="stable"), BINS)
        return float(sum(abs(self.p[b].sum() - self.truth[b].sum()) for b in bins) / len(self.p))

    @property
    def rules_auc(self) -> float:
        """Of the rules, on what came true."""
        return roc_auc(self.y, Scores(self.rules))

    @property
    def rules_gain(self) -> float:
        """By how much the rules' log loss is below that of the base rate."""
        constant = np.full(len(self.y), self.base)
        return log_loss(self.y, Scores(constant)) - log_loss(
            self.y, Scores(np.clip(self.rules, 0.001, 0.999))
        )


@dataclass(frozen=True)
class Cases:
    """What a model learns from as of a day, and the later leads that it is asked for.

    Parameters
    ----------
    parts : Split
        Of the rows that were ripe on that day.
    later : TrainingData
        Leads that came after all of these.
    truth, of_frozen : float64 array
        True probabilities of the later leads, and of the frozen rows (NaN where there is none).
    """

    parts: Split
    later: TrainingData
    truth: Numbers
    of_frozen: Numbers


def cases(
    spec: ModelSpec, database: Database, moments: tuple[datetime, datetime], truth: pd.Series[float]
) -> Cases:
    """Read what is known at the first moment, and the leads that came by the second.

    Parameters
    ----------
    truth : Series of float64
        The true probability by lead id; NaN where there is none.
    """
    known = extract(spec, database, as_of=moments[0])
    everything = extract(spec, database, as_of=moments[1])
    parts, p_of = split_by_time(spec, known), _true_of(truth, everything)
    after = (everything.times > known.times.max()) & np.isfinite(p_of)
    later = everything.take(np.flatnonzero(after))
    return Cases(parts, later, p_of[after], _true_of(truth, parts.holdout))


def ratio(truth: Numbers, p: Numbers) -> float:
    """Return the expected log loss of answers over the least possible; 1 is perfect."""
    return _cross(truth, np.clip(p, _SMALL, 1.0 - _SMALL)) / _cross(truth, truth)


def judge(seed: int, *, days: int, leads_per_day: float, later_days: int = LATER_DAYS) -> Iterator[Judged]:
    """Simulate a desk, train both models as of a day of it, and ask them for the leads that came later."""
    world = World(seed=seed, leads_per_day=leads_per_day, days=days + later_days)
    truth = simulate(world).truth.set_index("lead_id")
    with desk(world) as database:
        for spec, column in MODELS:
            yield _judged(spec, database, (world.at(days), world.at(world.days)), truth[column])


def _judged(
    spec: ModelSpec, database: Database, moments: tuple[datetime, datetime], truth: pd.Series[float]
) -> Judged:
    found = cases(spec, database, moments, truth)
    parts, later, true = found.parts, found.later, found.truth
    with tempfile.TemporaryDirectory() as folder:
        bundle, _ = write_bundle(fit(spec, parts), parts, Path(folder) / "bundle")
        predictor = open_predictor(bundle, "1")
        frozen = predictor.predict_many(parts.holdout.features).score
        said = predictor.predict_many(later.features).score
    p = np.asarray(np.clip(said, _SMALL, 1.0 - _SMALL))
    assert spec.rules is not None
    return Judged(
        spec.name,
        len(parts.train),
        len(later),
        p,
        true,
        later.y,
        spec.rules(later.features),
        _held(spec, frozen, found.of_frozen, p, true),
        float(parts.train.y.mean()),
    )


def _true_of(truth: pd.Series[float], rows: TrainingData) -> Numbers:
    return np.asarray(truth.reindex(rows.entities), dtype=np.float64)


def _held(spec: ModelSpec, frozen: Numbers, of_frozen: Numbers, p: Numbers, truth: Numbers) -> float:
    """Return how often a lead's interval holds the true rate of later leads with such scores.

    What the frozen rows came to is drawn anew each time from their true probabilities: with the scores as
    they are, this is how the interval would have come out on other such desks.
    """
    random = np.random.default_rng(spec.seed)
    known = np.isfinite(of_frozen)
    frozen, of_frozen = frozen[known], of_frozen[known]
    held = []
    for _ in range(REDRAWS):
        came_true = (random.random(len(frozen)) < of_frozen).astype(np.float64)
        found = rate_interval(came_true, frozen, spec.interval)
        assert found is not None
        at = np.searchsorted(found.edges, p, side="right")
        low, high = found.ends(p)
        for one in np.unique(at):
            inside = at == one
            rate = truth[inside].mean()
            held.append((inside.sum(), low[inside].mean() <= rate <= high[inside].mean()))
    rows, kept = np.array(held, dtype=np.float64).T
    return float((rows * kept).sum() / rows.sum())


def _cross(truth: Numbers, p: Numbers) -> float:
    return float(-(truth * np.log(p) + (1.0 - truth) * np.log1p(-p)).mean())
