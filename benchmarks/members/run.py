"""Each member and candidate alone, and what it earns in a vote of all, beside the known truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.caches.ground import desk
from benchmarks.lead_models.world import LATER_DAYS, Cases, cases, ratio
from benchmarks.members.candidates import Members, networks, reading, sequences
from benchmarks.members.sequence import echoes
from estate.bundles.encoder import Encoder
from estate.core.feature_set import FeatureSet
from estate.core.frame import Numbers
from estate.core.model_spec import ModelSpec
from estate.datasets.world import World, simulate
from estate.services.lead_scoring.model import FEATURES, SPEC
from estate.training.weighted_vote import WeightedVote

SEEDS = (11, 12, 13)
SEED = 0
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Rows:
    """What is learned from and what is asked, encoded; and which columns the vote in service reads."""

    X: Matrix
    y: NDArray[np.int64]
    later: Matrix
    truth: Numbers
    own: list[int]


def run(quick: bool) -> dict[str, object]:
    """Measure; quick: one small desk."""
    seeds, days, leads = ((1,), 130, 40.0) if quick else (SEEDS, 150, 100.0)
    found = [dict(_of_desk(_rows(World(seed=seed, leads_per_day=leads, days=days)))) for seed in seeds]
    return {"rows": [_row(who, [one[who] for one in found]) for who in found[0]], "goals": []}


def _row(who: str, told: list[dict[str, float]]) -> dict[str, object]:
    return {
        "who": who,
        "log loss over the best possible, by desk": ", ".join(f"{one['alone']:.4f}" for one in told),
        "weight in a vote of all": _listed(told, "weight", ".2f"),
        "earned there, standard errors": _listed(told, "earned", ".1f"),
    }


def _listed(told: list[dict[str, float]], what: str, form: str) -> str:
    return ", ".join(format(one[what], form) for one in told if what in one)


def _rows(world: World) -> Rows:
    """Train as of the world's end, ask for the leads of the months after it."""
    whole = replace(world, days=world.days + LATER_DAYS)
    spec = _with_echoes(SPEC)
    truth = simulate(whole).truth.set_index("lead_id")["p_converted"]
    with desk(whole) as database:
        found: Cases = cases(spec, database, (whole.at(world.days), whole.at(whole.days)), truth)
    learned = found.parts.train.followed_by(found.parts.calibration)
    encoder = Encoder.fit(learned.features, spec.features)
    read = {name for column in Encoder.fit(learned.features, FEATURES).columns for name in column.names}
    return Rows(
        encoder.matrix(learned.features),
        learned.y.astype(np.int64),
        encoder.matrix(found.later.features),
        found.truth,
        [place for place, name in enumerate(encoder.names) if name in read],
    )


def _with_echoes(spec: ModelSpec) -> ModelSpec:
    return replace(spec, features=FeatureSet((*FEATURES.numbers, *echoes()), FEATURES.categories))


def _of_desk(rows: Rows) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield of the vote in service, of each member and candidate, and of a vote of all, what is measured."""
    members = reading(rows.own, SPEC.estimator(SEED).members)
    candidates: Members = [*networks(rows.own, SEED), *sequences(SEED)]
    everybody = _fitted(WeightedVote([*members, *candidates]), rows)
    yield "the vote in service", {"alone": _ratio(_fitted(WeightedVote(members), rows), rows)}
    for name, member in (*members, *candidates):
        yield (
            name,
            {
                "alone": _ratio(_fitted(member, rows), rows),
                "weight": everybody.weights_[name],
                "earned": everybody.earned_[name] / (everybody.errors_[name] or np.inf),
            },
        )
    yield "a vote of all", {"alone": _ratio(everybody, rows)}


def _fitted(model: Any, rows: Rows) -> Any:
    return model.fit(rows.X, rows.y)


def _ratio(model: Any, rows: Rows) -> float:
    return ratio(rows.truth, model.predict_proba(rows.later)[:, 1].astype(np.float64))
