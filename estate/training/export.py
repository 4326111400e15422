"""From a fitted estimator to one ONNX graph, with the calibration inside, checked on the whole holdout."""

from __future__ import annotations

from typing import Any

import numpy as np

from estate.bundles.calibration import EPSILON
from estate.bundles.onnx_predictor import INPUT, OUTPUT
from estate.core.errors import TrainingError
from estate.core.frame import Numbers
from estate.core.model_spec import Task
from estate.training.calibration import BetaCalibration
from estate.training.fit import Trained
from estate.training.merged_steps import merge_steps
from estate.training.own_converters import register_own

OPSET = 18
TOLERANCE = 1e-4
"""Greatest difference allowed between exported and trained scores, relative where they are above 1."""


def to_onnx(trained: Trained) -> Any:
    """Convert; input ``features`` float32 (n, columns), output ``score`` float32 (n,) or (n, classes).

    Raises
    ------
    TrainingError
        If the estimator has no ONNX form; names it.
    """
    import onnx
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    _register_xgboost()
    register_own()
    width = len(trained.encoder.names)
    options = {} if trained.spec.task is Task.REGRESSION else {id(trained.estimator): {"zipmap": False}}
    try:
        model = convert_sklearn(
            trained.estimator,
            initial_types=[(INPUT, FloatTensorType([None, width]))],
            options=options,
            name=trained.spec.name,  # the default is random: the same data would give another digest
            target_opset={"": OPSET, "ai.onnx.ml": 3},
        )
    except Exception as error:  # the converters raise whatever their shape checks meet
        raise TrainingError(
            f"estimator {type(trained.estimator).__name__} of model `{trained.spec.name}`",
            expected="one that can be exported to ONNX",
            got=f"{type(error).__name__}: {str(error).strip().splitlines()[0]}",
            todo="Use an estimator of scikit-learn or XGBoost that skl2onnx converts; see docs/models.md.",
        ) from error
    merge_steps(model)
    _attach_output(model, trained)
    onnx.checker.check_model(model)
    return model


def parity(trained: Trained, matrix: Numbers, exported: Numbers) -> float:
    """Return the greatest difference of scores over all rows, relative where scores are above 1."""
    scores = trained.predict_matrix(matrix.astype(np.float32))
    expected = scores.score if scores.probabilities is None else scores.probabilities
    return float((np.abs(exported - expected) / np.maximum(1.0, np.abs(expected))).max())


def _register_xgboost() -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )
    from xgboost import XGBClassifier, XGBRegressor

    update_registered_converter(
        XGBClassifier,
        "XGBoostXGBClassifier",
        calculate_linear_classifier_output_shapes,
        _convert_xgboost,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    update_registered_converter(
        XGBRegressor, "XGBoostXGBRegressor", calculate_linear_regressor_output_shapes, _convert_xgboost
    )


def _convert_xgboost(scope: Any, operator: Any, container: Any) -> None:
    """Convert as onnxmltools does, with the base where a first tree that asks nothing misleads it.

    Of binary models it then takes the base for log-odds, but it is a probability.
    """
    from onnx import helper
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

    before = len(container.nodes)
    convert_xgboost(scope, operator, container)
    for node in container.nodes[before:]:
        found = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "TreeEnsembleClassifier" and found["post_transform"] == b"LOGISTIC":
            p = float(np.ravel(operator.raw_operator.intercept_)[0])
            kept = [a for a in node.attribute if a.name != "base_values"]
            del node.attribute[:]
            node.attribute.extend([*kept, helper.make_attribute("base_values", [float(np.log(p / (1 - p)))])])


def _attach_output(model: Any, trained: Trained) -> None:
    """Replace the graph's outputs by the one that everybody reads."""
    from onnx import TensorProto, helper

    graph = model.graph
    _free_output_name(graph)
    raw = graph.output[-1].name
    if trained.spec.task is Task.MULTICLASS:
        nodes, shape = [helper.make_node("Identity", [raw], [OUTPUT])], [None, len(trained.classes)]
    else:
        nodes, shape = _flat(graph, raw, trained), [None]
    graph.node.extend(nodes)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, shape))


def _free_output_name(graph: Any) -> None:
    """Rename what a converter calls as the output is called here."""
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [f"_inner_{name}" if name == OUTPUT else name for name in names]
    for output in graph.output:
        output.name = f"_inner_{output.name}" if output.name == OUTPUT else output.name


def _flat(graph: Any, raw: str, trained: Trained) -> list[Any]:
    from onnx import helper

    _constant(graph, "_minus_one", np.array([-1], dtype=np.int64))
    if trained.spec.task is Task.REGRESSION:
        return [helper.make_node("Reshape", [raw, "_minus_one"], [OUTPUT])]
    _constant(graph, "_positive", np.array(1, dtype=np.int64))
    nodes = [helper.make_node("Gather", [raw, "_positive"], ["_p"], axis=1)]
    calibration = trained.calibration or BetaCalibration(1.0, 1.0, 0.0)
    return [*nodes, *_beta(graph, calibration), helper.make_node("Reshape", ["_q", "_minus_one"], [OUTPUT])]


def _beta(graph: Any, calibration: BetaCalibration) -> list[Any]:
    """Nodes for sigmoid(a ln p - b ln(1 - p) + c), in double: float32 loses ln(1 - p) near 1."""
    from onnx import TensorProto, helper

    values = {"_a": calibration.a, "_b": calibration.b, "_c": calibration.c}
    values |= {"_one": 1.0, "_low": EPSILON, "_high": 1.0 - EPSILON}
    for name, value in values.items():
        _constant(graph, name, np.array(value, dtype=np.float64))
    return [
        helper.make_node("Cast", ["_p"], ["_p64"], to=TensorProto.DOUBLE),
        # Not Clip: the graph may be of an opset in which that takes no inputs for its bounds.
        helper.make_node("Max", ["_p64", "_low"], ["_raised"]),
        helper.make_node("Min", ["_raised", "_high"], ["_clipped"]),
        helper.make_node("Log", ["_clipped"], ["_log_p"]),
        helper.make_node("Sub", ["_one", "_clipped"], ["_rest"]),
        helper.make_node("Log", ["_rest"], ["_log_rest"]),
        helper.make_node("Mul", ["_log_p", "_a"], ["_first"]),
        helper.make_node("Mul", ["_log_rest", "_b"], ["_second"]),
        helper.make_node("Sub", ["_first", "_second"], ["_difference"]),
        helper.make_node("Add", ["_difference", "_c"], ["_z"]),
        helper.make_node("Sigmoid", ["_z"], ["_q64"]),
        helper.make_node("Cast", ["_q64"], ["_q"], to=TensorProto.FLOAT),
    ]


def _constant(graph: Any, name: str, value: Any) -> None:
    from onnx import numpy_helper

    graph.initializer.append(numpy_helper.from_array(value, name))
