"""Where a model's rows come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class CrmSource:
    """Leads with their event histories, from the platform's own tables.

    Parameters
    ----------
    outcome : str
        Kind of outcome that is predicted, such as ``"converted"``; or of interaction, such as ``"tour"``.
    horizon_days : float
        The label is 1 if the outcome happens within so many days after the row's time.
    age_days : float
        A lead becomes a training row at this age; its features know nothing later.
    among : "outcomes" or "interactions"
        Facts that tell whether it happened. An interaction counts if it comes after the row's time, whatever
        the lead did before.
    """

    outcome: str
    horizon_days: float
    age_days: float
    among: Literal["outcomes", "interactions"] = "outcomes"


@dataclass(frozen=True, kw_only=True)
class TableSource:
    """A file of the user's own: one row a case, with a label column.

    Parameters
    ----------
    path : str
        CSV (also ``.gz``) or Parquet; ``${NAME}`` is taken from the environment. A relative path is
        looked up beside the model's file.
    label : str
        Column that is predicted.
    positive : object, optional
        Value of the label that counts as 1; needed for a binary task unless the label is 0/1 or bool.
    entity : str, optional
        Column that names the case; the row number if there is none.
    time : str, optional
        Column with the moment of the case (ISO 8601 or a date).
    order : str, optional
        Column that rises with time where there is no time.
    horizon_days : float
        So many days after its time a row's label is known; younger rows are left out of training.
    separator : str
        Of a CSV file.
    missing : tuple of str
        Texts that mean "not known", beside the empty one.
    reader : callable, optional
        Reads the path into a table instead, for files that need more than this.
    """

    path: str
    label: str
    positive: object = None
    entity: str | None = None
    time: str | None = None
    order: str | None = None
    horizon_days: float = 0.0
    separator: str = ","
    missing: tuple[str, ...] = ()
    reader: Callable[[Path], pd.DataFrame] | None = None


@dataclass(frozen=True, kw_only=True)
class QuerySource:
    """A query of the user's own; fields as in :class:`TableSource`.

    Parameters
    ----------
    sql : str
        A SELECT; one row a case.
    url : str
        SQLAlchemy address; ``${NAME}`` is taken from the environment. Empty: the platform's own database.
    """

    sql: str
    label: str
    url: str = ""
    positive: object = None
    entity: str | None = None
    time: str | None = None
    order: str | None = None
    horizon_days: float = 0.0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PairSource:
    """Leads and the homes that they looked at, from the platform's own tables: one row a look.

    Parameters
    ----------
    outcome : str
        Kind of interaction that is predicted: 1 if the lead does it to this home within the horizon, such as
        ``"tour"``. Looks at a home to which it has done so already are left out. ``"listing_view"``: whether
        it looks at this home rather than at others that were for sale.
    horizon_days : float
    others : int
        Homes that were for sale and known at the moment of each look, drawn evenly, with label 0; only for
        ``"listing_view"``.
    label, entity, time : str
        Columns of the rows; the entity is a :func:`~estate.core.pair_id.pair_id`.
    """

    outcome: str
    horizon_days: float
    others: int = 0
    label: str = "label"
    entity: str | None = "pair_id"
    time: str | None = "moment"
    order: None = None
    positive: None = None
    missing: tuple[str, ...] = ()


Source = CrmSource | TableSource | QuerySource | PairSource
