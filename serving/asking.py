"""From a decoded request to a question; knows no HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from estate.core.errors import DataError
from estate.core.model_spec import ModelSpec
from estate.features.live import LeadFeatures
from serving.lanes.question import Question, Terms
from serving.models import ServedModel, answering_of
from serving.row_features import entity_column, features_of_rows
from serving.rows import Rows, entities_of
from serving.tracing import span, traced

ReadLeads = Callable[[ModelSpec, Sequence[str]], LeadFeatures]
"""The features of leads as of now, from their event histories."""


@dataclass(frozen=True)
class LeadsQuestion:
    """A question about leads.

    Parameters
    ----------
    question : Question
    leads : LeadFeatures
    """

    question: Question
    leads: LeadFeatures


def about_rows(served: ServedModel, rows: Rows, terms: Terms) -> Question:
    """Return the question of a request that brings its rows.

    Raises
    ------
    RowError
        If a row names its case in a way that can't be kept.
    RegistryError
        If nothing can answer.
    """
    answering = answering_of(served)
    return Question(
        served=served,
        answering=answering,
        features=traced("features", lambda: features_of_rows(served.spec, answering, rows)),
        entities=entities_of(rows, entity_column(served.spec)),
        priority=terms.priority_of(len(rows)),
        deadline=terms.deadline,
    )


def about_leads(
    served: ServedModel, lead_ids: Sequence[str], read_leads: ReadLeads, terms: Terms
) -> LeadsQuestion:
    """Return the question of a request that names leads; reads their histories.

    Raises
    ------
    DataError
        If the model does not read leads, an id is none, or no lead is known.
    RegistryError
        If nothing can answer.
    StoreError
        If the database is away.
    """
    answering_of(served)  # before the database is asked
    leads = _found(served.spec, lead_ids, read_leads)
    return LeadsQuestion(about_found(served, leads, terms), leads)


def about_found(served: ServedModel, leads: LeadFeatures, terms: Terms) -> Question:
    """Return the question about leads whose features are there.

    Raises
    ------
    RegistryError
        If nothing can answer.
    """
    return Question(
        served=served,
        answering=answering_of(served),
        features=lambda: leads.features,
        entities=leads.found,
        priority=terms.priority_of(len(leads.found)),
        deadline=terms.deadline,
    )


def _found(spec: ModelSpec, lead_ids: Sequence[str], read_leads: ReadLeads) -> LeadFeatures:
    if not spec.computes_from_histories:
        raise DataError(
            "lead_ids", expected=f"`rows`: `{spec.name}` reads columns of a table", got="lead ids"
        )
    asked = list(dict.fromkeys(lead_ids))
    odd = next((i for i, lead_id in enumerate(asked) if not lead_id or "\0" in lead_id), None)
    if odd is not None:
        raise DataError(f"lead_ids, {odd}", expected="a lead's id", got=repr(asked[odd]))
    with span("leads", model=spec.name, asked=len(asked)):
        leads = read_leads(spec, asked)
    if not leads.found:
        raise DataError(
            "lead_ids",
            expected="leads that were imported",
            got=f"none of {len(asked)} known",
            todo="Import them, or send `rows`.",
        )
    return leads
