"""How often and how long: the same for every task of a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.cache_policies import NO_CACHE

from tasks.platform import may_pass

if TYPE_CHECKING:
    from prefect import Task
    from prefect.client.schemas.objects import State, TaskRun


def _condition(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, BaseException) and may_pass(error)


REACHES_OUT: dict[str, Any] = {
    "retries": 4,
    "retry_delay_seconds": [1, 3, 10, 30],
    "retry_condition_fn": _condition,
    "timeout_seconds": 600,
    "cache_policy": NO_CACHE,
}
"""For tasks that ask a database or a server: tried again while nobody answers."""

COMPUTES: dict[str, Any] = {"timeout_seconds": 3600, "cache_policy": NO_CACHE}
"""For tasks that only compute: the same rows would fail again."""
