"""What is asked for and what is answered: wishes in, homes with scores and reasons out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from estate.core.errors import DataError
from estate.core.frame import Frame, Numbers
from estate.core.model_spec import ModelSpec
from estate.core.prediction import NO_VERSION, AnsweredBy
from estate.features.homes import Looks, Offers, Wishes

MOST_HOMES = 100
Relaxed = Literal["bedrooms", "price", "area"]


@dataclass(frozen=True)
class Request:
    """What is asked for; what is given overrides what is inferred from the lead, and is never relaxed.

    Parameters
    ----------
    k : int
        At most so many homes, from 1 to 100.
    max_price_usd : float, optional
    areas : tuple of str
        Empty: inferred.
    min_bedrooms : float, optional
    diversity : float
        From 0, the best homes however alike, to below 1.

    Examples
    --------
    >>> Request(k=0)
    Traceback (most recent call last):
    estate.core.errors.DataError: k: expected 1 to 100, got 0.
    """

    k: int = 10
    max_price_usd: float | None = None
    areas: tuple[str, ...] = ()
    min_bedrooms: float | None = None
    diversity: float = 0.15

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("k", float(self.k), 1, MOST_HOMES),
            ("max_price", self.max_price_usd, 1, 1e12),
            ("bedrooms", self.min_bedrooms, 0, 100),
            ("diversity", self.diversity, 0, 0.99),
        ):
            if value is not None and not low <= value <= high:
                raise DataError(name, expected=f"{low} to {high:g}", got=f"{value:g}")


@dataclass(frozen=True)
class LeadNow:
    """One lead as it is known now.

    Parameters
    ----------
    lead_id : str
    wishes : Wishes
        Of this lead alone.
    looks : Looks
        Of this lead alone.
    """

    lead_id: str
    wishes: Wishes
    looks: Looks


@dataclass(frozen=True)
class HomesNow:
    """What is for sale now.

    Parameters
    ----------
    offers : Offers
        n homes, each once.
    popular : float64 array of shape (n,)
        How often each was looked at in the last 14 days.
    kinds : mapping of str to str
        The kind of every home that was ever known, by its id.
    """

    offers: Offers
    popular: Numbers
    kinds: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """A model's answer for n pairs.

    Parameters
    ----------
    score : float64 array of shape (n,)
    answered_by : AnsweredBy
    version : str
        Of the model, or ``"rules"``.
    """

    score: Numbers
    answered_by: AnsweredBy = AnsweredBy.RULES
    version: str = NO_VERSION


Ask = Callable[[ModelSpec, Frame, str], Scored]
"""From a model, the features of n pairs and their lead to its answer, from rules if there is no model."""


@dataclass(frozen=True)
class Asked:
    """What one model said of the homes that are shown.

    Parameters
    ----------
    spec : ModelSpec
    features : Frame
        One row a home, in the order in which they are shown.
    said : Scored
    """

    spec: ModelSpec
    features: Frame
    said: Scored


@dataclass(frozen=True)
class Match:
    """One home.

    Parameters
    ----------
    property_id : str
    area, kind : str, optional
    price_usd, bedrooms, living_area_sqft : float, optional
    score : float
        Chance that the lead would look at this home rather than at ten others for sale; in [0, 1].
    p_save : float
        Chance that the lead saves it within 14 days of looking at it.
    p_tour : float
        Chance that the lead tours it within 21 days of looking at it.
    reasons : tuple of str
        Why it fits, most telling first; each is true of the lead's own record.
    """

    property_id: str
    area: str | None
    kind: str | None
    price_usd: float | None
    bedrooms: float | None
    living_area_sqft: float | None
    score: float
    p_save: float
    p_tour: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Matches:
    """The answer for one lead.

    Parameters
    ----------
    lead_id : str
    homes : tuple of Match
        Best first; fewer than asked for if no more fit.
    basis : {"looks", "wishes", "popularity"}
        What is known of the lead: homes it looked at, only what it said, or neither.
    relaxed : tuple of str
        Inferred limits that were widened since too few homes fit.
    for_sale, fitting : int
        Homes for sale, and those within the limits.
    sources : mapping of str to str
        By model: its version, or ``rules``.
    asked : tuple of Asked
        What is kept of the answer; empty if no home fits.
    """

    lead_id: str
    homes: tuple[Match, ...]
    basis: Literal["looks", "wishes", "popularity"]
    relaxed: tuple[Relaxed, ...]
    for_sale: int
    fitting: int
    sources: dict[str, str]
    asked: tuple[Asked, ...] = field(default=(), repr=False, compare=False)

    @property
    def source(self) -> Literal["model", "rules"]:
        """``rules`` if any part of the answer is by rules."""
        return "rules" if "rules" in self.sources.values() else "model"
