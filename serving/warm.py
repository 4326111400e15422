"""The versions that stay loaded beside the one that answers, so that going back is an assignment."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from estate.core.model_spec import ModelSpec
from estate.store.evidence import SignedEvidence
from serving.answering import Answering

KEPT = 4
"""Of each model: the one that answers, two that did before, and one that may."""


@dataclass(frozen=True)
class Opened:
    """A version that was opened and checked.

    Parameters
    ----------
    spec : ModelSpec
        As the version's features need it.
    answering : Answering
    signed : SignedEvidence
        That it was checked against.
    """

    spec: ModelSpec
    answering: Answering
    signed: SignedEvidence

    @property
    def version(self) -> str:
        """Registered version."""
        return self.answering.version


class WarmVersions:
    """The versions of each model that are in memory, the latest used last; safe to share between threads."""

    def __init__(self) -> None:
        self._by_model: dict[str, list[Opened]] = {}
        self._lock = threading.Lock()

    def find(self, model: str, version: str) -> Opened | None:
        """Return a version if it is in memory."""
        with self._lock:
            kept = self._by_model.get(model, [])
            return next((opened for opened in kept if opened.version == version), None)

    def keep(self, opened: Opened) -> None:
        """Keep a version as the latest used; the one that was not used for longest may go."""
        with self._lock:
            kept = self._by_model.get(opened.spec.name, [])
            others = [other for other in kept if other.version != opened.version]
            self._by_model[opened.spec.name] = [*others, opened][-KEPT:]

    def drop(self, model: str, version: str) -> None:
        """Let a version go."""
        with self._lock:
            kept = self._by_model.get(model, [])
            self._by_model[model] = [opened for opened in kept if opened.version != version]

    def versions(self, model: str) -> list[str]:
        """Return the versions of a model that are in memory."""
        with self._lock:
            return [opened.version for opened in self._by_model.get(model, [])]
