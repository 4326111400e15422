"""What the database knows of a model in production: version, latest predictions, what came in before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from estate.core.clock import now
from estate.core.evidence import Evidence
from estate.core.prediction import NO_VERSION
from estate.store import evidence, ledger
from estate.store.database import Database
from estate.store.message_samples import sample_texts
from estate.store.traffic import doubled, fact_hours, prediction_hours
from estate.store.watched_rows import count_others, stream_rows
from monitoring.drift import Sample
from monitoring.sample import SAMPLE_ROWS, window_of_parts
from monitoring.text import MOST_LEADS
from monitoring.traffic import HISTORY, Traffic
from monitoring.window import Window

RECENT = timedelta(days=30)
"""Older predictions say nothing of how the model does now."""
TEXT_REFERENCE = timedelta(days=365)
"""Messages of so long before the training's time are what those of the window are compared with."""
_FACTS = ("leads", "interactions")


@dataclass(frozen=True)
class Which:
    """Which predictions are looked at.

    Parameters
    ----------
    rows : int
        At most so many of the latest, unless ``days`` is given.
    days : float or None
        All of so many days.
    until : datetime or None
        Before this moment; the present if None.
    """

    rows: int = 500
    days: float | None = None
    until: datetime | None = None

    @property
    def moment(self) -> datetime:
        """The end of the window."""
        return self.until or now()

    @property
    def since(self) -> datetime:
        """No row is older."""
        return self.moment - (RECENT if self.days is None else timedelta(days=self.days))


@dataclass(frozen=True)
class InProduction:
    """The version in production.

    Parameters
    ----------
    version : str
        ``"rules"`` if there is none.
    evidence : Evidence or None
    since : datetime or None
        When it was put into production.
    """

    version: str
    evidence: Evidence | None
    since: datetime | None = None

    @property
    def digest(self) -> str | None:
        """Digest of the bundle that the version was proven with."""
        return self.evidence.bundle_digest if self.evidence else None


def in_production(database: Database, model: str) -> InProduction:
    """Return what the ledger says."""
    with database.begin() as connection:
        entry = ledger.current(connection, model)
        proof = evidence.load(connection, model, entry.to_version) if entry else None
    return InProduction(*((entry.to_version, proof, entry.at) if entry else (NO_VERSION, None)))


def read_window(database: Database, model: str, version: str, reference: Sample, which: Which) -> Window:
    """Stream a version's latest predictions; memory does not grow with their number."""
    limit = which.rows if which.days is None else None
    with database.begin() as connection:
        parts = stream_rows(connection, model, version, since=which.since, until=which.until, limit=limit)
        return window_of_parts(parts, reference)


def read_others(database: Database, model: str, version: str, window: Window, which: Which) -> int:
    """Count answers of rules and other versions, of the window's time."""
    since = window.first or which.since
    with database.begin() as connection:
        return count_others(connection, model, version, since=since, until=which.until)


def read_traffic(  # noqa: PLR0913 - what it needs, by keyword
    database: Database, model: str, version: str, window: Window, which: Which, *, leads: bool
) -> Traffic:
    """Return what came in before the window's end.

    Parameters
    ----------
    leads : bool
        Whether the model reads the platform's own facts.
    """
    most = min(window.rows, SAMPLE_ROWS)
    rows = {"since": which.moment - RECENT, "until": which.moment, "most": most}
    with database.begin() as connection:
        return Traffic(
            prediction_hours(connection, model, until=which.moment, span=HISTORY),
            {
                kind: fact_hours(connection, kind, until=window.last, span=HISTORY)
                for kind in (_FACTS if leads and window.last else ())
                if window.last
            },
            doubled(connection, model, version, **rows),  # type: ignore[arg-type]
            doubled(connection, model, version, skip=most, **rows),  # type: ignore[arg-type]
        )


def read_texts(
    database: Database, trained: Evidence, window: Window, which: Which
) -> tuple[list[str], list[str]]:
    """Return what leads wrote in the year before the training's time, and in the window's."""
    if window.first is None:
        return [], []
    with database.begin() as connection:
        before = sample_texts(
            connection, since=trained.as_of - TEXT_REFERENCE, until=trained.as_of, most=MOST_LEADS
        )
        now_ = sample_texts(connection, since=window.first, until=which.moment, most=MOST_LEADS)
    return before, now_
