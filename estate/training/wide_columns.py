"""What a line needs to see of a column: its value, its order of magnitude, and whether it is known at all."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

Matrix = NDArray[Any]


class WideColumns(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Fills missing numbers and widens the matrix, so that lines and networks can use it as trees do.

    To every column, filled with its median, come two more if it has more than two values. Its logarithm with
    the sign kept, ``sign(x) log(1 + |x|)``: counts, waiting times, prices work by their order of magnitude.
    And the column as far as its median, ``min(x, median)``, if that is above its lowest value: a line may
    have a bend there, for the first days of silence say more than the tenth. And 1 where it was missing, 0
    elsewhere, if it ever was in the rows of the fit.

    Attributes
    ----------
    medians_ : float32 array of shape (columns,)
    bent_, capped_, gone_ : int arrays
        Columns that get a logarithm, a copy as far as their median, and a sign of being missing.

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [np.nan, 0.0], [3.0, 1.0]])
    >>> WideColumns().fit_transform(X).round(2).tolist()
    [[0.0, 1.0, 0.0, 0.0, 0.0], [1.5, 0.0, 0.92, 1.5, 1.0], [3.0, 1.0, 1.39, 1.5, 0.0]]
    """

    def fit(self, X: Matrix, _y: object = None) -> Self:
        """Learn the medians, and which columns get what beside them."""
        missing = np.isnan(X)
        self.medians_ = np.array(
            [
                np.median(column[~gone]) if (~gone).any() else 0.0
                for column, gone in zip(X.T, missing.T, strict=True)
            ],
            dtype=np.float32,
        )
        filled = self._filled(X)
        self.bent_ = np.flatnonzero([len(np.unique(column)) > 2 for column in filled.T])
        self.capped_ = self.bent_[(filled.min(axis=0) < self.medians_)[self.bent_]]
        self.gone_ = np.flatnonzero(missing.any(axis=0))
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Matrix) -> Matrix:
        """Return shape (n, columns + those with a logarithm + capped ones + once missing ones)."""
        check_is_fitted(self, "medians_")
        filled = self._filled(X)
        bent = filled[:, self.bent_]
        gone = np.isnan(X[:, self.gone_]).astype(filled.dtype)
        capped = np.minimum(filled[:, self.capped_], self.medians_[self.capped_].astype(filled.dtype))
        return np.concatenate([filled, np.sign(bent) * np.log1p(np.abs(bent)), capped, gone], axis=1)

    def _filled(self, X: Matrix) -> Matrix:
        return np.where(np.isnan(X), self.medians_.astype(X.dtype), X)
