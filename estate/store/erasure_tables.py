"""Tables of those of whom nothing is kept any more."""

from __future__ import annotations

import sqlalchemy as sa

from estate.store.tables import metadata

_time = sa.DateTime(timezone=True)

erasure_salt = sa.Table(
    "erasure_salt", metadata, sa.Column("salt", sa.LargeBinary, nullable=False)
)  # one row

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("erasure_id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("lead_digest", sa.LargeBinary, nullable=False),  # SHA-256 of the salt and the id
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("asked_at", _time, nullable=False),
    sa.Column("finished_at", _time),
    sa.Column("readmitted_at", _time),  # since then the lead may be stored again
    sa.Column("receipt", sa.Text),  # canonical JSON, byte for byte what the signature is over
    sa.Column("key_id", sa.Text),
    sa.Column("signature", sa.Text),
    sa.Index("ix_erasures_lead", "lead_digest"),
)
