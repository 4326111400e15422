"""Putting together what is known of a version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, distributions, version

from estate.bundles.bundle import Bundle
from estate.core.evidence import Evidence
from estate.core.search_summary import SearchSummary
from estate.training.data import TrainingData
from estate.training.gate import Judgement


@dataclass(frozen=True)
class Origin:
    """Where a training came from.

    Parameters
    ----------
    training_key : str
        The same for every try of one training.
    as_of : datetime
        The training knew nothing later.
    trained_by : str
        Who asked for it: ``schedule``, ``drift``, or a person's name.
    """

    training_key: str
    as_of: datetime
    trained_by: str = "unknown"


def gather(  # noqa: PLR0913 - what it needs, by keyword
    origin: Origin,
    bundle: Bundle,
    data: TrainingData,
    *,
    judgement: Judgement,
    artifacts_digest: str = "",
    memory: str = "",
    search: SearchSummary | None = None,
) -> Evidence:
    """Return the evidence of a version."""
    contest = judgement.contest
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
        artifacts_digest=artifacts_digest,
        requirements_digest=requirements_digest(),
        trained_by=origin.trained_by,
        holdout_uses=contest.uses,
        groups=judgement.groups,
        serving=contest.serving,
        memory=memory,
        search=search,
    )


def requirements_digest() -> str:
    """Return the SHA-256 over ``name==version`` of all installed packages, sorted, one a line."""
    installed = sorted({f"{found.name.lower()}=={found.version}" for found in distributions()})
    return hashlib.sha256("\n".join(installed).encode()).hexdigest()


def code_version() -> str:
    """Return the installed version of Leadloop."""
    try:
        return version("leadloop")
    except PackageNotFoundError:
        return "unknown"
