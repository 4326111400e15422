"""The evidence of each version, as it was when the gate judged it."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.core.clock import now
from estate.core.errors import StoreError
from estate.core.evidence import Evidence
from estate.store.tables import evidence as table


def save(connection: sa.Connection, model: str, version: str, evidence: Evidence) -> None:
    """Keep the evidence of a version; the same again changes nothing.

    Raises
    ------
    StoreError
        If the version already has other evidence: it is never replaced.
    """
    row = {
        "model": model,
        "version": version,
        "digest": evidence.digest,
        "bundle_digest": evidence.bundle_digest,
        "verdict": evidence.verdict,
        "document": evidence.to_json(),
        "at": now(),
    }
    connection.execute(insert(table).values(row).on_conflict_do_nothing())
    kept = connection.execute(sa.select(table.c.digest).where(*_key(model, version))).scalar_one()
    if kept != evidence.digest:
        raise StoreError(
            f"evidence of `{model}` version {version}",
            expected=f"digest {kept}, which is kept already",
            got=evidence.digest,
            todo="Evidence is never replaced: register the training as a new version.",
        )


def load(connection: sa.Connection, model: str, version: str) -> Evidence | None:
    """Return the evidence of a version; None if it has none.

    Raises
    ------
    StoreError
        If the stored document, or what stands beside it, is no longer what was stored.
    """
    row = connection.execute(sa.select(table).where(*_key(model, version))).one_or_none()
    if row is None:
        return None
    digest = hashlib.sha256(row.document.encode()).hexdigest()
    if digest != row.digest:
        raise _changed(model, version, expected=f"digest {row.digest}", got=digest)
    found = Evidence.from_json(row.document)
    if (found.bundle_digest, found.verdict) != (row.bundle_digest, row.verdict):
        raise _changed(
            model,
            version,
            expected=f"verdict {found.verdict} on bundle {found.bundle_digest}",
            got=f"verdict {row.verdict} on bundle {row.bundle_digest}",
        )
    return found


def _key(model: str, version: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (table.c.model == model, table.c.version == version)


def _changed(model: str, version: str, *, expected: str, got: str) -> StoreError:
    return StoreError(
        f"evidence of `{model}` version {version}",
        expected=expected,
        got=got,
        todo="It was changed in the database: train again.",
    )
