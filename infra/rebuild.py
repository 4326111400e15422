"""The rows of a training, computed once more from the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from estate.catalog import load_catalog
from estate.core.errors import SpecError
from estate.core.settings import Settings
from estate.store.database import Database
from estate.training.extract import extract
from estate.training.snapshot import About, Compared, compare, read_snapshot, write_snapshot
from model_registry import Registry
from model_registry.snapshots import fetch_snapshot


@dataclass(frozen=True)
class Rebuilt:
    """What came of it.

    Parameters
    ----------
    about : About
        What was kept.
    compared : Compared
    same_bytes : bool
        Whether the file is the same to the last byte; with equal rows it may differ where Arrow did.
    """

    about: About
    compared: Compared
    same_bytes: bool


def rebuild(
    settings: Settings, database: Database, registry: Registry, run: str, *, out: Path | None
) -> Rebuilt:
    """Compute the rows that a run has learned from once more, and compare.

    Parameters
    ----------
    run : str
        A run's id, or ``model/version``.
    out : Path, optional
        Where the file made anew is kept.

    Raises
    ------
    RegistryError, StoreError
        If the run, its rows or a server isn't there.
    SpecError
        If there is no such model any more, or its features are computed by other code than then.
    """
    with TemporaryDirectory(prefix="leadloop-rebuild-") as folder:
        kept = fetch_snapshot(registry, run, Path(folder))
        what, rows = read_snapshot(kept)
        spec = load_catalog(settings).get(what.model)
        if spec.features.fingerprint != what.feature_fingerprint:
            raise SpecError(
                f"features of model `{what.model}`",
                expected=f"the code of then, {what.feature_fingerprint[:16]}",
                got=spec.features.fingerprint[:16],
                todo="Check out the code version that the run names, and try again.",
            )
        data = extract(spec, database, as_of=datetime.fromisoformat(what.as_of))
        compared = compare(rows, data)
        # Said of the rows of now: with the fingerprint of then a difference would hide.
        now = About(what.model, what.as_of, data.fingerprint, what.feature_fingerprint)
        made = write_snapshot(data, now, out or Path(folder) / "rebuilt.parquet")
        return Rebuilt(what, compared, made.read_bytes() == kept.read_bytes())
