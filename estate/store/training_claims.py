"""The governor: which waiting request is trained, one of each model at a time, and why the others are not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from estate.core.clock import now
from estate.core.training_rules import DAY, Known, Objection, TrainingRules, Wish, weigh
from estate.store import ledger, training_leases
from estate.store.governor_decisions import begun_since, note, times_begun
from estate.store.incidents import open_breaking
from estate.store.training_requests import Request, mark, request_lock, request_of, take_back
from estate.store.training_tables import training_requests as table

RulesOf = Callable[[str], TrainingRules]
START_WITHIN = timedelta(minutes=15)
"""A dispatched request that is not running after so long was lost on its way and waits again."""
MOST_RUNS = 3
"""Something that kills a training so often kills the next one too."""
RULES = "rules"
"""What answers where no version is in production."""


def claim_waiting(connection: sa.Connection, rules: RulesOf) -> list[Request]:
    """Take the oldest waiting request of each model that may be trained now, and mark it ``dispatched``.

    Two callers at once never get the same request, nor two requests of one model. Requests whose run was lost
    wait again first. Start the run with ``request_id`` and the claim's time as its idempotency key: a request
    that was put back may be claimed twice. Each request that may not be trained has its reason, and a row of
    the governor's decisions when the reason is a new one.

    Parameters
    ----------
    connection : Connection
    rules : callable
        From a model's name to its rules.
    """
    _settle_lost(connection)
    models = connection.execute(
        sa.select(table.c.model).where(table.c.state == "waiting").distinct().order_by(table.c.model)
    ).scalars()
    claimed = []
    for model in models.all():
        # Row locks alone would let a second caller take the model's next row.
        if connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(request_lock(model)))).scalar():
            claimed += _claim(connection, model, rules(model))
    return claimed


def claim_one(connection: sa.Connection, request: Request, rules: TrainingRules) -> Request | None:
    """Take this waiting request if it may be trained now, as :func:`claim_waiting` does; else None."""
    _settle_lost(connection)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(request_lock(request.model))))
    claimed = _claim(connection, request.model, rules, only=request.request_id)
    return claimed[0] if claimed else None


def _claim(
    connection: sa.Connection, model: str, rules: TrainingRules, *, only: str | None = None
) -> list[Request]:
    query = sa.select(table).where(table.c.model == model, table.c.state == "waiting")
    if only is not None:
        query = query.where(table.c.request_id == only)
    known, claimed = _known(connection, model), []
    for row in connection.execute(query.order_by(table.c.requested_at, table.c.request_id)).all():
        request = request_of(row)
        objection = weigh(rules, _wish(request), known, now())
        if objection is not None:
            _object(connection, request, objection)
            continue
        claimed.append(mark(connection, request.request_id, "dispatched"))
        note(connection, request.request_id, model, decision="dispatched", reason="nothing speaks against it")
        known = _known(connection, model)
    return claimed


def _wish(request: Request) -> Wish:
    return Wish(
        cause=request.cause,
        version=request.version,
        due_at=request.due_at,
        not_before=request.not_before,
        named_moment=request.as_of is not None,
    )


def _object(connection: sa.Connection, request: Request, objection: Objection) -> None:
    if objection.final:
        mark(connection, request.request_id, "refused", reason=objection.reason)
    elif request.reason == objection.reason:
        return
    else:
        this = table.c.request_id == request.request_id
        connection.execute(sa.update(table).where(this).values(reason=objection.reason))
    note(
        connection,
        request.request_id,
        request.model,
        decision="refused" if objection.final else "held",
        rule=objection.rule,
        reason=objection.reason,
    )


def _known(connection: sa.Connection, model: str) -> Known:
    of_model = table.c.model == model
    under_way = (of_model, table.c.state.in_(["dispatched", "running"]))
    running = connection.execute(sa.select(table.c.request_id).where(*under_way).limit(1)).scalar()
    latest = sa.select(sa.func.max(table.c.as_of))
    knew = connection.execute(latest.where(of_model, table.c.state == "done")).scalar()
    newest = connection.execute(latest.where(of_model, table.c.state.in_(["done", "running"]))).scalar()
    current = ledger.current(connection, model)
    return Known(
        production=current.to_version if current else RULES,
        running=running,
        newest=newest,
        knew=knew,
        begun=begun_since(connection, model, now() - DAY),
        failed=_failed_in_a_row(connection, model),
        broken=tuple(sorted({found.code for found in open_breaking(connection, model)})),
    )


def _failed_in_a_row(connection: sa.Connection, model: str) -> tuple[datetime, ...]:
    of_model = table.c.model == model
    done = sa.select(sa.func.max(table.c.changed_at)).where(of_model, table.c.state == "done")
    failed = sa.select(table.c.changed_at).where(
        of_model,
        table.c.state == "failed",
        table.c.changed_at > sa.func.coalesce(done.scalar_subquery(), sa.text("'-infinity'::timestamptz")),
    )
    return tuple(connection.execute(failed.order_by(table.c.changed_at.desc())).scalars())


def _settle_lost(connection: sa.Connection) -> None:
    """Let requests wait again whose run never started, or died; one that died three times fails."""
    under_way = connection.execute(
        sa.select(table).where(table.c.state.in_(["dispatched", "running"])).with_for_update(skip_locked=True)
    ).all()
    # Read after them: a run that is seen has its lease then. The other way round, one that began in between
    # would be taken for dead.
    held = training_leases.held_requests(connection)
    for row in under_way:
        request = request_of(row)
        if request.state == "dispatched":
            if request.changed_at < now() - START_WITHIN:
                reason = f"no run started within {START_WITHIN}: waits again"
                take_back(connection, request.request_id, "waiting", reason=reason)
        elif request.request_id not in held:
            runs = times_begun(connection, request.request_id)
            again = runs < MOST_RUNS
            reason = f"run {runs} gave no sign of life: {'waits again' if again else 'given up'}"
            take_back(connection, request.request_id, "waiting" if again else "failed", reason=reason)
