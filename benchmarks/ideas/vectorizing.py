"""Rows one by one against rows in one call, and coroutines around work that waits for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.ideas.timing import in_turn, row, told
from benchmarks.serve.material import Material
from estate.core.frame import Numbers

_CLAIM = "9.1x"


def vectorizing_rows(material: Material, seconds: float) -> list[dict[str, object]]:
    """Measure batches of 50 and of 1,000 rows: a few features in NumPy, and the model."""
    asked, session = rows_of(material), open_session(material)
    rows = []
    for size in (50, 1000):
        batch = asked[:size]
        narrow = batch.astype(np.float32)
        singles, parts = [batch[[at]] for at in range(size)], [narrow[[at]] for at in range(size)]
        numpy = in_turn({"one": partial(_each, features, singles), "all": partial(features, batch)}, seconds)
        call = partial(score, session)
        onnx = in_turn({"one": partial(_each, call, parts), "all": partial(call, narrow)}, seconds)
        for what, took in (("features in NumPy", numpy), ("ONNX Runtime, one thread", onnx)):
            rows.append(
                row(
                    f"vectorising: {what}",
                    _CLAIM,
                    took["one"] / took["all"],
                    measured_as=f"{size} rows one by one over one call: "
                    f"{told(took['one'])}, {told(took['all'])}",
                    in_a_request=f"{told((took['one'] - took['all']) / size)} less a row",
                )
            )
    return rows


def gather_rows(material: Material, seconds: float) -> list[dict[str, object]]:
    """Measure 50 calls of the model by a loop, by ``gather``, by threads under ``gather``, and one call."""
    session = open_session(material)
    narrow = rows_of(material)[:50].astype(np.float32)
    parts = [narrow[[at]] for at in range(len(narrow))]
    loop = asyncio.new_event_loop()
    ways: dict[str, Callable[[], object]] = {
        "loop": lambda: [score(session, one) for one in parts],
        "gather": lambda: loop.run_until_complete(_gather(session, parts)),
        "threads": lambda: loop.run_until_complete(_gather_threads(session, parts)),
        "all": lambda: score(session, narrow),
    }
    try:
        took = in_turn(ways, seconds)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    said = {
        "gather": "coroutines that call the model",
        "threads": "asyncio.to_thread, since ONNX Runtime lets go of the interpreter",
        "all": "no coroutine: one call with all rows",
    }
    return [
        row(
            "asyncio.gather around the model" if way != "all" else "instead: one call",
            "faster",
            took["loop"] / took[way],
            measured_as=f"a loop over 50 calls, over {words}",
            in_a_request=f"{told(took['loop'])} become {told(took[way])} for 50 rows",
        )
        for way, words in said.items()
    ]


def rows_of(material: Material) -> Numbers:
    """Return the rows as a float64 array of shape (n, columns)."""
    return np.array([list(asked.values()) for asked in material.rows])


def open_session(material: Material) -> Any:
    """Open the model, one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(material.folder / "plain.onnx", options)


def score(session: Any, narrow: Any) -> Any:
    """Return the probabilities of float32 rows."""
    return session.run(["probabilities"], {"input": narrow})[0]


def features(values: Numbers) -> Numbers:
    """Compute ratios, logs and a norm of each row: what feature code of tables does, column-wise."""
    first, second = values[:, :14], values[:, 14:]
    ratio = np.divide(first, second, out=np.zeros_like(first), where=second != 0)
    size = np.sqrt((values**2).sum(axis=1, keepdims=True))
    return np.concatenate([ratio, np.log1p(np.abs(values)), values / np.maximum(size, 1.0)], axis=1)


def _each(function: Callable[[Any], object], parts: list[Any]) -> None:
    for part in parts:
        function(part)


async def _gather(session: Any, parts: list[Any]) -> list[Any]:
    async def one(part: Any) -> Any:
        return score(session, part)

    return list(await asyncio.gather(*(one(part) for part in parts)))


async def _gather_threads(session: Any, parts: list[Any]) -> list[Any]:
    return list(await asyncio.gather(*(asyncio.to_thread(score, session, part) for part in parts)))
