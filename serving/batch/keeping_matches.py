"""The homes that a file shows, kept as predictions on the way there."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from estate.core.prediction import Prediction
from estate.core.settings import Settings
from estate.services.property_matching.schema import Asked, Matches
from estate.store.database import Database
from estate.store.predictions import write_many
from serving.shown_homes import ShownHomes

_ROWS_AT_ONCE = 5_000
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "leadloop:shown-homes")


def keeping(
    settings: Settings, database: Database, matches: Iterable[Matches], *, as_of: datetime
) -> Iterator[Matches]:
    """Yield matches as they come; all that were yielded are kept when this ends.

    Model, version, moment and pair name a prediction, so a run that is repeated keeps nothing twice.

    Raises
    ------
    StoreError
        If the database is away.
    """
    shown = ShownHomes(settings.shown_homes_share)
    waiting: list[Prediction] = []

    def ids(asked: Asked, names: Sequence[str]) -> list[str]:
        run = f"{asked.spec.name}/{asked.said.version}/{as_of.isoformat()}"
        return [str(uuid.uuid5(_NAMESPACE, f"{run}/{name}")) for name in names]

    for found in matches:
        for rows in shown.rows(found, at=as_of, ids=ids):
            waiting += rows.predictions()
        if len(waiting) >= _ROWS_AT_ONCE:
            _write(database, waiting)
            waiting = []
        yield found
    _write(database, waiting)


def _write(database: Database, waiting: Sequence[Prediction]) -> None:
    with database.begin() as connection:
        write_many(connection, waiting)
