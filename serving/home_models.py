"""Asking the models of homes: the version in production of each, or its rules."""

from __future__ import annotations

from collections.abc import Callable

from estate.core.errors import LeadloopError
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.services.property_matching.schema import Ask, Scored
from estate.services.property_matching.service import by_rules
from serving.models import ServedModel, answering_of
from serving.predictors import Cases
from serving.scoring import scores_of


def asking(find: Callable[[str], ServedModel | None]) -> Ask:
    """Return what asks the versions in production; rules answer for a model that can't.

    While a canary is tried, a lead's homes are all scored by the same version: scores of two are no order.

    Parameters
    ----------
    find : callable
        A model by its name; None where it is not known.
    """

    def ask(spec: ModelSpec, features: Frame, lead_id: str) -> Scored:
        served = find(spec.name)
        if served is None:
            return by_rules(spec, features)
        try:
            scores = scores_of(answering_of(served), Cases.about(features, [lead_id] * len(features)))
        except LeadloopError:
            return by_rules(spec, features)
        version, by = scores.origins()[0]
        return Scored(scores.score, by, version)

    return ask
