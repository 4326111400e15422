"""The short way and the usual way give the same answer to the same body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from estate.store.predictions import read_recent
from tests.serving.shop import Served, Shop, wait_for

JSON = {"content-type": "application/json"}
USUAL = {**JSON, "x-priority": "interactive"}
PLAIN = {"rooms": 3, "area": "north", "case_id": "a"}


def rows(*changed: Mapping[str, object]) -> bytes:
    return json.dumps({"rows": [{**PLAIN, **change} for change in changed]}).encode()


def raw(rooms: str = "3", area: str = '"north"', more: str = "") -> bytes:
    return f'{{"rows": [{{"rooms": {rooms}, "area": {area}{more}}}]}}'.encode()


NUMBERS = [
    "3",
    "3.0",
    "-0.0",
    "-0",
    "0",
    "1e3",
    "1E+3",
    "0.1e1",
    "5e-324",
    "1e-400",
    "1e308",
    "1e309",
    "true",
    "null",
]
NUMBERS += [
    "false",
    "9007199254740993",
    "18446744073709551616",
    "9" * 100,
    "-" + "9" * 308,
    "9" * 400,
    "-1e400",
]
NUMBERS += [
    "9" * 9000,
    '"3"',
    "[3]",
    "{}",
    "03",
    "3.",
    ".3",
    "+3",
    "- 3",
    "1e",
    "NaN",
    "Infinity",
    "0x1f",
    "1_000",
]
TEXTS = [
    '"north"',
    "null",
    '""',
    '"unknown"',
    "3",
    "3.0",
    "-0.0",
    "1e2",
    "2.5",
    "true",
    "false",
    "1e22",
    "1e16",
]
TEXTS += [
    "9007199254740993",
    "18446744073709551616",
    "9" * 100,
    "1e400",
    "9" * 5000,
    "0.1",
    '"söd"',
    '"\\u0041"',
]
TEXTS += [
    '"\\ud83d\\ude00"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\u0000"',
    f'"{"x" * 1000}"',
    f'"{"x" * 1001}"',
    "[]",
    "{}",
]
TEXTS += [f'"{"é" * 1000}"', f'"{"é" * 1001}"', '"unkn\\u006fwn"', '" unknown"', '"\\"\\\\"', "1.0e0"]
CASES = [
    '"b"',
    "7",
    "-7",
    "null",
    '""',
    "7.0",
    "true",
    "[]",
    f'"{"c" * 200}"',
    f'"{"c" * 201}"',
    '"\\u0000"',
    "9" * 201,
]
CASES += ["18446744073709551616", "1e400", "9" * 5000, '"unknown"']
MORE = [
    "1e400",
    "9" * 9000,
    '"\\ud800"',
    '"\\u0000"',
    "NaN",
    "[[[1]]]",
    "{}",
    "01",
    '"\t"',
    "nul",
    "[1,]",
    "-",
]
CORPUS = {
    "plain": rows({}),
    "several rows": rows({}, {"rooms": None, "area": None}, {"area": "unknown", "case_id": 5}),
    "64 rows": rows(*[{"rooms": i} for i in range(64)]),
    "65 rows": rows(*[{"rooms": i} for i in range(65)]),
    "a wrong row among them": rows({}, {"rooms": "x"}),
    "further columns": rows({"more": {"deep": [1, None, "x"]}, "é": "é"}),
    "no case": b'{"rows": [{"rooms": 1, "area": "x"}]}',
    "a column left out": b'{"rows": [{"rooms": 1}]}',
    "a column twice": b'{"rows": [{"rooms": 1, "rooms": 2, "area": "x", "area": "north"}]}',
    "a column twice, first wrong": b'{"rows": [{"rooms": "x", "rooms": 2, "area": "north"}]}',
    "a column twice, then wrong": b'{"rows": [{"rooms": 2, "rooms": "x", "area": "north"}]}',
    "a column by an escape": b'{"rows": [{"r\\u006foms": 2, "area": "north"}]}',
    "rows twice": b'{"rows": [{"rooms": 1, "area": "x"}], "rows": [{"rooms": 2, "area": "y"}]}',
    "rows and null": b'{"rows": [{"rooms": 1, "area": "x"}], "lead_ids": null, "explain": false, "x": 1}',
    "explain is null": b'{"rows": [{"rooms": 1, "area": "x"}], "explain": null}',
    "rows and leads": b'{"rows": [{"rooms": 1, "area": "x"}], "lead_ids": []}',
    "no rows": b'{"rows": []}',
    "white space": b' \n{"rows":\t[ {"rooms" : 1 , "area":"x"} ] }\r\n ',
    "a second document": raw() + b"{}",
    "a byte order mark": b"\xef\xbb\xbf" + raw(),
    "UTF-16": raw().decode().encode("utf-16"),
    "broken UTF-8": raw(area='"X"').replace(b"X", b"\xff"),
    "broken UTF-8 in a further column": raw(more=', "more": "X"').replace(b"X", b"\xff"),
    "a surrogate in UTF-8": raw(more=', "more": "X"').replace(b"X", b"\xed\xa0\x80"),
    "broken UTF-8 in a name": raw(more=', "X": 1').replace(b"X", b"\xc3"),
    "NUL at the end": raw() + b"\0",
    "deep": raw(more=', "more": ' + "[" * 3000 + "]" * 3000),
    **{f"number {text[:20]} {len(text)}": raw(rooms=text) for text in NUMBERS},
    **{f"text {text[:20]} {len(text)}": raw(area=text) for text in TEXTS},
    **{f"case {text[:20]} {len(text)}": raw(more=f', "case_id": {text}') for text in CASES},
    **{f"more {text[:20]} {len(text)}": raw(more=f', "more": {text}') for text in MORE},
}


def test_both_ways_give_the_same_answer_and_keep_the_same(served: Served, shop: Shop) -> None:
    served.predict(PLAIN, model="area")  # a model's speed is known from its second call on
    before = served.metric("leadloop_batch_rows_count")
    pairs: list[tuple[str, Any, Any]] = []
    for name, body in CORPUS.items():
        short = served.client.post("/v1/models/area/predict", content=body, headers=JSON)
        usual = served.client.post("/v1/models/area/predict", content=body, headers=USUAL)
        assert short.status_code == usual.status_code, (name, short.text[:200], usual.text[:200])
        assert short.status_code in {200, 400, 422}, name
        assert _without_ids(short.json()) == _without_ids(usual.json()), name
        if short.status_code == 200:
            pairs.append((name, short.json()["predictions"][-1]["id"], usual.json()["predictions"][-1]["id"]))
    assert served.metric("leadloop_batch_rows_count") - before > len(pairs) / 2, "the short way was not taken"
    ids = {one for _, *both in pairs for one in both}
    wait_for(lambda: ids <= set(_kept(shop)))
    kept = _kept(shop)
    for name, short_id, usual_id in pairs:
        assert kept[short_id] == kept[usual_id], name


def _without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    for prediction in answer.get("predictions", ()):
        assert len(prediction.pop("id")) == 36
    return answer


def _kept(shop: Shop) -> dict[str, object]:
    with shop.database.begin() as connection:
        found = read_recent(connection, "area")
    return {p.prediction_id: (p.features, p.entity_id, p.score, p.version, p.answered_by) for p in found}
