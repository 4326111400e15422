"""A vote whose members have to earn their place, on rows that came after those they learned from.

The weights of a vote are no matter of taste. Each member is fitted on the older rows and asked for the next
ones; the weights are those that would have been best there; a member without which nothing measurable would
have been lost is left out; and only then are the others fitted on all rows. The rows have to come oldest
first, as a training hands them over: after a drift it is the newest rows that say whom to believe.

References
----------
Wolpert (1992), "Stacked generalization", Neural Networks 5. Breiman (1996), "Stacked regressions", Machine
Learning 24: weights that are not negative. Tashman (2000), "Out-of-sample tests of forecasting accuracy",
International Journal of Forecasting 16: the rolling origin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from estate.core.frame import Numbers
from estate.training.row_weights import weight_argument
from estate.training.vote_weights import Earned, choose_by_log_loss, choose_by_squared_error

Members = Sequence[tuple[str, Any]]
LEAST_ROWS = 40
"""With fewer rows before a block nothing is learned from it."""


class _WeightedMembers(BaseEstimator):  # type: ignore[misc]
    """What the vote and the mean share: members, blocks of newer rows, and the last fit on all rows.

    Parameters
    ----------
    members : sequence of (str, estimator)
        Unfitted, each with a name of its own.
    newest : float
        Share of the rows, the newest ones, on which the weights are learned; in (0, 1).
    blocks : int
        Into which these are cut: before each block every member is fitted anew on all rows before it.
    """

    def __init__(self, members: Members, *, newest: float = 0.4, blocks: int = 2) -> None:
        self.members = members
        self.newest = newest
        self.blocks = blocks

    def _require_members(self) -> None:
        names = [name for name, _ in self.members]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"members of {type(self).__name__}: expected names, each once, got {names}")
        if not 0.0 < self.newest < 1.0 or self.blocks < 1:
            raise ValueError(f"`newest` {self.newest} is not in (0, 1), or `blocks` {self.blocks} below 1")

    def _keep(self, chosen: Sequence[Earned]) -> None:
        """Take over what was chosen: weights, and what each member earned."""
        self.earned_: dict[str, float] = {one.name: one.gain for one in chosen}
        self.errors_: dict[str, float] = {one.name: one.error for one in chosen}
        self.weights_: dict[str, float] = {one.name: one.weight for one in chosen}
        self.kept_: tuple[str, ...] = tuple(one.name for one in chosen if one.weight > 0.0)

    def _fit_kept(self, X: NDArray[Any], y: NDArray[Any], weight: Numbers | None) -> None:
        members = dict(self.members)
        self.estimators_ = [_fitted(members[name], X, y, weight) for name in self.kept_]
        self.n_features_in_ = X.shape[1]

    @property
    def _shares(self) -> Numbers:
        return np.array([self.weights_[name] for name in self.kept_])

    def _cuts(self, n: int) -> Iterator[tuple[int, int]]:
        edges = np.linspace(n - round(n * self.newest), n, self.blocks + 1).round().astype(int).tolist()
        for start, end in pairwise(edges):
            if start >= LEAST_ROWS and end > start:
                yield start, end


class WeightedVote(ClassifierMixin, _WeightedMembers):  # type: ignore[misc]
    """A soft vote: the weighted mean of its members' probabilities, with learned weights.

    The weights are at least 0, sum to 1, and minimise the log loss of the mean on the newest rows.

    Parameters
    ----------
    members : sequence of (str, estimator)
        Unfitted classifiers with ``predict_proba``, each with a name of its own. Those that can't read
        missing numbers bring an imputer in a pipeline of their own.
    newest : float
        Share of the rows, the newest ones, on which the weights are learned; in (0, 1).
    blocks : int
        Into which these are cut: before each block every member is fitted anew on all rows before it.

    Attributes
    ----------
    weights_ : dict of str to float
        By member; 0 for one that was left out.
    kept_ : tuple of str
    earned_ : dict of str to float
        How much higher the mean log loss on the newest rows is without the member, in nats; of one that was
        left out, as it was then.
    errors_ : dict of str to float
        Standard errors of these.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.linspace(-3, 3, 600)[np.random.default_rng(0).permutation(600), None]
    >>> y = (X[:, 0] + np.random.default_rng(1).normal(size=600) > 0).astype(int)
    >>> vote = WeightedVote([("line", LogisticRegression()), ("rate", DummyClassifier())]).fit(X, y)
    >>> vote.kept_, vote.weights_
    (('line',), {'line': 1.0, 'rate': 0.0})
    >>> WeightedVote([]).fit(X, y)
    Traceback (most recent call last):
    ValueError: members of WeightedVote: expected names, each once, got []
    """

    def fit(self, X: NDArray[Any], y: NDArray[Any], sample_weight: Numbers | None = None) -> Self:
        """Learn the weights on the newest rows, then fit the members that earn their place on all rows.

        Parameters
        ----------
        X : array of shape (n, columns)
            Oldest row first.
        y : array of shape (n,)
        sample_weight : array of shape (n,), optional
            Counts in the members, in the weights and in what each member earns.

        Raises
        ------
        ValueError
            If there are no members, two of one name, or one that takes no weights though there are some.
        """
        self._require_members()
        self.classes_, codes = np.unique(y, return_inverse=True)
        names = [name for name, _ in self.members]
        found = list(self._of_newer_rows(X, y, codes, sample_weight))
        weight = np.concatenate([w for _, w in found]) if found else np.ones(0)
        truth = np.concatenate([p for p, _ in found], axis=1) if found else np.ones((len(names), 0))
        self._keep(choose_by_log_loss(names, truth, weight))
        self._fit_kept(X, y, sample_weight)
        return self

    def _of_newer_rows(
        self, X: NDArray[Any], y: NDArray[Any], codes: NDArray[np.intp], weight: Numbers | None
    ) -> Iterator[tuple[Numbers, Numbers]]:
        """Yield of each block what every member gave the class that came true, and the rows' weights."""
        for start, end in self._cuts(len(y)):
            if len(np.unique(codes[:start])) < len(self.classes_):
                continue  # a member that has not seen a class can't be asked for it
            before = None if weight is None else weight[:start]
            rows = np.arange(end - start)
            yield (
                np.stack(
                    [
                        _fitted(member, X[:start], y[:start], before).predict_proba(X[start:end])[
                            rows, codes[start:end]
                        ]
                        for _, member in self.members
                    ]
                ).astype(np.float64),
                np.ones(len(rows)) if weight is None else weight[start:end],
            )

    def predict_proba(self, X: NDArray[Any]) -> Numbers:
        """Return probabilities of shape (n, classes)."""
        check_is_fitted(self, "estimators_")
        said = np.stack([member.predict_proba(X) for member in self.estimators_]).astype(np.float64)
        mean: Numbers = np.tensordot(self._shares, said, axes=1)
        return np.asarray(
            mean / mean.sum(axis=1, keepdims=True)
        )  # float32 members sum to 1 as far as float32 goes

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the likeliest class of each row, shape (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def as_voting_classifier(self) -> Any:
        """Return the same as scikit-learn's fitted VotingClassifier, which has an ONNX form."""
        from sklearn.ensemble import VotingClassifier

        named = list(zip(self.kept_, self.estimators_, strict=True))
        vote = VotingClassifier(named, voting="soft", flatten_transform=False, weights=self._shares)
        vote.estimators_, vote.classes_ = self.estimators_, self.classes_
        return vote


class WeightedMean(RegressorMixin, _WeightedMembers):  # type: ignore[misc]
    """The weighted mean of its members' values, with learned weights; fields as in :class:`WeightedVote`.

    The weights are at least 0, sum to 1, and minimise the squared error of the mean on the newest rows;
    ``earned_`` is in the label's unit, squared.
    """

    def fit(self, X: NDArray[Any], y: NDArray[Any], sample_weight: Numbers | None = None) -> Self:
        """Learn the weights on the newest rows, then fit the members that earn their place on all rows."""
        self._require_members()
        names = [name for name, _ in self.members]
        values, weights = [np.zeros((len(names), 0))], [np.zeros(0)]
        for start, end in self._cuts(len(y)):
            before = None if sample_weight is None else sample_weight[:start]
            fitted = [_fitted(member, X[:start], y[:start], before) for _, member in self.members]
            values.append(np.stack([_values(member, X[start:end]) for member in fitted]) - y[start:end])
            weights.append(np.ones(end - start) if sample_weight is None else sample_weight[start:end])
        chosen = choose_by_squared_error(names, np.concatenate(values, axis=1), np.concatenate(weights))
        self._keep(chosen)
        self._fit_kept(X, y, sample_weight)
        return self

    def predict(self, X: NDArray[Any]) -> Numbers:
        """Return values of shape (n,)."""
        check_is_fitted(self, "estimators_")
        return np.asarray(self._shares @ np.stack([_values(member, X) for member in self.estimators_]))

    def as_voting_regressor(self) -> Any:
        """Return the same as scikit-learn's fitted VotingRegressor, which has an ONNX form."""
        from sklearn.ensemble import VotingRegressor

        named = list(zip(self.kept_, self.estimators_, strict=True))
        vote = VotingRegressor(named, weights=self._shares)
        vote.estimators_ = self.estimators_
        return vote


def _values(member: Any, X: NDArray[Any]) -> Numbers:
    return np.asarray(member.predict(X), dtype=np.float64).reshape(-1)


def _fitted(member: Any, X: NDArray[Any], y: NDArray[Any], weight: Numbers | None) -> Any:
    fresh = clone(member)
    if weight is None:
        return fresh.fit(X, y)
    return fresh.fit(X, y, **weight_argument(fresh, weight))
