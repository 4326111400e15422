"""What a version's page in the MLflow UI says about the decisions on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from estate.core.rollout import Rollout, RolloutKind
from estate.store.ledger import Entry
from model_registry.connection import Registry
from model_registry.tags import DECIDED_AT, DECIDED_BY, DECIDED_WHY, DECISION, DECISION_TAGS

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

DESCRIPTION_LIMIT = 5000
"""Characters that MLflow's database takes."""
_TAG_LIMIT = 5000
_REASON_LIMIT = 1200
CARD_LIMIT = DESCRIPTION_LIMIT - _REASON_LIMIT
"""Characters of a model card, so that a reason fits above it; the whole card is a file of the run."""
_HEADINGS = {
    "refused": "Promotion refused",
    "started": "Rollout started",
    "aborted": "Rollout aborted",
    "ended": "Rollout ended",
}
_BLOCK = re.compile(rf"\A(?:## (?:{'|'.join(_HEADINGS.values())})\n.*?\n\n---\n\n)+", re.DOTALL)


def write_decision(registry: Registry, entry: Entry, shown: ModelVersion) -> None:
    """Write a decision on its version's page: tags, and the reason on top unless it is in production.

    Writes only what differs; a later decision takes the place of an earlier one.

    Parameters
    ----------
    shown : ModelVersion
        The page as it is.
    """
    _write(registry, shown, _block(entry), _tags(entry))


def wipe_decision(registry: Registry, shown: ModelVersion) -> None:
    """Take from a page what looks like a decision where there was none."""
    _write(registry, shown, "", {})


def cut(text: str, limit: int) -> str:
    """Return the text, or its beginning with a sign that there was more.

    Examples
    --------
    >>> cut("a long sentence", 9)
    'a long s…'
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def how(rollout: Rollout) -> str:
    """Return a rollout as people say it.

    Examples
    --------
    >>> how(Rollout(kind=RolloutKind.CANARY, share=0.05, requests=200))
    'canary: 5 % of the cases until it has scored 200 rows'
    """
    share = f"{100 * rollout.share:g} % of the cases until it has scored {rollout.requests} rows"
    match rollout.kind:
        case RolloutKind.CANARY:
            return f"canary: {share}"
        case RolloutKind.SHADOW:
            return f"shadow: {share}; nobody sees its answers"
        case RolloutKind.BLUE_GREEN:
            return "blue-green: loaded in every process first, then swapped"
        case RolloutKind.ALL_AT_ONCE:
            return "all at once"


def _write(registry: Registry, shown: ModelVersion, block: str, tags: Mapping[str, str]) -> None:
    client, model, version = registry.client, shown.name, str(shown.version)
    before = shown.description or ""
    description = cut(block + _BLOCK.sub("", before), DESCRIPTION_LIMIT)
    if description != before:
        client.update_model_version(model, version, description)
    for key in DECISION_TAGS:
        if key in tags and shown.tags.get(key) != tags[key]:
            client.set_model_version_tag(model, version, key, tags[key])
        elif key not in tags and key in shown.tags:
            client.delete_model_version_tag(model, version, key)


def _tags(entry: Entry) -> dict[str, str]:
    return {
        DECISION: entry.decision,
        DECIDED_AT: entry.at.isoformat(timespec="seconds"),
        DECIDED_BY: cut(entry.who, _TAG_LIMIT),
        DECIDED_WHY: cut(entry.why, _TAG_LIMIT),
    }


def _block(entry: Entry) -> str:
    if entry.accepted:
        return ""
    production = f"version {entry.from_version}" if entry.from_version else "no version"
    steps = (
        f"{how(Rollout.from_json(entry.rollout))}. " if entry.decision == "started" and entry.rollout else ""
    )
    verb = "asked for by" if entry.decision == "refused" else "by"
    said = (
        f"{entry.at:%Y-%m-%d %H:%M} UTC, {verb} {entry.who}. In production: {production}.\n\n"
        f"{cut(steps + ' '.join(entry.why.split()), 800)}"
    )
    command = "rollout" if entry.decision == "started" else "explain"
    version = "" if entry.decision == "started" else f" {entry.to_version}"
    todo = f"More: `leadloop {command} {entry.model}{version}`."
    return f"## {_HEADINGS[entry.decision]}\n\n{said}\n\n{todo}\n\n---\n\n"
