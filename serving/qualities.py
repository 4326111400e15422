"""What an answer says beside its score: band, interval, labels that are likely.

All of it was measured at training and lies in the bundle; here it is only looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from estate.bundles import Bundle
from estate.bundles.bands import Bands
from estate.bundles.intervals import Interval, LabelSet
from estate.core.frame import Numbers
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy
from serving.answering import Answering
from serving.predictors import MixedScores, SignedScores
from serving.predictors.signed import Origin

Find = Callable[[str], Answering | None]
"""From a version to what answers with it, without wrappers; None where it is not loaded here."""

FEW_ROWS = 8
"""Up to so many, plain Python is faster than numpy; both give the same bits."""
_Item = TypeVar("_Item")


def nobody(version: str) -> None:
    """Find no second version, where there can be none."""


@dataclass(frozen=True)
class Qualities:
    """What n answers say, one item a row; None where none of them says it.

    Parameters
    ----------
    bands : sequence of (str or None), optional
    intervals : sequence of ((float, float) or None), optional
        Binary: of the share of positives among cases with such a score. Regression: of the value.
    plausible_labels : sequence of (list of str or None), optional
        Multiclass: the labels among which the true one is, the likeliest first.
    """

    bands: Sequence[str | None] | None = None
    intervals: Sequence[tuple[float, float] | None] | None = None
    plausible_labels: Sequence[list[str] | None] | None = None


def qualities_of(
    scores: SignedScores, answering: Answering, spec: ModelSpec, find: Find = nobody
) -> Qualities:
    """Return what the answers say.

    Rows that rules answered have no interval, and a band only where the spec names edges. Rows of a version
    that is not loaded here any more are treated alike.

    Parameters
    ----------
    scores : SignedScores
        Those of a canary too.
    answering : Answering
        What answered, wrapped or not.
    spec : ModelSpec
    find : callable
        Asked for the version that a canary tries.
    """
    if isinstance(scores, MixedScores):
        return _mixed(scores, answering, spec, find)
    origin = scores.version, scores.answered_by
    return _looked_up(scores.score, scores.probabilities, answering_of(origin, answering, find), spec)


def answering_of(origin: Origin, answering: Answering, find: Find) -> Answering | None:
    """Return what gave an answer; None for rules, and where it is not loaded here any more."""
    version, answered_by = origin
    if answered_by is AnsweredBy.RULES:
        return None
    return answering if answering.version == version else find(version)


def _mixed(scores: MixedScores, answering: Answering, spec: ModelSpec, find: Find) -> Qualities:
    present = answering_of((scores.version, scores.answered_by), answering, find)
    other = answering_of(scores.new_origin, answering, find)
    new = scores.new
    ours = _looked_up(scores.score[~new], None, present, spec)
    theirs = _looked_up(scores.score[new], None, other, spec)
    picks: list[bool] = new.tolist()
    return Qualities(
        _by_turns(ours.bands, theirs.bands, picks), _by_turns(ours.intervals, theirs.intervals, picks)
    )


def _by_turns(
    ours: Sequence[_Item | None] | None, theirs: Sequence[_Item | None] | None, new: list[bool]
) -> list[_Item | None] | None:
    if ours is None and theirs is None:
        return None
    mine, other = iter(ours or ()), iter(theirs or ())
    return [next(other, None) if turn else next(mine, None) for turn in new]


def _looked_up(
    score: Numbers, probabilities: Numbers | None, by: Answering | None, spec: ModelSpec
) -> Qualities:
    bundle: Bundle | None = by.bundle if by is not None else None
    bands = (bundle.bands if bundle is not None else None) or _parted_at(tuple(spec.bands))
    interval = bundle.interval if bundle is not None else None
    if isinstance(interval, LabelSet):
        assert bundle is not None
        sets = None if probabilities is None else interval.sets(probabilities, bundle.classes)
        return Qualities(_bands(score, bands), None, sets)
    return Qualities(_bands(score, bands), _intervals(score, interval))


def _bands(score: Numbers, bands: Bands | None) -> list[str | None] | None:
    if bands is None:
        return None
    if len(score) <= FEW_ROWS:
        return list(map(bands.of, score.tolist()))
    names: Any = bands.names
    return [names[code] for code in bands.codes(score).tolist()]


def _intervals(score: Numbers, interval: Interval | None) -> list[tuple[float, float] | None] | None:
    if interval is None or isinstance(interval, LabelSet):
        return None
    if len(score) <= FEW_ROWS:
        return list(map(interval.of, score.tolist()))
    low, high = interval.ends(np.asarray(score, dtype=np.float64))
    return list(zip(low.tolist(), high.tolist(), strict=True))


@lru_cache(maxsize=256)
def _parted_at(edges: tuple[float, ...]) -> Bands | None:
    return Bands(tuple(map(float, edges))) if edges else None
