"""Cases that are a lead and a home, in the database: found by their lead."""

from __future__ import annotations

from typing import LiteralString

import sqlalchemy as sa

from estate.core.pair_id import MARK, pairs_begin
from estate.store.tables import leads

LEAD_OF_PAIR: LiteralString = "replace(replace(split_part({case}, '|', 1), '~1', '|'), '~0', '~')"
"""The lead that a case names if it is a pair: :func:`estate.core.pair_id.pair_id` turned back."""
IS_PAIR: LiteralString = (
    "strpos({case}, '|') > 0 AND NOT EXISTS (SELECT 1 FROM leads l WHERE l.lead_id = {case})"
)
"""A lead's own id may hold the mark of a pair; then it is no pair."""


_BY_CODE_POINT = """
SELECT datlocprovider = 'b' OR (datlocprovider = 'c' AND datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8'))
FROM pg_database WHERE datname = current_database()"""


def pairs_of_lead(
    connection: sa.Connection, column: sa.ColumnElement[str], lead_id: str
) -> sa.ColumnElement[bool]:
    """Return what holds for the pairs of a lead.

    ``^@`` takes the id as it is, without wildcards. Where the database sorts by code point, as the local one
    does, the pairs of a lead lie together in an index, between two names; elsewhere the table is read.
    """
    begin = pairs_begin(lead_id)
    another = sa.select(leads.c.lead_id).where(leads.c.lead_id == column)
    pairs = [column.op("^@", is_comparison=True)(begin), ~sa.exists(another)]
    if connection.execute(sa.text(_BY_CODE_POINT)).scalar_one():
        pairs += [column >= begin, column < begin[:-1] + chr(ord(MARK) + 1)]
    return sa.and_(*pairs)


def leads_like_pairs(connection: sa.Connection, lead_id: str) -> frozenset[str]:
    """Return the leads whose own ids begin as the pairs of a lead do."""
    begins = leads.c.lead_id.op("^@", is_comparison=True)
    asked = sa.select(leads.c.lead_id).where(begins(pairs_begin(lead_id))).distinct()
    return frozenset(connection.execute(asked).scalars())
