"""What is told of a sign: a sentence with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Tell = Callable[[Mapping[str, float], float, float], str]
"""From a lead's facts, the value and the usual one to a sentence."""


def _quiet(facts: Mapping[str, float], value: float, usual: float) -> str:
    later = facts["timeline_days"]
    wants = f"; wants to buy within {later:.0f} days" if later >= 90 else ""
    return f"no sign of life for {_days(value)}, usual {usual:.0f}{wants}"


def _first(facts: Mapping[str, float], value: float, usual: float) -> str:
    if facts["messages_out_count"] == 0:
        return f"no answer of ours yet after {_hours(value)}, usual {usual:.0f}"
    return f"first answer took {_hours(value)}, usual {usual:.0f}"


def _open(facts: Mapping[str, float], value: float, _usual: float) -> str:
    count = f"{value:.0f} messages of the lead wait" if value > 1 else "a message of the lead waits"
    return f"{count} for an answer, the last one for {_days(facts['days_since_message_in'])}"


EVIDENCE: Mapping[str, Tell] = {
    "gone_quiet": _quiet,
    "no_reply": lambda _f, v, u: f"no reply for {_days(v)}, usual {u:.0f}",
    "slow_first_answer": _first,
    "unanswered": _open,
    "visits_fell": lambda _f, v, u: f"visits fell from {u:.0f} to {v:.0f} in a week",
    "shorter_messages": lambda _f, v, u: f"the last message had {v:.0f} characters, usual {u:.0f}",
    "saves_without_tour": lambda _f, v, _u: f"{v:.0f} listings saved in 21 days and no tour",
    "budget_far_off": lambda _f, v, _u: f"the budget is {100 * v:.0f} % of the area's median price",
    "negative_tone": lambda _f, v, u: f"the last message sounds negative ({v:+.2f}), usual {u:+.2f}",
    "emails_unopened": lambda _f, v, _u: f"{v:.0f} e-mails in 21 days and none opened",
}
"""How each sign is told, by its name."""


def _days(days: float) -> str:
    return "1 day" if round(days) == 1 else f"{days:.0f} days"


def _hours(hours: float) -> str:
    return "1 hour" if round(hours) == 1 else f"{hours:.0f} hours" if hours < 96 else _days(hours / 24)
