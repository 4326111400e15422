"""From a model's scores to what the lead services read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estate.bundles import Bundle
from estate.bundles.bundle import REFERENCE
from estate.bundles.reference import read_scores
from estate.core.frame import Numbers
from estate.core.lead_answer import LeadAnswer, Said
from estate.features.live import LeadFeatures
from serving.answering import Answering
from serving.explained import Explained
from serving.models import ServedModel
from serving.prediction_log import AnsweredRows
from serving.qualities import Find, answering_of, qualities_of
from serving.schema import ReasonAnswer

_MOST_VERSIONS = 64


class Ranks:
    """Where a score stands among those of a version's reference; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Numbers] = OrderedDict()

    def of(self, bundle: Bundle, score: float) -> float:
        """Return the share of the reference's scores that are lower, ties by half, in [0, 1].

        Raises
        ------
        ArtifactError
            If the bundle's reference can't be read.
        """
        with self._lock:
            rising = self._known.get(bundle.digest)
            if rising is None:
                rising = self._known[bundle.digest] = np.sort(read_scores(bundle.folder / REFERENCE))
                if len(self._known) > _MOST_VERSIONS:
                    self._known.popitem(last=False)
        left, right = np.searchsorted(rising, score, "left"), np.searchsorted(rising, score, "right")
        return float(left + right) / (2 * len(rising))


@dataclass(frozen=True)
class Tellers:
    """What tells more of a score than its number.

    Parameters
    ----------
    ranks : Ranks
    explained : Explained
    """

    ranks: Ranks
    explained: Explained


def lead_answers(  # noqa: PLR0913 - one answer's material, by name
    served: ServedModel,
    answering: Answering,
    answered: AnsweredRows,
    leads: LeadFeatures,
    *,
    tellers: Tellers,
    find: Find,
    explain: bool = False,
    rank: bool = False,
) -> list[LeadAnswer]:
    """Return what a model says of each lead, in the order of ``leads.found``.

    Parameters
    ----------
    served : ServedModel
    answering : Answering
        What answered, wrapped or not.
    answered : AnsweredRows
    leads : LeadFeatures
    tellers : Tellers
    find : callable
        Asked for the version that a canary tries.
    explain, rank : bool
        Whether reasons are wanted, and where the scores stand.
    """
    said = qualities_of(answered.scores, answering, served.spec, find)
    reasons: Sequence[list[ReasonAnswer] | None] = [None] * len(leads.found)
    if explain and served.bare is not None:
        reasons = tellers.explained.reasons_of(
            answered.features, answered.scores, served.bare, served.spec, find
        )
    features, scores = answered.features.records(), answered.scores.score.tolist()
    made = []
    for i, origin in enumerate(answered.scores.origins()):
        by = answering_of(origin, answering, find)
        bundle = by.bundle if by is not None else None
        made.append(
            LeadAnswer(
                model=served.spec.name,
                version=origin[0],
                answered_by=origin[1],
                prediction_id=answered.ids[i],
                score=scores[i],
                features=features[i],
                as_of=leads.as_of[i],
                known_until=leads.known_until[i],
                band=said.bands[i] if said.bands is not None else None,
                interval=said.intervals[i] if said.intervals is not None else None,
                band_rate=_band_rate(bundle, scores[i]),
                rank=tellers.ranks.of(bundle, scores[i]) if rank and bundle is not None else None,
                reasons=tuple(map(_said, reasons[i] or ())),
            )
        )
    return made


def _band_rate(bundle: Bundle | None, score: float) -> tuple[float, float, float, int] | None:
    bands = bundle.bands if bundle is not None else None
    if bands is None or not bands.measured:
        return None
    rate = bands.measured[int(bands.codes(np.array([score]))[0])]
    return (rate.share, rate.low, rate.high, rate.rows) if rate.rows else None


def _said(reason: ReasonAnswer) -> Said:
    return Said(reason.feature, reason.text, reason.direction, reason.contribution)
