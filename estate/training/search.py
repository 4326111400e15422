"""Parameters are searched before the rows that calibrate and judge: those never see a trial.

Each trial is backtested at several cuts of the train part, on the rows that came next. What is scored is
what a version would answer: where the task is binary, each block's scores are calibrated on rows before the
block. So rare positives need no resampling. Where a trial weighs them up (``scale_pos_weight``), or leaves
some negatives out, the calibration takes the wrong level out again before it is compared.

References
----------
Akiba, Sano, Yanase, Ohta, Koyama (2019), "Optuna: a next-generation hyperparameter optimization framework",
KDD. Bergstra, Bardenet, Bengio, Kégl (2011), "Algorithms for hyper-parameter optimization", NeurIPS: the
tree-structured Parzen estimator that proposes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from estate.core.errors import LeadloopError, TrainingError
from estate.core.model_spec import ModelSpec, Task
from estate.core.prediction import Scores
from estate.core.search import Search, own_parameters
from estate.core.search_summary import SearchedParameter, SearchSummary
from estate.training.backtest import rolling_blocks
from estate.training.data import TrainingData
from estate.training.fit import fit
from estate.training.metrics import Metric, metric_named
from estate.training.search_choice import Verdict, compare
from estate.training.search_study import as_asked, as_named, distributions, new_study
from estate.training.split import Split

if TYPE_CHECKING:
    import optuna

LEAST_BLOCKS = 2
SAY_EVERY = 5

State = Literal["complete", "pruned", "failed", "stopped"]
"""``pruned``: worse than the median of the trials before at that block; ``stopped``: the minutes ended."""
EndedBy = Literal["trials", "minutes", "patience"]


@dataclass(frozen=True)
class Trial:
    """One set of parameters and what came of it.

    Parameters
    ----------
    number : int
        0 is the spec's own.
    parameters : mapping of str to object
    values : tuple of float
        The gate's metric on each block that was scored.
    state : "complete", "pruned", "failed" or "stopped"
    reason : str
        Why it failed.
    seconds : float
        How long it took; it does not count where two trials are compared.
    """

    number: int
    parameters: Mapping[str, Any]
    values: tuple[float, ...]
    state: State
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)

    @property
    def value(self) -> float:
        """Mean over the blocks that were scored; NaN if none was."""
        return float(np.mean(self.values)) if self.values else float("nan")


@dataclass(frozen=True)
class Found:
    """What a search chose, and everything that it tried.

    Parameters
    ----------
    parameters : mapping of str to object
        Chosen; empty where the spec's own were kept.
    trials : tuple of Trial
    summary : SearchSummary
    """

    parameters: Mapping[str, Any]
    trials: tuple[Trial, ...]
    summary: SearchSummary

    def spec(self, spec: ModelSpec) -> ModelSpec:
        """Return the spec with an estimator of the chosen parameters."""
        if not self.parameters:
            return spec
        return replace(spec, estimator=partial(spec.estimator, **self.parameters))


def search_parameters(
    spec: ModelSpec, train: TrainingData, *, say: Callable[[str], None] = lambda _: None
) -> Found:
    """Try parameters within the spec's budget; the spec's own stay unless others are clearly better.

    The same spec and rows give the same trials and the same choice, unless the minutes end it.

    Parameters
    ----------
    spec : ModelSpec
        With a search. Its gate's metric decides, its seed draws.
    train : TrainingData
        The train part alone.
    say : callable
        Told every few trials how far it is.

    Raises
    ------
    TrainingError
        If every trial failed; says why the first did.
    """
    assert spec.search is not None, "asked before"
    metric = metric_named(spec.task, spec.gate.metric)
    blocks = [block for block in rolling_blocks(spec, train) if _can_judge(spec, block)]
    run = _Run(spec, spec.search, metric, blocks, say)
    if len(blocks) < LEAST_BLOCKS:
        return Found({}, (), _summary(run, Verdict(True), "rows"))
    ended_by = run.go()
    if all(trial.state == "failed" for trial in run.trials):
        raise TrainingError(
            f"search of model `{spec.name}`",
            expected="parameters that the estimator can be fitted with",
            got=f"{len(run.trials)} failed trials, the first: {run.trials[0].reason}",
        )
    verdict = _verdict(run)
    summary = _summary(run, verdict, ended_by)
    say(summary.sentence)
    chosen = {} if verdict.kept_own or run.best is None else run.best.trial.parameters
    return Found(chosen, tuple(run.trials), summary)


@dataclass(frozen=True)
class _Scored:
    """A complete trial with its scores of each block."""

    trial: Trial
    scores: tuple[Scores, ...]


class _Run:
    """A search on its way; ``own`` and ``best`` are complete trials, None where there is none yet."""

    def __init__(
        self, spec: ModelSpec, search: Search, metric: Metric, blocks: list[Split], say: Callable[[str], None]
    ) -> None:
        self.spec, self.search, self.metric, self.blocks, self.say = spec, search, metric, blocks, say
        self.defaults = own_parameters(search, spec.estimator, model=spec.name)
        self.sign = -1.0 if metric.larger_is_better else 1.0
        self.trials: list[Trial] = []
        self.own: _Scored | None = None
        self.best: _Scored | None = None

    def go(self) -> EndedBy:
        """Try one after the other; returns what ended it."""
        import optuna

        study = new_study(self.spec.seed, self.search)
        study.enqueue_trial(as_asked(self.search, self.defaults))
        self.deadline = monotonic() + self.search.minutes * 60
        last_better = 0
        for number in range(self.search.trials):
            asked = study.ask(distributions(self.search))
            trial = self._try(asked, as_named(self.search, asked.params))
            self.trials.append(trial)
            if trial.state == "complete":
                study.tell(asked, self.sign * trial.value)
            else:
                gone = optuna.trial.TrialState
                study.tell(asked, state=gone.PRUNED if trial.state == "pruned" else gone.FAIL)
            if self.best is not None and self.best.trial is trial:
                last_better = number
            self._report(number)
            if trial.state == "stopped" or (self._late() and number + 1 < self.search.trials):
                return "minutes"
            if number - last_better >= self.search.patience and number + 1 < self.search.trials:
                return "patience"
        return "trials"

    def _try(self, asked: optuna.Trial, parameters: dict[str, Any]) -> Trial:
        began = monotonic()
        spec = replace(self.spec, estimator=partial(self.spec.estimator, **parameters))
        values: list[float] = []
        scores: list[Scores] = []
        state: State = "complete"
        reason = ""
        for place, block in enumerate(self.blocks):
            if self._late():
                state = "stopped"
                break
            try:
                scores.append(_scores(spec, block))
                value = self.metric.function(block.holdout.y, scores[-1])
            except Exception as error:  # an estimator of the user's own may raise anything
                state, reason = "failed", _first_line(error)
                break
            if not np.isfinite(value):
                state, reason = "failed", f"{self.metric.name} is not a number"
                break
            values.append(value)
            asked.report(self.sign * float(np.mean(values)), place)
            if place + 1 < len(self.blocks) and asked.should_prune():
                state = "pruned"
                break
        seconds = monotonic() - began
        trial = Trial(len(self.trials), parameters, tuple(values), state, reason, seconds)
        if state == "complete":
            self._keep(_Scored(trial, tuple(scores)))
        return trial

    def _keep(self, scored: _Scored) -> None:
        if scored.trial.number == 0:
            self.own = scored
        if self.best is None or self.metric.improvement(scored.trial.value, self.best.trial.value) > 0:
            self.best = scored

    def _late(self) -> bool:
        return monotonic() > self.deadline

    def _report(self, number: int) -> None:
        if number % SAY_EVERY == 0:
            best = f"{self.best.trial.value:.4f}" if self.best else "none yet"
            self.say(f"search: trial {number + 1} of {self.search.trials}, best {self.metric.name} {best}")


def _verdict(run: _Run) -> Verdict:
    if run.best is None or run.best is run.own:
        return Verdict(True)
    if run.own is None:  # the spec's own failed: nothing to compare with; or the minutes ended them
        return Verdict(run.trials[0].state != "failed")
    rivals = sum(trial.state in ("complete", "pruned") for trial in run.trials[1:])
    labels = [block.holdout.y for block in run.blocks]
    return compare(run.metric, labels, run.best.scores, run.own.scores, rivals=rivals)


def _summary(run: _Run, verdict: Verdict, ended_by: str) -> SearchSummary:
    own = run.own.trial.value if run.own else None
    taken = run.defaults if verdict.kept_own or run.best is None else run.best.trial.parameters
    states = [trial.state for trial in run.trials]
    return SearchSummary(
        parameters=tuple(
            SearchedParameter(name, str(taken[name]), str(value)) for name, value in run.defaults.items()
        ),
        trials=len(states),
        pruned=states.count("pruned"),
        failed=states.count("failed"),
        ended_by=ended_by,
        metric=run.metric.name,
        own=own,
        chosen=own if verdict.kept_own or run.best is None else run.best.trial.value,
        gain=verdict.gain,
        gain_low=verdict.gain_low,
        kept_own=verdict.kept_own,
        reason=next((trial.reason for trial in run.trials if trial.state == "failed"), ""),
    )


def _can_judge(spec: ModelSpec, block: Split) -> bool:
    """Return whether each part of a block has the classes without which nothing is learned or measured."""
    if spec.task is Task.REGRESSION:
        return True
    if spec.task is Task.MULTICLASS:
        return len(np.unique(block.train.y)) == len(block.train.classes)
    return all(len(np.unique(part.y)) == 2 for part in (block.train, block.calibration, block.holdout))


def _scores(spec: ModelSpec, block: Split) -> Scores:
    trained = fit(spec, block)
    return trained.predict_matrix(trained.encoder.matrix(block.holdout.features))


def _first_line(error: Exception) -> str:
    said = str(error).strip().splitlines()
    return (
        said[0] if said and isinstance(error, LeadloopError) else ": ".join([type(error).__name__, *said[:1]])
    )
