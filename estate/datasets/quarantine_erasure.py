"""A lead taken out of the rows that imports have refused."""

from __future__ import annotations

import re
from pathlib import Path

from estate.datasets.quarantine import Quarantine


def erase_from_quarantine(home: Path, lead_id: str) -> int:
    """Drop refused rows that name a lead, in whatever field; return how many.

    Parameters
    ----------
    home : Path
        Of the installation.
    lead_id : str
    """
    name = re.compile(rf"(?<![\w-]){re.escape(lead_id)}(?![\w-])")
    dropped = 0
    for path in sorted((home / "quarantine").glob("*.csv")):
        dropped += Quarantine(home, path.stem).drop(
            lambda refused: (
                name.search(refused.row) is not None or any(name.search(reason) for reason in refused.reasons)
            )
        )
    return dropped
