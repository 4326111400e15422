"""Requests made from the OpenAPI document, sent to a real process, checked against the document."""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from tests.serving.shop import Served, wait_for

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.generation import GenerationMode
    from schemathesis.specs.openapi import checks

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
KNOWN = {
    "model": "area",
    "version": "rules",
    "id": "019aa0c4-0000-7000-8000-000000000000",
    "kind": "interactions",
    "lead": "w1l-0001",
}
"""So that half of all requests come further than to the look-up of a name."""


def run(served: Served, examples: int) -> list[str]:
    """Send so many requests to each route, good ones and bad ones; returns which were asked."""
    wait_for(lambda: served.client.get("/health/ready").status_code == 200)
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    asked = []
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        _ask(operation, examples)
        asked.append(operation.label)
    return asked


def _ask(operation: Any, examples: int) -> None:
    known = {name: KNOWN[name] for name in re.findall(r"\{(\w+)\}", operation.path)}
    strategies = [operation.as_strategy(mode) for mode in GenerationMode]
    if known:
        strategies += [operation.as_strategy(mode, path_parameters=known) for mode in GenerationMode]

    for strategy in strategies:

        @settings(
            max_examples=max(1, examples // len(strategies)),
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def one(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        with suppress(Unsatisfiable):  # where nothing can be wrong
            one()


def check_asked(served: Served, asked: list[str]) -> None:
    paths = served.client.get("/openapi.json").json()["paths"]
    del paths["/openapi.json"]  # which was asked for already
    assert sorted(asked) == sorted(f"{method.upper()} {path}" for path in paths for method in paths[path])
    row = {"rooms": 3, "area": "north"}
    assert served.predict(row, model="area").json()["predictions"][0]["score"] == pytest.approx(0.103)


def test_a_few_requests_to_every_route_are_answered_as_documented(served: Served) -> None:
    check_asked(served, run(served, 4))


@pytest.mark.thorough
@pytest.mark.timeout(1200)
def test_many_requests_to_every_route_are_answered_as_documented(served: Served) -> None:
    check_asked(served, run(served, 200))
