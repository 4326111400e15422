"""What a model is: one description from which training, gate, serving and watch all follow."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from estate.core.errors import SpecError
from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame, Numbers
from estate.core.gate import DEFAULT_GATE
from estate.core.gate import Gate as Gate  # noqa: PLC0414 - a spec is written with one import
from estate.core.rollout import AT_ONCE, Rollout
from estate.core.search import Search as Search  # noqa: PLC0414 - likewise
from estate.core.search import own_parameters
from estate.core.sources import CrmSource as CrmSource  # noqa: PLC0414 - likewise
from estate.core.sources import PairSource as PairSource  # noqa: PLC0414 - likewise
from estate.core.sources import QuerySource as QuerySource  # noqa: PLC0414 - likewise
from estate.core.sources import Source as Source  # noqa: PLC0414 - likewise
from estate.core.sources import TableSource as TableSource  # noqa: PLC0414 - likewise
from estate.core.training_rules import DEFAULT_RULES
from estate.core.training_rules import TrainingRules as TrainingRules  # noqa: PLC0414 - likewise


class Task(StrEnum):
    """What is predicted."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Policy(StrEnum):
    """Who promotes a version that passed its gate."""

    PERSON = "person"
    TWO_PEOPLE = "two_people"  # whoever trained it can't be the only one who approves
    AUTOMATIC = "automatic"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When to retrain without being asked."""

    cron: str = "0 5 * * 1"
    timezone: str = "UTC"


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One model, whole.

    Parameters
    ----------
    name : str
        Lower-case words joined by ``_``; the registered model's name in MLflow.
    purpose : str
        One sentence for the model card: what is predicted, for whom.
    task : Task
    source : CrmSource, TableSource, QuerySource or PairSource
    features : FeatureSet
    estimator : callable
        From a seed to an unfitted scikit-learn compatible estimator that reads a float32 matrix (missing
        numbers are NaN) and can be exported to ONNX.
    gate : Gate
    rules : callable
        The answer where no model is: from a frame of features (n rows) to n scores of the task's kind;
        a probability in [0, 1] if binary, the value if regression; not used for multiclass.
    policy : Policy
    schedule : Schedule, optional
    half_life_days : float, optional
        Weight of a training row halves with every so many days of age; None: all weigh the same.
    calibration_most : int
        Rows that a binary model's calibration is fitted on: 15 % of all, the newest before the frozen ones,
        but no more than this. It fits three numbers at most; where the share of positives moves, fewer rows
        are newer rows.
    refit : bool
        Whether a binary model learns from the calibration rows too, and is calibrated across halves of them.
        It takes three times as long; worth it where rows are few, or the newest matter most.
    seed : int
    rollout : Rollout
        How an accepted version goes into production where the person who promotes it does not say.
    bands : tuple of float
        Scores, rising, that part what the desk acts on differently; empty: the 60 % and 90 % quantiles of the
        present version's scores.
    interval : float
        How often the interval of an answer is to hold the truth, in (0.5, 1).
    training : TrainingRules
        What trainings respect that no person asked for.
    search : Search, optional
        Parameters that a training chooses by itself, which ``estimator`` then takes by name behind the seed.
    """

    name: str
    purpose: str
    task: Task
    source: Source
    features: FeatureSet
    estimator: Callable[..., Any]
    rules: Callable[[Frame], Numbers] | None = None
    gate: Gate = DEFAULT_GATE
    policy: Policy = Policy.PERSON
    schedule: Schedule | None = Schedule()
    half_life_days: float | None = None
    calibration_most: int = 2000
    refit: bool = False
    seed: int = 0
    rollout: Rollout = AT_ONCE
    bands: tuple[float, ...] = ()
    interval: float = 0.9
    training: TrainingRules = DEFAULT_RULES
    search: Search | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", self.name):
            raise SpecError("model name", expected="lower-case words joined by _", got=repr(self.name))
        self._require_types()
        self._require_numbers()
        if not isinstance(self.source, CrmSource):
            self._require_honest_features(self.source)

    def _require_types(self) -> None:
        sources = (CrmSource, TableSource, QuerySource, PairSource)
        for field, kinds, said in (
            ("task", (Task,), "Task.BINARY, Task.MULTICLASS or Task.REGRESSION"),
            ("source", sources, "a TableSource, QuerySource, CrmSource or PairSource"),
            ("features", (FeatureSet,), "a FeatureSet"),
            ("gate", (Gate,), "a Gate"),
            ("policy", (Policy,), "Policy.PERSON, Policy.TWO_PEOPLE or Policy.AUTOMATIC"),
            ("rollout", (Rollout,), "a Rollout"),
            ("training", (TrainingRules,), "TrainingRules"),
            ("schedule", (Schedule, type(None)), "a Schedule, or None"),
            ("search", (Search, type(None)), "a Search, or None"),
        ):
            if not isinstance(getattr(self, field), kinds):
                raise SpecError(
                    f"`{field}` of model `{self.name}`", expected=said, got=repr(getattr(self, field))
                )
        if not callable(self.estimator):
            raise SpecError(
                f"`estimator` of model `{self.name}`",
                expected="a function of a seed that returns an unfitted estimator",
                got=type(self.estimator).__name__,
                todo="Write `def estimator(seed): return …`.",
            )
        if self.search is not None:
            own_parameters(self.search, self.estimator, model=self.name)

    def _require_numbers(self) -> None:
        bands = self.bands
        known = isinstance(bands, tuple | list) and all(isinstance(edge, int | float) for edge in bands)
        if not known or not all(math.isfinite(edge) for edge in bands) or sorted(set(bands)) != list(bands):
            raise SpecError(
                f"`bands` of model `{self.name}`",
                expected="scores, each above the one before",
                got=repr(bands),
                todo="A tuple of one is written with a comma: `(0.3,)`.",
            )
        if not isinstance(self.interval, float) or not 0.5 < self.interval < 1.0:
            raise SpecError(
                f"`interval` of model `{self.name}`",
                expected="a share between 0.5 and 1, such as 0.9",
                got=repr(self.interval),
            )

    def _require_honest_features(self, source: TableSource | QuerySource | PairSource) -> None:
        if source.label in self.features.names:
            raise SpecError(
                f"model `{self.name}`",
                expected="features without the label",
                got=f"feature `{source.label}`",
                todo="Take the label out of the features: it is the answer.",
            )
        unknown = [name for name in self.gate.slices if name not in self.features.names]
        if unknown:
            raise SpecError(
                f"slices in the gate of model `{self.name}`", expected="features", got=", ".join(unknown)
            )
        if self.half_life_days is not None and source.time is None:
            raise SpecError(
                f"`half_life_days` of model `{self.name}`",
                expected="a source with `time`",
                got="none",
                todo="Name the time column, or leave the half-life out.",
            )

    @property
    def computes_from_histories(self) -> bool:
        """Whether features are computed from event histories rather than from a raw row."""
        return isinstance(self.source, CrmSource)
