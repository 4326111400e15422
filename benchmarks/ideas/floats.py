"""float32 against float64: in arrays, as scalars, in Parquet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ideas.timing import in_turn, row, told

_CLAIM = "half the memory"
_COLUMNS = 28
_SCALAR_WORK = 1000


def float_rows(folder: Path, rows: int, seconds: float) -> list[dict[str, object]]:
    """Measure a table of so many rows and 28 columns."""
    wide = np.random.default_rng(0).normal(0.0, 10.0, (rows, _COLUMNS)).round(3)
    narrow = wide.astype(np.float32)
    pairs: dict[str, Callable[[Any], Any]] = {
        "sums": lambda values: values.sum(axis=0),
        "square roots": lambda values: np.sqrt(np.abs(values)),
    }
    made = [
        row(
            "float32: arrays, memory",
            _CLAIM,
            narrow.nbytes / wide.nbytes,
            measured_as=f"{narrow.nbytes / 1e6:.0f} over {wide.nbytes / 1e6:.0f} MB",
            in_a_request=f"a row: {narrow.nbytes // rows} instead of {wide.nbytes // rows} bytes",
        )
    ]
    for what, function in pairs.items():
        took = in_turn({"64": partial(function, wide), "32": partial(function, narrow)}, seconds)
        made.append(
            row(
                f"float32: arrays, {what}",
                "faster",
                took["64"] / took["32"],
                measured_as=f"{rows} rows: {told(took['64'])} over {told(took['32'])}",
                in_a_request=f"{told((took['64'] - took['32']) / rows)} a row",
            )
        )
    return [*made, *_scalars(seconds), *_parquet(folder, wide, narrow, seconds)]


def _scalars(seconds: float) -> list[dict[str, object]]:
    numbers = np.random.default_rng(1).random(_SCALAR_WORK)
    plain, small = numbers.tolist(), list(numbers.astype(np.float32))
    took = in_turn(
        {"float": lambda: sum(x * x for x in plain), "32": lambda: sum(x * x for x in small)}, seconds
    )
    return [
        row(
            "float32: scalars, memory",
            _CLAIM,
            sys.getsizeof(small[0]) / sys.getsizeof(plain[0]),
            measured_as=f"np.float32 {sys.getsizeof(small[0])}, float {sys.getsizeof(plain[0])} bytes",
            in_a_request="a score by itself is larger, not smaller",
        ),
        row(
            "float32: scalars, speed",
            "faster",
            took["float"] / took["32"],
            measured_as=f"sum of {_SCALAR_WORK} squares in Python: float over np.float32",
            in_a_request="a loss wherever a number leaves its array",
        ),
    ]


def _parquet(folder: Path, wide: Any, narrow: Any, seconds: float) -> list[dict[str, object]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sizes, paths = {}, {}
    for bits, values in (("64", wide), ("32", narrow)):
        paths[bits] = folder / f"float{bits}.parquet"
        pq.write_table(pa.table({f"c{at}": values[:, at] for at in range(_COLUMNS)}), paths[bits])
        sizes[bits] = paths[bits].stat().st_size
    took = in_turn({bits: partial(pq.read_table, path) for bits, path in paths.items()}, seconds)
    rows = len(wide)
    return [
        row(
            "float32: Parquet, size",
            _CLAIM,
            sizes["32"] / sizes["64"],
            measured_as=f"{sizes['32'] / 1e6:.1f} over {sizes['64'] / 1e6:.1f} MB, numbers of three decimals",
            in_a_request="none: no request reads a file",
        ),
        row(
            "float32: Parquet, reading",
            "faster",
            took["64"] / took["32"],
            measured_as=f"{rows} rows: {told(took['64'])} over {told(took['32'])}",
            in_a_request=f"batch scoring: {told((took['64'] - took['32']) / rows)} a row",
        ),
    ]
