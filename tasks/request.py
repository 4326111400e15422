"""Open and close the training request that a run answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from prefect import task

from estate.core.clock import now
from estate.core.model_spec import ModelSpec
from estate.core.training_rules import nothing_new
from estate.store import training_leases, training_requests
from estate.store.governor_decisions import note
from estate.store.training_claims import claim_one
from estate.store.training_data_seen import DataSeen, compare
from estate.store.training_leases import Lease
from estate.store.training_requests import Cause, Request
from estate.training.data import TrainingData
from estate.training.evidence import code_version, requirements_digest
from tasks.platform import Platform
from tasks.retrying import REACHES_OUT

if TYPE_CHECKING:
    from sqlalchemy import Connection

PUT_OFF = timedelta(days=1)


@dataclass(frozen=True)
class Opened:
    """A request, and the lease under which this run answers it.

    Parameters
    ----------
    request : Request
    lease : Lease or None
        None if this run is not to train: the request's reason says why.
    """

    request: Request
    lease: Lease | None


@task(name="open request", **REACHES_OUT)
def open_request(
    platform: Platform, model: str, *, cause: Cause, as_of: datetime | None, request_id: str | None
) -> Opened:
    """Take the model's lease and mark a request as running; make it first if the run was started without one.

    A request that is made here is weighed by the governor as any other one, and may be left waiting.
    The moment up to which the training sees is fixed by the first run of a request.
    """
    from prefect.runtime import flow_run

    run_id = str(flow_run.id) if flow_run.id else None
    with platform.database.begin() as connection:
        if request_id is None:
            made = _make(connection, model, cause, as_of, run_id)
            rules = platform.catalog.training_rules(model)
            if made.state == "waiting" and claim_one(connection, made, rules) is None:
                return Opened(training_requests.get(connection, made.request_id), None)
            if made.state in {"merged", "refused"}:
                return Opened(made, None)
            request_id = made.request_id
        return _take(connection, model, request_id, run_id)


def _make(
    connection: Connection, model: str, cause: Cause, as_of: datetime | None, run_id: str | None
) -> Request:
    from prefect.runtime import flow_run

    return training_requests.request_training(
        connection,
        model,
        cause=cause,
        detail=f"flow run {flow_run.name}",
        # A retry of the same flow run finds its own request again.
        dedupe_key=f"flow run {run_id}" if run_id else None,
        as_of=as_of,
        who="unknown (Prefect UI)" if cause == "person" else cause,
        due_at=_due(flow_run.scheduled_start_time) if cause == "schedule" and as_of is None else None,
    )


def _due(planned: datetime | None) -> datetime | None:
    """Return the schedule's hour, where a schedule began this run; one that is pretended has none."""
    return min(planned, now()) if planned is not None else None


def _take(connection: Connection, model: str, request_id: str, run_id: str | None) -> Opened:
    lease = training_leases.take(connection, model, request_id)
    if lease is None:
        return Opened(training_requests.get(connection, request_id), None)
    request = training_requests.mark(connection, request_id, "running", flow_run_id=run_id)
    note(connection, request_id, model, decision="begun", reason=f"flow run {run_id or 'without Prefect'}")
    return Opened(request, lease)


@task(name="weigh", **REACHES_OUT)
def weigh_data(platform: Platform, spec: ModelSpec, opened: Opened, data: TrainingData) -> str | None:
    """Compare the rows with those of the last training; returns why they are not worth one, or None.

    The request then waits a day, or is refused, and the lease is free.
    """
    seen = _seen(spec, data)
    request, lease = opened.request, opened.lease
    assert lease is not None, "a run without the lease reads nothing"
    with platform.database.begin() as connection:
        last = compare(connection, request, seen, data.times)
        found = nothing_new(spec.training, request.cause, new_labels=last.new_labels, same=last.same_as)
        if found is None:
            seen.keep(connection, request.request_id)
            return None
        training_leases.give_back(connection, lease)
        if found.final:
            training_requests.mark(connection, request.request_id, "refused", reason=found.reason)
        else:
            training_requests.put_off(connection, request.request_id, now() + PUT_OFF, reason=found.reason)
        note(
            connection,
            request.request_id,
            spec.name,
            decision="refused" if found.final else "held",
            rule=found.rule,
            reason=found.reason,
        )
    return found.reason


def _seen(spec: ModelSpec, data: TrainingData) -> DataSeen:
    parts = (
        data.fingerprint,
        spec.features.fingerprint,
        repr(spec.estimator(spec.seed)),
        repr((spec.half_life_days, spec.calibration_most, spec.gate, spec.search)),
        code_version(),
        requirements_digest(),
    )
    fingerprint = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return DataSeen(fingerprint, len(data), int(data.times[-1]) if len(data) else None)


@task(name="close request", **REACHES_OUT)
def close_request(
    platform: Platform, opened: Opened, *, state: Literal["done", "failed"], reason: str
) -> None:
    """Write what became of a request and give the lease back.

    Raises
    ------
    TrainingError
        If another run has the lease: the request is its to close.
    """
    assert opened.lease is not None, "a run without the lease closes nothing"
    with platform.database.begin() as connection:
        training_leases.give_back(connection, opened.lease)
        training_requests.mark(connection, opened.request.request_id, state, reason=reason)
