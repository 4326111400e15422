"""The model and its rules on a simulated world whose true probabilities are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from estate.core.frame import Frame, Numbers
from estate.core.outcomes import CLOSING
from estate.datasets.world import World, simulate
from estate.features.events import DAY_US
from estate.features.histories import build_histories, micros
from estate.services.churn.levels import LEVELS, levels_of
from estate.services.churn.model import AGE_DAYS, HORIZON_DAYS, SPEC
from estate.services.churn.rules import churn_by_silence
from estate.services.churn.timing import curves, even, timing_of
from estate.training.data import TrainingData
from estate.training.fit import fit
from estate.training.split import split_by_time

WORLD = World(seed=31, leads_per_day=40.0, days=150)


def log_loss(p: Numbers, q: Numbers) -> float:
    """Expected log loss of q where p is true."""
    return float(-np.mean(p * np.log(q) + (1 - p) * np.log(1 - q)))


@dataclass(frozen=True)
class Leads:
    """Leads of the world at the model's age whose horizon is over, oldest first."""

    data: TrainingData
    truth: Numbers
    left: Numbers
    won: Numbers


@pytest.fixture(scope="module")
def leads() -> Leads:
    made = simulate(WORLD)
    facts = {**made.facts}
    facts["messages"] = facts["messages"].assign(sentiment=0.0)  # which the model does not read
    ids = facts["leads"]["lead_id"].to_numpy(dtype=object)
    moment = micros(facts["leads"]["event_at"]) + AGE_DAYS * DAY_US
    closing = facts["outcomes"][facts["outcomes"]["kind"].isin(CLOSING)]
    outcomes = closing.drop_duplicates("lead_id").set_index("lead_id").reindex(ids)
    far = pd.Timestamp("2100-01-01", tz="UTC")
    days = (micros(outcomes["event_at"].fillna(far)) - moment) / DAY_US
    end = int(WORLD.at(WORLD.days).timestamp() * 1e6)
    ripe = np.flatnonzero((days > 0) & (moment + HORIZON_DAYS * DAY_US <= end))
    ripe = ripe[np.argsort(moment[ripe])]
    kind, days = outcomes["kind"].to_numpy()[ripe], days[ripe]
    left = np.where(kind == "churned", days, np.inf)
    won = np.where(kind == "converted", days, np.inf)
    features = SPEC.features.compute(build_histories(ids[ripe], moment[ripe], facts))
    y = (left <= HORIZON_DAYS).astype(np.float64)
    data = TrainingData(
        features, y, (), ids[ripe], moment[ripe], len(ids), SPEC.features.names, features, Frame({}, len(y))
    )
    truth = made.truth.set_index("lead_id")["p_churned"].loc[list(ids[ripe])].to_numpy()
    return Leads(data, truth, left, won)


def auc(y: Numbers, score: Numbers) -> float:
    won = score[y == 1][:, None] - score[y == 0]
    return float((won > 0).mean() + (won == 0).mean() / 2)


def auc_low(y: Numbers, score: Numbers) -> float:
    """Lower end of the 95 % interval of the AUC, by DeLong's variance of its two parts."""
    wins = (score[y == 1][:, None] > score[y == 0]) + 0.5 * (score[y == 1][:, None] == score[y == 0])
    variance = wins.mean(1).var(ddof=1) / len(wins) + wins.mean(0).var(ddof=1) / wins.shape[1]
    return float(wins.mean() - 1.96 * np.sqrt(variance))


def test_the_rules_are_better_than_chance_and_say_a_probability(leads: Leads) -> None:
    rows = leads.data
    newest = np.arange(len(rows) * 4 // 5, len(rows))
    scores = churn_by_silence(rows.features.take(newest))
    assert auc_low(rows.y[newest], scores) > 0.6
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.thorough
def test_the_model_comes_near_the_best_possible_and_its_directions_are_those_of_a_person(
    leads: Leads,
) -> None:
    parts = split_by_time(SPEC, leads.data)
    trained = fit(SPEC, parts)
    holdout = parts.holdout

    def risk(features: Frame) -> Numbers:
        return trained.predict_matrix(trained.encoder.matrix(features)).score

    p, q = leads.truth[-len(holdout) :], risk(holdout.features)
    assert log_loss(p, q) / log_loss(p, p) < 1.04
    assert auc(holdout.y, q) > auc(holdout.y, churn_by_silence(holdout.features)) + 0.02

    silent = changed(holdout.features, silence_days=lambda v: v + 5.0)
    assert risk(silent).mean() > q.mean()
    faster = changed(holdout.features, first_response_hours_log=lambda v: v * 0.5)
    assert risk(faster).mean() < q.mean()
    missing = Frame(
        {
            name: np.full(3, np.nan) if values.dtype != object else np.full(3, None)
            for name, values in holdout.features.columns.items()
        },
        3,
    )
    assert np.isfinite(risk(missing)).all()


def changed(features: Frame, **how: Any) -> Frame:
    columns = {
        name: how[name](values) if name in how else values for name, values in features.columns.items()
    }
    return Frame(columns, len(features))


def test_half_of_those_that_leave_are_gone_by_the_stated_median(leads: Leads) -> None:
    risk, left, won, rows = leads.truth, leads.left, leads.won, leads.data
    learned, newest = slice(0, len(rows) // 2), slice(len(rows) // 2, None)
    measured = curves(risk[learned], left[learned], won[learned], days=HORIZON_DAYS)
    shares = {}
    for since in (0.0, 8.0):
        gone = 0
        there = np.flatnonzero((left[newest] > since) & np.isfinite(left[newest])) + len(rows) // 2
        for i in there.tolist():
            found = timing_of(risk[i], measured[levels_of(risk[i : i + 1])[0]], since)
            assert found is not None
            assert found.basis == "measured"
            gone += left[i] <= since + found.median_days
        shares[since] = gone / len(there)
    assert all(abs(share - 0.5) < 0.08 for share in shares.values()), shares
    stated = timing_of(0.5, even(HORIZON_DAYS), 0.0)
    assert stated is not None
    early = float((left[newest] <= stated.median_days).sum() / np.isfinite(left[newest]).sum())
    assert abs(early - 0.5) > 0.08  # the measured curve is not what would have been stated anyway


def test_levels_come_true_in_their_order(leads: Leads) -> None:
    levels = np.array(levels_of(leads.truth))
    shares = [leads.data.y[levels == name].mean() for name in LEVELS]
    assert (np.diff(shares) > 0.05).all(), shares
