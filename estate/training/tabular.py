"""Estimators for any table: nothing to tune, whatever there is to choose is learned from the training rows.

A vote of models that fail in different ways, each in the form that suits it. Boosted steps bend every column
by itself and combine nothing, which is what few rows allow; boosted trees find what combines; a forest is
steady; a line holds where the world moves on beyond what was seen. Which of them to believe is measured on
the newest training rows, and those that add nothing are left out: :mod:`estate.training.weighted_vote`.
"""

from __future__ import annotations

from typing import Any


def tabular_classifier(seed: int) -> Any:
    """Return a vote for binary or multiclass labels, to be put into a ModelSpec as it is.

    Parameters
    ----------
    seed : int
        Of every member.

    Examples
    --------
    >>> [name for name, _ in tabular_classifier(0).members]
    ['steps', 'trees', 'deep trees', 'forest', 'line']
    """
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression

    from estate.training.weighted_vote import WeightedVote

    forest = ExtraTreesClassifier(100, min_samples_leaf=10, n_jobs=1, random_state=seed)
    return WeightedVote(
        [
            ("steps", _boosted(seed, "classifier", n_estimators=600, max_depth=1, learning_rate=0.08)),
            ("trees", _boosted(seed, "classifier", n_estimators=300, max_depth=3, learning_rate=0.05)),
            ("deep trees", _boosted(seed, "classifier", n_estimators=300, max_depth=6, learning_rate=0.03)),
            ("forest", _filled(forest)),
            ("line", _wide(LogisticRegression(C=0.05, max_iter=3000))),
        ]
    )


def tabular_regressor(seed: int) -> Any:
    """Return a mean of models for positive values such as prices, learned in logarithms.

    Labels that are not all above 0 are learned as they are.
    """
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.linear_model import Ridge

    from estate.training.log_target import LogTarget
    from estate.training.weighted_vote import WeightedMean

    forest = ExtraTreesRegressor(150, min_samples_leaf=2, max_features=0.3, n_jobs=1, random_state=seed)
    return LogTarget(
        WeightedMean(
            [
                ("trees", _boosted(seed, "regressor", n_estimators=800, max_depth=4, learning_rate=0.04)),
                (
                    "deep trees",
                    _boosted(seed, "regressor", n_estimators=500, max_depth=7, learning_rate=0.03),
                ),
                ("forest", _filled(forest)),
                ("line", _wide(Ridge(alpha=10.0))),
            ]
        )
    )


def _boosted(seed: int, kind: str, **size: Any) -> Any:
    from xgboost import XGBClassifier, XGBRegressor

    made = XGBClassifier if kind == "classifier" else XGBRegressor
    return made(
        **size,
        subsample=0.8,
        colsample_bytree=0.5,
        min_child_weight=5,
        reg_lambda=5.0,
        n_jobs=1,
        random_state=seed,
    )


def _filled(model: Any) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), model)


def _wide(model: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from estate.training.wide_columns import WideColumns

    return make_pipeline(WideColumns(), StandardScaler(), model)
