"""How a version goes into production: at once, or in steps that serving carries out and reports on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from estate.core.errors import SpecError

LATENCY_EDGES_MS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
"""Upper ends of the latency histogram's bins; one more bin holds what is above the last."""
SCORE_BINS = 20
"""Bins of the score histogram: between the 20-quantiles of the new version's reference scores."""


class RolloutKind(StrEnum):
    """How."""

    ALL_AT_ONCE = "all_at_once"  # swapped warm, in every process as soon as it has loaded the version
    BLUE_GREEN = "blue_green"  # loaded and checked everywhere first, then swapped everywhere
    CANARY = "canary"  # answers a share of the cases, then all of them; or is taken back by itself
    SHADOW = "shadow"  # scores what the present version answers; nobody sees it; never promoted by itself


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """The steps of one promotion.

    Parameters
    ----------
    kind : RolloutKind
    share : float
        Canary and shadow: share of the cases, in (0, 1]; a case is always on the same side.
    requests : int
        Rows that the new version must have scored before it is promoted (canary) or the shadow ends.
    most_errors : float
        Greatest share of rows that the new version may fail on, in [0, 1].
    most_slower : float
        Greatest ratio of its p95 latency to the present version's.
    most_shift : float
        Greatest Kolmogorov-Smirnov distance of its scores to the present version's, in [0, 1].
    """

    kind: RolloutKind = RolloutKind.ALL_AT_ONCE
    share: float = 0.1
    requests: int = 1000
    most_errors: float = 0.01
    most_slower: float = 3.0
    most_shift: float = 0.25

    def __post_init__(self) -> None:
        for name, wrong, said in (
            ("share", not 0 < self.share <= 1, "more than 0 and at most 1"),
            ("requests", self.requests < 1, "at least 1"),
            ("most_errors", not 0 <= self.most_errors <= 1, "from 0 to 1"),
            ("most_slower", self.most_slower < 1, "at least 1"),
            ("most_shift", not 0 < self.most_shift <= 1, "more than 0 and at most 1"),
        ):
            if wrong:
                raise SpecError(f"`{name}` of a rollout", expected=said, got=str(getattr(self, name)))

    def to_json(self) -> str:
        """Return the canonical form, as the ledger keeps it."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Rollout:
        """Read what :meth:`to_json` wrote."""
        raw = json.loads(text)
        return cls(**{**raw, "kind": RolloutKind(raw["kind"])})


AT_ONCE = Rollout()
"""Swapped in every process as soon as it has loaded the version."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one of the two versions did in one serving process, since the rollout began.

    Parameters
    ----------
    rows : int
        Scored, or tried to.
    errors : int
        Of these, how many it failed on.
    latency : tuple of int
        Requests by latency: one count for each bin of ``LATENCY_EDGES_MS``, one above.
    scores : tuple of int
        Rows by score: ``SCORE_BINS`` counts.
    """

    rows: int = 0
    errors: int = 0
    latency: tuple[int, ...] = (0,) * (len(LATENCY_EDGES_MS) + 1)
    scores: tuple[int, ...] = (0,) * SCORE_BINS


@dataclass(frozen=True, kw_only=True)
class RolloutReport:
    """How a rollout goes in one serving process.

    Parameters
    ----------
    rollout_seq : int
        Of the ledger row that started it.
    process : str
        Name of the serving process.
    state : {"loading", "ready", "refused"}
        Whether the new version is loaded there; ``problem`` says why it was refused.
    candidate, stable : Side
        The new version; the present one on cases of the same kind.
    at : datetime
        When the process said so; one that is silent is gone.
    """

    rollout_seq: int
    process: str
    state: Literal["loading", "ready", "refused"]
    problem: str | None
    candidate: Side
    stable: Side
    at: datetime
