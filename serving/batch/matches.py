"""The homes that suit many leads, by the versions in production."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from estate.core.settings import Settings
from estate.features.lead_reader import LeadReader
from estate.services.property_matching.model import SPECS
from estate.services.property_matching.reading import LEAD_PARTS, leads_now, read_homes
from estate.services.property_matching.schema import Matches, Request
from estate.services.property_matching.service import match_many
from estate.store.database import Database
from estate.store.open_leads import open_lead_ids
from serving.home_models import asking
from serving.production import production_model

_LEADS_AT_ONCE = 500


def match_leads(
    settings: Settings,
    database: Database,
    wanted: Request,
    lead_ids: Sequence[str] | None,
    *,
    as_of: datetime,
) -> Iterator[Matches]:
    """Yield the homes that suit each lead, some hundred leads read at a time; flat memory.

    Parameters
    ----------
    settings : Settings
    database : Database
    wanted : Request
    lead_ids : sequence of str, optional
        Every lead without an outcome if not given; those that are not known are left out.
    as_of : datetime

    Raises
    ------
    StoreError
        If the database is away.
    """
    if lead_ids is None:
        with database.begin() as connection:
            lead_ids = open_lead_ids(connection, as_of=as_of)
    ask = asking({spec.name: production_model(settings, database, spec.name) for spec in SPECS}.get)
    homes, reader = read_homes(database, as_of=as_of), LeadReader(lambda: database)
    try:
        for start in range(0, len(lead_ids), _LEADS_AT_ONCE):
            some = lead_ids[start : start + _LEADS_AT_ONCE]
            found, histories = reader.histories(some, as_of=as_of, parts=LEAD_PARTS)
            yield from match_many(wanted, leads_now(found, histories, homes), homes, ask)
    finally:
        reader.close()
