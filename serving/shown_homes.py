"""What is kept of the homes that somebody was shown: of each home one prediction a model.

The other homes that were scored to choose these are not kept: nobody saw them, so nothing can come of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from estate.core.pair_id import pair_id
from estate.core.prediction_id import new_ids
from estate.services.property_matching.schema import Asked, Matches
from serving.prediction_log import AnsweredRows
from serving.predictors import SignedScores
from serving.predictors.share import Share

NewIds = Callable[[Asked, Sequence[str]], list[str]]
"""From what a model said of some pairs, and their names, to the ids of these predictions."""


@dataclass(frozen=True)
class ShownHomes:
    """Which answers are kept, and as what.

    Parameters
    ----------
    share : float
        Share of the leads whose homes are kept, in [0, 1]: always the same leads, whoever asks.
    """

    share: float = 1.0

    def rows(self, found: Matches, *, at: datetime, ids: NewIds | None = None) -> list[AnsweredRows]:
        """Return the predictions of one answer, a batch a model; none where no home was shown.

        Parameters
        ----------
        found : Matches
        at : datetime
            When it was answered.
        ids : callable, optional
            Makes the ids, where the same answer again is to be the same rows; new ones if not given.
        """
        if not Share(self.share, "shown homes").has(found.lead_id):
            return []
        names = [pair_id(found.lead_id, home.property_id) for home in found.homes]
        return [
            AnsweredRows(
                asked.spec.name,
                ids(asked, names) if ids is not None else new_ids(len(names)),
                names,
                asked.features,
                SignedScores(
                    asked.said.score, version=asked.said.version, answered_by=asked.said.answered_by
                ),
                asked.spec.features.fingerprint,
                at,
            )
            for asked in found.asked
        ]
