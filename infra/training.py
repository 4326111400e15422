"""Asking for trainings from outside of Prefect, and following them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from estate.catalog import load_catalog
from estate.core.errors import StackError
from estate.core.settings import Settings, load_settings
from estate.store import training_requests
from estate.store.database import Database
from estate.store.training_requests import Request

POLL_SECONDS = 0.3


def ask(
    model: str, *, detail: str, as_of: datetime | None = None, settings: Settings | None = None
) -> Request:
    """Write a person's request and hand the waiting requests to the workers.

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
    with database.begin() as connection:
        made = training_requests.request_training(
            connection, model, cause="person", detail=detail, as_of=as_of
        )
    start_waiting(settings, database)
    with database.begin() as connection:
        return training_requests.get(connection, made.request_id)


def start_waiting(settings: Settings, database: Database) -> None:
    """Start a run for every request that waits, as the flow `dispatch` does.

    Raises
    ------
    StackError
        If Prefect can't be reached.
    """
    import os

    os.environ.setdefault("PREFECT_API_URL", settings.endpoint("prefect_url"))
    from tasks.request import start_run

    with database.begin() as connection:
        claimed = training_requests.claim_waiting(connection)
    for request in claimed:
        try:
            start_run(request)
        except Exception as error:  # httpx's and Prefect's errors share no base class
            raise StackError(
                "Prefect",
                expected="a run of the deployment retrain/retrain",
                got=f"{type(error).__name__}: {error}",
                todo="Is it running and deployed? Try `leadloop status`. The request is kept.",
            ) from error


def follow(
    request_id: str, *, seconds: float, say: Callable[[str], None], settings: Settings | None = None
) -> Request:
    """Wait until a request is done or failed, saying each change of its state.

    Raises
    ------
    StackError
        If it is neither after so many seconds.
    """
    database = Database((settings or load_settings()).endpoint("database_url"))
    state, until = "", time.monotonic() + seconds
    while time.monotonic() < until:
        with database.begin() as connection:
            request = training_requests.get(connection, request_id)
        if request.state in {"done", "failed", "merged"}:
            return request
        if request.state != state:
            say(f"  {request.state}")
            state = request.state
        time.sleep(POLL_SECONDS)
    raise StackError(
        f"training request {request_id}",
        expected=f"an end within {seconds:.0f} s",
        got=state,
        todo="See the flow run in the Prefect UI, and `leadloop status`.",
    )
