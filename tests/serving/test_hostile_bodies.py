"""Whatever is sent: a 4xx that says what is wrong, never a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.serving.shop import ROW, Served, Shop, wait_for

JSON = {"content-type": "application/json"}


def row(**changes: object) -> str:
    return json.dumps({"rows": [{**ROW, **changes}]})


NOT_JSON = {
    "nothing": b"",
    "a word": b"hello",
    "half of it": b'{"rows": [',
    "NaN": b'{"rows": [{"rooms": NaN, "price_usd": 1, "area": "x"}]}',
    "Infinity": b'{"rows": [{"rooms": Infinity, "price_usd": 1, "area": "x"}]}',
    "a lone surrogate": b'{"rows": [{"rooms": 1, "price_usd": 1, "area": "\\ud800"}]}',
    "not UTF-8": b'{"rows": [{"rooms": 1, "price_usd": 1, "area": "\xff\xfe"}]}',
    "deep nesting": b'{"rows": [{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
    "deep nesting of objects": b'{"rows": [{"a": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}]}",
    "two documents": b"{} {}",
    "a byte order mark": b'\xef\xbb\xbf{"rows": []}',
    "UTF-16": row().encode("utf-16"),
    "a NUL": b"\0",
    "a trailing comma": b'{"rows": [],}',
    "single quotes": b"{'rows': []}",
}
WRONG_SHAPE = {
    "a list": b"[]",
    "null": b"null",
    "a number": b"7",
    "no rows": b"{}",
    "rows within rows": b'{"rows": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "rows is null": b'{"rows": null}',
    "rows is an object": b'{"rows": {}}',
    "rows is text": b'{"rows": "all"}',
    "no row": b'{"rows": []}',
    "a row is null": b'{"rows": [null]}',
    "a row is a list": b'{"rows": [[1, 2, 3]]}',
    "no lead": b'{"lead_ids": []}',
    "lead ids are numbers": b'{"lead_ids": [1]}',
    "lead ids are null": b'{"lead_ids": [null]}',
    "both": b'{"rows": [{}], "lead_ids": ["a"]}',
    "explain is text": json.dumps({"rows": [ROW], "explain": "yes"}).encode(),
    "lead ids for a table": b'{"lead_ids": ["a"]}',
    "1e400": b'{"rows": [{"rooms": 1e400, "price_usd": 1, "area": "x"}]}',
    "a number of 400 digits": b'{"rows": [{"rooms": 1' + b"0" * 400 + b', "price_usd": 1, "area": "x"}]}',
    "a number of 9000 digits": b'{"rows": [{"rooms": 1' + b"0" * 9000 + b', "price_usd": 1, "area": "x"}]}',
    "an empty row": b'{"rows": [{}]}',
    "text for a number": row(rooms="3").encode(),
    "an object for a number": row(rooms={"value": 3}).encode(),
    "a list for a number": row(rooms=[3]).encode(),
    "a list for a category": row(area=["north"]).encode(),
    "an object for a category": row(area={}).encode(),
    "a NUL in a category": row(area="nor\0th").encode(),
    "a category of a megabyte": row(area="x" * 1_000_000).encode(),
    "a category of 5000 digits": b'{"rows": [{"rooms": 1, "price_usd": 1, "area": 1' + b"0" * 5000 + b"}]}",
    "an object as the case": row(case_id={}).encode(),
    "an empty case": row(case_id="").encode(),
    "a case of a kilobyte": row(case_id="x" * 1000).encode(),
    "a NUL in the case": row(case_id="\0").encode(),
}


@pytest.fixture
def served(shop: Shop) -> Iterator[Served]:
    """Return a process that serves version 1."""
    shop.train("1")
    shop.promote("1")
    with shop.serve() as running:
        running.wait_for_version("1")
        yield running


def test_the_corpus_gets_problem_documents_and_leaves_the_process_alive(served: Served, shop: Shop) -> None:
    seen: dict[str, int] = {}
    for name, body in {**NOT_JSON, **WRONG_SHAPE}.items():
        response = served.client.post("/v1/models/sale/predict", content=body, headers=JSON)
        seen[name] = response.status_code
        assert response.headers["content-type"] == "application/problem+json", name
        problem = response.json()
        assert problem["status"] == response.status_code
        assert problem["detail"]
        assert problem["expected"], name
        assert len(response.content) < 3000
    assert seen == dict.fromkeys(NOT_JSON, 400) | dict.fromkeys(WRONG_SHAPE, 422)
    good = served.predict().json()["predictions"][0]["id"]
    wait_for(lambda: kept_ids(shop) == [good])


def kept_ids(shop: Shop) -> list[str]:
    from estate.store.predictions import read_recent

    with shop.database.begin() as connection:
        return [found.prediction_id for found in read_recent(connection, "sale")]


def test_the_corpus_is_refused_before_the_first_version_too(shop: Shop) -> None:
    with shop.serve() as served:
        for name, body in {**NOT_JSON, **WRONG_SHAPE}.items():
            response = served.client.post("/v1/models/sale/predict", content=body, headers=JSON)
            assert 400 <= response.status_code < 500, name


def test_a_missing_column_is_named(served: Served) -> None:
    problem = served.predict({"case_id": "a", "rooms": 3}).json()
    assert problem["field"] == "row 0"
    assert problem["got"] == "no price_usd, area"
    assert problem["todo"] == "Send null where a value is not known."


def test_a_wrong_value_is_named_by_row_and_column(served: Served) -> None:
    problem = served.predict(ROW, {**ROW, "rooms": "three"}).json()
    assert (problem["field"], problem["expected"], problem["got"]) == (
        "row 1, column `rooms`",
        "a number or null",
        "a text",
    )


def test_null_further_columns_and_unknown_categories_are_fine(served: Served) -> None:
    odd = [
        {**ROW, "rooms": None, "price_usd": None, "area": None},
        {**ROW, "area": "never seen"},
        {**ROW, "area": 7},
        {**ROW, "rooms": True},
        {**ROW, "rooms": 0},
        {**ROW, "rooms": -1e308, "price_usd": 1e308},
        {**ROW, "case_id": 12},
        {**ROW, "case_id": None},
        {**ROW, "name": {"deep": [1, 2]}, "\0": "\0"},
    ]
    answer = served.predict(*odd)
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == len(odd)


def test_too_much_is_413(served: Served) -> None:
    many = json.dumps({"rows": [{}] * 10_001})
    assert served.client.post("/v1/models/sale/predict", content=many, headers=JSON).status_code == 413
    large = b'{"rows": [{"a": "' + b"x" * (8 * 1024 * 1024) + b'"}]}'
    assert served.client.post("/v1/models/sale/predict", content=large, headers=JSON).status_code == 413
    parts = (large[i : i + 100_000] for i in range(0, len(large), 100_000))  # no content-length
    assert served.client.post("/v1/models/sale/predict", content=parts, headers=JSON).status_code == 413


def test_ten_thousand_rows_are_answered(served: Served) -> None:
    answer = served.predict(*[ROW] * 10_000)
    assert len({found["id"] for found in answer.json()["predictions"]}) == 10_000


def test_another_content_type_is_415(served: Served) -> None:
    others: list[dict[str, str]] = [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ]
    for headers in others:
        response = served.client.post("/v1/models/sale/predict", content=row().encode(), headers=headers)
        assert (response.status_code, response.json()["status"]) == (415, 415), headers


def test_another_method_is_405_and_says_which(served: Served) -> None:
    response = served.client.get("/v1/models/sale/predict")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["expected"] == "POST"
    assert served.client.delete("/v1/models").status_code == 405


def test_an_unknown_model_is_404(served: Served) -> None:
    for name in ("nobody", "..%2f..%2fetc", "%00", "%ff", "x" * 5000, "sale%20"):
        response = served.client.post(f"/v1/models/{name}/predict", content=row().encode(), headers=JSON)
        assert response.status_code == 404, name
        assert response.headers["content-type"] == "application/problem+json"


def test_an_unknown_address_is_404(served: Served) -> None:
    assert served.client.get("/v3/everything").json()["title"] == "Not Found"
