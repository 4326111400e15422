"""Asking the models of homes: the version in production of each, or its rules."""

from __future__ import annotations

from collections.abc import Callable

from estate.core.errors import LeadloopError
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy
from estate.services.property_matching.schema import Ask, Scored
from estate.services.property_matching.service import by_rules
from serving.models import ServedModel, answering_of


def asking(find: Callable[[str], ServedModel | None]) -> Ask:
    """Return what asks the versions in production; rules answer for a model that can't.

    Parameters
    ----------
    find : callable
        A model by its name; None where it is not known.
    """

    def ask(spec: ModelSpec, features: Frame) -> Scored:
        served = find(spec.name)
        if served is None:
            return by_rules(spec, features)
        try:
            answering = answering_of(served)
            scores = answering.predictor.predict_many(features)
        except LeadloopError:
            return by_rules(spec, features)
        by_rule = answering.answered_by is AnsweredBy.RULES
        return Scored(scores.score, "rules" if by_rule else "model", answering.version)

    return ask
