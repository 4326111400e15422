"""How much is known of a lead: the score of one that nobody has heard of is a guess, however exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from estate.core.lead_answer import LeadAnswer
from estate.core.prediction import AnsweredBy

HALF_KNOWN_EVENTS = 3.0
"""With so many events half of what events can tell is known."""
_EVENTS = ("interactions_count_7d", "messages_in_count_7d")
_ASKED = {
    "budget_usd": "its budget",
    "timeline_days": "when it wants to buy",
    "bedrooms_wanted": "how many bedrooms it wants",
    "financing": "how it will pay",
    "lead_source": "where it came from",
}
_BY_RULES = 0.5
_FLOOR = 0.2


@dataclass(frozen=True)
class Confidence:
    """How much a score rests on.

    Parameters
    ----------
    value : float
        In [0, 1].
    thin : list of str
        What is missing, in words.
    """

    value: float
    thin: list[str]


def confidence_of(answer: LeadAnswer, *, over: bool = False) -> Confidence:
    """Weigh what the lead said, what it did, and who answers; nothing is left once its horizon is over.

    The three parts are multiplied: half of the weight of what it did comes with the third event, each
    unanswered question takes a tenth, and rules count half of a model. It never rises when a fact is taken
    away.
    """
    unsaid = [words for name, words in _ASKED.items() if answer.features.get(name) is None]
    events = sum(_count(answer.features, name) for name in _EVENTS)
    did = _FLOOR + (1.0 - _FLOOR) * events / (events + HALF_KNOWN_EVENTS)
    by_rules = answer.answered_by is AnsweredBy.RULES
    value = did * (1.0 - 0.1 * len(unsaid)) * (_BY_RULES if by_rules else 1.0)
    thin = [f"{_events(events)} in its first week"] if events < HALF_KNOWN_EVENTS else []
    thin += [f"it did not say {words}" for words in unsaid]
    thin += ["rules answer, no model is in production"] if by_rules else []
    if over:
        return Confidence(0.0, ["its 60 days are over: this is what was to be expected of it then", *thin])
    return Confidence(round(value, 3), thin)


def _count(features: Mapping[str, float | str | None], name: str) -> float:
    value = features.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _events(count: float) -> str:
    return "nothing happened" if count == 0 else f"only {count:.0f} event{'s' if count > 1 else ''}"
