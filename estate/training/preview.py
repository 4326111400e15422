"""How the scores of real cases would move if another version answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.bundles.bands import band_names
from estate.core.frame import Frame, Numbers
from estate.core.prediction import Scores
from estate.training.bands import QUANTILES
from estate.training.moves import NOISE, Moves, Pair, Reason

MOST_MOVERS = 10


@dataclass(frozen=True, kw_only=True)
class Mover:
    """One of the cases whose score moves most.

    Parameters
    ----------
    entity_id : str
    before, after : float
        Scores by the two versions.
    band_before, band_after : str
    reasons : tuple of Reason
        At most three, the largest first; see :mod:`estate.training.moves`.
    """

    entity_id: str
    before: float
    after: float
    band_before: str
    band_after: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a change of versions would do to n cases.

    Parameters
    ----------
    before, after : str
        Versions that were compared.
    rows : int
    cases : str
        Which these are.
    bands : tuple of str
        Names, rising; of a multiclass model its classes.
    edges : tuple of float
        Scores that part the bands; empty if multiclass.
    moved : tuple of tuple of int
        Cases from each band (row) to each band (column).
    change_mean, change_p95 : float
        Of the absolute change of the score, in its unit. Multiclass: of the probability of the class that was
        the most likely one before.
    rank_correlation : float or None
        Spearman's, in [-1, 1]; None if one of the two gives all the same score.
    movers : tuple of Mover
        The ten biggest; none if nothing moves.
    """

    before: str
    after: str
    rows: int
    cases: str
    bands: tuple[str, ...]
    edges: tuple[float, ...]
    moved: tuple[tuple[int, ...], ...]
    change_mean: float
    change_p95: float
    rank_correlation: float | None
    movers: tuple[Mover, ...]

    @property
    def changed_band(self) -> int:
        """How many cases change their band."""
        return self.rows - sum(self.moved[i][i] for i in range(len(self.bands)))


@dataclass(frozen=True)
class Cases:
    """Real cases of today.

    Parameters
    ----------
    features : Frame
        n rows.
    ids : tuple of str
        Of the n cases.
    said : str
        Which cases these are, for a person.
    """

    features: Frame
    ids: tuple[str, ...]
    said: str


@dataclass(frozen=True)
class NoPreview:
    """There is nothing to compare; ``why`` is a sentence."""

    why: str


def compare(pair: Pair, cases: Cases, *, bands: tuple[float, ...] = ()) -> Preview | NoPreview:
    """Score every case by both versions and count what changes.

    Cases to which one of them has no answer (not a number) are left out.

    Parameters
    ----------
    pair : Pair
    cases : Cases
    bands : tuple of float
        Rising; empty: the 60 % and 90 % quantiles of the present scores.
    """
    every = pair.moves(cases.features)
    known = np.isfinite(every.before + every.after)
    if not known.any():
        return NoPreview(f"none of {cases.said} is scored by both")
    ids = tuple(name for name, ok in zip(cases.ids, known, strict=True) if ok)
    scored = Cases(cases.features.take(known), ids, cases.said)
    moves = pair.moves(scored.features)
    change = np.abs(moves.after - moves.before)
    placing = _bands(*moves.scores, bands)
    moved = np.zeros((len(placing.names), len(placing.names)), dtype=np.int64)
    np.add.at(moved, (placing.before, placing.after), 1)
    return Preview(
        before=pair.before.version,
        after=pair.after.version,
        rows=len(ids),
        cases=cases.said,
        bands=placing.names,
        edges=placing.edges,
        moved=tuple(tuple(row) for row in moved.tolist()),
        change_mean=float(change.mean()),
        change_p95=float(np.quantile(change, 0.95)),
        rank_correlation=_rank_correlation(moves.before, moves.after),
        movers=_movers(pair, scored, moves, placing),
    )


def _movers(pair: Pair, cases: Cases, moves: Moves, placing: _Placing) -> tuple[Mover, ...]:
    before, after = moves.before, moves.after
    change = np.abs(after - before)
    order = np.lexsort((np.asarray(cases.ids, dtype=str), -change))[:MOST_MOVERS]
    most = order[change[order] > NOISE * np.maximum(1.0, np.abs(before[order]))]
    features = cases.features.take(most)
    reasons = pair.reasons(features, pair.moves(features))
    return tuple(
        Mover(
            entity_id=cases.ids[row],
            before=float(before[row]),
            after=float(after[row]),
            band_before=placing.names[placing.before[row]],
            band_after=placing.names[placing.after[row]],
            reasons=why,
        )
        for row, why in zip(most.tolist(), reasons, strict=True)
    )


@dataclass(frozen=True)
class _Placing:
    """In which band each case is, before and after: positions in ``names``, n each."""

    names: tuple[str, ...]
    edges: tuple[float, ...]
    before: NDArray[np.int64]
    after: NDArray[np.int64]


def _bands(before: Scores, after: Scores, given: tuple[float, ...]) -> _Placing:
    if before.classes and after.classes:
        names = tuple(dict.fromkeys((*before.classes, *after.classes)))
        at = [np.array([names.index(str(label)) for label in scores.labels()]) for scores in (before, after)]
        return _Placing(names, (), at[0], at[1])
    edges = np.unique(given or np.quantile(before.score, QUANTILES))
    names = band_names(len(edges) + 1)
    placed = [np.searchsorted(edges, scores.score, side="right") for scores in (before, after)]
    return _Placing(names, tuple(edges.tolist()), placed[0], placed[1])


def _rank_correlation(one: Numbers, other: Numbers) -> float | None:
    ranks = [_ranks(one), _ranks(other)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Numbers) -> Numbers:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Numbers = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks
