"""May this version go into production? The evidence decides; a signature and digests bind it to the files.

Tags, the description and everything else that an editor of MLflow can write count for nothing. The files are
hashed and read as data; nothing of them is run, unpickled or given to a library before it is known to be
what the gate judged.
"""

from __future__ import annotations

import hmac
import tempfile
from dataclasses import dataclass
from pathlib import Path

from estate.bundles import Bundle, open_predictor
from estate.core.errors import ArtifactError, SignatureError, StoreError
from estate.core.evidence import Evidence
from estate.store import evidence as evidence_store
from estate.store.database import Database
from estate.store.evidence import SignedEvidence
from model_registry.bundles import fetch_model
from model_registry.connection import Registry
from model_registry.model_folder import BUNDLE


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
    """Look at the evidence in the database, at its signature, and at every file of the version.

    Raises
    ------
    RegistryError, StoreError
        If either can't be asked: that is no judgement.
    SignatureError
        If this machine's trusted keys can't be read: nor is that.
    """
    trusted = registry.trusted
    try:
        with database.begin() as connection:
            found = evidence_store.load_signed(connection, model, version)
    except StoreError as error:
        if not error.what.startswith("evidence"):
            raise
        return Judgement((str(error),), None)
    if found is None:
        return Judgement(
            (
                f"There is no evidence for version {version}: it never went through the gate."
                f" Train one with `leadloop retrain {model}`.",
            ),
            None,
        )
    try:
        found.verify(trusted)
    except SignatureError as error:
        return Judgement((str(error),), found.digest)
    refusals = _verdict(found, model) or _artifacts(registry, found.evidence, model, version)
    return Judgement(tuple(refusals), found.digest)


def _verdict(found: SignedEvidence, model: str) -> list[str]:
    evidence = found.evidence
    if evidence.model != model:
        return [f"The evidence is for model `{evidence.model}`, not for `{model}`."]
    if not evidence.artifacts_digest:
        return [
            "The evidence does not say which files were registered: it is of an older Leadloop."
            f" Train again with `leadloop retrain {model}`."
        ]
    if evidence.verdict:
        return []
    codes = [f"{finding.code}: {finding.sentence}" for finding in evidence.refusals()]
    return [f"The gate did not pass: {' '.join(codes) or 'its verdict is no.'}"]


def _artifacts(registry: Registry, evidence: Evidence, model: str, version: str) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="leadloop-judge-") as folder:
        try:
            files = fetch_model(registry, model, version, Path(folder), digest=evidence.artifacts_digest)
            bundle = Bundle.open(files / BUNDLE)
            refusals = _other(bundle, evidence)
            if not refusals:
                open_predictor(bundle, version)
        except ArtifactError as error:
            return [str(error).replace(f"{folder}/", "")]
        return refusals


def _other(bundle: Bundle, evidence: Evidence) -> list[str]:
    """Compare what the bundle says of itself with what was judged."""
    pairs = {
        "bundle digest": (bundle.digest, evidence.bundle_digest),
        "model": (bundle.model, evidence.model),
        "feature fingerprint": (bundle.fingerprint, evidence.feature_fingerprint),
    }
    return [
        f"The {name} of the files is {found}, the gate judged {judged}: this is another version."
        for name, (found, judged) in pairs.items()
        if not hmac.compare_digest(found.encode(), judged.encode())
    ]
