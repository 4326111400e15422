"""What an event of a CRM says, in our terms, whoever's CRM it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from estate.datasets.mapping import Mapping as Names

Deals = Literal["keeps", "replaces", "retracts"]


@dataclass(frozen=True)
class SentFact:
    """A fact as the CRM writes it.

    Parameters
    ----------
    kind : str
        Of the contracts.
    row : mapping
        Texts, numbers and nulls by the CRM's names.
    names : Mapping
        What the CRM calls our columns and values.
    """

    kind: str
    row: Mapping[str, Any]
    names: Names = field(default_factory=Names)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of one object of the CRM.

    Parameters
    ----------
    type : str
        The CRM's name for this kind of event.
    object : str
        What changed, such as ``"contact:17"``.
    lead_id : str or None
        Whom it is about.
    changed_at : datetime
        By the CRM's clock.
    facts : tuple of SentFact
        What is known by it. Of a ``standing`` fact the name is made of the object.
    deals : {"keeps", "replaces", "retracts"}
        With the fact that the object's changes before left: it stays beside these, it is replaced by these
        unless it has the same ``standing``, or it turned out not to be one.
    standing : str
        What two changes have in common if the same fact stands after both: a status, a time.
    ignored : str
        Why it is nothing to us; empty if it is something.
    """

    type: str
    object: str
    lead_id: str | None
    changed_at: datetime
    facts: tuple[SentFact, ...] = ()
    deals: Deals = "keeps"
    standing: str = ""
    ignored: str = ""
