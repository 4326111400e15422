"""The homes that suit every open lead, as one file."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from estate.core.errors import DataError
from estate.core.settings import Settings
from estate.services.property_matching.schema import Request
from estate.store.database import Database
from serving.batch.keeping_matches import keeping
from serving.batch.matches import match_leads


def write_matches(
    settings: Settings, database: Database, wanted: Request, out: Path, *, as_of: datetime
) -> tuple[int, int]:
    """Write a whole file or none; returns leads and rows. What the models said of the homes is kept first.

    One row a home: ``lead_id``, ``place`` from 1, what the home is, its chances, and reasons.

    Parameters
    ----------
    settings : Settings
    database : Database
    wanted : Request
    out : Path
        ``.csv`` or ``.parquet``.
    as_of : datetime

    Raises
    ------
    DataError
        If the file is of another kind or can't be written.
    StoreError
        If the database is away.
    """
    import pandas as pd

    if out.suffix not in (".csv", ".parquet"):
        raise DataError("--out", expected="a name that ends in .csv or .parquet", got=str(out))
    rows, leads = [], 0
    found_all = match_leads(settings, database, wanted, None, as_of=as_of)
    for found in keeping(settings, database, found_all, as_of=as_of):
        leads += 1
        for place, home in enumerate(found.homes, 1):
            reasons = "; ".join(home.reasons)
            row = {"lead_id": found.lead_id, "place": place, **asdict(home), "reasons": reasons}
            rows.append({**row, "source": found.source})
    table, part = pd.DataFrame(rows), out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".csv":
            table.to_csv(part, index=False)
        else:
            table.to_parquet(part, index=False)
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DataError(f"--out {out}", expected="a file that can be written", got=str(error)) from error
    return leads, len(rows)
