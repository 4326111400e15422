"""What a person asks for by having moved something in the MLflow UI."""

from __future__ import annotations

from dataclasses import dataclass, replace

from estate.core.rollout import RolloutKind
from estate.store.registry_views import View
from model_registry.decision import Request
from model_registry.identity import UNKNOWN
from model_registry.pointers import Pointers, Shown
from model_registry.settle import Record, wanted
from model_registry.standing import Standing, standing
from model_registry.tags import CANARY_ALIAS, SHADOW_ALIAS
from model_registry.terms import Terms


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """Somebody took the alias of an open rollout away, or gave it to another version.

    Parameters
    ----------
    alias : str
        ``canary`` or ``shadow``.
    rollout : int
        Row of the ledger that started it.
    who, why : str
    """

    alias: str
    rollout: int
    who: str
    why: str


def asked_for(model: str, terms: Terms, record: Record, shown: Shown) -> Request | Withdrawal | None:
    """Return one thing that is asked for; the next look finds the next one.

    Shown and not as it was when it was last settled: a person. As it was then, and not as the ledger says:
    our own unfinished work. The alias ``production`` comes first, then the stage, then the other aliases.
    """
    seen, view, target = shown.pointers, record.view, wanted(record, shown)
    expected = _saw(record)
    version, why = _into_production(seen, view, target)
    if version is not None:
        return Request(model=model, version=version, who=UNKNOWN, why=why, expected=expected)
    for alias, has, before, wants in (
        (CANARY_ALIAS, seen.canary, view.canary_version if view else None, target.canary),
        (SHADOW_ALIAS, seen.shadow, view.shadow_version if view else None, target.shadow),
    ):
        opened = record.opened
        if (
            opened
            and opened.rollout
            and f'"{alias}"' in opened.rollout
            and _taken(has, before, opened.to_version)
        ):
            what = f"was moved to version {has}" if has else "was taken away"
            return Withdrawal(
                alias=alias, rollout=opened.seq, who=UNKNOWN, why=f"The alias `{alias}` {what}."
            )
        if has not in (None, before, wants):
            return Request(
                model=model,
                version=str(has),
                who=UNKNOWN,
                why=f"The alias `{alias}` was put on version {has}.",
                rollout=replace(terms.rollout, kind=RolloutKind(alias)),
                expected=expected,
            )
    return None


def _taken(has: str | None, before: str | None, version: str) -> bool:
    return before == version and has != version


def _saw(record: Record) -> Standing | None:
    """Return what the registry showed to a person: the ledger up to where it was carried out."""
    if record.view is None or record.view.settled_seq is None:
        return None
    seq = record.view.settled_seq
    return standing([entry for entry in record.history if entry.seq <= seq])


def _into_production(seen: Pointers, view: View | None, target: Pointers) -> tuple[str | None, str]:
    before = view.alias_version if view else None
    if seen.alias not in (None, before, target.alias):
        return seen.alias, f"The alias `production` was moved to version {seen.alias}."
    staged_before = (view.stage_version or "").split(",") if view else []
    moved = [version for version in seen.staged if version not in (*staged_before, target.alias)]
    return (moved[-1], f"Version {moved[-1]} was moved to the stage Production.") if moved else (None, "")
