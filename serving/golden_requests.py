"""The golden rows of a bundle, asked over HTTP one a request, and timed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from itertools import cycle, islice
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import numpy as np

from estate.bundles import Bundle
from estate.bundles.bundle import GOLDEN
from estate.core.errors import ArtifactError, DataError, LeadloopError

WARMING = 50
REQUESTS = 400


@dataclass(frozen=True)
class Golden:
    """Rows as a caller sends them, and the scores that they must get."""

    rows: tuple[dict[str, Any], ...]
    scores: tuple[float, ...]

    @classmethod
    def read(cls, folder: Path) -> Golden:
        """Read the golden rows of a bundle.

        Raises
        ------
        ArtifactError
            If the bundle is not whole, or keeps no rows as a caller would send them.
        """
        bundle = Bundle.open(folder)
        kept = json.loads((folder / GOLDEN).read_text())
        rows = kept.get("rows")
        if not rows or len(rows) != len(kept["scores"]):
            raise ArtifactError(
                f"{GOLDEN} of bundle {folder}",
                expected=f"rows with the columns {', '.join(column.name for column in bundle.inputs)}",
                got="none" if not rows else f"{len(rows)} rows for {len(kept['scores'])} scores",
                todo="Train again: bundles keep them now.",
            )
        return cls(tuple(rows), tuple(kept["scores"]))


@dataclass(frozen=True)
class Timed:
    """What the requests showed; fields as in :class:`ServingCost`."""

    p95_ms: float
    requests: int
    golden_difference: float


def ask_golden(port: int, model: str, golden: Golden, *, deadline: float) -> Timed:
    """Ask each row many times on one kept connection to this machine.

    The difference is relative to the golden score where that is above 1, as the golden check has it.

    Raises
    ------
    DataError
        If an answer is none; says what came.
    """
    bodies = [json.dumps({"rows": [row]}).encode() for row in golden.rows]
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    seconds, far = [], 0.0
    try:
        turns = islice(cycle(zip(bodies, golden.scores, strict=True)), WARMING + REQUESTS)
        for body, expected in turns:
            began = perf_counter()
            score = _score(connection, model, body)
            seconds.append(perf_counter() - began)
            far = max(far, abs(score - expected) / max(1.0, abs(expected)))
            if monotonic() > deadline:
                raise DataError(f"answers of `{model}`", expected="all in time", got=f"{len(seconds)}")
    except HTTPException as error:
        raise DataError(f"answer of `{model}`", expected="one", got=type(error).__name__) from error
    finally:
        connection.close()
    timed = seconds[WARMING:]
    return Timed(float(np.percentile(timed, 95)) * 1000, len(timed), far)


def _score(connection: HTTPConnection, model: str, body: bytes) -> float:
    connection.request(
        "POST", f"/v1/models/{model}/predict", body, headers={"content-type": "application/json"}
    )
    response = connection.getresponse()
    answer = json.loads(response.read())
    if response.status != 200:
        raise LeadloopError(str(answer.get("detail", f"status {response.status}")))
    if answer["source"] != "model":
        raise DataError(
            f"answer of `{model}`", expected="the model's", got=f"an answer of {answer['source']}"
        )
    return float(answer["predictions"][0]["score"])
