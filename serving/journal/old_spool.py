"""Brings in what the former version left on disk: files of predictions, one JSON document a line."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from estate.core.prediction import Prediction
from estate.store.prediction_rows import rows_of
from serving.journal.delivery import Delivery

logger = logging.getLogger(__name__)

_decoder = msgspec.json.Decoder(Prediction)


def bring_in(folder: Path, delivery: Delivery) -> None:
    """Deliver every file of the former spool and remove it; one that can't be read is kept as ``.bad``.

    Raises
    ------
    StoreError, SettingsError
        If the database is away.
    """
    for path in sorted(folder.glob("*.jsonl")):
        try:
            rows = [_decoder.decode(line) for line in path.read_bytes().splitlines()]
        except msgspec.MsgspecError as error:
            path.rename(path.with_suffix(".bad"))
            logger.error("spool_unreadable file=%s error=%s", path.name, type(error).__name__)
            continue
        delivery.deliver(rows_of(rows))
        path.unlink()
