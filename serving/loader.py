"""Takes versions into service: from disk at the start, from the registry when the ledger says so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from estate.core.errors import ArtifactError, LeadloopError
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy
from estate.core.predictor import Predictor
from estate.store.ledger import Entry
from serving.answering import Answering, FeaturesUnknown, by_bundle, by_rules
from serving.last_good import Disk, Fetch, Remembered
from serving.metrics import Metrics
from serving.models import Models, ServedModel
from serving.predictors import Checked, Fallback, Measured, SignedScores
from serving.predictors.measured import Observe

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class VersionSource:
    """Where versions and what is known of them come from.

    Parameters
    ----------
    fetch : callable
        The bundle of a version, from the registry.
    digest : callable
        The bundle's digest that the version's evidence is about; None if it has none.
    read_spec : callable
        A model's description, read anew; raises SpecError if it is gone.
    """

    fetch: Fetch
    digest: Callable[[Entry], str | None]
    read_spec: Callable[[str], ModelSpec]


class Loader:
    """Puts what answers into :class:`Models`.

    Parameters
    ----------
    models : Models
    disk : Disk
    source : VersionSource
    metrics : Metrics
    """

    def __init__(self, models: Models, disk: Disk, *, source: VersionSource, metrics: Metrics) -> None:
        self.models, self.disk, self.metrics = models, disk, metrics
        self._source = source

    def find(self, name: str) -> ServedModel | None:
        """Return a model, taking it up if the catalog has it since; None if it has not."""
        known = self.models.known(name)
        if known is None and (spec := self.models.look_up(name)) is not None:
            return self.take_up(spec)
        return known

    def take_up(self, spec: ModelSpec) -> ServedModel:
        """Serve a model from the last good version on disk, else by its rules, else not at all."""
        served = ServedModel(spec, spec.features.fingerprint)
        answering = self._last_good(spec) or by_rules(spec)
        self._put(served, answering)
        self.models.add(served)
        logger.info("model_taken_up model=%s version=%s", spec.name, answering.version if answering else None)
        return served

    def serve(self, served: ServedModel, entry: Entry) -> None:
        """Serve the version that the ledger says; on any error what answered before stays.

        Raises
        ------
        LeadloopError
            If the version can't be fetched, or is not what it should be.
        """
        name, version = served.spec.name, entry.to_version
        spec, answering = self._verified(served, entry)
        decided = replace(answering, since=entry.at, who=entry.who, why=entry.why)
        renewed = ServedModel(spec, spec.features.fingerprint, in_production=version)
        self._put(renewed, decided)
        self.metrics.swaps.labels(name, version).inc()
        self.models.add(renewed)
        self._remember(entry, answering.digest or "")
        logger.info("version_in_service model=%s version=%s digest=%.12s", name, version, answering.digest)

    def _remember(self, entry: Entry, digest: str) -> None:
        good = Remembered(
            model=entry.model,
            version=entry.to_version,
            digest=digest,
            since=entry.at,
            who=entry.who,
            why=entry.why,
        )
        try:
            self.disk.remember(good)
        except OSError as error:  # it is in service all the same; only a restart alone would not know it
            logger.error("not_remembered model=%s error=%s", entry.model, type(error).__name__)

    def withdraw(self, served: ServedModel) -> None:
        """Answer by rules again: the ledger holds no version of this model."""
        self._put(served, by_rules(served.spec))
        self.disk.forget(served.spec.name)
        logger.warning("version_withdrawn model=%s reason=not_in_the_ledger", served.spec.name)

    def _verified(self, served: ServedModel, entry: Entry) -> tuple[ModelSpec, Answering]:
        """Open the version's bundle, fetched anew if the copy on disk is not what the evidence names."""
        name, version = served.spec.name, entry.to_version
        digest = self._source.digest(entry)
        on_disk = self.disk.bundle(name, version).is_dir()
        try:
            return self._opened(served, entry, digest)
        except ArtifactError:
            self.disk.discard(name, version)
            if not on_disk:
                raise
        try:
            return self._opened(served, entry, digest)
        except ArtifactError:
            self.disk.discard(name, version)
            raise

    def _opened(self, served: ServedModel, entry: Entry, digest: str | None) -> tuple[ModelSpec, Answering]:
        spec, version = served.spec, entry.to_version
        folder = self.disk.obtain(spec.name, version, self._source.fetch)
        try:
            answering = by_bundle(spec, folder, version, AnsweredBy.MODEL)
            outdated = answering.feature_mismatch
        except FeaturesUnknown:
            outdated = True
        if outdated:  # the user's model file may have been edited since this process read it
            spec = self._source.read_spec(spec.name)
            answering = by_bundle(spec, folder, version, AnsweredBy.MODEL)
        if digest is not None and answering.digest != digest:
            raise ArtifactError(
                f"bundle of `{spec.name}` version {version}",
                expected=f"digest {digest}, which the evidence is about",
                got=str(answering.digest),
                todo="The artifact is not the one that was judged: promote another version.",
            )
        return spec, answering

    def _last_good(self, spec: ModelSpec) -> Answering | None:
        good = self.disk.recall(spec.name)
        if good is None:
            return None
        try:
            folder = self.disk.bundle(spec.name, good.version)
            answering = by_bundle(spec, folder, good.version, AnsweredBy.LAST_GOOD)
        except LeadloopError as error:
            logger.error("last_good_refused model=%s version=%s error=%s", spec.name, good.version, error)
            return None
        return replace(answering, since=good.since, who=good.who, why=good.why)

    def _put(self, served: ServedModel, answering: Answering | None) -> None:
        """Wrap the predictor and replace what answers, in one assignment."""
        name = served.spec.name
        mismatch = answering is not None and answering.feature_mismatch
        if mismatch:
            logger.warning("feature_mismatch model=%s reason=code_changed_since_training", name)
        self.metrics.feature_mismatch.labels(name).set(mismatch)
        served.answering = answering and replace(answering, predictor=self._wrapped(served.spec, answering))

    def _wrapped(self, spec: ModelSpec, answering: Answering) -> Measured:
        inner: Predictor = Checked(answering.predictor)
        rules = by_rules(spec)
        if answering.digest is not None and rules is not None:
            failures = self.metrics.model_failures.labels(spec.name)
            inner = Fallback(inner, Checked(rules.predictor), on_failure=failures.inc)
        return Measured(inner, self._observer(spec.name))

    def _observer(self, name: str) -> Observe:
        def observe(scores: SignedScores, seconds: float) -> None:
            origin = (name, scores.version, scores.answered_by.value)
            self.metrics.predictions.labels(*origin).inc(len(scores.score))
            self.metrics.predict_seconds.labels(*origin).observe(seconds)

        return observe
