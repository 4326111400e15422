"""Hand waiting training requests out to runs, and take those back whose runs were killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from prefect import task

from estate.store import training_requests
from estate.store.database import Database
from estate.store.training_claims import MOST_RUNS, claim_waiting
from estate.store.training_requests import Request
from tasks.platform import Platform
from tasks.retrying import REACHES_OUT

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun


@task(name="claim requests", **REACHES_OUT)
def claim_requests(platform: Platform) -> list[Request]:
    """Take the waiting requests, at most one of each model; first those back whose runs were killed."""
    take_back_killed(platform.database)
    with platform.database.begin() as connection:
        return claim_waiting(connection, platform.catalog.training_rules)


@task(name="start training", **REACHES_OUT)
def start_training(request: Request) -> str:
    """Start the deployed flow `retrain` for a request and return the flow run's id."""
    return start_run(request)


def take_back_killed(database: Database) -> None:
    """Let requests wait again whose run was killed, and fail those whose run failed before it could say so.

    The same request is trained again, so it ends in the same one version. After three kills it fails.
    """
    with database.begin() as connection:
        under_way = training_requests.list_requests(connection, states=("dispatched", "running"))
    for request in under_way:
        runs = _runs_of(request)
        last = runs[0].state if runs else None
        if last is None or not last.is_final() or last.is_completed():
            continue
        again = last.is_crashed() and len(runs) < MOST_RUNS
        reason = f"run {len(runs)} ended as {last.name}: {last.message or 'no reason given'}"
        with database.begin() as connection:
            state: Literal["waiting", "failed"] = "waiting" if again else "failed"
            training_requests.take_back(connection, request.request_id, state, reason=reason)


def _runs_of(request: Request) -> list[FlowRun]:
    """Return the flow runs of a request that were started for it by name, newest first."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

    named = FlowRunFilter(name=FlowRunFilterName(any_=[_run_name(request)]))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=named)
    own = [run for run in runs if run.parameters.get("request_id") == request.request_id]
    return sorted(own, key=lambda run: str(run.created), reverse=True)


def _run_name(request: Request) -> str:
    return f"{request.model} {request.request_id[:8]}"


def start_run(request: Request) -> str:
    """Start the deployed flow `retrain` for a request and return the flow run's id.

    The idempotency key is the request with the moment of its claim: asked twice, one run starts.
    """
    from prefect.deployments import run_deployment

    run: FlowRun = run_deployment(  # type: ignore[assignment]
        "retrain/retrain",
        parameters={"model": request.model, "cause": request.cause, "request_id": request.request_id},
        timeout=0,
        idempotency_key=f"{request.request_id} {request.changed_at.isoformat()}",
        flow_run_name=_run_name(request),
        as_subflow=False,
    )
    return str(run.id)
