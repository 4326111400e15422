"""One version in service: a predictor with all that belongs to it, taken and replaced as one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from estate.bundles import Bundle, InputColumn, RulesPredictor, open_predictor
from estate.core.errors import ArtifactError
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy
from estate.core.predictor import Predictor


class FeaturesUnknown(ArtifactError):
    """A bundle reads features that the spec does not compute."""


@dataclass(frozen=True, kw_only=True)
class Answering:
    """What answers for a model now.

    Parameters
    ----------
    predictor : Predictor
    inputs : tuple of InputColumn, optional
        Columns that a row must have; None where only the rules' code knows them.
    digest : str, optional
        Of the bundle; None for rules.
    feature_mismatch : bool
        Whether the features' code changed since the training.
    since : datetime, optional
        When the ledger put the version into production; ``who`` decided it and ``why``.
    bundle : Bundle, optional
        None for rules.
    """

    predictor: Predictor
    inputs: tuple[InputColumn, ...] | None = None
    digest: str | None = None
    feature_mismatch: bool = False
    since: datetime | None = None
    who: str | None = None
    why: str | None = None
    bundle: Bundle | None = None

    @property
    def version(self) -> str:
        """Registered version, or ``"rules"``."""
        return self.predictor.version

    @property
    def answered_by(self) -> AnsweredBy:
        """Who answers."""
        return self.predictor.answered_by


def by_bundle(spec: ModelSpec, bundle: Bundle, version: str, answered_by: AnsweredBy) -> Answering:
    """Load a bundle, check that it is this model and gives its golden scores.

    Raises
    ------
    ArtifactError
        If any of that is not so, or if it reads a feature that the spec does not compute.
    """
    folder = bundle.folder
    if bundle.model != spec.name:
        raise ArtifactError(f"bundle {folder}", expected=f"model `{spec.name}`", got=f"`{bundle.model}`")
    unknown = [column.name for column in bundle.features if column.name not in spec.features.names]
    if unknown:
        raise FeaturesUnknown(
            f"bundle {folder}",
            expected=f"features that `{spec.name}` computes",
            got=", ".join(unknown),
            todo="Deploy the code that the version was trained with, or train again.",
        )
    predictor = open_predictor(bundle, version, answered_by)
    bundle.check_golden(predictor)
    return Answering(
        predictor=predictor,
        inputs=bundle.inputs,
        digest=bundle.digest,
        feature_mismatch=bundle.fingerprint != spec.features.fingerprint,
        bundle=bundle,
    )


def by_rules(spec: ModelSpec) -> Answering | None:
    """Return the spec's rules as what answers; None if it has none."""
    if spec.rules is None:
        return None
    features = spec.features
    # Features that are all taken as they are (or come from histories) name what a row must have.
    named = spec.computes_from_histories or all(
        isinstance(f, str) for f in (*features.numbers, *features.categories)
    )
    inputs = tuple(InputColumn(name, features.kind(name)) for name in features.names)
    return Answering(predictor=RulesPredictor(spec), inputs=inputs if named else None)
