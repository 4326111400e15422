"""From a decoded request to the answer; knows no HTTP."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from estate.core.clock import now
from estate.core.errors import DataError, LeadloopError, RegistryError
from estate.core.frame import Frame
from estate.core.model_spec import CrmSource, ModelSpec
from estate.features.live import LeadFeatures
from serving.answering import Answering
from serving.models import ServedModel
from serving.prediction_log import AnsweredRows
from serving.predictors import Cases, MixedScores, SignedScores, sign
from serving.rows import Rows, entities_of, frame_of, open_frame, without
from serving.schema import Answer, PredictRequest, PredictResponse

logger = logging.getLogger(__name__)

ReadLeads = Callable[[ModelSpec, Sequence[str]], LeadFeatures]
"""The features of leads as of now, from their event histories."""

Keep = Callable[[AnsweredRows], None]
"""Takes the answers that were given, for the prediction log."""

CRM_ENTITY = "lead_id"


def entity_column(spec: ModelSpec) -> str | None:
    """Return the column of a row that names its case."""
    return CRM_ENTITY if isinstance(spec.source, CrmSource) else spec.source.entity


def answer(
    served: ServedModel, request: PredictRequest, *, read_leads: ReadLeads, keep: Keep
) -> PredictResponse:
    """Answer a request and hand the answers to the log.

    Raises
    ------
    DataError
        If the request can't be answered as it is.
    RegistryError
        If there is neither a version nor rules to answer with.
    StoreError
        If leads are asked for and the database is away.
    """
    answering = _answering(served)
    missing: Sequence[str] = ()
    entities: Sequence[str | None]
    if request.lead_ids is not None:
        found = _leads(served.spec, request.lead_ids, read_leads)
        features, entities, missing = found.features, found.found, found.missing
    else:
        rows = request.rows or []
        entities = entities_of(rows, entity_column(served.spec))
        features = features_of_rows(served.spec, answering, rows)
    cases = Cases(features.columns, features.rows, entities)
    scores = sign(answering.predictor.predict_many(cases), answering.predictor)
    kept = AnsweredRows(
        served.spec.name, _ids(len(features)), entities, features, scores, served.fingerprint, now()
    )
    keep(kept)
    return _response(kept, missing)


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


def _answering(served: ServedModel) -> Answering:
    if served.answering is None:
        raise RegistryError(
            f"model `{served.spec.name}`",
            expected="a version in production, or rules",
            got="neither" if served.problem is None else served.problem,
            todo="Train and promote a version; then try again.",
        )
    return served.answering


def _leads(spec: ModelSpec, lead_ids: Sequence[str], read_leads: ReadLeads) -> LeadFeatures:
    if not spec.computes_from_histories:
        raise DataError(
            "lead_ids", expected=f"`rows`: `{spec.name}` reads columns of a table", got="lead ids"
        )
    asked = list(dict.fromkeys(lead_ids))
    odd = next((i for i, lead_id in enumerate(asked) if not lead_id or "\0" in lead_id), None)
    if odd is not None:
        raise DataError(f"lead_ids, {odd}", expected="a lead's id", got=repr(asked[odd]))
    leads = read_leads(spec, asked)
    if not leads.found:
        raise DataError(
            "lead_ids",
            expected="leads that were imported",
            got=f"none of {len(asked)} known",
            todo="Import them, or send `rows`.",
        )
    return leads


def _ids(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


def _response(kept: AnsweredRows, missing: Sequence[str]) -> PredictResponse:
    scores: SignedScores = kept.scores
    cells = zip(kept.ids, scores.score.tolist(), kept.entities, scores.labels(), strict=True)
    answers = [Answer(id_, score, entity, label) for id_, score, entity, label in cells]
    if isinstance(scores, MixedScores):
        answers = _with_origins(answers, scores)
    return PredictResponse(kept.model, scores.version, scores.answered_by.value, answers, list(missing))


def _with_origins(answers: Sequence[Answer], scores: MixedScores) -> list[Answer]:
    """Name the version where it is not the response's own, and the source where that differs too."""
    version, answered_by = scores.new_origin
    source = answered_by.value if answered_by is not scores.answered_by else None
    return [
        msgspec.structs.replace(answer, version=version, source=source) if new else answer
        for answer, new in zip(answers, scores.new.tolist(), strict=True)
    ]
