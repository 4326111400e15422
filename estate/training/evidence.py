"""Putting together what is known of a version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from estate.bundles.bundle import Bundle
from estate.core.evidence import Evidence
from estate.training.data import TrainingData
from estate.training.gate import Contest, Judgement


@dataclass(frozen=True)
class Origin:
    """Where a training came from.

    Parameters
    ----------
    training_key : str
        The same for every try of one training.
    as_of : datetime
        The training knew nothing later.
    """

    training_key: str
    as_of: datetime


def gather(
    origin: Origin, bundle: Bundle, data: TrainingData, *, contest: Contest, judgement: Judgement
) -> Evidence:
    """Return the evidence of a version."""
    return Evidence(
        model=bundle.model,
        training_key=origin.training_key,
        bundle_digest=bundle.digest,
        verdict=judgement.verdict,
        findings=judgement.findings,
        measures=judgement.measures,
        baseline=judgement.baseline,
        champion=judgement.champion,
        champion_version=contest.champion_version,
        slices=judgement.slices,
        data_fingerprint=data.fingerprint,
        feature_fingerprint=bundle.fingerprint,
        code_version=code_version(),
        as_of=origin.as_of,
        rows=len(data),
        holdout_rows=len(contest.challenger.score),
        mature_share=data.mature_share,
    )


def code_version() -> str:
    """Return the installed version of Leadloop."""
    try:
        return version("leadloop")
    except PackageNotFoundError:
        return "unknown"
