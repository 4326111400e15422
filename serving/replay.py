"""A past prediction, scored again by the version that gave it.

A model gives the same bits for the same row, with one exception that was measured: ONNX Runtime adds up a
linear layer in another order for one row than for many, which may change the last bit (2e-7 of a
probability). How many rows were scored together is not kept; so the row is scored alone, then among copies of
itself, until a number is the one that was kept.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from estate.bundles import InputColumn, RulesPredictor, open_predictor
from estate.core.errors import DataError, LeadloopError, RegistryError, SettingsError, StoreError
from estate.core.frame import Column, Frame
from estate.core.prediction import AnsweredBy, Prediction
from estate.core.predictor import Predictor
from estate.store import evidence, predictions
from estate.store.database import Database
from serving.journal.finding import find
from serving.loader import Loader
from serving.schema import KeptPrediction, Replay

Answerer = tuple[Predictor, tuple[InputColumn, ...]]
"""Who scores, and which features it reads."""

logger = logging.getLogger(__name__)

_ROW_COUNTS = (1, 2, 3, 4, 8, 17)
_KEPT_VERSIONS = 4


class Replayer:
    """Shows predictions and scores them again.

    Parameters
    ----------
    loader : Loader
        Its warm versions are used; its opener brings others, with all their checks.
    database : callable
        Returns the database.
    journal : Path
        Folder of what is not in the database yet.
    """

    def __init__(self, loader: Loader, database: Callable[[], Database], journal: Path) -> None:
        self._loader, self._database, self._journal = loader, database, journal
        self._opened: OrderedDict[tuple[str, str], Answerer] = OrderedDict()
        self._lock = threading.Lock()

    def show(self, prediction_id: uuid.UUID) -> KeptPrediction | None:
        """Return a prediction with what its version says of it now; None if there is none of this name.

        Raises
        ------
        StoreError
            If it is not on this machine and the database is away.
        """
        prediction = find(self._journal, prediction_id)
        if prediction is None:
            prediction = self._from_database(str(prediction_id))
        if prediction is None:
            return None
        replay, why = self._replayed(prediction)
        return KeptPrediction(
            id=prediction.prediction_id,
            model=prediction.model,
            version=prediction.version,
            source=prediction.answered_by.value,
            entity=prediction.entity_id,
            score=prediction.score,
            label=prediction.label,
            at=prediction.at,
            features=dict(prediction.features),
            fingerprint=prediction.fingerprint,
            replay=replay,
            why=why,
        )

    def _from_database(self, prediction_id: str) -> Prediction | None:
        try:
            with self._database().begin() as connection:
                return predictions.find(connection, prediction_id)
        except SettingsError as error:
            raise StoreError("database", expected="an address", got="none") from error

    def _replayed(self, prediction: Prediction) -> tuple[Replay | None, str | None]:
        try:
            predictor, columns = self._who_answered(prediction)
            replay = scored_again(prediction, predictor, columns)
        except LeadloopError as error:
            return None, str(error)
        except Exception as error:  # rules of a user's own may raise anything
            logger.warning("replay_failed model=%s error=%s", prediction.model, type(error).__name__)
            return None, f"scoring it again failed: {type(error).__name__}."
        if replay.same or prediction.answered_by is not AnsweredBy.RULES:
            return replay, None
        return replay, "The code of the rules has no version: it was changed since."

    def _who_answered(self, prediction: Prediction) -> Answerer:
        if prediction.answered_by is AnsweredBy.RULES:
            return self._rules(prediction)
        key = prediction.model, prediction.version
        with self._lock:  # one at a time: a version is fetched once
            if key not in self._opened:
                self._opened[key] = self._open(*key)
                if len(self._opened) > _KEPT_VERSIONS:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(key)
            return self._opened[key]

    def _open(self, model: str, version: str) -> Answerer:
        """Return a version's own predictor: what answers requests may remember scores."""
        opener = self._loader.opener
        warm = opener.warm.find(model, version)
        if warm is not None and (bundle := warm.answering.bundle) is not None:
            return open_predictor(bundle, version), bundle.features
        bundle, predictor = opener.reopen(model, version, self._evidence)
        return predictor, bundle.features

    def _rules(self, prediction: Prediction) -> Answerer:
        served = self._loader.find(prediction.model)
        what = f"rules of `{prediction.model}`"
        if served is None or served.spec.rules is None:
            raise RegistryError(what, expected="the ones that answered", got="none any more")
        features = served.spec.features
        if features.fingerprint != prediction.fingerprint:
            raise RegistryError(
                what,
                expected=f"features of code {prediction.fingerprint[:12]}",
                got=features.fingerprint[:12],
                todo="The code was changed since; run the one of that time.",
            )
        columns = tuple(InputColumn(name, features.kind(name)) for name in features.names)
        return RulesPredictor(served.spec), columns

    def _evidence(self, model: str, version: str) -> evidence.SignedEvidence | None:
        try:
            with self._database().begin() as connection:
                return evidence.load_signed(connection, model, version)
        except (StoreError, SettingsError):
            return self._loader.opener.disk.recall_evidence(model, version)


def as_prediction_id(text: str) -> uuid.UUID:
    """Return a prediction's id.

    Raises
    ------
    DataError
        If the text is none.
    """
    try:
        found = uuid.UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text.lower():
        raise DataError("prediction id", expected="a UUID, as answers carry it in `id`", got=repr(text[:60]))
    return found


def unknown_prediction(text: str) -> DataError:
    """Return the error for an id that no prediction has."""
    return DataError(
        f"prediction {text}",
        expected="one that was answered",
        got="none of this id",
        todo="An answer of another machine is found here moments after it was given: try again then.",
    )


def scored_again(prediction: Prediction, predictor: Predictor, columns: tuple[InputColumn, ...]) -> Replay:
    """Return what a predictor says of what it read then, and whether that is the same to the bit.

    Raises
    ------
    DataError
        If the prediction lacks a feature.
    """
    first: float | None = None
    for count in _ROW_COUNTS:
        scores = predictor.predict_many(_frame(prediction.features, columns, count))
        found, labels = scores.score.tolist(), scores.labels()
        if first is None:
            first = found[0]
        if any(pair == (prediction.score, prediction.label) for pair in zip(found, labels, strict=True)):
            return Replay(prediction.score, same=True)
    assert first is not None
    return Replay(first, same=False)


def _frame(features: Mapping[str, float | str | None], columns: tuple[InputColumn, ...], count: int) -> Frame:
    if lacking := [column.name for column in columns if column.name not in features]:
        raise DataError("features of the prediction", expected=", ".join(lacking), got="none of that name")
    made: dict[str, Column] = {}
    for column in columns:
        value = features[column.name]
        if column.kind == "number":
            made[column.name] = np.full(count, np.nan if value is None else value, dtype=np.float64)
        else:
            made[column.name] = np.full(count, value, dtype=object)
    return Frame(made, count)
