"""How often homes were looked at lately, counted by the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from estate.store.tables import interactions


def count_looks(
    connection: sa.Connection, kinds: Sequence[str], *, after: datetime, until: datetime
) -> dict[str, int]:
    """Count the interactions of some kinds with each property that became known in a span of time.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    kinds : sequence of str
    after, until : datetime
        Known: it had happened and was recorded, after the first and not after the second moment.
    """
    known = sa.func.greatest(interactions.c.event_at, interactions.c.recorded_at)
    query = (
        sa.select(interactions.c.property_id, sa.func.count())
        .where(
            interactions.c.kind.in_(list(kinds)),
            interactions.c.property_id.is_not(None),
            interactions.c.recorded_at <= until,
            known > after,
            known <= until,
            interactions.c.superseded_at > until,
        )
        .group_by(interactions.c.property_id)
    )
    return {str(name): int(count) for name, count in connection.execute(query)}
