"""Frames: rows that are taken out of one."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Frame, NumberBlock


def test_rows_taken_from_a_block_are_a_block_of_the_same_values() -> None:
    block = NumberBlock(("age", "rooms"), np.array([[30.0, 3.0], [np.nan, 4.0], [50.0, 5.0]]))
    frame = Frame.of_block(block, {"area": np.array(["north", None, "south"], dtype=object)})
    for index in (np.array([2, 0, 2]), np.array([True, False, True])):
        taken = frame.take(index)
        plain = Frame(dict(frame.columns), 3).take(index)
        assert taken.records() == plain.records()
        assert taken.block is not None
        np.testing.assert_array_equal(taken.block.values, block.values[index])
