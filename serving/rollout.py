"""One rollout in this process: the new version is loaded beside the present one, then wrapped around it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from estate.core.clock import now
from estate.core.errors import ArtifactError, LeadloopError, SpecError
from estate.core.model_spec import ModelSpec
from estate.core.predictor import Predictor
from estate.core.rollout import Rollout, RolloutKind, RolloutReport, Side
from estate.store.ledger import Entry
from serving.journal.encoding import ComparedRows
from serving.loader import Loader
from serving.models import ServedModel
from serving.predictors import Canary, Cases, Checked, Shadow, Share, SignedScores
from serving.predictors.cached import uncached
from serving.tally import SideTally, Tally, score_edges
from serving.warm import Opened

logger = logging.getLogger(__name__)

KeepCompared = Callable[[ComparedRows], None]
"""Keeps what two versions said of the same rows; never waits for the database."""

_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 30.0


@dataclass
class _Loaded:
    opened: Opened
    tally: Tally


@dataclass
class OpenRollout:
    """What this process does for one row of the ledger that started a rollout.

    Parameters
    ----------
    entry : Entry
    loader : Loader
    keep_compared : callable, optional
        Takes what the two versions of a shadow said of the same rows.
    """

    entry: Entry
    loader: Loader
    keep_compared: KeepCompared | None = None
    problem: str | None = None
    refused: bool = False
    _loaded: _Loaded | None = None
    _wrapped: ServedModel | None = None
    _shadow: Shadow | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.rollout = Rollout.from_json(self.entry.rollout or Rollout().to_json())

    def start(self, spec: ModelSpec) -> None:
        """Load the new version in a thread of its own: nothing else waits for it."""
        name = f"rollout-{self.entry.seq}"
        threading.Thread(target=self._load, args=(spec,), name=name, daemon=True).start()

    def carry_out(self, served: ServedModel) -> None:
        """Put the wrapper around what answers now, if the new version is loaded and it is not there yet."""
        loaded = self._loaded
        if loaded is None or self.refused or self._wrapped is served:
            return
        if self.rollout.kind in (RolloutKind.BLUE_GREEN, RolloutKind.ALL_AT_ONCE):
            return
        if reason := _not_beside(served, loaded.opened):
            self.problem, self.refused = reason, True
            return
        self._close_shadow()
        self.loader.wrap(served, lambda stable: self._around(stable, loaded))
        self._wrapped = served
        logger.info("rollout_begun model=%s version=%s", self.entry.model, self.entry.to_version)

    def end(self, served: ServedModel | None) -> None:
        """Take the wrapper off, unless what it was around is gone already; forget the loaded version."""
        self._ended.set()
        if served is not None and served is self._wrapped:
            self.loader.wrap(served, None)
        self._close_shadow()
        version, model = self.entry.to_version, self.entry.model
        if served is None or served.answering is None or served.answering.version != version:
            self.loader.opener.warm.drop(model, version)
        logger.info("rollout_over model=%s version=%s", model, version)

    def close(self) -> None:
        """Stop all work; what answers is left as it is."""
        self._ended.set()
        self._close_shadow()

    def report(self, process: str) -> RolloutReport:
        """Say how it goes."""
        loaded = self._loaded
        state, problem = ("ready" if loaded else "loading"), self.problem
        if self.refused:
            state = "refused"
        elif loaded and loaded.tally.stopped:
            side = loaded.tally.candidate.side
            state = "refused"
            problem = (
                f"version {self.entry.to_version} failed on {side.errors} of {side.rows} rows, more than "
                f"{self.rollout.most_errors:.2%}: it is not asked here any more."
            )
        return RolloutReport(
            rollout_seq=self.entry.seq,
            process=process,
            state=state,  # type: ignore[arg-type]
            problem=problem,
            candidate=loaded.tally.candidate.side if loaded else Side(),
            stable=loaded.tally.stable.side if loaded else Side(),
            at=now(),
        )

    def _load(self, spec: ModelSpec) -> None:
        pause = _FIRST_RETRY_SECONDS
        while not self._ended.is_set():
            try:
                opened = self.loader.opener.open(spec, self.entry)
                tally = self._tally(opened)
            except (ArtifactError, SpecError) as error:  # what is wrong with it will not pass
                self.problem, self.refused = str(error), True
                logger.error("rollout_refused model=%s: %s", self.entry.model, error)
                return
            except Exception as error:  # registry or database may be away for a while
                said = str(error) if isinstance(error, LeadloopError) else type(error).__name__
                self.problem = said
                logger.warning("rollout_waits model=%s: %s", self.entry.model, said)
                self._ended.wait(pause)
                pause = min(2 * pause, _LONGEST_RETRY_SECONDS)
            else:
                self.loader.opener.warm.keep(opened)
                self.problem, self._loaded = None, _Loaded(opened, tally)
                return

    def _tally(self, opened: Opened) -> Tally:
        bundle = opened.answering.bundle
        assert bundle is not None  # it was opened from one
        edges = score_edges(bundle.reference().scores)
        metrics, labels = self.loader.metrics, (self.entry.model, self.entry.to_version)

        def side(name: str) -> SideTally:
            return SideTally(
                edges,
                count_rows=metrics.rollout_rows.labels(*labels, name).inc,
                count_errors=metrics.rollout_errors.labels(*labels, name).inc,
            )

        return Tally(side("candidate"), side("stable"), most_errors=self.rollout.most_errors)

    def _around(self, stable: Predictor, loaded: _Loaded) -> Predictor:
        # Both without a cache: the one that scored such rows before would make the other look slow.
        stable = Checked(uncached(stable))
        candidate = Checked(uncached(loaded.opened.answering.predictor))
        share = Share(self.rollout.share, str(self.entry.seq))
        if self.rollout.kind is RolloutKind.CANARY:
            return Canary(stable, candidate, share=share, tally=loaded.tally)
        dropped = self.loader.metrics.rollout_dropped.labels(self.entry.model, self.entry.to_version)
        self._shadow = Shadow(
            stable,
            candidate,
            share=share,
            tally=loaded.tally,
            count_dropped=dropped.inc,
            keep=self._keep if self.keep_compared else None,
        )
        return self._shadow

    def _keep(self, cases: Cases, present: SignedScores, new: SignedScores) -> None:
        assert self.keep_compared is not None  # only then is this asked
        compared = ComparedRows(
            model=self.entry.model,
            version=new.version,
            stable_version=present.version,
            ids=cases.ids,
            entities=cases.entities,
            stable=present.score,
            candidate=new.score,
            at=now(),
        )
        self.keep_compared(compared)

    def _close_shadow(self) -> None:
        if self._shadow is not None:
            self._shadow.close()
            self._shadow = None


def _not_beside(served: ServedModel, opened: Opened) -> str | None:
    """Return why the two versions can't read the same rows; None if they can."""
    if served.bare is None:
        return "Nothing answers beside the new version: promote it at once."
    if served.fingerprint != opened.spec.features.fingerprint:
        return (
            "The present version's features are computed by other code than the new one's, so they can't be "
            "compared on the same rows: promote it at once, or blue-green."
        )
    return None
