"""The Open Inference Protocol, asked by Triton's own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from estate.store.predictions import read_recent
from tests.serving.shop import Served, Shop, wait_for

TYPES = {"FP64": np.float64, "FP32": np.float32, "INT64": np.int64, "INT32": np.int32, "BOOL": np.bool_}


@pytest.fixture
def client(served: Served) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(urlsplit(served.url).netloc) as made:
        yield made


def tensor(
    name: str, kind: str, values: object, *, binary: bool = True, flat: bool = False
) -> triton.InferInput:
    array: Any = np.array(values, dtype=TYPES.get(kind, np.object_))
    if not flat and array.ndim == 1:
        array = array.reshape(-1, 1)
    made = triton.InferInput(name, list(array.shape), kind)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def test_the_client_sees_a_live_server_with_its_models(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    wait_for(client.is_server_ready)
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    assert client.is_model_ready("sale")
    assert client.is_model_ready("sale", "1")
    assert not client.is_model_ready("sale", "2")
    assert not client.is_model_ready("bare")
    assert client.get_model_metadata("sale", "1") == {
        "name": "sale",
        "versions": ["1"],
        "platform": "leadloop_bundle",
        "inputs": [
            {"name": "rooms", "datatype": "FP64", "shape": [-1, 1]},
            {"name": "price_usd", "datatype": "FP64", "shape": [-1, 1]},
            {"name": "area", "datatype": "BYTES", "shape": [-1, 1]},
            {"name": "case_id", "datatype": "BYTES", "shape": [-1, 1]},
        ],
        "outputs": [
            {"name": "score", "datatype": "FP64", "shape": [-1]},
            {"name": "id", "datatype": "BYTES", "shape": [-1]},
        ],
    }


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("flat", [True, False])
def test_a_tensor_a_column_is_scored(
    client: triton.InferenceServerClient, *, binary: bool, flat: bool
) -> None:
    inputs = [
        tensor("rooms", "INT64", [3, 4, 5], binary=binary, flat=flat),
        tensor("area", "BYTES", ["north", "söuth", "west"], binary=binary, flat=flat),
    ]
    answer = client.infer("area", inputs)
    assert answer.as_numpy("score").tolist() == pytest.approx([0.103, 0.204, 0.205])
    assert answer.as_numpy("score").dtype == np.float64
    ids = [name.decode() for name in answer.as_numpy("id")]
    assert len(set(ids)) == 3
    assert answer.get_response()["model_version"] == "rules"
    assert answer.get_response()["parameters"] == {"source": "rules"}


@pytest.mark.parametrize("kind", TYPES)
def test_numbers_of_any_type(client: triton.InferenceServerClient, kind: str) -> None:
    for binary in (True, False):
        rooms, price = tensor("rooms", kind, [1, 0], binary=binary), tensor("price", "FP64", [0.0, 1000.0])
        assert client.infer("size", [rooms, price]).as_numpy("score").tolist() == pytest.approx([0.01, 0.01])


def test_a_matrix_has_the_order_of_the_inputs(client: triton.InferenceServerClient) -> None:
    for name in ("features", "input-0"):
        matrix = tensor(name, "FP32", [[3, 4000], [5, 6000]])
        assert client.infer("size", [matrix]).as_numpy("score").tolist() == pytest.approx([0.07, 0.11])


def test_what_is_not_known(client: triton.InferenceServerClient) -> None:
    inputs = [tensor("rooms", "FP64", [0.0, 0.0]), tensor("area", "BYTES", ["", "unknown"])]
    assert client.infer("area", inputs).as_numpy("score").tolist() == [0.3, 0.3]
    nan = [
        tensor("rooms", "FP64", [np.nan]),
        tensor("price_usd", "FP64", [1.0]),
        tensor("area", "BYTES", [""]),
    ]
    assert client.infer("sale", nan).as_numpy("score").tolist() == pytest.approx([0.01])


def test_outputs_that_were_asked_for_come_in_the_form_asked_for(
    client: triton.InferenceServerClient,
) -> None:
    outputs = [
        triton.InferRequestedOutput("id", binary_data=False),
        triton.InferRequestedOutput("score", binary_data=True),
    ]
    inputs = [tensor("features", "FP64", [[1.0, 0.0]])]
    answer = client.infer("size", inputs, outputs=outputs, request_id="mine")
    made = answer.get_response()
    assert made["id"] == "mine"
    assert [output["name"] for output in made["outputs"]] == ["id", "score"]
    assert "data" in made["outputs"][0]
    assert answer.as_numpy("score").tolist() == [0.01]
    only = client.infer("size", inputs, outputs=outputs[:1])
    assert only.as_numpy("score") is None


def test_answers_are_kept_with_their_case(client: triton.InferenceServerClient, shop: Shop) -> None:
    inputs = [
        tensor("rooms", "INT32", [7]),
        tensor("price_usd", "FP64", [1.0]),
        tensor("area", "BYTES", ["north"]),
        tensor("case_id", "BYTES", ["of-triton"]),
    ]
    answer = client.infer("sale", inputs, model_version="1")
    name = answer.as_numpy("id")[0].decode()

    def kept() -> list[tuple[str, float | str | None]]:
        with shop.database.begin() as connection:
            found = read_recent(connection, "sale")
        return [(p.prediction_id, p.features["rooms"]) for p in found if p.entity_id == "of-triton"]

    wait_for(lambda: kept() == [(name, 7.0)])


REFUSED: dict[str, tuple[str, list[tuple[str, str, Any]], str]] = {
    "an unknown model": ("nobody", [("rooms", "FP64", [[1.0]])], "no such name"),
    "a column that is not there": ("area", [("rooms", "FP64", [1.0])], "no area"),
    "text for a number": ("area", [("rooms", "BYTES", ["3"]), ("area", "BYTES", ["x"])], "got a text"),
    "infinity": ("size", [("features", "FP64", [[np.inf, 1.0]])], "a number below 1e308"),
    "different lengths": ("area", [("rooms", "FP64", [1.0, 2.0]), ("area", "BYTES", ["x"])], "[1, 2]"),
    "a narrow matrix": ("size", [("features", "FP64", [[1.0]])], "shape [n, 2]: rooms, price"),
    "a matrix for texts": ("area", [("features", "FP64", [[1.0, 2.0]])], "reads numbers alone"),
    "a column that is a matrix": ("size", [("rooms", "FP64", [[1.0, 2.0]])], "one tensor a column"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_client_shows_what_is_wrong(client: triton.InferenceServerClient, name: str) -> None:
    model, columns, says = REFUSED[name]
    with pytest.raises(InferenceServerException, match=r"\[4(04|22)\]") as caught:
        client.infer(model, [tensor(*column) for column in columns])
    assert says in str(caught.value)


def test_the_client_shows_which_output_or_version_there_is(client: triton.InferenceServerClient) -> None:
    matrix = [tensor("features", "FP64", [[1.0, 0.0]])]
    with pytest.raises(InferenceServerException, match="expected one of score, id"):
        client.infer("size", matrix, outputs=[triton.InferRequestedOutput("label")])
    with pytest.raises(InferenceServerException, match="expected its values, got `classification`"):
        client.infer("size", matrix, outputs=[triton.InferRequestedOutput("score", class_count=2)])
    with pytest.raises(InferenceServerException, match="version `7` of `size`: expected the one"):
        client.infer("size", matrix, model_version="7")
    with pytest.raises(InferenceServerException, match="a route of /docs"):
        client.get_model_config("size")


def test_an_error_is_a_problem_document_and_one_of_the_protocol(served: Served) -> None:
    response = served.client.post(
        "/v2/models/size/infer", content=b"{", headers={"content-type": "application/json"}
    )
    problem = response.json()
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    assert problem["error"] == problem["detail"]
    assert (problem["status"], problem["title"]) == (400, "Bad Request")
    assert "error" not in served.client.get("/v1/models/nobody").json()
