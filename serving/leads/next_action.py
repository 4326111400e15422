"""What to do with a lead next: the first of a few rules that applies, with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from estate.services.lead_scoring.dimensions import DimensionName
from estate.services.lead_scoring.schema import LeadScore

READY, MEANT, UNCLEAR_BUDGET = 0.5, 0.35, 0.3
"""Chances from which on (for the budget: below which) a rule takes them for given."""


@dataclass(frozen=True)
class NextAction:
    """One thing to do.

    Parameters
    ----------
    kind : str
    title : str
    why : str
    """

    kind: str
    title: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the parts of a review say, as far as they could.

    Parameters
    ----------
    score : LeadScore, optional
    keep : NextAction, optional
        What the desk may do to keep a lead that is likely to leave.
    homes : int
        For sale, and suiting.
    home : str, optional
        Why the best of them suits.
    """

    score: LeadScore | None = None
    keep: NextAction | None = None
    homes: int = 0
    home: str | None = None


def next_action(standing: Standing) -> NextAction | None:
    """Return what to do; None where nothing is known that would tell.

    A lead that leaves is kept first; one that is likely to convert is called; one that means it but may not
    be able to pay is asked how it pays; else it gets homes, and where there are none, it is kept warm.

    Examples
    --------
    >>> next_action(Standing(homes=2, home="in Elm Park, as it asked")).title
    'Send the 2 homes that suit'
    >>> next_action(Standing()) is None
    True
    """
    if standing.keep is not None:
        return standing.keep
    if standing.score is not None and not standing.score.horizon_over:
        found = _by_score(standing.score)
        if found is not None:
            return found
    if standing.homes:
        number = f"the {standing.homes} homes that suit" if standing.homes > 1 else "the home that suits"
        return NextAction("send_homes", f"Send {number}", standing.home or "it is for sale")
    if standing.score is not None:
        return NextAction("keep_warm", "Keep in touch", "nothing speaks for more now")
    return None


def _by_score(score: LeadScore) -> NextAction | None:
    chance = {one.name: one.score for one in score.dimensions}

    def at(name: DimensionName) -> float:
        return chance[name] or 0.0

    if score.band == "high":
        because = score.reasons_for[0] if score.reasons_for else f"score {score.score:.0f}"
        how = "Call today" if at("engagement_readiness") >= READY else "Call, and write if nobody answers"
        return NextAction("call", how, because)
    budget = chance["budget_qualification"]
    if at("intent") >= MEANT and budget is not None and budget < UNCLEAR_BUDGET:
        why = f"{at('intent'):.0%} to tour a home soon, {budget:.0%} to be found able to pay"
        return NextAction("financing", "Ask how it will pay", why)
    return None
