"""How often frozen rows have been judged on, and what that costs.

Whoever tries often enough on the same rows is lucky once. So every gate remembers its rows; the next one on
them asks for more, and rows that were used up go back to the rows to learn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.core.model_spec import CrmSource, ModelSpec, Task
from estate.training.data import TrainingData
from estate.training.metrics import TAIL

Hashes = NDArray[np.uint64]
SAME_SHARE = 0.5
"""A gate that judged on so much of these rows has used them."""


def row_hashes(spec: ModelSpec, data: TrainingData) -> Hashes:
    """Return one number for each row, the same in every training; from entity, time and label.

    A source without a time has only positions, which move: there entity and label alone.
    """
    timed = isinstance(spec.source, CrmSource) or spec.source.time is not None
    times = data.times.tolist() if timed else [0] * len(data)
    rows = zip(map(str, data.entities), times, data.y.tolist(), strict=True)
    digests = b"".join(blake2b("\0".join(map(str, row)).encode(), digest_size=8).digest() for row in rows)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def gates_on(hashes: Hashes, earlier: Sequence[Hashes]) -> int:
    """Return how many earlier gates judged on at least half of these rows.

    Examples
    --------
    >>> earlier = [np.array([1, 2], dtype=np.uint64), np.array([2, 3], dtype=np.uint64)]
    >>> gates_on(np.array([2, 3, 4], dtype=np.uint64), earlier)
    1
    """
    return sum(int(np.isin(hashes, rows).sum()) >= SAME_SHARE * len(hashes) for rows in earlier)


def tail_after(uses: int) -> float:
    """Return the chance of an error at the lower end that is allowed after so many uses of the rows.

    ``0.05 / (uses + 1)``, after Bonferroni: 5 % at the first use, later as if all tries so far were made at
    once. Over the first and the five more uses that a gate allows by default, at most 12.3 % together.

    Examples
    --------
    >>> [round(tail_after(uses), 4) for uses in range(4)]
    [0.05, 0.025, 0.0167, 0.0125]
    """
    return TAIL / (uses + 1)


def enough(spec: ModelSpec, y: Numbers) -> bool:
    """Return whether rows with these labels can be judged on."""
    if len(y) < spec.gate.holdout_rows:
        return False
    return spec.task is not Task.BINARY or rarer(y) >= spec.gate.holdout_positives


def rarer(y: Numbers) -> int:
    """Return how many rows have the rarer of two outcomes."""
    return int(min(y.sum(), len(y) - y.sum()))
