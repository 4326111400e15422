"""MLflow's scoring protocol, asked by MLflow's own client and as its documentation does."""

from __future__ import annotations

import warnings
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
import requests

from tests.serving.shop import Served

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of its own types when it is imported
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

JSON = "application/json"


def post(served: Served, body: object, *, model: str | None = "area", kind: str = JSON) -> requests.Response:
    headers = {"content-type": kind} | ({"x-model": model} if model else {})
    data = {"data": body} if isinstance(body, str | bytes) else {"json": body}
    return requests.post(f"{served.url}/invocations", headers=headers, timeout=10, **data)


@pytest.fixture
def client(served: Served) -> ScoringServerClient:
    host, _, port = urlsplit(served.url).netloc.partition(":")
    return ScoringServerClient(host, port)  # type: ignore[no-untyped-call]


def test_mlflows_client_waits_and_asks_the_only_trained_model(client: Any) -> None:
    client.wait_server_ready()
    assert client.get_version() == version("mlflow")
    table = pd.DataFrame({"rooms": [3, 4], "price_usd": [1.5, np.nan], "area": ["north", None]})
    answer = client.invoke(table)
    assert answer == {"predictions": pytest.approx([0.01, 0.01])}
    assert answer.get_predictions().shape == (2, 1)
    assert client.invoke(table, params={"threshold": 0.5}) == answer


FORMS = {
    "dataframe_split": {
        "dataframe_split": {"columns": ["area", "rooms"], "index": [9], "data": [["north", 3]]}
    },
    "dataframe_records": {"dataframe_records": [{"rooms": 3, "area": "north", "more": {}}]},
    "instances by name": {"instances": [{"rooms": 3, "area": "north"}]},
    "instances in order": {"instances": [[3, "north"]]},
    "instances by column": {"instances": {"rooms": [3], "area": ["north"]}},
    "inputs by column": {"inputs": {"rooms": [3], "area": ["north"]}},
    "inputs by name": {"inputs": [{"rooms": 3, "area": "north"}]},
    "inputs in order": {"inputs": [[3, "north"]]},
    "split without names": {"dataframe_split": {"data": [[3, "north"]]}},
    "with params": {"inputs": [[3, "north"]], "params": {"a": 1}},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_scored(served: Served, form: str) -> None:
    answer = post(served, FORMS[form])
    assert answer.json() == {"predictions": pytest.approx([0.103])}
    assert answer.headers["content-type"] == JSON
    assert (answer.headers["x-model"], answer.headers["x-version"]) == ("area", "rules")


@pytest.mark.parametrize("kind", [JSON, "application/json; charset=utf-8", "application/json;charset=UTF-8"])
def test_a_charset_may_be_named(served: Served, kind: str) -> None:
    answer = post(served, '{"inputs": {"rooms": [3], "area": ["s\u00fcd"]}}'.encode(), kind=kind)
    assert answer.json() == {"predictions": pytest.approx([0.203])}


def test_a_missing_number_is_null_or_what_mlflows_client_writes_for_it(served: Served) -> None:
    for nothing in ("null", "NaN"):
        body = (
            f'{{"dataframe_split": {{"columns": ["area", "rooms"], "data": [[{nothing}, 2], ["NaN", 1]]}}}}'
        )
        assert post(served, body).json() == {"predictions": pytest.approx([0.302, 0.201])}


def test_csv_has_the_types_of_training(served: Served) -> None:
    body = 'area,rooms,case_id\nnorth,3,007\n,4.5,008\nunknown,0,\n"a, b",?,9\n'
    assert "a text" in post(served, body, kind="text/csv").json()["detail"]
    answer = post(served, body.replace("?", "2"), kind="text/csv; charset=utf-8")
    assert answer.json()["predictions"] == pytest.approx([0.103, 0.3045, 0.3, 0.202])
    whole = pd.DataFrame({"rooms": [1.0, 2.0], "area": ["north", "x"]}).to_csv(index=False)
    assert post(served, whole, kind="text/csv").json() == {"predictions": pytest.approx([0.101, 0.202])}


def test_the_model_is_named_in_the_path_or_in_the_header(served: Served) -> None:
    rows: Any = {"inputs": [[3, "north"]]}
    assert requests.post(f"{served.url}/models/area/invocations", json=rows, timeout=10).status_code == 200
    assert post(served, rows, model="nobody").status_code == 404
    assert post(served, {"inputs": [[3, 1000]]}, model="size").json()["predictions"] == pytest.approx([0.04])


WRONG = {
    "two forms": {"inputs": [[1, "a"]], "instances": [[1, "a"]]},
    "no form": {"rows": [[1, "a"]]},
    "no rows": {"inputs": []},
    "a list": [[1, "a"]],
    "too few values": {"inputs": [[1]]},
    "a value alone": {"inputs": [1]},
    "records of two kinds": {"inputs": [{"rooms": 1, "area": "a"}, [1, "a"]]},
    "columns of two lengths": {"inputs": {"rooms": [1, 2], "area": ["a"]}},
    "a column twice": {"dataframe_split": {"columns": ["rooms", "rooms"], "data": [[1, 2]]}},
    "a column that is not there": {"dataframe_records": [{"rooms": 1}]},
    "a text for a number": {"inputs": [["1", "a"]]},
}


@pytest.mark.parametrize("name", WRONG)
def test_another_shape_is_422(served: Served, name: str) -> None:
    answer = post(served, WRONG[name])
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["expected"]
