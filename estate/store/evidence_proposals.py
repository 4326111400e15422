"""Evidence of a training whose version is not registered yet.

It is written before the version is made: a run that is killed in between finds, when it is repeated, the
evidence of the very files that were registered, and need not trust a second measurement of others.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.core.clock import now
from estate.core.errors import StoreError
from estate.core.evidence import Evidence
from estate.signing.signature import Signature
from estate.store.evidence import SignedEvidence
from estate.store.tables import evidence_proposals as table


def propose(connection: sa.Connection, evidence: Evidence, signature: Signature | None = None) -> None:
    """Keep the evidence of a training; replaces what an earlier, unfinished try proposed."""
    values = {
        "document": evidence.to_json(),
        "key_id": signature.key_id if signature else None,
        "signature": signature.value if signature else None,
        "at": now(),
    }
    connection.execute(
        insert(table)
        .values(training_key=evidence.training_key, **values)
        .on_conflict_do_update(index_elements=[table.c.training_key], set_=values)
    )


def proposed(connection: sa.Connection, training_key: str) -> SignedEvidence:
    """Return what was proposed last.

    Raises
    ------
    StoreError
        If nothing was.
    """
    row = connection.execute(sa.select(table).where(table.c.training_key == training_key)).one_or_none()
    if row is None:
        raise StoreError(
            f"evidence of training {training_key}",
            expected="a proposal",
            got="none",
            todo="Ask for another training: this version was not made by this database's trainings.",
        )
    signature = Signature(row.key_id, row.signature) if row.key_id and row.signature else None
    return SignedEvidence(Evidence.from_json(row.document), signature, row.document)
