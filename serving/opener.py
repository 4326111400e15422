"""From a decision to a version that is loaded, trusted and checked, beside whatever answers meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from estate.bundles import Bundle, open_predictor
from estate.core.errors import ArtifactError, LeadloopError
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy
from estate.core.predictor import Predictor
from estate.store.evidence import SignedEvidence
from estate.store.ledger import Entry
from serving.answering import Answering, FeaturesUnknown, by_bundle
from serving.last_good import Disk, Fetch
from serving.trust import Trust
from serving.warm import Opened, WarmVersions

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class VersionSource:
    """Where versions and what is known of them come from.

    Parameters
    ----------
    fetch : callable
        The bundle of a version, from the registry.
    evidence : callable
        What is kept of a version's judgement; None if nothing is.
    read_spec : callable
        A model's description, read anew; raises SpecError if it is gone.
    """

    fetch: Fetch
    evidence: Callable[[Entry], SignedEvidence | None]
    read_spec: Callable[[str], ModelSpec]


class Opener:
    """Opens versions.

    Parameters
    ----------
    disk : Disk
    source : VersionSource
    trust : Trust

    Attributes
    ----------
    finish : callable
        Puts what belongs to one version around it, once, when it is opened.
    """

    def __init__(self, disk: Disk, source: VersionSource, trust: Trust) -> None:
        self.disk, self.warm = disk, WarmVersions()
        self._source, self._trust = source, trust
        self.finish: Callable[[Answering], Answering] = lambda answering: answering

    def open(self, spec: ModelSpec, entry: Entry) -> Opened:
        """Return the version that an entry of the ledger names: from memory, disk or the registry.

        Raises
        ------
        LeadloopError
            If it can't be fetched, nobody trusted vouches for it, or it is not what it should be.
        """
        model, version, decided_on = spec.name, entry.to_version, entry.evidence_digest
        warm = self.warm.find(model, version)
        if warm is not None and (decided_on is None or warm.signed.digest == decided_on):
            self._trust.check_evidence(model, version, warm.signed)
            return warm
        signed = self._trust.check_evidence(
            model, version, self._source.evidence(entry), decided_on=decided_on
        )
        opened = self._fresh(spec, version, signed)
        if opened.answering.feature_mismatch:
            raise ArtifactError(
                f"features of `{model}` version {version}",
                expected=f"code that computes {signed.evidence.feature_fingerprint}",
                got=opened.spec.features.fingerprint,
                todo="Deploy the code that it was trained with, or train again.",
            )
        self.disk.keep_evidence(model, version, signed)
        return opened

    def reopen(
        self, model: str, version: str, evidence: Callable[[str, str], SignedEvidence | None]
    ) -> tuple[Bundle, Predictor]:
        """Return a version of before, from disk or the registry, checked in the same way.

        The code of its features is not asked for: it is to read features that are there already.

        Parameters
        ----------
        evidence : callable
            What is kept of the version's judgement; None if nothing is.

        Raises
        ------
        LeadloopError
            If it can't be fetched, nobody trusted vouches for it, or it is not what it should be.
        """
        signed = self._trust.check_evidence(model, version, evidence(model, version))
        self.disk.obtain(model, version, self._source.fetch)
        bundle = Bundle.open(self.disk.bundle(model, version))
        self._trust.check_bundle(bundle, version, signed)
        predictor = open_predictor(bundle, version, AnsweredBy.MODEL)
        bundle.check_golden(predictor)
        return bundle, predictor

    def last_good(self, spec: ModelSpec) -> Answering | None:
        """Return the last good version on disk, checked in the same way; None if there is none."""
        good = self.disk.recall(spec.name)
        if good is None:
            return None
        try:
            kept = self.disk.recall_evidence(spec.name, good.version)
            signed = self._trust.check_evidence(spec.name, good.version, kept)
            opened = self._opened(spec, good.version, signed, AnsweredBy.LAST_GOOD)
        except LeadloopError as error:
            logger.error("last_good_refused model=%s version=%s error=%s", spec.name, good.version, error)
            return None
        return replace(opened.answering, since=good.since, who=good.who, why=good.why)

    def _fresh(self, spec: ModelSpec, version: str, signed: SignedEvidence) -> Opened:
        """Open the version's bundle, fetched anew if the copy on disk is not what the evidence names."""
        on_disk = self.disk.bundle(spec.name, version).is_dir()
        try:
            return self._fetched(spec, version, signed)
        except ArtifactError:
            self.disk.discard(spec.name, version)
            if not on_disk:
                raise
        try:
            return self._fetched(spec, version, signed)
        except ArtifactError:
            self.disk.discard(spec.name, version)
            raise

    def _fetched(self, spec: ModelSpec, version: str, signed: SignedEvidence) -> Opened:
        self.disk.obtain(spec.name, version, self._source.fetch)
        try:
            opened = self._opened(spec, version, signed, AnsweredBy.MODEL)
            outdated = opened.answering.feature_mismatch
        except FeaturesUnknown:
            outdated = True
        if outdated:  # the user's model file may have been edited since this process read it
            spec = self._source.read_spec(spec.name)
            opened = self._opened(spec, version, signed, AnsweredBy.MODEL)
        return opened

    def _opened(
        self, spec: ModelSpec, version: str, signed: SignedEvidence, answered_by: AnsweredBy
    ) -> Opened:
        bundle = Bundle.open(self.disk.bundle(spec.name, version))
        self._trust.check_bundle(bundle, version, signed)
        return Opened(spec, self.finish(by_bundle(spec, bundle, version, answered_by)), signed)
