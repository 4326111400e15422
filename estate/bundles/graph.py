"""Which ONNX graphs the platform loads: only those that it could have written itself.

The library that computes them is C++ and reads files, sub-graphs and functions of others on a graph's word.
So a graph is read here first, as data, and must be one of known operators without anything beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from estate.core.errors import ArtifactError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

INPUT, OUTPUT = "features", "score"
MOST_NODES = 100_000
STANDARD, ML = "", "ai.onnx.ml"

# What the converters of scikit-learn and XGBoost make of the estimators in docs/models.md, with the simple
# arithmetic around it. None of them runs a sub-graph, reads a file, or draws random numbers.
_STANDARD = """
    Abs Add And ArgMax ArgMin Cast Ceil Clip Concat Constant ConstantOfShape CumSum Div Equal Erf Exp Expand
    Flatten Floor Gather GatherElements GatherND Gemm Greater GreaterOrEqual HardSigmoid Identity IsInf IsNaN
    LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max Mean Min Mul Neg Not OneHot Or Pow Range Reciprocal
    ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu
    Reshape Round ScatterElements Shape Sigmoid Sign Slice Softmax Softplus Split Sqrt Squeeze Sub Sum Tanh
    Tile TopK Transpose Unsqueeze Where Xor
"""
_ML = """
    ArrayFeatureExtractor Binarizer FeatureVectorizer Imputer LabelEncoder LinearClassifier LinearRegressor
    Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsembleClassifier TreeEnsembleRegressor
"""
OPERATORS = frozenset({(STANDARD, name) for name in _STANDARD.split()} | {(ML, name) for name in _ML.split()})


def check_graph(content: bytes, what: str, *, width: int, classes: int) -> None:
    """Refuse a graph that is not a plain one of ``features`` (n, width) to ``score`` (n,) or (n, classes).

    Parameters
    ----------
    content : bytes
        Of the file, whose size was looked at.
    what : str
        Name of the file, for the error.
    width : int
        Columns of the matrix.
    classes : int
        0 unless multiclass.

    Raises
    ------
    ArtifactError
        Names the first thing that is not allowed.
    """
    model = _read(content, what)
    foreign = {opset.domain for opset in model.opset_import} - {STANDARD, "ai.onnx", ML}
    if foreign:
        raise _refused(what, "operators of ONNX only", f"domain {min(foreign)!r}")
    if model.functions or model.training_info or model.graph.sparse_initializer:
        raise _refused(what, "one plain graph", "functions, training steps or sparse tensors")
    for tensor in model.graph.initializer:
        _check_tensor(tensor, what)
    if len(model.graph.node) > MOST_NODES:
        raise _refused(what, f"at most {MOST_NODES:,} nodes", f"{len(model.graph.node):,}")
    for node in model.graph.node:
        _check_node(node, what)
    _check_ends(model.graph, what, width, classes)


def _read(content: bytes, what: str) -> ModelProto:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from onnx import ModelProto

    model = ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise _refused(what, "an ONNX model", "a file that is none") from error
    if not model.graph.node:
        raise _refused(what, "an ONNX model", "a file without a graph")
    return model


def _check_node(node: NodeProto, what: str) -> None:
    domain = STANDARD if node.domain == "ai.onnx" else node.domain
    if (domain, node.op_type) not in OPERATORS:
        raise _refused(what, "operators that the platform writes", f"{domain or 'ai.onnx'}.{node.op_type}")
    for attribute in node.attribute:
        if attribute.HasField("g") or attribute.graphs:
            raise _refused(what, "no graph inside another", f"one in a node {node.op_type}")
        if attribute.sparse_tensors or attribute.HasField("sparse_tensor"):
            raise _refused(what, "no sparse tensors", f"one in a node {node.op_type}")
        for tensor in (*attribute.tensors, *((attribute.t,) if attribute.HasField("t") else ())):
            _check_tensor(tensor, what)


def _check_tensor(tensor: TensorProto, what: str) -> None:
    if tensor.external_data or tensor.data_location:  # 0 is "in this file"
        raise _refused(
            what, "all numbers inside the file", f"tensor {tensor.name!r} that lies in another one"
        )


def _check_ends(graph: GraphProto, what: str, width: int, classes: int) -> None:
    # Before version 4 of the format, constants are listed among the inputs too; ours is later.
    wanted: dict[str, tuple[Iterable[ValueInfoProto], str, list[int | None]]] = {
        "input": (graph.input, INPUT, [None, width]),
        "output": (graph.output, OUTPUT, [None, classes] if classes else [None]),
    }
    for end, (values, name, shape) in wanted.items():
        found = [(value.name, value.type.tensor_type.elem_type, _shape(value)) for value in values]
        if found != [(name, 1, shape)]:  # 1 is float32
            raise _refused(
                what,
                f"one {end} `{name}`, float32 of shape {_said(shape)}",
                "; ".join(f"`{n}`, type {kind} of shape {_said(s)}" for n, kind, s in found) or "none",
            )


def _shape(value: ValueInfoProto) -> list[int | None]:
    dimensions = value.type.tensor_type.shape.dim
    return [d.dim_value if d.HasField("dim_value") else None for d in dimensions]


def _said(shape: list[int | None]) -> str:
    return "(" + ", ".join("n" if size is None else str(size) for size in shape) + ")"


def _refused(what: str, expected: str, got: str) -> ArtifactError:
    return ArtifactError(what, expected=expected, got=got, todo="Do not use it; promote another version.")
