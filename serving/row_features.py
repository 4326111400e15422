"""From the rows of a request to the features that a model reads."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from estate.core.errors import DataError, LeadloopError
from estate.core.frame import Frame
from estate.core.model_spec import CrmSource, ModelSpec
from serving.answering import Answering
from serving.rows import Rows, frame_of, open_frame, without

logger = logging.getLogger(__name__)

CRM_ENTITY = "lead_id"


def entity_column(spec: ModelSpec) -> str | None:
    """Return the column of a row that names its case."""
    return CRM_ENTITY if isinstance(spec.source, CrmSource) else spec.source.entity


def features_of_rows(spec: ModelSpec, answering: Answering, rows: Rows) -> Frame:
    """Compute the features of raw rows; for models on event histories the rows are the features.

    Raises
    ------
    DataError
        If a row lacks what the features need.
    """
    source = spec.source
    if not isinstance(source, CrmSource) and source.missing:
        rows = without(rows, source.missing)
    raw = frame_of(rows, answering.inputs) if answering.inputs is not None else open_frame(rows)
    return raw if spec.computes_from_histories else compute_features(spec, raw)


def compute_features(spec: ModelSpec, raw: Any) -> Frame:
    """Compute a spec's features; what its functions can't take is an error of the data.

    Raises
    ------
    DataError
        If a feature function raises.
    """
    try:
        with np.errstate(all="ignore"):
            return spec.features.compute(raw)
    except LeadloopError:
        raise
    except Exception as error:  # a function of the user's own may raise anything
        logger.warning("features_failed model=%s error=%s", spec.name, type(error).__name__)
        raise DataError(
            f"features of `{spec.name}`",
            expected="values that its functions can read",
            got=type(error).__name__,
            todo="Compare the row with the training data.",
        ) from error
