"""From features to the matrix that an estimator reads."""

import numpy as np
import pytest

from estate.bundles.encoder import LEVELS, EncodedColumn, Encoder
from estate.core.errors import DataError
from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame, NumberBlock

FEATURES = FeatureSet(numbers=("x",), categories=("c",))


def frame(values: list[str | None]) -> Frame:
    return Frame({"x": np.arange(len(values), dtype=float), "c": np.array(values, dtype=object)}, len(values))


def test_rare_new_and_missing_values_have_places_of_their_own() -> None:
    encoder = Encoder.fit(frame(["a"] * 20 + ["rare"] * 3 + [None] * 5), FEATURES)
    assert encoder.names == ["x", "c=a", "c=(other)", "c=(missing)"]
    made = encoder.matrix(frame(["a", "rare", "never seen", None]))
    assert made[:, 1:].tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_a_category_without_end_keeps_its_most_common_values() -> None:
    values = [f"v{i:03d}" for i in range(80) for _ in range(10 + i)]
    encoder = Encoder.fit(frame(list(values)), FEATURES)
    assert len(encoder.columns[1].levels) == LEVELS
    assert encoder.columns[1].levels[0] == "v079"


def test_a_huge_number_stays_finite_in_float32() -> None:
    encoder = Encoder((EncodedColumn("x", "number"),))
    made = encoder.matrix(Frame.of({"x": [1e300, -1e300, None]}))
    assert np.isfinite(made[:2]).all()
    assert np.isnan(made[2])


def test_text_where_numbers_are_expected_is_named() -> None:
    with pytest.raises(DataError, match="column `x`: expected numbers"):
        Encoder((EncodedColumn("x", "number"),)).matrix(Frame.of({"x": ["tall"]}))


def test_no_row_is_no_error() -> None:
    assert Encoder((EncodedColumn("x", "number"),)).matrix(Frame({"x": np.empty(0)}, 0)).shape == (0, 1)


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_a_block_of_numbers_is_encoded_to_the_same_bits(rows: int) -> None:
    random = np.random.default_rng(rows)
    values = random.normal(scale=1e39, size=(rows, 3))
    values[::2, 1] = np.nan
    known = ("north", "south", "never seen", None)
    areas = np.array([known[i] for i in random.integers(0, 4, rows)], dtype=object)
    columns = (
        EncodedColumn("a", "number"),
        EncodedColumn("area", "category", ("north", "south")),
        EncodedColumn("b", "number"),
        EncodedColumn("c", "number"),
    )
    block = Frame.of_block(NumberBlock(("a", "b", "c"), values), {"area": areas})
    plain = Frame(dict(block.columns), rows)
    for encoder in (Encoder(columns), Encoder((columns[0], *columns[2:], columns[1]))):
        assert encoder.matrix(block).tobytes() == encoder.matrix(plain).tobytes()


def test_a_block_in_another_order_is_read_column_by_column() -> None:
    columns = (EncodedColumn("a", "number"), EncodedColumn("b", "number"))
    swapped = Frame.of_block(NumberBlock(("b", "a"), np.array([[2.0, 1.0]])), {})
    assert Encoder(columns).matrix(swapped).tolist() == [[1.0, 2.0]]
