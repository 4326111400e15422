"""What a feature is called and how its values are written, for people who sell homes."""

from __future__ import annotations

import inspect
import math
import re

from estate.core.feature_set import FeatureSet

MOST_CHARACTERS = 100
NOT_KNOWN = "not known"
_YES_OR_NO = "1 if "
_CURRENCIES = frozenset({"usd", "eur", "gbp", "chf", "cad", "aud"})


def titles(features: FeatureSet) -> dict[str, str]:
    """Return what each feature is called: of a number what its function says it is, else its own name.

    The first sentence of a function's docstring counts, up to a semicolon.

    Examples
    --------
    >>> def visits_count_7d(rows):
    ...     '''Visits in the last 7 days; robots are left out.'''
    >>> titles(FeatureSet(numbers=(visits_count_7d,), categories=("lead_source",)))
    {'visits_count_7d': 'Visits in the last 7 days', 'lead_source': 'Lead source'}
    """
    called = {}
    for feature in features.numbers:
        if isinstance(feature, str):
            called[feature] = readable(feature)
        else:
            called[feature.__name__] = _said(inspect.getdoc(feature)) or readable(feature.__name__)
    names = (feature if isinstance(feature, str) else feature.__name__ for feature in features.categories)
    return called | {name: readable(name) for name in names}


def readable(name: str) -> str:
    """Return a column's name as words.

    Examples
    --------
    >>> readable("StreamingTV"), readable("budget_usd"), readable("Lead Source")
    ('Streaming TV', 'Budget in USD', 'Lead source')
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.replace("_", " "))
    words = [word if word.isupper() and len(word) > 1 else word.lower() for word in spaced.split()]
    if len(words) > 1 and words[-1] in _CURRENCIES:
        words[-1:] = ["in", words[-1].upper()]
    return _cut(_capital(" ".join(words)) or name)


def text_of(title: str, value: float | str | None, usual: float | str | None) -> str:
    """Return a feature of a case in words; ``usual`` is its middle among the reference's rows.

    Examples
    --------
    >>> text_of("Visits in the last 7 days", 3.0, 1.0)
    'Visits in the last 7 days: 3, usually 1'
    >>> text_of("Lead source", "portal", None), text_of("Days since the last reply", float("nan"), 2.0)
    ('Lead source: portal', 'Days since the last reply: not known')
    >>> text_of("1 if the lead named a budget", 1.0, 0.0)
    'The lead named a budget: yes, usually no'
    """
    if title.startswith(_YES_OR_NO) and value in (0.0, 1.0):
        title, value = _capital(title.removeprefix(_YES_OR_NO)), "yes" if value else "no"
        usual = {0.0: "no", 1.0: "yes"}.get(usual) if isinstance(usual, float) else usual
    elif title.startswith(_YES_OR_NO):
        title = _capital(title.removeprefix(_YES_OR_NO))
    mine, theirs = _written(value), _written(usual) if usual is not None else ""
    if mine == theirs and value != usual:  # such as a longitude
        mine, theirs = _written(value, digits=5), _written(usual, digits=5)
    if not theirs or mine == NOT_KNOWN:
        return f"{title}: {mine}"
    return f"{title}: {mine}, as usual" if mine == theirs else f"{title}: {mine}, usually {theirs}"


def _written(value: float | str | None, *, digits: int = 3) -> str:
    if value is None or isinstance(value, str):
        return NOT_KNOWN if value is None else _cut(value)
    if math.isnan(value):
        return NOT_KNOWN
    if abs(value) < 1000 and not value.is_integer():
        return f"{value:.{digits}g}"
    return f"{value:.{digits}g}" if abs(value) >= 1e15 else _whole(round(value))


def _whole(value: int) -> str:
    return f"{value:,}" if abs(value) >= 10_000 else str(value)  # 2015 may be a year


def _said(documentation: str | None) -> str:
    if not documentation:
        return ""
    paragraph = " ".join(documentation.split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.!?])\s", paragraph)[0]
    return _cut(_capital(sentence.split(";")[0].strip().rstrip(".")))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
