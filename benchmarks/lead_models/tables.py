"""The real tables, each with the splits that the reference scores were measured on.

Nothing is chosen by table but which columns there are: all of them go through the same estimator.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.core.errors import ContractError
from estate.core.feature_set import FeatureSet
from estate.core.model_spec import Gate, ModelSpec, TableSource, Task
from estate.datasets.public import (
    ames,
    cdnow,
    king_county,
    read_ames,
    read_bank_marketing,
    read_cdnow,
    read_king_county,
    read_telco_churn,
    read_x_education,
)
from estate.training.tabular import tabular_classifier, tabular_regressor

if TYPE_CHECKING:
    import pandas as pd

Index = NDArray[np.intp]
Fold = tuple[Index, Index]
FOLDS = 5
_ROOT = Path(__file__).parents[2]
_EARLY, _LATE = date(1997, 6, 30), date(1997, 12, 31)


@dataclass(frozen=True)
class Case:
    """One table with one split.

    Parameters
    ----------
    table, split : str
        As people read them.
    file : str
        Inside the folder of public data.
    spec : callable
        From the path of the file to its spec.
    folds : callable
        From n rows in the order of the file's reader, with their labels and times, to (train, test) rows.
    best : mapping of str to float
        The best reference on this split, by metric, each of the model that was best in it.
    automl : bool
        Whether AutoML is asked: once for each table whose label is yes or no.
    """

    table: str
    split: str
    file: str
    spec: Callable[[Path], ModelSpec]
    folds: Callable[[NDArray[np.float64], NDArray[np.int64]], Sequence[Fold]]
    best: dict[str, float]
    automl: bool = False

    @property
    def path(self) -> Path:
        """Where the file is.

        Raises
        ------
        ContractError
            If it is absent.
        """
        path = Path(os.environ.get("LEADLOOP_PUBLIC_DATA", _ROOT / "data")) / self.file
        if not path.is_file():
            raise ContractError(
                f"data file {path}", expected="a file", got="none", todo="Set LEADLOOP_PUBLIC_DATA."
            )
        return path


def newest_fifth(y: NDArray[np.float64], _times: NDArray[np.int64]) -> Sequence[Fold]:
    """Train on the first four fifths of the rows, test on the rest."""
    cut = int(len(y) * 0.8)
    return [(np.arange(cut), np.arange(cut, len(y)))]


def from_day(day: date) -> Callable[[NDArray[np.float64], NDArray[np.int64]], Sequence[Fold]]:
    """Train on what came before a day, test on the rest."""
    moment = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1e6)

    def folds(_y: NDArray[np.float64], times: NDArray[np.int64]) -> Sequence[Fold]:
        return [(np.flatnonzero(times < moment), np.flatnonzero(times >= moment))]

    return folds


def five_folds(y: NDArray[np.float64], _times: NDArray[np.int64]) -> Sequence[Fold]:
    """Each row is tested once; shuffled by seed 0, stratified by class.

    Such a split says that rows have no time, so those to train on come in no order: the newest of them would
    be a wrong example of rows from everywhere.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = StratifiedKFold if set(np.unique(y)) <= {0.0, 1.0} else KFold
    shuffled = np.random.default_rng(0)
    parts = kind(FOLDS, shuffle=True, random_state=0).split(y, y)
    return [(shuffled.permutation(train), test) for train, test in parts]


def _spec(name: str, purpose: str, source: TableSource, features: FeatureSet) -> ModelSpec:
    price = source.label in {king_county.LABEL, ames.LABEL}
    return ModelSpec(
        name=name,
        purpose=purpose,
        task=Task.REGRESSION if price else Task.BINARY,
        source=source,
        features=features,
        refit=True,
        estimator=tabular_regressor if price else tabular_classifier,
        gate=Gate(metric="mae" if price else "log_loss"),
    )


def _columns(table: pd.DataFrame, *left_out: str) -> FeatureSet:
    """Numbers by their type, all others as categories."""
    names = [str(name) for name in table.columns if name not in left_out]
    numbers = tuple(name for name in names if table[name].dtype.kind in "biuf")
    return FeatureSet(numbers=numbers, categories=tuple(name for name in names if name not in numbers))


def bank_spec(path: Path) -> ModelSpec:
    """Calls of a campaign, without their length."""
    source = TableSource(
        path=str(path),
        label="y",
        positive="yes",
        time="called_at",
        entity="call_id",
        reader=read_bank_marketing,
    )
    features = _columns(read_bank_marketing(path), "y", "called_at", "call_id")
    return _spec("bank_call", "The chance that a call ends in a deposit.", source, features)


def courses_spec(path: Path) -> ModelSpec:
    """Leads of a seller of courses, without what sales wrote later."""
    source = TableSource(
        path=str(path), label="converted", order="lead_number", entity="prospect_id", reader=read_x_education
    )
    features = _columns(read_x_education(path), "converted", "lead_number", "prospect_id")
    return _spec("course_lead", "The chance that a lead buys a course.", source, features)


def telco_spec(path: Path) -> ModelSpec:
    """Customers of a telephone company; there is no time."""
    source = TableSource(
        path=str(path), label="churn", positive="Yes", entity="customer_id", reader=read_telco_churn
    )
    features = _columns(read_telco_churn(path), "churn", "customer_id")
    return _spec("telco_churn", "The chance that a customer leaves.", source, features)


def cdnow_spec(cuts: Sequence[date]) -> Callable[[Path], ModelSpec]:
    """Customers of a shop on some days, from the log of their purchases."""

    def reader(path: Path) -> pd.DataFrame:
        return read_cdnow(path, cuts)

    def spec(path: Path) -> ModelSpec:
        source = TableSource(path=str(path), label="silent", time="cut_at", entity="case_id", reader=reader)
        features = FeatureSet(numbers=cdnow.NUMBERS)
        return _spec("shop_silence", "The chance of 180 days without a purchase.", source, features)

    return spec


def king_county_spec(path: Path) -> ModelSpec:
    """Houses of a county."""
    source = TableSource(
        path=str(path), label="price", time="sold_at", entity="sale_id", reader=read_king_county
    )
    features = FeatureSet(numbers=king_county.NUMBERS, categories=king_county.CATEGORIES)
    return _spec("county_price", "What a house sells for, in USD.", source, features)


def ames_spec(path: Path) -> ModelSpec:
    """Houses of a town."""
    source = TableSource(path=str(path), label="sale_price", time="sold_at", entity="pid", reader=read_ames)
    features = FeatureSet(numbers=ames.NUMBERS, categories=ames.CATEGORIES)
    return _spec("town_price", "What a house sells for, in USD.", source, features)


_BANK, _COURSES = "bank_marketing/bank-additional-full.csv.gz", "leads_x_education/leads.csv.gz"
_TELCO, _CDNOW = "churn_telco_ibm/Telco-Customer-Churn.csv", "churn_cdnow_events/cdnow_transactions.csv.gz"
_COUNTY, _TOWN = "realestate_king_county/kc_house_data.csv.gz", "realestate_ames/AmesHousing.csv.gz"

_BANK_TIME, _BANK_FOLDS = {"roc_auc": 0.7483, "log_loss": 0.5704}, {"roc_auc": 0.8043, "log_loss": 0.2700}
_COURSES_TIME = {"roc_auc": 0.8973, "log_loss": 0.3969}
_COURSES_FOLDS = {"roc_auc": 0.8735, "log_loss": 0.4306}
_TELCO_FOLDS = {"roc_auc": 0.8454, "log_loss": 0.4173}
_CDNOW_TIME, _CDNOW_FOLDS = {"roc_auc": 0.8067, "log_loss": 0.4255}, {"roc_auc": 0.8064, "log_loss": 0.4118}
_COUNTY_TIME, _COUNTY_FOLDS = {"mae": 71_849.0, "median_ape": 0.0953}, {"mae": 63_720.0, "median_ape": 0.0835}
_TOWN_TIME, _TOWN_FOLDS = {"mae": 15_150.0, "median_ape": 0.0611}, {"mae": 14_258.0, "median_ape": 0.0567}
_both, _late = cdnow_spec((_EARLY, _LATE)), cdnow_spec((_LATE,))
_march, _crash = from_day(date(2015, 3, 1)), from_day(date(2009, 1, 1))

CASES = (
    Case("bank marketing", "newest fifth", _BANK, bank_spec, newest_fifth, _BANK_TIME, automl=True),
    Case("bank marketing", "5 folds", _BANK, bank_spec, five_folds, _BANK_FOLDS),
    Case("x education", "newest fifth", _COURSES, courses_spec, newest_fifth, _COURSES_TIME, automl=True),
    Case("x education", "5 folds", _COURSES, courses_spec, five_folds, _COURSES_FOLDS),
    Case("telco churn", "5 folds", _TELCO, telco_spec, five_folds, _TELCO_FOLDS, automl=True),
    Case("cdnow", "half a year later", _CDNOW, _both, from_day(_LATE), _CDNOW_TIME, automl=True),
    Case("cdnow", "5 folds", _CDNOW, _late, five_folds, _CDNOW_FOLDS),
    Case("king county", "from March 2015", _COUNTY, king_county_spec, _march, _COUNTY_TIME),
    Case("king county", "5 folds", _COUNTY, king_county_spec, five_folds, _COUNTY_FOLDS),
    Case("ames", "2009 and 2010", _TOWN, ames_spec, _crash, _TOWN_TIME),
    Case("ames", "5 folds", _TOWN, ames_spec, five_folds, _TOWN_FOLDS),
)
