"""What a training saw, beside what the model's last training saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from estate.store.training_requests import Request
from estate.store.training_tables import training_requests as table


@dataclass(frozen=True)
class DataSeen:
    """What is remembered of a training's rows.

    Parameters
    ----------
    fingerprint : str
        SHA-256 of the rows and of what is made of them.
    labels : int
        Rows, each with a ripe label.
    newest_row : int or None
        Time (microseconds since 1970) or position of the newest one.
    """

    fingerprint: str
    labels: int
    newest_row: int | None

    def keep(self, connection: sa.Connection, request_id: str) -> None:
        """Write it to the request."""
        values = {"fingerprint": self.fingerprint, "labels": self.labels, "newest_row": self.newest_row}
        connection.execute(sa.update(table).where(table.c.request_id == request_id).values(**values))


@dataclass(frozen=True)
class Compared:
    """What is new.

    Parameters
    ----------
    new_labels : int
    same_as : str or None
        The request whose training saw exactly the same.
    """

    new_labels: int
    same_as: str | None


def compare(
    connection: sa.Connection, request: Request, seen: DataSeen, times: NDArray[np.int64]
) -> Compared:
    """Compare rows with those of the model's last training that was done.

    New is what is younger than the last training's newest row, or what there is more of, whichever is more.
    Where there is no last training, and where there are fewer rows than before (the table was replaced),
    all are new.

    Parameters
    ----------
    connection : Connection
    request : Request
        Of the training that saw them.
    seen : DataSeen
    times : int64 array of shape (n,)
        Of the rows, rising.
    """
    last = connection.execute(
        sa.select(table.c.request_id, table.c.fingerprint, table.c.labels, table.c.newest_row)
        .where(
            table.c.model == request.model,
            table.c.state == "done",
            table.c.fingerprint.is_not(None),
            table.c.request_id != request.request_id,
        )
        .order_by(table.c.as_of.desc(), table.c.changed_at.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return Compared(seen.labels, None)
    if last.fingerprint == seen.fingerprint:
        return Compared(0, last.request_id)
    younger = int((times > last.newest_row).sum()) if last.newest_row is not None else 0
    more = seen.labels - last.labels
    return Compared(seen.labels if more < 0 and younger == 0 else max(younger, more), None)
