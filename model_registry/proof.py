"""Is a version's evidence still what it was when it was approved? Answered by Postgres and the keys alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.core.errors import SignatureError, StoreError
from estate.store import evidence as evidence_store
from estate.store.ledger import Entry
from model_registry.connection import Registry

if TYPE_CHECKING:
    from sqlalchemy import Connection


def unproven(registry: Registry, connection: Connection, approved: Entry) -> str | None:
    """Return what speaks against a version that was approved before; None if nothing does.

    The artifacts themselves are not fetched: serving hashes them against this evidence when it loads them.

    Parameters
    ----------
    approved : Entry
        The decision on it: promoted, or a rollout started.
    """
    model, version = approved.model, approved.to_version
    try:
        found = evidence_store.load_signed(connection, model, version)
        if found is None:
            return f"There is no evidence for version {version} any more."
        found.verify(registry.trusted)
    except SignatureError as error:
        return str(error)
    except StoreError as error:
        if not error.what.startswith("evidence"):
            raise
        return str(error)
    digest = found.digest
    if approved.evidence_digest not in (None, digest):
        return f"The evidence of version {version} is {digest}; {approved.evidence_digest} was approved."
    return None
