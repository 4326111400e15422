"""Asking for trainings from outside of Prefect, and following them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from estate.catalog import load_catalog
from estate.core.errors import LeadloopError, StackError
from estate.core.settings import Settings, load_settings
from estate.store import training_requests
from estate.store.database import Database
from estate.store.governor_decisions import decisions_on
from estate.store.training_claims import claim_waiting
from estate.store.training_requests import Request
from model_registry.identity import NOBODY

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

POLL_SECONDS = 0.3
LOOK_SECONDS = 3.0


def ask(
    model: str,
    *,
    detail: str,
    who: str = NOBODY,
    as_of: datetime | None = None,
    settings: Settings | None = None,
) -> Request:
    """Write a person's request and hand the waiting requests to the workers.

    A training of the model that was killed is taken up again instead, unless another moment is asked for; it
    stays the training of who asked for it first.

    Raises
    ------
    SpecError
        If there is no such model.
    StackError
        If Prefect can't be reached; the request stays and is dispatched when it is back.
    """
    settings = settings or load_settings()
    load_catalog(settings).get(model)
    database = Database(settings.endpoint("database_url"))
    made = None if as_of else _killed(settings, database, model)
    if made is None:
        with database.begin() as connection:
            made = training_requests.request_training(
                connection, model, cause="person", detail=detail, as_of=as_of, who=who
            )
    start_waiting(settings, database)
    with database.begin() as connection:
        return training_requests.get(connection, made.request_id)


@contextmanager
def prefect_at(settings: Settings) -> Iterator[None]:
    """Talk to the Prefect server that the settings name, whatever this process has talked to before."""
    os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "false")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(updates={PREFECT_API_URL: settings.endpoint("prefect_url")}):
        yield


def _killed(settings: Settings, database: Database, model: str) -> Request | None:
    from tasks.dispatching import take_back_killed

    with prefect_at(settings), suppress(Exception):  # it is away: the request is written all the same
        take_back_killed(database)
    with database.begin() as connection:
        open_requests = training_requests.list_requests(
            connection, model, states=("waiting", "dispatched", "running")
        )
        decided = decisions_on(connection, [request.request_id for request in open_requests])
    for request in reversed(open_requests):
        if any(one.decision == "taken_back" for one in decided.get(request.request_id, ())):
            return request
    return None


def start_waiting(settings: Settings, database: Database) -> None:
    """Start a run for every request that waits, killed ones again, as the flow `dispatch` does.

    Raises
    ------
    StackError
        If Prefect can't be reached.
    """
    from tasks.dispatching import start_run, take_back_killed

    try:
        with prefect_at(settings):
            take_back_killed(database)
            with database.begin() as connection:
                claimed = claim_waiting(connection, load_catalog(settings).training_rules)
            for request in claimed:
                start_run(request)
    except LeadloopError:
        raise
    except Exception as error:  # httpx's and Prefect's errors share no base class
        raise StackError(
            "Prefect",
            expected="a run of the deployment retrain/retrain",
            got=f"{type(error).__name__}: {error}",
            todo="Is it running and deployed? Try `leadloop status`. The request is kept.",
        ) from error


def run_flow(settings: Settings, deployment: str, parameters: Mapping[str, str], *, seconds: float) -> None:
    """Have a worker run a deployed flow, and wait for its end.

    Raises
    ------
    StackError
        If Prefect can't be reached, or the run does not complete in so many seconds.
    """
    from prefect.deployments import run_deployment

    try:
        with prefect_at(settings):
            run: FlowRun = run_deployment(  # type: ignore[assignment]
                deployment,
                parameters=dict(parameters),
                timeout=seconds,
                poll_interval=POLL_SECONDS,
                as_subflow=False,
            )
    except Exception as error:  # httpx's and Prefect's errors share no base class
        raise StackError(
            "Prefect", expected=f"a run of {deployment}", got=f"{type(error).__name__}: {error}"
        ) from error
    if run.state is None or not run.state.is_completed():
        raise StackError(
            f"flow run {run.name}",
            expected="an end without error",
            got=f"{run.state_name}: {run.state.message if run.state else ''}",
            todo="See it in the Prefect UI.",
        )


def follow(
    request_id: str, *, seconds: float, say: Callable[[str], None], settings: Settings | None = None
) -> Request:
    """Wait until a request is done or failed, saying each change of its state.

    If its run is killed, or it has to wait for another one, it is started from here.

    Raises
    ------
    StackError
        If it is neither after so many seconds.
    """
    settings = settings or load_settings()
    database = Database(settings.endpoint("database_url"))
    state, until = "", time.monotonic() + seconds
    look = time.monotonic() + LOOK_SECONDS
    while time.monotonic() < until:
        with database.begin() as connection:
            request = training_requests.get(connection, request_id)
        if request.state in training_requests.ENDED:
            return request
        if request.state != state:
            say(f"  {request.state}{f' ({request.reason})' if request.reason else ''}")
            state = request.state
        if time.monotonic() > look:
            with suppress(StackError):  # it may be back at the next look
                start_waiting(settings, database)
            look = time.monotonic() + LOOK_SECONDS
        time.sleep(POLL_SECONDS)
    raise StackError(
        f"training request {request_id}",
        expected=f"an end within {seconds:.0f} s",
        got=state,
        todo="See the flow run in the Prefect UI, and `leadloop status`.",
    )
