"""Finds an answer that is on this machine's disk and not in the database yet."""

from __future__ import annotations

import mmap
import uuid
from pathlib import Path

import msgspec
import numpy as np

from estate.core.prediction import Prediction
from estate.store.prediction_rows import PredictionRows
from serving.journal import folder as files
from serving.journal import frames
from serving.journal.contexts import CONTEXT, Context, read
from serving.journal.decoding import Unreadable, rows_of


def find(folder: Path, prediction_id: uuid.UUID) -> Prediction | None:
    """Return a prediction from what was not brought in yet; None if it is not there."""
    for path in files.segments(folder):
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
                at = content.find(prediction_id.bytes, files.read_offset(path))
                found = _found(content[:], prediction_id.bytes) if at >= 0 else None
        except (FileNotFoundError, ValueError):  # brought in meanwhile, or nothing is in it yet
            continue
        if found is not None:
            return found
    return None


def _found(content: bytes, wanted: bytes) -> Prediction | None:
    contexts: dict[int, Context] = {}
    start: int | None = 0
    while start is not None:
        for found in frames.whole(content, start):
            start, record = found.end, found.record
            if record[:1] == bytes([CONTEXT]):
                key, context = read(record)
                contexts[key] = context
            elif wanted in record and (prediction := _in_record(record, contexts, wanted)) is not None:
                return prediction
        start = frames.next_whole(content, start)
    return None


def _in_record(record: bytes, contexts: dict[int, Context], wanted: bytes) -> Prediction | None:
    try:
        groups = rows_of(record, contexts)
    except (Unreadable, msgspec.MsgspecError):
        return None
    for group in groups:
        if isinstance(group, PredictionRows):
            ids = np.frombuffer(group.ids, "V16")
            for place in np.flatnonzero(ids == np.void(wanted)).tolist():
                return group.take([place]).predictions()[0]
    return None
