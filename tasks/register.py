"""Put a version into the registry with its evidence, and stage it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prefect import task

from estate.core.evidence import Evidence
from estate.core.model_spec import CrmSource, ModelSpec, PairSource, QuerySource, Source, TableSource
from estate.signing import key_ring
from estate.store import evidence as evidence_store
from estate.store import evidence_proposals
from estate.store.locks import advisory_lock
from estate.training.card import model_card
from estate.training.data import TrainingData
from estate.training.members import told_members
from estate.training.plots import draw_plots
from estate.training.snapshot import SNAPSHOT, about, write_snapshot
from model_registry import DataSource, Registration, register, stage
from model_registry import promote as promote_version
from model_registry.registration import registered
from model_registry.trial_runs import PARAMETER
from tasks.judge import Judged
from tasks.learn import Exported, Learned
from tasks.platform import Platform
from tasks.retrying import COMPUTES, REACHES_OUT


@task(name="draw", **COMPUTES)
def draw(learned: Learned, judged: Judged, folder: Path) -> list[Path]:
    """Draw the plots of a version."""
    holdout = learned.parts.holdout
    task_ = learned.trained.spec.task
    return draw_plots(task_, holdout.y, judged.contest.challenger, judged.importance, folder=folder / "plots")


@dataclass(frozen=True)
class Version:
    """A registered version, and whether it passed its gate."""

    version: str
    passed: bool


@task(name="find version", **REACHES_OUT)
def find_version(platform: Platform, model: str, training_key: str) -> Version | None:
    """Return the version that an earlier, killed run of this training made; None if there is none.

    Its evidence was proposed before it was registered: that one is kept, not one that is measured anew.
    """
    found = registered(platform.registry, model, training_key)
    return _keep_evidence(platform, model, found.version, training_key) if found else None


@task(name="register", **REACHES_OUT)
def register_version(
    platform: Platform, learned: Learned, exported: Exported, *, judged: Judged, folder: Path
) -> Version:
    """Make the one version of this training in MLflow, and keep its evidence; its rows were written there."""
    found = judged.evidence
    (folder / "evidence.json").write_text(found.to_json())
    # Two runs of one training at once: the evidence that is kept must be of the bundle that is registered.
    with advisory_lock(platform.database, f"evidence {found.training_key}", wait_seconds=1800):
        earlier = registered(platform.registry, found.model, found.training_key)
        if earlier is not None:
            return _keep_evidence(platform, found.model, earlier.version, found.training_key)
        signature = key_ring(platform.settings).signing_key().sign("evidence", found.to_json())
        with platform.database.begin() as connection:
            evidence_proposals.propose(connection, found, signature)
        made = register(
            platform.registry, platform.database, _registration(learned, exported, judged, folder=folder)
        )
        return _keep_evidence(platform, found.model, made.version, found.training_key)


def _keep_evidence(platform: Platform, model: str, version: str, training_key: str) -> Version:
    with platform.database.begin() as connection:
        proposed = evidence_proposals.proposed(connection, training_key)
        evidence_store.save(connection, model, version, proposed.evidence, proposed.signature)
    return Version(version, proposed.evidence.verdict)


def _registration(learned: Learned, exported: Exported, judged: Judged, *, folder: Path) -> Registration:
    spec, found, bundle = learned.trained.spec, judged.evidence, exported.bundle
    return Registration(
        model=spec.name,
        training_key=found.training_key,
        folder=exported.model_folder,
        artifacts_digest=exported.artifacts_digest,
        bundle_digest=bundle.digest,
        params=_params(spec, found) | told_members(learned.trained.estimator),
        metrics=_metrics(found),
        tags={"verdict": "passed" if found.verdict else "refused", "evidence": found.digest},
        description=model_card(spec, found, judged.importance),
        plots=folder / "plots",
        files=(folder / "evidence.json", folder / SNAPSHOT),
        data=DataSource(
            name=f"{spec.name} training rows",
            fingerprint=found.data_fingerprint,
            source=_where(spec.source),
            rows=found.rows,
        ),
        search=learned.found,
    )


@task(name="snapshot", **COMPUTES)
def write_rows(spec: ModelSpec, data: TrainingData, as_of: datetime, folder: Path) -> Path:
    """Write the rows of the training, to be kept beside its run."""
    what = about(data, model=spec.name, as_of=as_of, feature_fingerprint=spec.features.fingerprint)
    return write_snapshot(data, what, folder / SNAPSHOT)


@task(name="stage", **REACHES_OUT)
def stage_version(platform: Platform, model: str, version: str) -> None:
    """Point the alias `staging`, and the old stage, to a version that passed."""
    stage(platform.registry, model, version)


@task(name="promote by policy", **REACHES_OUT)
def promote_by_policy(platform: Platform, model: str, version: str, *, why: str) -> None:
    """Promote a version that passed, where its spec says that no person is needed."""
    promote_version(platform.registry, platform.database, model, version, who="policy: automatic", why=why)


def _params(spec: ModelSpec, found: Evidence) -> dict[str, str]:
    searched = found.search.parameters if found.search else ()
    return {
        **{f"{PARAMETER}{one.name}": one.chosen for one in searched},
        "task": spec.task.value,
        "source": type(spec.source).__name__,
        "features": str(len(spec.features.names)),
        "estimator": type(spec.estimator(spec.seed)).__name__,
        "seed": str(spec.seed),
        "half_life_days": str(spec.half_life_days),
        "as_of": found.as_of.isoformat(),
        "rows": str(found.rows),
        "holdout_rows": str(found.holdout_rows),
        "mature_share": f"{found.mature_share:.4f}",
        "code_version": found.code_version,
        "feature_fingerprint": found.feature_fingerprint,
    }


def _metrics(found: Evidence) -> dict[str, float]:
    sides = {"": found.measures, "baseline_": found.baseline, "champion_": found.champion}
    return {
        f"{side}{measure.name}": measure.value for side, measures in sides.items() for measure in measures
    }


def _where(source: Source) -> str:
    match source:
        case CrmSource():
            return f"events of leads, {source.outcome} among {source.among}"
        case PairSource():
            return f"leads and homes they looked at, outcome {source.outcome}"
        case TableSource():
            return source.path
        case QuerySource():
            return source.sql
