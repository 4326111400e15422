"""Cases that are a lead and a home, in the database: found by their lead."""

from __future__ import annotations

from typing import LiteralString

import sqlalchemy as sa

from estate.core.pair_id import pairs_begin
from estate.store.tables import leads

LEAD_OF_PAIR: LiteralString = "replace(replace(split_part({case}, '|', 1), '~1', '|'), '~0', '~')"
"""The lead that a case names if it is a pair: :func:`estate.core.pair_id.pair_id` turned back."""
IS_PAIR: LiteralString = (
    "strpos({case}, '|') > 0 AND NOT EXISTS (SELECT 1 FROM leads l WHERE l.lead_id = {case})"
)
"""A lead's own id may hold the mark of a pair; then it is no pair."""


def pairs_of_lead(column: sa.ColumnElement[str], lead_id: str) -> sa.ColumnElement[bool]:
    """Return what holds for the pairs of a lead.

    ``^@`` takes the id as it is, without wildcards, and reads an index that is sorted by code point, as the
    local database sorts; elsewhere it reads the whole table.
    """
    begins = column.op("^@", is_comparison=True)
    another = sa.select(leads.c.lead_id).where(leads.c.lead_id == column)
    return sa.and_(begins(pairs_begin(lead_id)), ~sa.exists(another))


def leads_like_pairs(connection: sa.Connection, lead_id: str) -> frozenset[str]:
    """Return the leads whose own ids begin as the pairs of a lead do."""
    begins = leads.c.lead_id.op("^@", is_comparison=True)
    asked = sa.select(leads.c.lead_id).where(begins(pairs_begin(lead_id))).distinct()
    return frozenset(connection.execute(asked).scalars())
