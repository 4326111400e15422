"""Judge a challenger against the champion on the same frozen rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prefect import task

from estate.bundles import Bundle, OnnxPredictor
from estate.core.evidence import Evidence
from estate.core.predictor import Predictor
from estate.store import evidence, ledger
from estate.training.data import TrainingData
from estate.training.evidence import Origin, gather
from estate.training.gate import Contest, baseline_scores, champion_scores, judge
from estate.training.importance import importance
from model_registry import fetch_bundle
from tasks.learn import Exported, Learned
from tasks.platform import Platform
from tasks.retrying import COMPUTES, REACHES_OUT


@dataclass(frozen=True)
class Judged:
    """Evidence of a version, with what its pictures are drawn from."""

    evidence: Evidence
    contest: Contest
    importance: Mapping[str, float]


@task(name="fetch champion", **REACHES_OUT)
def fetch_champion(platform: Platform, model: str, folder: Path) -> Predictor | None:
    """Load the version that the ledger says is in production; None if there is none."""
    with platform.database.begin() as connection:
        entry = ledger.current(connection, model)
        proof = evidence.load(connection, model, entry.to_version) if entry else None
    if entry is None or proof is None:
        return None
    fetched = fetch_bundle(
        platform.registry, model, entry.to_version, folder / "champion", digest=proof.bundle_digest
    )
    return OnnxPredictor(Bundle.open(fetched), entry.to_version)


@task(name="judge", **COMPUTES)
def judge_version(
    learned: Learned, exported: Exported, champion: Predictor | None, *, data: TrainingData, origin: Origin
) -> Judged:
    """Apply the gate and put the evidence together."""
    spec, parts = learned.trained.spec, learned.parts
    challenger = OnnxPredictor(exported.bundle, "challenger")
    baseline, named = baseline_scores(spec, parts.train, parts.holdout)
    contest = Contest(
        challenger=challenger.predict_many(parts.holdout.features),
        baseline=baseline,
        baseline_name=named,
        champion=champion_scores(champion, parts.holdout.features) if champion else None,
        champion_version=champion.version if champion else None,
        parity=exported.parity,
    )
    judgement = judge(spec, parts.holdout, contest)
    found = gather(origin, exported.bundle, data, contest=contest, judgement=judgement)
    return Judged(found, contest, importance(spec, challenger, parts.holdout))
