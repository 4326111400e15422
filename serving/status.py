"""What is served, and whether this process is ready for requests."""

from __future__ import annotations

from collections.abc import Sequence

from serving.models import ServedModel
from serving.rollout import OpenRollout
from serving.row_features import entity_column
from serving.schema import Input, ModelStatus, Readiness, RolloutStatus


def status_of(served: ServedModel, rollout: OpenRollout | None = None) -> ModelStatus:
    """Return what is served of a model, since when and by whose decision."""
    answering, spec = served.answering, served.spec
    inputs = answering.inputs if answering is not None else None
    return ModelStatus(
        model=spec.name,
        purpose=spec.purpose,
        task=spec.task.value,
        version=answering.version if answering else None,
        source=answering.answered_by.value if answering else None,
        in_production=served.in_production,
        since=answering.since if answering else None,
        who=answering.who if answering else None,
        why=answering.why if answering else None,
        digest=answering.digest if answering else None,
        fingerprint=served.fingerprint,
        feature_mismatch=answering.feature_mismatch if answering else False,
        takes_lead_ids=spec.computes_from_histories,
        entity=entity_column(spec),
        inputs=None if inputs is None else [Input(column.name, column.kind) for column in inputs],
        problem=served.problem,
        rollout=_rollout(rollout) if rollout is not None else None,
    )


def _rollout(rollout: OpenRollout) -> RolloutStatus:
    report = rollout.report("")
    return RolloutStatus(
        version=rollout.entry.to_version,
        kind=rollout.rollout.kind.value,
        share=rollout.rollout.share,
        state=report.state,
        rows=report.candidate.rows,
        errors=report.candidate.errors,
        problem=report.problem,
    )


def readiness(models: Sequence[ServedModel], *, looked: bool, reachable: bool) -> Readiness:
    """Judge whether requests should be sent here.

    Ready is said only for a reason that can be named: every model in production has a version here that gave
    its golden scores; or, with none in production, at least one model answers by its rules or from disk.

    Parameters
    ----------
    models : sequence of ServedModel
    looked, reachable : bool
        Whether the ledger was looked at yet, and whether it answered the last time.
    """
    waiting = [m.spec.name for m in models if m.in_production is not None and not m.serves_a_version]
    produced = [m.spec.name for m in models if m.in_production is not None]
    able = [m.spec.name for m in models if m.answering is not None]
    match (looked, waiting, produced, able):
        case (False, _, _, _):
            ready, because = False, "the ledger was not looked at yet"
        case (_, [first, *_], _, _):
            ready, because = False, f"the version of `{first}` in production is not loaded yet"
        case (_, _, [_, *_], _):
            ready, because = True, f"all {len(produced)} models in production are loaded"
        case (_, _, _, [_, *_]):
            ready, because = (
                True,
                f"no model is known to be in production; {len(able)} answer from disk or by rules",
            )
        case _:
            ready, because = False, "no model can answer"
    states = {served.spec.name: _state(served) for served in models}
    return Readiness(ready=ready, because=because, ledger_reachable=reachable, models=states)


def _state(served: ServedModel) -> str:
    answering = served.answering
    if answering is None:
        return "can not answer: neither a version nor rules"
    wanted = served.in_production
    behind = f", in production is {wanted}" if wanted not in (None, answering.version) else ""
    return f"{answering.answered_by.value} {answering.version}{behind}"
