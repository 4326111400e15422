"""Each month: do the bands of scores mean what they said?"""

from __future__ import annotations

from prefect import flow

from tasks.bands import check_model_bands, report_bands
from tasks.platform import open_platform


@flow(name="bands", timeout_seconds=3600)
def bands(model: str = "lead_conversion") -> int:
    """Return how many bands of how many months are off; a table is in the Prefect UI.

    Parameters
    ----------
    model : str
    """
    found = check_model_bands(open_platform(), model)
    report_bands(model, found)
    return sum(one.verdict == "off" for one in found)
