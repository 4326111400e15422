"""May this version go into production? The evidence decides, and the evidence is bound to the bundle."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from estate.core.errors import ArtifactError, StoreError
from estate.core.evidence import Evidence
from estate.store import evidence as evidence_store
from estate.store.database import Database
from model_registry.bundles import fetch_bundle
from model_registry.connection import Registry
from model_registry.tags import BUNDLE_DIGEST


@dataclass(frozen=True)
class Judgement:
    """What speaks against a version.

    Parameters
    ----------
    refusals : tuple of str
        Sentences for a person; none: it may be promoted.
    evidence_digest : str or None
        Of the evidence, if there is any.
    """

    refusals: tuple[str, ...]
    evidence_digest: str | None

    @property
    def why(self) -> str:
        """All refusals in one text."""
        return " ".join(self.refusals)


def judge(registry: Registry, database: Database, model: str, version: str) -> Judgement:
    """Look at the evidence in the database and at the artifacts themselves; tags alone prove nothing.

    Raises
    ------
    RegistryError, StoreError
        If either can't be asked: that is no judgement.
    """
    try:
        with database.begin() as connection:
            evidence = evidence_store.load(connection, model, version)
    except StoreError as error:
        if not error.what.startswith("evidence"):
            raise
        return Judgement((str(error),), None)
    if evidence is None:
        return Judgement(
            (
                f"There is no evidence for version {version}: it never went through the gate."
                f" Train one with `leadloop retrain {model}`.",
            ),
            None,
        )
    refusals = _verdict(evidence, model) or _artifacts(registry, evidence, model, version)
    return Judgement(tuple(refusals), evidence.digest)


def _verdict(evidence: Evidence, model: str) -> list[str]:
    if evidence.model != model:
        return [f"The evidence is for model `{evidence.model}`, not for `{model}`."]
    if evidence.verdict:
        return []
    found = [f"{finding.code}: {finding.sentence}" for finding in evidence.refusals()]
    return [f"The gate did not pass: {' '.join(found) or 'its verdict is no.'}"]


def _artifacts(registry: Registry, evidence: Evidence, model: str, version: str) -> list[str]:
    shown = registry.client.get_model_version(model, version)
    if (tag := shown.tags.get(BUNDLE_DIGEST)) != evidence.bundle_digest:
        return [
            f"The tag `{BUNDLE_DIGEST}` says {tag or 'nothing'}, the gate judged {evidence.bundle_digest}:"
            " this is not the version that was judged."
        ]
    with tempfile.TemporaryDirectory(prefix="leadloop-judge-") as folder:
        try:
            fetch_bundle(registry, model, version, Path(folder) / "bundle", digest=evidence.bundle_digest)
        except ArtifactError as error:
            return [str(error)]
    return []
