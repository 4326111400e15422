"""What is sent in and what is answered, as types."""

from __future__ import annotations

from typing import Any

import msgspec


class NewFacts(msgspec.Struct, frozen=True):
    """Rows of one kind, by the contract that docs/data.md shows; texts, numbers and nulls."""

    rows: list[dict[str, Any]]


class NewOutcomes(msgspec.Struct, frozen=True):
    """Outcomes: each with `kind`, `event_at`, `lead_id` or `prediction_id`, and perhaps `outcome_id`."""

    outcomes: list[dict[str, Any]]


class RefusedRow(msgspec.Struct, frozen=True):
    """Why a row was not taken; `row` counts from 0."""

    row: int
    reasons: list[str]


class TakenAnswer(msgspec.Struct, frozen=True):
    """How many rows became facts, corrected one, or were known; and those that are not stored."""

    new: int
    corrected: int
    known: int
    refused: list[RefusedRow]


class EventAnswer(msgspec.Struct, frozen=True):
    """What became of an event: applied, outdated, ignored or waiting; `known` if it came before."""

    state: str
    known: bool
    reason: str | None = None
