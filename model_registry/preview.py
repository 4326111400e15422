"""What a version would change if it were promoted now."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

from estate.bundles import Bundle, BundlePredictor, RulesPredictor, open_predictor
from estate.core.errors import ArtifactError, DataError, SignatureError, StoreError
from estate.core.model_spec import ModelSpec
from estate.core.predictor import Predictor
from estate.store import evidence, ledger
from estate.store.database import Database
from estate.training.moves import Pair
from estate.training.preview import NoPreview, Preview, compare
from estate.training.preview_cases import cases_of_today
from model_registry.bundles import fetch_bundle
from model_registry.connection import Registry


def preview_version(
    registry: Registry, database: Database, spec: ModelSpec, version: str, *, as_of: datetime
) -> Preview | NoPreview:
    """Compare a version with the one in production, or with the rules, on the cases of today.

    Nothing is changed anywhere. A version is loaded only if its evidence is signed and its files are those
    that were judged; else there is no preview.

    Raises
    ------
    RegistryError, StoreError
        If either can't be asked.
    """
    with database.begin() as connection:
        present = ledger.current(connection, spec.name)
    if present is not None and present.to_version == version:
        return NoPreview(f"version {version} is in production already")
    if present is None and spec.rules is None:
        return NoPreview("nothing answers now: there is neither a version in production nor rules")
    cases = cases_of_today(database, spec, as_of=as_of)
    if isinstance(cases, NoPreview):
        return cases
    with tempfile.TemporaryDirectory(prefix="leadloop-preview-") as folder:
        try:
            after = _proven(registry, database, spec.name, version, Path(folder) / "after")
            before: Predictor = (
                _proven(registry, database, spec.name, present.to_version, Path(folder) / "before")
                if present is not None
                else RulesPredictor(spec)
            )
            return compare(Pair(before, after, after.bundle.reference().features), cases, bands=spec.bands)
        except DataError as error:
            return NoPreview(f"the two do not read the same features: {error}")
        except (ArtifactError, SignatureError) as error:
            return NoPreview(str(error))


def _proven(
    registry: Registry, database: Database, model: str, version: str, folder: Path
) -> BundlePredictor:
    """Load a version, after its evidence's signature and its files were checked."""
    try:
        with database.begin() as connection:
            found = evidence.load_signed(connection, model, version)
    except StoreError as error:
        if not error.what.startswith("evidence"):
            raise
        raise ArtifactError(str(error)) from error
    if found is None:
        raise ArtifactError(f"version {version}", expected="evidence", got="none")
    found.verify(registry.trusted)
    digest = found.evidence.bundle_digest
    return open_predictor(Bundle.open(fetch_bundle(registry, model, version, folder, digest=digest)), version)
