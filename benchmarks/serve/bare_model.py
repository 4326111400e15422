"""The other floor: ONNX Runtime alone, on rows that are there, in one thread."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.serve.material import Material

BATCHES = (1, 64)
_SECONDS = 1.0


def bare_rows(material: Material, seconds: float = _SECONDS) -> list[dict[str, object]]:
    """Return one row for each size of a call."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(material.folder / "plain.onnx", options)
    asked = np.array([list(row.values()) for row in material.rows], dtype=np.float32)
    return [_timed(session, asked, size, seconds) for size in BATCHES]


def _timed(session: Any, asked: Any, size: int, seconds: float) -> dict[str, object]:
    parts = [asked[at : at + size] for at in range(0, len(asked) - size + 1, size)]
    took = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for part in parts:
            began = time.perf_counter()
            session.run(["probabilities"], {"input": part})
            took.append(time.perf_counter() - began)
    p50, p95, p99 = (1000 * np.quantile(took, [0.5, 0.95, 0.99])).tolist()
    return {
        "server": f"ONNX Runtime alone, {size} row{'s' if size > 1 else ''} a call",
        "requests_s": round(1 / float(np.mean(took))),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "rows_s": round(size / float(np.mean(took))),
    }
