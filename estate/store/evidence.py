"""The evidence of each version, as it was when the gate judged it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.core.clock import now
from estate.core.errors import StoreError
from estate.core.evidence import Evidence
from estate.signing.keys import TrustedKeys
from estate.signing.signature import Signature, verify
from estate.store.tables import evidence as table


@dataclass(frozen=True)
class SignedEvidence:
    """Evidence with the signature that stands beside it, not checked yet; None if there is none.

    Parameters
    ----------
    evidence : Evidence
    signature : Signature or None
    document : str
        The very text that was kept and signed, since a later version of the platform may write the same
        evidence in other words; that of the evidence if not given.
    """

    evidence: Evidence
    signature: Signature | None
    document: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the very text."""
        return hashlib.sha256((self.document or self.evidence.to_json()).encode()).hexdigest()

    def verify(self, trusted: TrustedKeys) -> None:
        """Check that a trusted key signed it.

        Raises
        ------
        SignatureError
            If there is no signature, its key is not trusted, or it is not of this document.
        """
        what = f"evidence of training {self.evidence.training_key} of `{self.evidence.model}`"
        document = self.document or self.evidence.to_json()
        verify(what, "evidence", document, signature=self.signature, trusted=trusted)


def save(
    connection: sa.Connection,
    model: str,
    version: str,
    evidence: Evidence,
    signature: Signature | None = None,
) -> None:
    """Keep the evidence of a version, signed as kind ``evidence``; the same again changes nothing.

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
        "key_id": signature.key_id if signature else None,
        "signature": signature.value if signature else None,
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
    """Return the evidence of a version without its signature; None if it has none.

    Raises
    ------
    StoreError
        As :func:`load_signed`.
    """
    found = load_signed(connection, model, version)
    return found.evidence if found else None


def load_signed(connection: sa.Connection, model: str, version: str) -> SignedEvidence | None:
    """Return the evidence of a version with its signature; None if it has none.

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
    try:
        found = Evidence.from_json(row.document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _changed(model, version, expected="readable evidence", got=type(error).__name__) from error
    if (found.bundle_digest, found.verdict) != (row.bundle_digest, row.verdict):
        raise _changed(
            model,
            version,
            expected=f"verdict {found.verdict} on bundle {found.bundle_digest}",
            got=f"verdict {row.verdict} on bundle {row.bundle_digest}",
        )
    signature = Signature(row.key_id, row.signature) if row.key_id and row.signature else None
    return SignedEvidence(found, signature, row.document)


def _key(model: str, version: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (table.c.model == model, table.c.version == version)


def _changed(model: str, version: str, *, expected: str, got: str) -> StoreError:
    return StoreError(
        f"evidence of `{model}` version {version}",
        expected=expected,
        got=got,
        todo="It was changed in the database: train again.",
    )
