"""One chunk of rows to the rows of the target."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from estate.core.errors import DataError, LeadloopError
from estate.core.frame import Column, Frame, Numbers
from estate.core.prediction import Scores
from serving.batch.added import added_columns
from serving.batch.plan import Plan
from serving.batch.source import Chunk, Source
from serving.batch.straight import fits, matrices
from serving.batch.typed import Codes, read_codes, read_numbers
from serving.predictors import SignedScores, sign
from serving.row_features import compute_features

logger = logging.getLogger(__name__)

Wrong = Mapping[int, tuple[str, str]]
"""Column and text of the first thing that is wrong, by the row in its chunk."""


@dataclass(frozen=True)
class Scored:
    """A chunk with its scores.

    Parameters
    ----------
    rows : int
        That were read.
    batch : RecordBatch
        Rows of the target.
    bad : RecordBatch
        Rows that could not be read, as they came.
    wrong : mapping
        Why, by the row in the chunk.
    first_row : int
    """

    rows: int
    batch: Any
    bad: Any
    wrong: Wrong
    first_row: int


@dataclass(frozen=True)
class Scorer:
    """Scores chunks, in any thread.

    Parameters
    ----------
    plan : Plan
    source : Source
    at : str
        Moment of the run.
    keeps_texts : bool
        Whether the target has the source's values as texts.
    stops : bool
        Whether a bad row is an error.
    """

    plan: Plan
    source: Source
    at: str
    keeps_texts: bool
    stops: bool

    @property
    def schema(self) -> Any:
        """Columns of the target with their Arrow types."""
        read = self.source.schema
        if self.keeps_texts:
            read = pa.schema([(name, pa.string()) for name in read.names])
        added = self.plan.added
        return pa.schema([*(field for field in read if field.name not in added), *added.items()])

    def score(self, chunk: Chunk) -> Scored:
        """Score one chunk.

        Raises
        ------
        DataError
            If a row can't be read (names file, row and column) or scored.
        """
        kept = chunk.batch if self.keeps_texts else self.source.typed(chunk.batch)
        columns, wrong = self._read(chunk)
        if not wrong:
            scores = self._scores(columns, kept, chunk)
            return Scored(
                kept.num_rows, self._with(kept, scores), chunk.batch.slice(0, 0), {}, chunk.first_row
            )
        if self.stops:
            raise self._error(wrong, chunk)
        bad = np.zeros(kept.num_rows, dtype=np.bool_)
        bad[list(wrong)] = True
        good = pa.array(~bad)
        rest = self.score(Chunk(chunk.first_row, chunk.batch.filter(good)))
        return Scored(kept.num_rows, rest.batch, chunk.batch.filter(pa.array(bad)), wrong, chunk.first_row)

    def _error(self, wrong: Wrong, chunk: Chunk) -> DataError:
        first = min(wrong)
        column, text = wrong[first]
        file, row = self.source.place(chunk.first_row + first)
        return DataError(
            f"{file}, column `{column}`, row {row}",
            expected="a number",
            got=repr(text),
            todo="Correct the row, list the text under `missing` of the source if it means not known, or put "
            "such rows aside: `--on-bad-rows quarantine`.",
        )

    def _read(self, chunk: Chunk) -> tuple[Mapping[str, Numbers | Codes], Wrong]:
        if self.plan.inputs is None or self.plan.by_pandas:
            return {}, {}
        typed = self.source.typed(chunk.batch, {column.name for column in self.plan.inputs})
        missing = frozenset(str(value) for value in self.plan.missing)
        columns: dict[str, Numbers | Codes] = {}
        wrong: dict[int, tuple[str, str]] = {}
        for column in self.plan.inputs:
            values = typed.column(column.name)
            if column.kind == "category":
                columns[column.name] = read_codes(values, missing)
                continue
            read = read_numbers(values, missing)
            columns[column.name] = read.values
            for row, text in read.wrong.items():
                wrong.setdefault(row, (column.name, text))
        return columns, wrong

    def _scores(self, columns: Mapping[str, Numbers | Codes], kept: Any, chunk: Chunk) -> SignedScores:
        straight = self._straight(columns, kept.num_rows)
        if straight is not None:
            return straight
        predictor = self.plan.answering.predictor
        try:
            features = self._features(columns, chunk)
            return sign(predictor.predict_many(features), predictor)
        except LeadloopError as error:
            rows = f"rows {chunk.first_row} to {chunk.first_row + kept.num_rows - 1} of {self.source.name}"
            raise type(error)(
                f"{rows}: {error.what}", expected=error.expected, got=error.got, todo=error.todo
            ) from error

    def _straight(self, columns: Mapping[str, Numbers | Codes], rows: int) -> SignedScores | None:
        """Score without a frame; None where that is not possible, or the model failed on these rows."""
        predictor = self.plan.straight
        if predictor is None or not rows or not fits(predictor.bundle.encoder, columns):
            return None
        try:
            parts = [predictor.predict_matrix(m) for m in matrices(predictor.bundle.encoder, columns, rows)]
        except Exception as error:  # whatever a runtime raises: the chunk is answered as everywhere
            logger.error("model_failed version=%s error=%s", predictor.version, type(error).__name__)
            return None
        score = np.concatenate([part.score for part in parts])
        if not np.isfinite(score).all():
            return None
        classed = [part.probabilities for part in parts if part.probabilities is not None]
        probabilities = np.concatenate(classed) if classed else None
        return sign(Scores(score, probabilities, parts[0].classes), predictor)

    def _features(self, columns: Mapping[str, Numbers | Codes], chunk: Chunk) -> Frame:
        spec = self.plan.served.spec
        if self.plan.by_pandas:
            from serving.batch.by_pandas import raw_columns

            raw = raw_columns(self.plan, self.source.typed(chunk.batch).to_pandas())
        else:
            made: dict[str, Column] = {
                name: values.column() if isinstance(values, Codes) else values
                for name, values in columns.items()
            }
            raw = Frame(made, chunk.batch.num_rows)
        return raw if spec.computes_from_histories else compute_features(spec, raw)

    def _with(self, kept: Any, scores: SignedScores) -> Any:
        added = added_columns(self.plan, scores, self.at)
        names = [name for name in kept.schema.names if name not in added]
        arrays = [kept.column(name) for name in names]
        return pa.RecordBatch.from_arrays([*arrays, *added.values()], schema=self.schema)
