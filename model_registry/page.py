"""What a version's page in the MLflow UI says about the decisions on it."""

from __future__ import annotations

import re

from estate.store.ledger import Entry
from model_registry.connection import Registry
from model_registry.tags import DECIDED_AT, DECIDED_BY, DECIDED_WHY, DECISION

DESCRIPTION_LIMIT = 5000
"""Characters that MLflow's database takes."""
_REASON_LIMIT = 1200
CARD_LIMIT = DESCRIPTION_LIMIT - _REASON_LIMIT
"""Characters of a model card, so that a reason fits above it; the whole card is a file of the run."""
_BLOCK = re.compile(r"\A## Promotion refused\n.*?\n\n---\n\n", re.DOTALL)


def write_decision(registry: Registry, entry: Entry) -> None:
    """Write a decision on its version's page: tags, and the reason on top if it was refused.

    Safe to repeat; a later decision takes the place of an earlier one.
    """
    client, model, version = registry.client, entry.model, entry.to_version
    shown = client.get_model_version(model, version)
    card = _BLOCK.sub("", shown.description or "")
    description = card if entry.accepted else _refusal(entry) + card
    if description != (shown.description or ""):
        client.update_model_version(model, version, description)
    tags = {
        DECISION: entry.decision,
        DECIDED_AT: entry.at.isoformat(timespec="seconds"),
        DECIDED_BY: entry.who,
        DECIDED_WHY: entry.why,
    }
    for key, value in tags.items():
        if shown.tags.get(key) != value:
            client.set_model_version_tag(model, version, key, value)


def cut(text: str, limit: int) -> str:
    """Return the text, or its beginning with a sign that there was more.

    Examples
    --------
    >>> cut("a long sentence", 9)
    'a long s…'
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _refusal(entry: Entry) -> str:
    production = f"version {entry.from_version}" if entry.from_version else "no version"
    said = (
        f"{entry.at:%Y-%m-%d %H:%M} UTC, asked for by {entry.who}. In production: {production}.\n\n"
        f"{cut(' '.join(entry.why.split()), 800)}"
    )
    todo = f"More: `leadloop explain {entry.model} {entry.to_version}`."
    return f"## Promotion refused\n\n{said}\n\n{todo}\n\n---\n\n"
