"""What a model's own description says about its promotion: who must approve, and in which steps it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from estate.core.errors import SpecError
from estate.core.model_spec import Policy
from estate.core.rollout import AT_ONCE, Rollout
from estate.core.settings import Settings
from model_registry.identity import person


@dataclass(frozen=True)
class Terms:
    """The terms of one model.

    Parameters
    ----------
    policy : Policy
    rollout : Rollout
        Where the person who promotes does not say.
    """

    policy: Policy = Policy.PERSON
    rollout: Rollout = AT_ONCE


TermsOf = Callable[[str], Terms]
"""From a model's name to its terms; a SpecError where they can't be known."""


def plain_terms(_model: str) -> Terms:
    """Return the terms of a model that asks for nothing special."""
    return Terms()


def catalog_terms(settings: Settings) -> TermsOf:
    """Return terms that are read from the model files anew each time: a changed policy counts at once.

    A file that can't be read is a SpecError: nobody knows then who must approve.
    """

    def terms_of(model: str) -> Terms:
        from estate.catalog import load_catalog

        spec = load_catalog(settings).get(model)
        return Terms(spec.policy, spec.rollout)

    return terms_of


def objection(terms: Terms, *, who: str, trained_by: str, target: tuple[str, str]) -> str | None:
    """Return why this person may not approve this version; None if they may.

    Parameters
    ----------
    trained_by : str
        As in the evidence: ``schedule``, ``drift`` or who asked for the training.
    target : tuple of str
        Model and version.

    Examples
    --------
    >>> two = Terms(Policy.TWO_PEOPLE)
    >>> objection(two, who="bob (command line)", trained_by="ann (command line)", target=("churn", "3"))
    >>> objection(two, who="ann (MLflow login)", trained_by="ann (command line)", target=("churn", "3"))
    'You trained it: another person must approve. Somebody other than ann runs `leadloop promote churn 3`.'
    """
    if terms.policy is not Policy.TWO_PEOPLE:
        return None
    approver, trainer = person(who), person(trained_by)
    command = f"`leadloop promote {target[0]} {target[1]}`"
    if trainer is None and trained_by not in ("schedule", "drift"):
        return (
            f"Two people are needed, and nobody knows who trained it ({trained_by}):"
            f" train again with `leadloop retrain {target[0]}`, then another person promotes."
        )
    other = f"Somebody other than {trainer}" if trainer else "A person who is known by name"
    if approver is None:
        return f"Two people are needed, and {who} is nobody who is known. {other} runs {command}."
    if approver == trainer:
        return f"You trained it: another person must approve. {other} runs {command}."
    return None


def terms_or_reason(terms_of: TermsOf, model: str) -> Terms | str:
    """Return the terms of a model, or the sentence why nobody knows them."""
    try:
        return terms_of(model)
    except SpecError as error:
        return f"Who must approve it isn't known, since its description can't be read: {error}"
