"""What each kind of raw table must hold: one contract a kind, kept by pandera, row by row.

Where a file does not say when the desk learned of a fact (``recorded_at``), it is taken to have learned of it
when it happened. The time of the import would be safer and useless: no past date would see any history.
Whoever knows that a feed lags writes ``recorded_at``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from estate.core.errors import ImportFileError
from estate.core.outcomes import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

FieldType = Literal["text", "number", "time"]
EARLIEST, LATEST = "1970-01-01", "2100-01-01"
LONGEST_ID = 200


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column of a raw table.

    Parameters
    ----------
    name : str
    type : {"text", "number", "time"}
    meaning : str
        With the unit.
    required : bool
        No row without it.
    allowed : tuple of str
        The only values; empty if any will do.
    low, high : float, optional
        Ends of the range of a number, inclusive.
    """

    name: str
    type: FieldType
    meaning: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


def _text(name: str, meaning: str, *, required: bool = False, allowed: tuple[str, ...] = ()) -> Field:
    return Field(name=name, type="text", meaning=meaning, required=required, allowed=allowed)


def _number(name: str, meaning: str, high: float, *, low: float = 0.0, required: bool = False) -> Field:
    return Field(name=name, type="number", meaning=meaning, required=required, low=low, high=high)


_CLOCKS = (
    Field(name="event_at", type="time", meaning="when it happened", required=True),
    Field(
        name="recorded_at",
        type="time",
        meaning="when the desk learned of it; event_at if the file has no such column",
        required=True,
    ),
)
_LEAD = _text("lead_id", "whose", required=True)

CONTRACTS: Mapping[str, tuple[Field, ...]] = {
    "leads": (
        _text("lead_id", "name of the lead in the CRM", required=True),
        _text("source", "where it came from"),
        _text("area", "where it wants to live"),
        _number("budget_usd", "USD", 1e10),
        _number("bedrooms_wanted", "bedrooms", 100),
        _number("timeline_days", "days until it wants to buy, as it said", 36_500),
        _text("financing", "how it will pay"),
        _text("time_zone", "IANA name of its time zone, such as America/New_York; UTC if there is none"),
        _text("campaign", "campaign that brought it, such as a utm_campaign"),
        *_CLOCKS,
    ),
    "interactions": (
        _text("interaction_id", "name of the interaction", required=True),
        _LEAD,
        _text(
            "kind",
            "what the lead did",
            required=True,
            allowed=(
                "visit",
                "email_open",
                "email_click",
                "reply",
                "call",
                "tour",
                "listing_view",
                "listing_save",
            ),
        ),
        _text("property_id", "what it looked at"),
        _number("duration_seconds", "seconds", 1e7),
        _text("campaign", "campaign that it came through, such as a utm_campaign"),
        *_CLOCKS,
    ),
    "messages": (
        _text("message_id", "name of the message", required=True),
        _LEAD,
        _text("direction", "in: from the lead; out: to the lead", required=True, allowed=("in", "out")),
        _text("channel", "e-mail, text message, chat"),
        _text("text", "what was written", required=True),
        *_CLOCKS,
    ),
    "properties": (
        _text("property_id", "name of the property", required=True),
        _text("area", "where it is"),
        _number("price_usd", "USD", 1e10),
        _number("bedrooms", "bedrooms", 1_000),
        _number("living_area_sqft", "square feet", 1e7),
        _text("kind", "house, condo, and so on"),
        *_CLOCKS,
    ),
    "listings": (
        _text("listing_id", "name of the listing: one spell of one property on the market", required=True),
        _text("property_id", "what is for sale"),
        _text("area", "where it is", required=True),
        _text(
            "status",
            "what became of it; event_at is when it came on the market",
            required=True,
            allowed=("active", "pending", "sold", "withdrawn"),
        ),
        _number("price_usd", "USD; asked, and paid once it is sold", 1e10),
        Field(
            name="ended_at",
            type="time",
            meaning="when it was sold or withdrawn; nothing while it is for sale",
        ),
        *_CLOCKS,
    ),
    "outcomes": (
        _text("outcome_id", "name of the outcome", required=True),
        _LEAD,
        _text("kind", "what became of the lead", required=True, allowed=OUTCOMES),
        *_CLOCKS,
    ),
    "market_index": (
        _text("index_id", "name of the value", required=True),
        _text("area", "where", required=True),
        _number("value", "price index; 100 is the base", 1e6, required=True),
        *_CLOCKS,
    ),
}


def contract(kind: str) -> tuple[Field, ...]:
    """Return the columns of a kind of raw table.

    Raises
    ------
    ImportFileError
        If there is no such kind.

    Examples
    --------
    >>> contract("phones")
    Traceback (most recent call last):
    estate.core.errors.ImportFileError: kind of facts: expected one of leads, interactions, messages, \
properties, listings, outcomes, market_index, got 'phones'.
    """
    if kind not in CONTRACTS:
        raise ImportFileError("kind of facts", expected=f"one of {', '.join(CONTRACTS)}", got=repr(kind))
    return CONTRACTS[kind]


def broken_rules(kind: str, rows: pd.DataFrame) -> dict[int, list[str]]:
    """Return what is wrong with each wrong row.

    Parameters
    ----------
    kind : str
    rows : DataFrame
        Columns of the contract, already of its types, indexed 0, 1, …; missing is None, NaN or NaT.

    Returns
    -------
    dict of int to list of str
        By position; rows that keep the contract aren't there.
    """
    from pandera.errors import SchemaErrors

    try:
        _schema(kind).validate(rows, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
    else:
        return {}
    reasons: dict[int, list[str]] = {}
    for row, column, check, value in zip(
        cases["index"], cases["column"], cases["check"], cases["failure_case"], strict=True
    ):
        if row is None or row != row:  # noqa: PLR0124
            raise ImportFileError(f"facts `{kind}`", expected=str(check), got=str(value))
        sentence = _sentence(str(column), str(check), value)
        if sentence not in reasons.setdefault(int(row), []):
            reasons[int(row)].append(sentence)
    return reasons


def _sentence(column: str, check: str, value: object) -> str:
    if check == "not_nullable":
        return f"{column}: expected a value, got nothing"
    if check.startswith(("recorded_at:", "ended_at:")):
        return check
    text = repr(value) if isinstance(value, str) else str(value)
    return f"{column}: expected {check}, got {text[:80]}"


@lru_cache
def _schema(kind: str) -> Any:
    import pandera.pandas as pa

    clocks = pa.Check(
        lambda rows: ~(rows["recorded_at"] < rows["event_at"]),
        error="recorded_at: expected no earlier than event_at, got a fact that was known before it happened",
    )
    columns = {
        field.name: pa.Column(None, _checks(field), nullable=not field.required) for field in contract(kind)
    }
    return pa.DataFrameSchema(columns, checks=[clocks, *_spells(kind)], strict=True)


def _spells(kind: str) -> list[Any]:
    """Of what begins and ends: the end is told just when there is one, and not before the beginning."""
    import pandera.pandas as pa

    if "ended_at" not in {field.name for field in contract(kind)}:
        return []
    return [
        pa.Check(
            lambda rows: ~(rows["ended_at"] < rows["event_at"]),
            error="ended_at: expected no earlier than event_at, got an end before the beginning",
        ),
        pa.Check(
            lambda rows: rows["status"].isin(["sold", "withdrawn"]) == rows["ended_at"].notna(),
            error="ended_at: expected a time if the status is sold or withdrawn, and none otherwise",
        ),
    ]


def _checks(field: Field) -> list[Any]:
    import pandas as pd
    import pandera.pandas as pa

    match field.type:
        case "number":
            return [pa.Check.in_range(field.low, field.high, error=f"{field.low:g} to {field.high:g}")]
        case "time":
            low, high = pd.Timestamp(EARLIEST, tz="UTC"), pd.Timestamp(LATEST, tz="UTC")
            return [pa.Check.in_range(low, high, error=f"a time from {EARLIEST} to {LATEST}")]
        case "text":
            checks = [pa.Check(_without_nul, error="text without NUL characters")]
            if field.allowed:
                checks.append(pa.Check.isin(field.allowed, error=f"one of {', '.join(field.allowed)}"))
            if field.name.endswith("_id"):
                checks.append(pa.Check(_short, error=f"at most {LONGEST_ID} characters"))
            return checks


def _without_nul(texts: pd.Series[str]) -> pd.Series[bool]:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.match_substring(pa.array(texts, pa.string(), from_pandas=True), "\x00").fill_null(False)
    return pd.Series(~found.to_numpy(zero_copy_only=False), index=texts.index)


def _short(texts: pd.Series[str]) -> pd.Series[bool]:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    length = pc.utf8_length(pa.array(texts, pa.string(), from_pandas=True)).fill_null(0)
    return pd.Series(length.to_numpy(zero_copy_only=False) <= LONGEST_ID, index=texts.index)
