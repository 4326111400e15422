"""A bundle that was damaged or made by somebody else is refused before any library computes with it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from estate.bundles import Bundle, check_manifest, open_predictor, write_manifest
from estate.bundles.graph import OPERATORS, check_graph
from estate.core.errors import ArtifactError
from estate.core.frame import Frame
from tests.model_registry.conftest import write_bundle

FILES = ("model.onnx", "features.json", "golden.json", "reference.parquet", "manifest.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the test fail if ONNX Runtime is given a model at all."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("ONNX Runtime was asked to load it")

    monkeypatch.setattr(onnxruntime, "InferenceSession", never)


def refused(folder: Path, match: str) -> None:
    with pytest.raises(ArtifactError, match=match) as raised:
        open_predictor(Bundle.open(folder), "1")
    assert "\n" not in str(raised.value)


def test_a_whole_bundle_answers(folder: Path) -> None:
    bundle = Bundle.open(folder)
    predictor = open_predictor(bundle, "1")
    bundle.check_golden(predictor)
    row = Frame.of({"visits": [1.0], "calls": [2.0], "budget": [3.0]})
    assert predictor.predict_many(row).score[0] == pytest.approx(1 / (1 + np.exp(0.75)), abs=1e-6)


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_refused(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    refused(folder, re.escape(name))


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_one_flipped_bit_is_refused(folder: Path, name: str, at: float) -> None:
    content = bytearray((folder / name).read_bytes())
    content[int(at * len(content))] ^= 1
    (folder / name).write_bytes(content)
    refused(folder, "expected|manifest")


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize("name", FILES[:2])
def test_truncated_with_its_manifest_rewritten_is_refused(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    write_manifest(folder)
    refused(folder, f"{re.escape(name)} of bundle")


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"task": "ranking"}, "task"),
        ({"model": 7}, "model: Input should be a valid string"),
        ({"classes": ["a", "b"]}, "2 classes for task binary"),
        ({"more": 1}, "more: Extra inputs are not permitted"),
        ({"inputs": [{"name": "x", "kind": "text"}]}, "inputs.0.kind"),
        ({"encoder": []}, "encoder"),
        ({"encoder": [{"name": "x", "kind": "number", "levels": ["a"]}]}, "a number with levels"),
        ({"encoder": [{"name": "x", "kind": "number", "levels": []}] * 2}, "a column is there twice"),
        (
            {"encoder": [{"name": "x", "kind": "number", "levels": []}]},
            r"expected one input `features`.*\(n, 1\)",
        ),
    ],
    ids=str,
)
def test_a_wrong_schema_is_refused(folder: Path, change: dict[str, object], match: str) -> None:
    path = folder / "features.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    write_manifest(folder)
    refused(folder, match)


@pytest.mark.parametrize(
    "golden",
    ["[]", "{}", '{"features":{},"scores":[]}', '{"features":{"visits":[1]},"scores":[0.5]}', "{" * 100_000],
)
def test_wrong_golden_rows_are_refused(folder: Path, golden: str) -> None:
    (folder / "golden.json").write_text(golden)
    write_manifest(folder)
    bundle = Bundle.open(folder)
    with pytest.raises(ArtifactError, match=r"golden\.json of bundle"):
        bundle.check_golden(open_predictor(bundle, "1"))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"rows"])
def test_a_reference_that_is_none_is_refused(folder: Path, content: bytes) -> None:
    Bundle.open(folder).reference()
    (folder / "reference.parquet").write_bytes(content)
    write_manifest(folder)
    with pytest.raises(ArtifactError, match=r"reference\.parquet of bundle"):
        Bundle.open(folder).reference()


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize("size", [512_000_001])
def test_a_model_file_that_is_too_long_is_not_read(folder: Path, size: int) -> None:
    os.truncate(folder / "model.onnx", size)  # a hole: it takes no room
    write_manifest(folder)
    refused(folder, "expected at most 512,000,000 bytes")


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize("name", ["model.pkl", "more/model.pkl", "model.ubj"])
def test_an_unknown_or_second_model_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    refused(folder, "not in the manifest")
    write_manifest(folder)
    refused(folder, "expected only|expected one model")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/../../outside", ".", "a\\b"])
def test_a_manifest_that_names_a_file_outside_is_refused(folder: Path, name: str) -> None:
    (folder.parent / "outside").write_bytes(b"x")
    listed = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**listed, name: "0" * 64}))
    with pytest.raises(ArtifactError, match="expected paths inside the folder"):
        check_manifest(folder)


@pytest.mark.parametrize(
    "content", ["[]", "7", "nothing", '{"a": 1}', "[" * 100_000, '{"a":"' + "x" * 2_000_000 + '"}']
)
def test_a_manifest_that_is_none_is_refused(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"manifest\.json"):
        check_manifest(folder)


def test_a_link_is_refused_even_to_the_same_content(folder: Path) -> None:
    path = folder / "model.onnx"
    moved = path.rename(folder.parent / "elsewhere.onnx")
    path.symlink_to(moved)
    with pytest.raises(ArtifactError, match=r"model\.onnx.*got a link"):
        check_manifest(folder)
    with pytest.raises(ArtifactError, match="got a link"):
        write_manifest(folder)


def graph_with(change: Callable[[onnx.ModelProto], object], folder: Path) -> bytes:
    model = onnx.load(folder / "model.onnx")
    change(model)
    content: bytes = model.SerializeToString()
    return content


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../outside.bin")


def attribute_outside(model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones(1, np.float32), "c"))
    node.attribute[0].t.external_data.add(key="location", value="/etc/hostname")
    model.graph.node.append(node)


def function(model: onnx.ModelProto) -> None:
    relu = helper.make_node("Relu", ["x"], ["y"])
    model.functions.append(helper.make_function("mine", "F", ["x"], ["y"], [relu], model.opset_import[:1]))


def inner_graph(model: onnx.ModelProto) -> None:
    inner = helper.make_graph([helper.make_node("Identity", ["logit"], ["z"])], "inner", [], [])
    model.graph.node.append(helper.make_node("Add", ["logit", "logit"], ["z"], body=inner))


BAD: dict[str, tuple[Callable[[onnx.ModelProto], Any], str]] = {
    "external data": (external, "lies in another one"),
    "external data of a constant": (attribute_outside, "lies in another one"),
    "function": (function, "functions, training steps or sparse"),
    "other domain": (
        lambda m: m.opset_import.append(helper.make_opsetid("com.microsoft", 1)),
        "'com.microsoft'",
    ),
    "other operator": (
        lambda m: setattr(m.graph.node[0], "op_type", "RandomNormal"),
        "got ai.onnx.RandomNormal",
    ),
    "operator of another domain": (lambda m: setattr(m.graph.node[0], "domain", "mine"), "got mine.MatMul"),
    "inner graph": (inner_graph, "no graph inside another"),
    "other width": (
        lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[1], "dim_value", 4),
        r"expected one input `features`, float32 of shape \(n, 3\), got .*\(n, 4\)",
    ),
    "other output": (lambda m: setattr(m.graph.output[0], "name", "label"), "expected one output `score`"),
    "second output": (lambda m: m.graph.output.append(m.graph.output[0]), "expected one output `score`"),
    "no nodes": (lambda m: m.graph.ClearField("node"), "a file without a graph"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_foreign_graph_is_refused(folder: Path, name: str) -> None:
    change, match = BAD[name]
    good = (folder / "model.onnx").read_bytes()
    check_graph(good, "it", width=3, classes=0)
    with pytest.raises(ArtifactError, match=match):
        check_graph(graph_with(change, folder), "it", width=3, classes=0)


@pytest.mark.usefixtures("unseen")
def test_data_outside_the_file_is_never_read(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(graph_with(external, folder))
    write_manifest(folder)
    refused(folder, "all numbers inside the file")


def test_no_operator_is_let_in_that_runs_a_graph_or_draws_numbers() -> None:
    names = {name for _, name in OPERATORS}
    assert not names & {
        "If",
        "Loop",
        "Scan",
        "SequenceMap",
        "RandomNormal",
        "Multinomial",
        "Bernoulli",
        "Optional",
    }
