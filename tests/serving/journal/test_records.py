"""What comes out of the journal is what went in, to the bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from estate.core.clock import now
from estate.core.frame import Frame, NumberBlock
from estate.core.prediction import AnsweredBy, Prediction
from estate.core.prediction_id import new_ids
from estate.store.prediction_rows import PredictionRows, microseconds
from estate.store.prediction_writer import KeptRows
from estate.store.shadow_rows import ShadowRows
from serving.journal import encoding
from serving.journal.contexts import read
from serving.journal.decoding import Unreadable, rows_of
from serving.journal.encoding import ComparedRows, Record
from serving.journal.merging import merged
from serving.prediction_log import AnsweredRows
from serving.predictors import MixedScores, SignedScores
from tests.serving.journal.answers import answered

ODD = np.array([0.1 + 0.2, np.nan, np.inf, -np.inf, 5e-324, -0.0, 1.7976931348623157e308])
NAMES = tuple(f"n{i}" for i in range(3))


def back(record: Record) -> list[KeptRows]:
    return rows_of(record.content, dict(read(content) for _, content in record.contexts))


def predictions(groups: list[KeptRows]) -> list[Prediction]:
    made = [row for group in groups if isinstance(group, PredictionRows) for row in group.predictions()]
    return sorted(made, key=lambda row: row.prediction_id)


def matrix(rows: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.resize(ODD, rows * 3).reshape(rows, 3)


def in_columns(rows: int) -> Frame:
    return Frame({name: matrix(rows)[:, i].copy() for i, name in enumerate(NAMES)}, rows)


def in_a_block(rows: int) -> Frame:
    values = matrix(rows)
    columns = {name: values[:, i] for i, name in enumerate(NAMES)}
    return Frame(columns, rows, NumberBlock(NAMES, values))


def with_texts(rows: int) -> Frame:
    block = in_a_block(rows)
    words = np.array([None, "näh", "", "north", 'it\'s "odd"'] * rows, dtype=object)[:rows]
    return Frame({"where": words, **block.columns, "kind": words[::-1]}, rows, block.block)


def of_other_numbers(rows: int) -> Frame:
    whole = np.arange(rows)
    return Frame({"whole": whole, "yes": whole > 1, "single": whole.astype(np.float32) / 3}, rows)


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("shape", [in_columns, in_a_block, with_texts, of_other_numbers])
def test_answers_come_back_to_the_bit(rows: int, shape: object) -> None:
    went_in = answered(rows, features=shape(rows), entities=[None, "b"] * 3 + ["a"])  # type: ignore[operator]
    went_in = replace(went_in, entities=list(went_in.entities)[:rows])
    assert predictions(back(encoding.predictions(went_in))) == went_in.predictions()


def test_classes_come_back() -> None:
    rows = answered(3)
    scores = SignedScores(rows.scores.score, np.eye(3), ("sell", "rent", "wait"), "2", AnsweredBy.LAST_GOOD)
    rows = replace(rows, scores=scores)
    assert predictions(back(encoding.predictions(rows))) == rows.predictions()


def test_rows_of_two_versions_come_back_as_what_each_answered() -> None:
    rows = answered(4, features=with_texts(4), entities=["a", None, "c", "d"])
    new = np.array([True, False, True, False])
    other = SignedScores(np.array([0.5, 0.6]), version="9", answered_by=AnsweredBy.MODEL)
    present = SignedScores(np.array([0.1, 0.2]), version="rules", answered_by=AnsweredBy.RULES)
    rows = replace(rows, scores=MixedScores.of(present, other, new))
    assert predictions(back(encoding.predictions(rows))) == rows.predictions()


def test_names_of_columns_are_in_no_record_of_answers() -> None:
    record = encoding.predictions(answered(1, features=in_a_block(1)))
    assert b"n0" not in record.content
    assert len(record.content) <= 40 + 16 + 8 + 8 * 3


def test_records_of_one_origin_are_put_together() -> None:
    some = [
        answered(2, features=with_texts(2)),
        answered(1, features=with_texts(1), entities=["a"]),
        answered(3, features=in_columns(3)),
        answered(1, features=in_a_block(1)),
    ]
    groups = merged([group for rows in some for group in back(encoding.predictions(rows))])
    assert [len(group) for group in groups] == [3, 4]
    assert predictions(groups) == [row for rows in some for row in rows.predictions()]


def test_pairs_come_back() -> None:
    ids, at = new_ids(2), now()
    went_in = ComparedRows("sale", "2", "1", ids, [None, "a"], np.array([0.1, 0.2]), np.array([0.3, 0.4]), at)
    (rows,) = back(encoding.pairs(went_in))
    assert isinstance(rows, ShadowRows)
    assert (rows.pair.version, rows.pair.stable_version, rows.names()) == ("2", "1", ids)
    assert (rows.stable.tolist(), rows.candidate.tolist()) == ([0.1, 0.2], [0.3, 0.4])
    assert (rows.at.tolist(), rows.entities) == ([microseconds(at)] * 2, [None, "a"])


@pytest.mark.parametrize("cut", [0, 1, 39, 60, -9, -1])
def test_a_record_that_is_cut_is_unreadable(cut: int) -> None:
    record = encoding.predictions(answered(3, features=with_texts(3)))
    with pytest.raises(Unreadable):
        back(record._replace(content=record.content[:cut]))


def test_the_same_shape_again_makes_no_new_context() -> None:
    rows: list[AnsweredRows] = [answered(1), answered(5)]
    first, second = (encoding.predictions(some).contexts for some in rows)
    assert first == second
