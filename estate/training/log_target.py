"""Regression of what is compared by ratio, such as prices: learned in logarithms, answered in the unit."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from estate.core.frame import Numbers
from estate.training.row_weights import weight_argument


class LogTarget(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A regressor of the label's logarithm; where a label is not above 0, of the label itself.

    What comes back is the median rather than the mean, where errors are symmetric in logarithms: the right
    thing for absolute and relative errors.

    Parameters
    ----------
    regressor : estimator
        Unfitted.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.arange(5.0)[:, None]
    >>> LogTarget(LinearRegression()).fit(X, 100.0 * 2.0 ** X[:, 0]).predict(np.array([[6.0]])).round(3)
    array([6400.])
    """

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, X: NDArray[Any], y: NDArray[Any], sample_weight: Numbers | None = None) -> Self:
        """Fit on ``log(y)``, or on ``y`` if one of them is not above 0."""
        self.in_logs_ = bool((y > 0.0).all())
        fresh = clone(self.regressor)
        weights = {} if sample_weight is None else weight_argument(fresh, sample_weight)
        self.regressor_ = fresh.fit(X, np.log(y) if self.in_logs_ else y, **weights)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: NDArray[Any]) -> Numbers:
        """Return values of shape (n,), in the label's unit."""
        check_is_fitted(self, "regressor_")
        said = np.asarray(self.regressor_.predict(X), dtype=np.float64).reshape(-1)
        return np.asarray(np.exp(said)) if self.in_logs_ else said
