"""Why a score is what it is: the features that speak for and against, in the sales team's words."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from estate.bundles.bundle import Bundle
from estate.bundles.bundle_predictor import BundlePredictor
from estate.bundles.encoder import Matrix
from estate.bundles.reference import Reference
from estate.bundles.shapley import Shapley
from estate.bundles.words import readable, text_of
from estate.core.errors import ArtifactError
from estate.core.frame import Frame, Numbers
from estate.core.model_spec import Task

EACH = 3
"""Reasons of either direction, at most."""
POOL = 512
LEAST_SHARE = 0.02
"""What contributes less than this part of all that features contribute is no reason."""
_INSIDE = 1e-6
"""Nearest that a probability comes to 0 or 1 here: closer, float32 has no digits left for the log-odds."""


@dataclass(frozen=True)
class Reason:
    """What one feature contributes to one score.

    Parameters
    ----------
    feature : str
    text : str
        The feature and its value, in words.
    direction : "for" or "against"
        Whether it raises or lowers the score.
    contribution : float
        Signed. Binary and multiclass: log-odds of the score. Regression: the label's unit.
    """

    feature: str
    text: str
    direction: Literal["for", "against"]
    contribution: float


@dataclass(frozen=True)
class _Prepared:
    shapley: Shapley
    usual: Mapping[str, float | str | None]


class Reasons:
    """Explains scores of one bundle; prepared at the first question, safe to share between threads.

    Background rows and orders follow from the bundle's digest: the same case has the same reasons anywhere.

    Parameters
    ----------
    bundle : Bundle
    titles : mapping of str to str
        What features are called; see :func:`estate.bundles.words.titles`.
    pairs : int, optional
        Background rows, if not as many as :func:`estate.bundles.shapley.pairs_for` says: more are more exact
        and take longer.
    """

    def __init__(self, bundle: Bundle, titles: Mapping[str, str], *, pairs: int | None = None) -> None:
        self.bundle = bundle
        self._titles, self._pairs = titles, pairs
        self._lock = threading.Lock()
        self._prepared: _Prepared | None = None

    @property
    def unit(self) -> Literal["log_odds", "value"]:
        """Unit of contributions."""
        return "value" if self.bundle.task is Task.REGRESSION else "log_odds"

    def explain(self, features: Frame, predictor: BundlePredictor, *, each: int = EACH) -> list[list[Reason]]:
        """Return the reasons of each row, the largest contribution first.

        Parameters
        ----------
        features : Frame
            n rows, after the feature functions.
        predictor : BundlePredictor
            What answers with this bundle.
        each : int
            At most so many for, and so many against.

        Raises
        ------
        ArtifactError
            If the bundle's reference can't be read, or has no rows.
        DataError
            If a feature is missing or of the wrong kind.
        """
        if not len(features):
            return []
        found, _ = self.contributions(features, predictor)
        names = [column.name for column in self.bundle.features]
        rows = features.select(names).records()
        return [self._reasons(names, row, mine, each) for row, mine in zip(rows, found, strict=True)]

    def contributions(self, features: Frame, predictor: BundlePredictor) -> tuple[Numbers, Numbers]:
        """Return what each feature contributes, shape (n, features), and from where it is counted, (n,).

        The row's contributions and the second number sum to what is explained: the log-odds of the score, or
        the value.
        """
        shapley = self._of(predictor).shapley
        matrix = self.bundle.encoder.matrix(features)
        found = shapley.contributions(matrix, lambda rows: self._value(rows, predictor))
        if self.bundle.task is not Task.MULTICLASS:
            return found[:, :, 0], np.full(len(found), shapley.base[0])
        top = predictor.predict_matrix(matrix).probabilities.argmax(axis=1)  # type: ignore[union-attr]
        return found[np.arange(len(top)), :, top], shapley.base[top]

    def _of(self, predictor: BundlePredictor) -> _Prepared:
        with self._lock:
            if self._prepared is None:
                self._prepared = self._prepare(predictor)
            return self._prepared

    def _prepare(self, predictor: BundlePredictor) -> _Prepared:
        reference = self.bundle.reference()
        if not len(reference.features):
            raise ArtifactError(
                f"reference of bundle {self.bundle.folder}",
                expected="rows to explain scores against",
                got="none",
                todo="Train again.",
            )
        every = np.linspace(0, len(reference.features) - 1, min(POOL, len(reference.features)))
        pool = self.bundle.encoder.matrix(reference.features.take(every.astype(np.intp)))
        widths = [len(column.names) for column in self.bundle.encoder.columns]
        shapley = Shapley.over(
            pool,
            np.cumsum([0, *widths[:-1]]),
            lambda rows: self._value(rows, predictor),
            seed=int(self.bundle.digest[:16], 16),
            pairs=self._pairs,
        )
        return _Prepared(shapley, _usual(self.bundle, reference))

    def _value(self, rows: Matrix, predictor: BundlePredictor) -> Numbers:
        scores = predictor.predict_matrix(rows)
        if self.bundle.task is Task.REGRESSION:
            return scores.score[:, None]
        p = scores.score[:, None] if scores.probabilities is None else scores.probabilities
        inside = np.clip(p, _INSIDE, 1.0 - _INSIDE)
        log_odds: Numbers = np.log(inside) - np.log1p(-inside)
        return log_odds

    def _reasons(
        self, names: list[str], row: Mapping[str, float | str | None], mine: Numbers, each: int
    ) -> list[Reason]:
        assert self._prepared is not None
        usual, least = self._prepared.usual, LEAST_SHARE * float(np.abs(mine).sum())
        kept: list[Reason] = []
        left = {"for": each, "against": each}
        for at in np.argsort(-np.abs(mine), kind="stable").tolist():
            name, amount = names[at], float(mine[at])
            direction: Literal["for", "against"] = "for" if amount > 0 else "against"
            if abs(amount) > least and left[direction]:
                left[direction] -= 1
                text = text_of(self._titles.get(name) or readable(name), row[name], usual[name])
                kept.append(Reason(name, text, direction, amount))
        return kept


def _usual(bundle: Bundle, reference: Reference) -> dict[str, float | str | None]:
    """Return the median of each number among the reference's rows, "not known" where most lack it."""
    usual: dict[str, float | str | None] = {}
    for column in bundle.features:
        values = reference.features[column.name]
        if column.kind == "category":
            usual[column.name] = None
        elif 2 * np.isnan(values).sum() > len(values):
            usual[column.name] = "not known"
        else:
            usual[column.name] = float(np.nanmedian(values))
    return usual
