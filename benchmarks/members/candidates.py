"""Members that are not in the vote, for they earned nothing: networks, and models of the sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from estate.training.lines import sparse_line
from estate.training.wide_columns import WideColumns

Members = list[tuple[str, Any]]


def reading(columns: Sequence[int], members: Members) -> Members:
    """Return members that read some columns of a matrix only, as if it had no others."""
    return [(name, make_pipeline(_only(columns), member)) for name, member in members]


def networks(columns: Sequence[int], seed: int) -> Members:
    """Return networks of neurons on what the members read."""
    return [
        ("network of 16", _network(columns, MLPClassifier((16,), alpha=60.0, **_slowly(seed)))),
        ("network of 32 and 16", _network(columns, MLPClassifier((32, 16), alpha=100.0, **_slowly(seed)))),
    ]


def sequences(seed: int) -> Members:
    """Return models of every column, the echoes of events among them."""
    trees = XGBClassifier(
        n_estimators=300,
        max_depth=3,
        learning_rate=0.05,
        subsample=0.8,
        colsample_bytree=0.3,
        min_child_weight=10,
        reg_lambda=5.0,
        n_jobs=1,
        random_state=seed,
    )
    return [
        ("line of echoes", sparse_line(seed)),
        ("trees of echoes", trees),
    ]


def _network(columns: Sequence[int], network: Any) -> Any:
    return make_pipeline(_only(columns), WideColumns(), StandardScaler(), network)


def _slowly(seed: int) -> dict[str, Any]:
    return {"activation": "tanh", "solver": "lbfgs", "max_iter": 300, "random_state": seed}


def _only(columns: Sequence[int]) -> Any:
    return ColumnTransformer([("kept", "passthrough", list(columns))])
