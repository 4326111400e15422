"""What leads wrote in a time, a sample of them: read to be counted, never to be kept or shown."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from estate.store.tables import messages


def sample_texts(connection: sa.Connection, *, since: datetime, until: datetime, most: int) -> list[str]:
    """Return what each of at most ``most`` leads wrote, all messages of a lead in one text.

    Which leads are drawn depends on a hash of their ids alone. What was learned after ``until`` is left
    out.
    """
    wrote = (
        sa.select(sa.func.string_agg(messages.c.text, sa.literal(" ")))
        .where(
            messages.c.direction == "in",
            messages.c.event_at >= since,
            messages.c.event_at < until,
            messages.c.recorded_at < until,
            messages.c.superseded_at >= until,
        )
        .group_by(messages.c.lead_id)
        .order_by(sa.func.md5(messages.c.lead_id))
        .limit(most)
    )
    return [str(text) for (text,) in connection.execute(wrote)]
