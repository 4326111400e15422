"""Judge a challenger against the champion on the same frozen rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prefect import task

from estate.bundles import Bundle, open_predictor
from estate.core.evidence import Evidence
from estate.core.predictor import Predictor
from estate.store import evidence, holdouts, ledger
from estate.training.evidence import Origin, gather
from estate.training.gate import Contest, baseline_scores, champion_scores, judge
from estate.training.holdout import gates_on, row_hashes
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
    return open_predictor(Bundle.open(fetched), entry.to_version)


@task(name="judge", **COMPUTES)
def judge_version(
    platform: Platform, learned: Learned, exported: Exported, *, champion: Predictor | None, origin: Origin
) -> Judged:
    """Apply the gate and put the evidence together; the frozen rows count as used from here on."""
    from serving.probe import measure_cost

    spec, parts = learned.trained.spec, learned.parts
    challenger = open_predictor(exported.bundle, "challenger")
    baseline, named = baseline_scores(spec, parts.train, parts.holdout)
    contest = Contest(
        challenger=challenger.predict_many(parts.holdout.features),
        baseline=baseline,
        baseline_name=named,
        champion=champion_scores(champion, parts.holdout.features) if champion else None,
        champion_version=champion.version if champion else None,
        parity=exported.parity,
        serving=measure_cost(platform.settings, spec, exported.bundle.folder),
        uses=_use(platform, learned, origin.training_key),
        kept_as=exported.bundle.format_name,
    )
    judgement = judge(spec, parts.holdout, contest)
    found = gather(
        origin,
        exported.bundle,
        learned.data,
        judgement=judgement,
        artifacts_digest=exported.artifacts_digest,
        memory=learned.choice.sentence,
        search=learned.found.summary if learned.found else None,
    )
    return Judged(found, contest, importance(spec, challenger, parts.holdout))


def _use(platform: Platform, learned: Learned, training_key: str) -> int:
    """Remember the frozen rows; returns how many other gates judged on them before."""
    spec = learned.trained.spec
    hashes = row_hashes(spec, learned.parts.holdout)
    with platform.database.begin() as connection:
        before = holdouts.earlier(connection, spec.name, training_key)
        holdouts.remember(connection, spec.name, training_key, hashes)
    return gates_on(hashes, before)
