"""What one request may be."""

from __future__ import annotations

from dataclasses import dataclass

from estate.core.settings import Settings
from serving.schema import MAX_BODY_BYTES, MAX_ROWS

BODY_BYTES_PER_SECOND = 16 * 1024
"""A body that comes this fast is never too slow."""


@dataclass(frozen=True)
class Limits:
    """Limits of one request.

    Parameters
    ----------
    body_bytes, rows : int
    seconds : float
        From its last byte to its answer's first.
    arrival_seconds : float
        That its head may take to arrive; and its body, with one more for each 16 KiB that have come.
    batch_bytes : int
        Of one batch of an Arrow stream, or one page of Parquet, unpacked.
    spool_bytes : int
        On disk: of a Parquet body, and of a table's answers that the caller has not taken yet.
    """

    body_bytes: int = MAX_BODY_BYTES
    rows: int = MAX_ROWS
    seconds: float = 30.0
    arrival_seconds: float = 10.0
    batch_bytes: int = 64 << 20
    spool_bytes: int = 1 << 30


def limits_of(settings: Settings) -> Limits:
    """Return the limits that the settings give."""
    return Limits(
        settings.serving_max_body_bytes,
        settings.serving_max_rows,
        settings.serving_max_seconds,
        settings.serving_max_arrival_seconds,
        settings.serving_max_batch_bytes,
        settings.serving_max_spool_bytes,
    )
