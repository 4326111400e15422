"""A line for few rows and many columns: bends where it may, and leaves out what says nothing."""

from __future__ import annotations

from typing import Any


def sparse_line(seed: int) -> Any:
    """Return a logistic regression on wide columns with an absolute penalty; reads missing numbers.

    Parameters
    ----------
    seed : int
        Of the order in which the solver goes through the columns.

    References
    ----------
    Tibshirani (1996), "Regression Shrinkage and Selection via the Lasso", JRSS B 58.

    Examples
    --------
    >>> [name for name, _ in sparse_line(0).steps]
    ['widecolumns', 'standardscaler', 'logisticregression']
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from estate.training.wide_columns import WideColumns

    line = LogisticRegression(C=0.1, l1_ratio=1.0, solver="liblinear", max_iter=1000, random_state=seed)
    return make_pipeline(WideColumns(), StandardScaler(), line)
