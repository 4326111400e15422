"""Puts the rows of many records together, so that what is done a group is done once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from estate.store.prediction_rows import Origin, PredictionRows, Texts
from estate.store.prediction_writer import KeptRows
from estate.store.shadow_rows import Pair, ShadowRows


def merged(groups: Sequence[KeptRows]) -> list[KeptRows]:
    """Return the same rows, one group for each origin."""
    answers: dict[Origin, list[PredictionRows]] = {}
    shadows: dict[Pair, list[ShadowRows]] = {}
    for group in groups:
        if isinstance(group, PredictionRows):
            answers.setdefault(group.origin, []).append(group)
        else:
            shadows.setdefault(group.pair, []).append(group)
    return [*map(_answers, answers.values()), *map(_shadows, shadows.values())]


def _answers(parts: list[PredictionRows]) -> PredictionRows:
    if len(parts) == 1:
        return parts[0]
    return replace(
        parts[0],
        ids=b"".join([part.ids for part in parts]),
        at=np.concatenate([part.at for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        numbers=np.concatenate([part.numbers for part in parts]),
        texts=[_chained(columns) for columns in zip(*(part.texts for part in parts), strict=True)],
        entities=_joined(parts, [part.entities for part in parts]),
        labels=_joined(parts, [part.labels for part in parts]),
    )


def _shadows(parts: list[ShadowRows]) -> ShadowRows:
    if len(parts) == 1:
        return parts[0]
    return replace(
        parts[0],
        ids=b"".join([part.ids for part in parts]),
        at=np.concatenate([part.at for part in parts]),
        stable=np.concatenate([part.stable for part in parts]),
        candidate=np.concatenate([part.candidate for part in parts]),
        entities=_joined(parts, [part.entities for part in parts]),
    )


def _joined(parts: Sequence[KeptRows], values: Sequence[Texts | None]) -> Texts | None:
    if all(value is None for value in values):
        return None
    return _chained(
        [[None] * len(part) if value is None else value for part, value in zip(parts, values, strict=True)]
    )


def _chained(columns: Sequence[Texts]) -> list[str | None]:
    return list(chain.from_iterable(columns))
