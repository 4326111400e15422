"""Puts versions into service: from disk at the start, whatever the ledger says later."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from estate.core.model_spec import ModelSpec
from estate.core.predictor import Predictor
from estate.store.ledger import Entry
from serving.answering import Answering, by_rules
from serving.last_good import Remembered
from serving.metrics import Metrics
from serving.models import Models, ServedModel
from serving.opener import Opener
from serving.predictors import Breaker, Checked, Fallback, Measured, SignedScores, State
from serving.predictors.measured import Observe

logger = logging.getLogger(__name__)

Wrap = Callable[[Predictor], Predictor]
"""Puts something around the predictor of a version."""


class Loader:
    """Puts what answers into :class:`Models`.

    Parameters
    ----------
    models : Models
    opener : Opener
    metrics : Metrics
    """

    def __init__(self, models: Models, opener: Opener, metrics: Metrics) -> None:
        self.models, self.opener, self.metrics = models, opener, metrics

    def find(self, name: str) -> ServedModel | None:
        """Return a model, taking it up if the catalog has it since; None if it has not."""
        known = self.models.known(name)
        if known is None and (spec := self.models.look_up(name)) is not None:
            return self.take_up(spec)
        return known

    def take_up(self, spec: ModelSpec) -> ServedModel:
        """Serve a model from the last good version on disk, else by its rules, else not at all."""
        served = self.install(spec, self.opener.last_good(spec) or by_rules(spec))
        version = served.answering.version if served.answering else None
        logger.info("model_taken_up model=%s version=%s", spec.name, version)
        return served

    def install(
        self, spec: ModelSpec, answering: Answering | None, *, in_production: str | None = None
    ) -> ServedModel:
        """Answer by something that was opened and checked, from one moment to the next."""
        renewed = ServedModel(spec, spec.features.fingerprint, in_production=in_production)
        self._put(renewed, answering)
        self.models.add(renewed)
        return renewed

    def serve(self, served: ServedModel, entry: Entry) -> None:
        """Serve the version that the ledger says; on any error what answered before stays.

        Raises
        ------
        LeadloopError
            If the version can't be fetched, is not trusted, or is not what it should be.
        """
        name, version = served.spec.name, entry.to_version
        opened = self.opener.open(served.spec, entry)
        decided = replace(opened.answering, since=entry.at, who=entry.who, why=entry.why)
        self.install(opened.spec, decided, in_production=version)
        self.opener.warm.keep(opened)
        self.metrics.swaps.labels(name, version).inc()
        self._remember(entry, decided.digest or "")
        logger.info("version_in_service model=%s version=%s digest=%.12s", name, version, decided.digest)

    def wrap(self, served: ServedModel, around: Wrap | None) -> None:
        """Put something around the version that answers, or take it off, from one request to the next."""
        self._put(served, served.bare, around)

    def withdraw(self, served: ServedModel) -> None:
        """Answer by rules again: the ledger holds no version of this model."""
        self.install(served.spec, by_rules(served.spec))
        self.opener.disk.forget(served.spec.name)
        logger.warning("version_withdrawn model=%s reason=not_in_the_ledger", served.spec.name)

    def _remember(self, entry: Entry, digest: str) -> None:
        disk, warm = self.opener.disk, self.opener.warm
        good = Remembered(
            model=entry.model,
            version=entry.to_version,
            digest=digest,
            since=entry.at,
            who=entry.who,
            why=entry.why,
        )
        try:
            disk.remember(good)
            disk.prune(entry.model, warm.versions(entry.model))
        except OSError as error:  # it is in service all the same; only a restart alone would not know it
            logger.error("not_remembered model=%s error=%s", entry.model, type(error).__name__)

    def _put(self, served: ServedModel, bare: Answering | None, around: Wrap | None = None) -> None:
        """Wrap the predictor and replace what answers, in one assignment."""
        name = served.spec.name
        mismatch = bare is not None and bare.feature_mismatch
        if mismatch:
            logger.warning("feature_mismatch model=%s reason=code_changed_since_training", name)
        self.metrics.feature_mismatch.labels(name).set(mismatch)
        served.bare = bare
        served.answering = bare and replace(bare, predictor=self._wrapped(served.spec, bare, around))

    def _wrapped(self, spec: ModelSpec, bare: Answering, around: Wrap | None) -> Measured:
        predictor = bare.predictor
        inner: Predictor = around(predictor) if around is not None else predictor
        if bare.digest is not None:
            state = self.metrics.breaker_state.labels(spec.name)
            state.set(State.CLOSED)
            inner = Breaker(inner, on_change=state.set)
        inner = Checked(inner)
        rules = by_rules(spec)
        if bare.digest is not None and rules is not None:
            failures = self.metrics.model_failures.labels(spec.name)
            inner = Fallback(inner, Checked(rules.predictor), on_failure=failures.inc)
        return Measured(inner, self._observer(spec.name))

    def _observer(self, name: str) -> Observe:
        rows_of = cache(lambda version, by: self.metrics.predictions.labels(name, version, by.value))
        seconds_of = cache(lambda version, by: self.metrics.predict_seconds.labels(name, version, by.value))

        def observe(scores: SignedScores, seconds: float) -> None:
            for origin, rows in scores.rows_by_origin():
                rows_of(*origin).inc(rows)
            seconds_of(scores.version, scores.answered_by).observe(seconds)

        return observe
