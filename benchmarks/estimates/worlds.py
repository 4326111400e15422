"""Scores and labels to estimate quality from: made up, with known truth, and of the bank's calls."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from estate.core.errors import ContractError
from estate.core.frame import Numbers

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = 4
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Labelled:
    """Scores of n rows with the labels that came later.

    Parameters
    ----------
    p : float64 array of shape (n,)
        Probabilities in [0, 1].
    y : float64 array of shape (n,)
        0 or 1.
    """

    p: Numbers
    y: Numbers

    def windows(self, rows: int) -> list[Labelled]:
        """Cut into windows of so many rows; what is left over is left out."""
        return [
            Labelled(self.p[i : i + rows], self.y[i : i + rows])
            for i in range(0, len(self.p) - rows + 1, rows)
        ]


@dataclass(frozen=True)
class Case:
    """A reference with labels, and windows whose labels are held back.

    Parameters
    ----------
    name : str
    reference : Labelled
    windows : sequence of Labelled
        All of one size.
    kind : str
        ``calibrated``: the assumption holds; ``skewed``: scores are off in the same way before and after;
        ``broken``: how cases turn out has changed; ``real``: nobody knows.
    """

    name: str
    reference: Labelled
    windows: Sequence[Labelled]
    kind: str


def simulated(*, rows: int, windows: int, reference: int = 5_000) -> list[Case]:
    """Return worlds with 12 % positives at first, and a model that knows the true probabilities of then."""
    before = _draw(reference, 0)
    total = rows * windows

    def case(name: str, kind: str, seed: int, **changes: float) -> Case:
        sharp = changes.pop("sharp", 1.0)
        known = Labelled(_sharpened(before.p, sharp), before.y)
        drawn = _draw(total, seed, **changes)
        return Case(name, known, Labelled(_sharpened(drawn.p, sharp), drawn.y).windows(rows), kind)

    return [
        case("no change", "calibrated", 1),
        case("cases of another mean", "calibrated", 2, mean=0.8),
        case("cases harder to tell apart", "calibrated", 3, spread=0.6),
        case("cases easier to tell apart", "calibrated", 4, spread=1.5),
        case("scores too sure, before and after", "skewed", 5, sharp=1.4, mean=0.8),
        case("outcomes follow other causes", "broken", 6, turned=1.0),
        case("outcomes twice as likely", "broken", 7, up=0.8),
    ]


def _draw(  # noqa: PLR0913 - what it needs, by keyword
    rows: int, seed: int, *, mean: float = 0.0, spread: float = 1.0, turned: float = 0.0, up: float = 0.0
) -> Labelled:
    random = np.random.default_rng([seed, 11])
    x = random.normal(mean / np.sqrt(COLUMNS), spread, (rows, COLUMNS))
    weights = np.full(COLUMNS, 0.6)
    logit = x @ weights - 2.4
    other = weights * np.where(np.arange(COLUMNS) % 2, 1.0 - turned, 1.0)
    truth = _sigmoid(x @ other - 2.4 + up)
    return Labelled(_sigmoid(logit), (random.random(rows) < truth).astype(np.float64))


def _sharpened(p: Numbers, by: float) -> Numbers:
    return p if by == 1.0 else _sigmoid(by * (np.log(p) - np.log1p(-p)))


def _sigmoid(logit: Numbers) -> Numbers:
    found: Numbers = 1.0 / (1.0 + np.exp(-logit))
    return found


def bank_marketing(*, rows: int) -> list[Case]:
    """Return the bank's calls, shuffled and in the order of time: a third to learn from, a third as
    reference.

    Raises
    ------
    ContractError
        If the file is not there.
    """
    from estate.datasets.public.bank_marketing import read_bank_marketing

    folder = Path(os.environ.get("LEADLOOP_PUBLIC_DATA", ROOT.parent / "shared" / "data"))
    found = sorted(folder.rglob("bank-additional-full.csv*"))
    if not found:
        raise ContractError(
            f"folder {folder.name} of public data",
            expected="bank-additional-full.csv",
            got="none",
            todo="Set LEADLOOP_PUBLIC_DATA.",
        )
    table = read_bank_marketing(found[0])
    order = np.arange(len(table))
    shuffled = np.random.default_rng(0).permutation(len(table))
    cases = [("shuffled", "calibrated", shuffled), ("in the order of time", "real", order)]
    return [_bank(f"bank marketing, {name}", kind, table.iloc[rows_], rows) for name, kind, rows_ in cases]


def _bank(name: str, kind: str, table: pd.DataFrame, rows: int) -> Case:
    y: Numbers = (table["y"] == "yes").to_numpy().astype(np.float64)
    features = table.drop(columns=["y", "called_at", "call_id"])
    third = len(table) // 3
    model = _calibrated(features.iloc[:third], y[:third])
    p = model.predict_proba(features.iloc[third:])[:, 1].astype(np.float64)
    held = y[third:]
    windows = Labelled(p[third:], held[third:]).windows(rows)
    return Case(name, Labelled(p[:third], held[:third]), windows, kind)


def _calibrated(features: pd.DataFrame, y: Numbers) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    texts = [name for name in features if features[name].dtype == object]
    others = [name for name in features if name not in texts]
    encode = ColumnTransformer(
        [
            ("texts", OneHotEncoder(handle_unknown="ignore"), texts),
            ("numbers", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), others),
        ]
    )
    model = make_pipeline(encode, LogisticRegression(max_iter=2000))
    return CalibratedClassifierCV(model, method="sigmoid", cv=3).fit(features, y)
