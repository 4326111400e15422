"""Every model of the catalog with what answers for it now."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from estate.core.errors import RegistryError, SpecError
from estate.core.model_spec import ModelSpec
from serving.answering import Answering

_LOOK_SECONDS = 1.0


class Specs(Protocol):
    """Where model specs come from: the catalog."""

    def names(self) -> Sequence[str]:
        """Return the names of all models."""
        ...

    def specs(self) -> Sequence[ModelSpec]:
        """Return all models."""
        ...

    def problems(self) -> Sequence[SpecError]:
        """Return why model files can't be used."""
        ...

    def get(self, name: str) -> ModelSpec:
        """Return one model; raises SpecError where there is none of that name."""
        ...


@dataclass
class ServedModel:
    """A model in this process; replaced in one assignment, so a request sees one version whole.

    Parameters
    ----------
    spec : ModelSpec
    fingerprint : str
        Of the feature set as this process computes it.
    answering : Answering or None
        None where there is neither a version nor rules.
    in_production : str or None
        What the ledger said last.
    problem : str or None
        Why the ledger's version is not the one that answers.
    bare : Answering or None
        What answers, without the wrappers around it.
    """

    spec: ModelSpec
    fingerprint: str
    answering: Answering | None = None
    in_production: str | None = None
    problem: str | None = None
    bare: Answering | None = None

    @property
    def serves_a_version(self) -> bool:
        """Whether a trained version answers, rather than rules or nobody."""
        return self.answering is not None and self.answering.digest is not None


def answering_of(served: ServedModel) -> Answering:
    """Return what answers for a model now.

    Raises
    ------
    RegistryError
        If nothing does.
    """
    if served.answering is None:
        raise RegistryError(
            f"model `{served.spec.name}`",
            expected="a version in production, or rules",
            got="neither" if served.problem is None else served.problem,
            todo="Train and promote a version; then try again.",
        )
    return served.answering


@dataclass
class Models:
    """The models by name; a name that is not known yet is looked up again, at most once a second."""

    specs: Specs
    _known: dict[str, ServedModel] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _looked_at: float = float("-inf")

    def all(self) -> list[ServedModel]:
        """Return every model that is known, by name."""
        return [self._known[name] for name in sorted(self._known)]

    def known(self, name: str) -> ServedModel | None:
        """Return a model that was found before; never waits."""
        return self._known.get(name)

    def add(self, served: ServedModel) -> None:
        """Take a model up, or replace it."""
        with self._lock:
            self._known = {**self._known, served.spec.name: served}

    def look_up(self, name: str) -> ModelSpec | None:
        """Ask the catalog for a model that is not known here; None if it has none or was asked just now."""
        with self._lock:
            if monotonic() - self._looked_at < _LOOK_SECONDS:
                return None
            self._looked_at = monotonic()
        try:
            return self.specs.get(name)
        except SpecError:
            return None
