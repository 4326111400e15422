"""``python -m benchmarks.batch.bare BUNDLE SOURCE WORKERS``: ONNX Runtime alone on a matrix in memory.

For each line on the input it scores the whole matrix, in the way that was the fastest of all on a part of it:
one session with as many threads inside, or one with one thread inside that as many threads call; by so many
rows a call.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from estate.bundles import Bundle
from estate.bundles.bundle import MODEL
from estate.bundles.encoder import Matrix
from estate.bundles.graph import INPUT, OUTPUT
from estate.core.frame import Frame

_SIZES = (256, 1024, 4096, 16_384, 65_536)
_TRIED_ROWS = 65_536

Way = tuple[str, int, Callable[[Matrix], None]]


def main() -> None:
    """Answer each line with rows, seconds and the way."""
    bundle, source, workers = sys.argv[1:]
    matrix = _matrix(Bundle.open(Path(bundle)), Path(source))
    tried = matrix[: min(_TRIED_ROWS, len(matrix) // 8)]
    name, size, score = _fastest(Path(bundle) / MODEL, tried, int(workers))
    for _ in sys.stdin:
        seconds = _seconds(score, matrix)
        print(json.dumps({"rows": len(matrix), "seconds": seconds, "way": f"{name}, {size:,} rows a call"}))
        sys.stdout.flush()


def _matrix(bundle: Bundle, source: Path) -> Matrix:
    """Return the rows as the platform encodes them."""
    parts = []
    for batch in pq.ParquetFile(source).iter_batches(65_536):
        table = batch.to_pandas()
        columns = {c.name: table[c.name].to_numpy() for c in bundle.encoder.columns}
        parts.append(bundle.encoder.matrix(Frame(columns, len(table))))
    return np.concatenate(parts)


def _fastest(path: Path, some: Matrix, workers: int) -> Way:
    ways = list(_ways(path, workers))
    for _, _, score in ways[:2]:  # neither is measured cold
        score(some[:4096])
    return min(ways, key=lambda way: min(_seconds(way[2], some) for _ in range(2)))


def _ways(path: Path, workers: int) -> list[Way]:
    outer, inner = _session(path, 1), _session(path, workers)
    pool = ThreadPoolExecutor(workers)

    def many(size: int) -> Callable[[Matrix], None]:
        def score(matrix: Matrix) -> None:
            parts = [matrix[i : i + size] for i in range(0, len(matrix), size)]
            for _ in pool.map(lambda part: outer.run([OUTPUT], {INPUT: part}), parts):
                pass

        return score

    def one(size: int) -> Callable[[Matrix], None]:
        def score(matrix: Matrix) -> None:
            for i in range(0, len(matrix), size):
                inner.run([OUTPUT], {INPUT: matrix[i : i + size]})

        return score

    return [
        *((f"{workers} threads call one session", size, many(size)) for size in _SIZES),
        *((f"one session of {workers} threads", size, one(size)) for size in _SIZES),
    ]


def _session(path: Path, threads: int) -> Any:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _seconds(score: Callable[[Matrix], None], matrix: Matrix) -> float:
    began = time.perf_counter()
    score(matrix)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
