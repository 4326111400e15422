"""Look whether the bands of scores keep their word."""

from __future__ import annotations

import logging

from prefect import task
from prefect.artifacts import create_table_artifact

from estate.core.clock import now
from monitoring.quality.bands import BandMonth, check_bands
from serving.production import answering_of, production_model
from tasks.platform import Platform
from tasks.retrying import REACHES_OUT

_log = logging.getLogger(__name__)


@task(name="check bands", **REACHES_OUT)
def check_model_bands(platform: Platform, model: str) -> list[BandMonth]:
    """Compare what each band promised with what came true; nothing where rules answer."""
    served = production_model(platform.settings, platform.database, model)
    answering = answering_of(served)
    bands = answering.bundle.bands if answering.bundle is not None else None
    if bands is None or not bands.measured:
        return []
    return check_bands(served.spec, platform.database, answering.version, bands, now=now())


@task(name="report bands")
def report_bands(model: str, found: list[BandMonth]) -> None:
    """Show them in the Prefect UI, and log each that is off."""
    for one in found:
        if one.verdict == "off":
            _log.warning(
                "band_off model=%s month=%s band=%s promised=%.3f came_true=%.3f leads=%d",
                *(model, one.month, one.band, one.promised.share, one.came_true.share, one.came_true.rows),
            )
    rows = [
        {
            "month": one.month,
            "band": one.band,
            "promised, of 100": f"{100 * one.promised.share:.1f}",
            "came true, of 100": f"{100 * one.came_true.share:.1f}" if one.came_true.rows else "",
            "leads": one.came_true.rows,
            "waiting": one.waiting,
            "verdict": one.verdict,
        }
        for one in found
    ]
    create_table_artifact(
        rows or [{"month": "", "found": "no version in production has bands"}],
        key=f"{model.replace('_', '-')}-bands",
        description=f"{model}: do its bands keep their word?",
    )
