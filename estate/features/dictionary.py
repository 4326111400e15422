"""Every feature of leads: what it means, in which unit, over which time, and when it is missing.

A name says most of it, and the first sentence of the docstring the rest; tests hold both to what is computed.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from estate.core.frame import Column
from estate.features import communication, engagement, habits, market, preference, source, timing

Feature = Callable[[Any], Column]

SUBJECTS: tuple[ModuleType, ...] = (engagement, habits, communication, timing, preference, market, source)

# The first that fits a name: its unit, and the range of its values.
_UNITS: tuple[tuple[str, str, float | None, float | None], ...] = (
    (r"^is_", "0 or 1", 0.0, 1.0),
    (r"_trend_log$", "logarithm", None, None),
    (r"_log$", "logarithm", 0.0, None),
    (r"_sentiment_change_", "difference", -2.0, 2.0),
    (r"_sentiment_", "1 is the most positive", -1.0, 1.0),
    (r"weekday$", "weekday, Monday is 0", 0.0, 6.0),
    (r"local_hour$|created_hour$", "hour of the day", 0.0, 23.0),
    (r"^season_", "1", -1.0, 1.0),
    (r"_share(_|$)", "share", 0.0, 1.0),
    (r"_usd$", "USD", 0.0, None),
    (r"_sqft$", "square feet", 0.0, None),
    (r"^market_index$", "index, 100 is the base", 0.0, None),
    (r"(index|price)_change", "growth, 0.02 is 2 %", -1.0, None),
    (r"(_change|_difference)(_|$)", "difference", None, None),
    (r"^first_message_hours$", "hours", None, None),
    (r"^budget_to|_ratio(_|$)", "ratio", 0.0, None),
    (r"hours", "hours", 0.0, None),
    (r"_months$", "months", 0.0, None),
    (r"seconds", "seconds", 0.0, None),
    (r"message_length", "characters", 0.0, None),
    (r"_count(_|$)", "count", 0.0, None),
    (r"days", "days", 0.0, None),
    (r"bedrooms", "bedrooms", 0.0, None),
    (r"^(lead_source|lead_area|lead_campaign|financing)$", "text", None, None),
)

_AT_ITS_MOMENT = re.compile(
    r"^(budget_(usd|to_area_price|per_bedroom_usd)|bedrooms_wanted|timeline_days(_log)?|is_(budget|timeline)_known|financing"
    r"|lead_(age_days|source|area|campaign)|local_weekday|season_.*|market_.*|area_.*)$"
)
_WIDER = {"interactions_share_7d": "last 21 days"}


@dataclass(frozen=True, kw_only=True)
class Described:
    """What there is to know of a feature.

    Parameters
    ----------
    name, subject, meaning : str
    unit : str
    low, high : float, optional
        Ends of the range of its values, inclusive.
    window : str
        The time that it looks at.
    missing : str, optional
        When it is missing; None: never.
    """

    name: str
    subject: str
    meaning: str
    unit: str
    low: float | None
    high: float | None
    window: str
    missing: str | None


def all_features() -> tuple[Feature, ...]:
    """Return every feature of leads, by subject and in the order in which they are written."""
    return tuple(
        function
        for module in SUBJECTS
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    )


def describe(feature: Feature) -> Described:
    """Describe a feature.

    Raises
    ------
    LookupError
        If its name says no unit.

    Examples
    --------
    >>> found = describe(communication.reply_ratio_21d)
    >>> found.unit, found.window, found.missing
    ('ratio', 'last 21 days', 'if none was sent')
    """
    name = feature.__name__
    found = next((row for row in _UNITS if re.search(row[0], name)), None)
    if found is None:
        raise LookupError(f"feature `{name}`: expected a name that says its unit; see {__name__}")
    sentence = " ".join((inspect.getdoc(feature) or "").split("\n\n")[0].split()).removesuffix(".")
    meaning, _, missing = sentence.partition("missing ")
    return Described(
        name=name,
        subject=feature.__module__.rpartition(".")[2],
        meaning=meaning.rstrip(" ;,"),
        unit=found[1],
        low=found[2],
        high=found[3],
        window=_window(name),
        missing=missing or None,
    )


def _window(name: str) -> str:
    if found := re.search(r"_first_(\d+)d$", name):
        return f"first {found[1]} days"
    if found := re.search(r"_change_(\d+)d$", name):
        return f"last {(1 if _AT_ITS_MOMENT.search(name) else 2) * int(found[1])} days"
    if name in _WIDER:
        return _WIDER[name]
    if found := re.search(r"_(\d+)d$", name):
        return "last day" if found[1] == "1" else f"last {found[1]} days"
    if "created" in name:
        return "at arrival"
    return "at its moment" if _AT_ITS_MOMENT.search(name) else "all until its moment"
