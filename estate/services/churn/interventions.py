"""Ten kinds of things that a desk can do to keep a lead: what each costs, and which signs it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Channel = Literal["phone", "text message", "e-mail", "in person", "desk"]

MINUTE_USD = 0.75
"""Of an agent's time."""


@dataclass(frozen=True)
class Intervention:
    """A kind of intervention.

    Parameters
    ----------
    kind, title : str
    channel : str
    minutes : float
        Of an agent's time.
    other_usd : float
        What it costs beside that.
    answers : tuple of str
        Signs that it answers.
    """

    kind: str
    title: str
    channel: Channel
    minutes: float
    answers: tuple[str, ...]
    other_usd: float = 0.0

    @property
    def cost_usd(self) -> float:
        """All that it costs, in USD."""
        return self.minutes * MINUTE_USD + self.other_usd


_KINDS = (
    Intervention("call", "Call today", "phone", 15, ("gone_quiet", "no_reply", "negative_tone")),
    Intervention("personal_message", "Write a message of your own", "e-mail", 6, ("gone_quiet", "no_reply")),
    Intervention("text_message", "Try a text message", "text message", 3, ("emails_unopened", "no_reply")),
    Intervention("answer_open", "Answer what is open", "e-mail", 8, ("unanswered",)),
    Intervention(
        "senior_agent", "Hand over to a senior agent", "desk", 25, ("slow_first_answer", "negative_tone")
    ),
    Intervention(
        "offer_tour", "Offer a tour of what was saved", "in person", 20, ("saves_without_tour",), 10.0
    ),
    Intervention("new_matches", "Send three new matching homes", "e-mail", 10, ("visits_fell", "gone_quiet")),
    Intervention("budget_talk", "Talk about budget and financing", "phone", 30, ("budget_far_off",)),
    Intervention(
        "short_question", "Ask one short question", "text message", 3, ("shorter_messages", "visits_fell")
    ),
    Intervention(
        "market_update", "Send a market update of the area", "e-mail", 2, ("gone_quiet", "emails_unopened")
    ),
)
INTERVENTIONS: Mapping[str, Intervention] = {one.kind: one for one in _KINDS}
"""The catalog, by kind."""
