"""What to do with a lead next: the first of a few rules that applies, with its reason.

Who is kept and who is called follows from levels and bands, which a version parts by its own leads. Whether a
lead replies, means it, and can pay is asked of chances instead: "more likely than not" is the same at every
desk, while a band would find its tenth of the leads at a desk where nobody replies.
"""

from __future__ import annotations

from dataclasses import dataclass

from estate.services.lead_scoring.dimensions import DimensionName
from estate.services.lead_scoring.schema import LeadScore


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Chances, in [0, 1], at which a rule takes a thing for given.

    Parameters
    ----------
    replies : float
        To reply within 7 days: from here on a lead is taken to answer the telephone.
    tours : float
        To tour a home within 21 days: from here on a lead is taken to mean it.
    pays : float
        To be found able to pay within 21 days: below this it is asked how it will pay.
    """

    replies: float = 0.5
    tours: float = 0.35
    pays: float = 0.3


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


def next_action(standing: Standing, thresholds: Thresholds = Thresholds()) -> NextAction | None:
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
        found = _by_score(standing.score, thresholds)
        if found is not None:
            return found
    if standing.homes:
        number = f"the {standing.homes} homes that suit" if standing.homes > 1 else "the home that suits"
        return NextAction("send_homes", f"Send {number}", standing.home or "it is for sale")
    if standing.score is not None:
        return NextAction("keep_warm", "Keep in touch", "nothing speaks for more now")
    return None


def _by_score(score: LeadScore, thresholds: Thresholds) -> NextAction | None:
    chance = {one.name: one.score for one in score.dimensions}

    def at(name: DimensionName) -> float:
        return chance[name] or 0.0

    if score.band == "high":
        because = score.reasons_for[0] if score.reasons_for else f"score {score.score:.0f}"
        answers = at("engagement_readiness") >= thresholds.replies
        how = "Call today" if answers else "Call, and write if nobody answers"
        return NextAction("call", how, because)
    budget = chance["budget_qualification"]
    if at("intent") >= thresholds.tours and budget is not None and budget < thresholds.pays:
        why = (
            f"{at('intent'):.0%} to tour a home soon (asked from {thresholds.tours:.0%}), "
            f"{budget:.0%} to be found able to pay (asked below {thresholds.pays:.0%})"
        )
        return NextAction("financing", "Ask how it will pay", why)
    return None
