"""How our own estimators become part of an ONNX graph, alone or inside pipelines.

A learned vote becomes scikit-learn's own with the same weights; values that were learned in logarithms get an
exponential behind them; widened columns are a few nodes of arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def register_own() -> None:
    """Tell the converter of every estimator of this package."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    from estate.training.log_target import LogTarget
    from estate.training.weighted_vote import WeightedMean, WeightedVote
    from estate.training.wide_columns import WideColumns

    update_registered_converter(
        WeightedVote,
        "LeadloopWeightedVote",
        calculate_linear_classifier_output_shapes,
        _convert_vote,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    update_registered_converter(
        WeightedMean, "LeadloopWeightedMean", calculate_linear_regressor_output_shapes, _convert_mean
    )
    update_registered_converter(
        LogTarget, "LeadloopLogTarget", calculate_linear_regressor_output_shapes, _convert_log_target
    )
    update_registered_converter(WideColumns, "LeadloopWideColumns", _widened, _convert_wide_columns)


def _convert_vote(scope: Any, operator: Any, container: Any) -> None:
    _pass_on(
        scope, operator, container, "SklearnVotingClassifier", operator.raw_operator.as_voting_classifier()
    )


def _convert_mean(scope: Any, operator: Any, container: Any) -> None:
    _pass_on(
        scope, operator, container, "SklearnVotingRegressor", operator.raw_operator.as_voting_regressor()
    )


def _convert_log_target(scope: Any, operator: Any, container: Any) -> None:
    from skl2onnx._supported_operators import sklearn_operator_name_map

    target = operator.raw_operator
    alias = sklearn_operator_name_map[type(target.regressor_)]
    _pass_on(scope, operator, container, alias, target.regressor_, "Exp" if target.in_logs_ else "Identity")


def _pass_on(  # noqa: PLR0913, PLR0917  a converter's three, and what differs
    scope: Any, operator: Any, container: Any, alias: str, model: Any, last: str = "Identity"
) -> None:
    """Put another model in the place of an operator, with one more node behind it."""
    inner = scope.declare_local_operator(alias, model)
    inner.inputs = operator.inputs
    for outer in operator.outputs:
        made = scope.declare_local_variable("vote", outer.type.__class__())
        inner.outputs.append(made)
        container.add_node(last, made.full_name, outer.full_name, name=scope.get_unique_operator_name(last))


def _widened(operator: Any) -> None:
    own = operator.raw_operator
    width = own.n_features_in_ + len(own.bent_) + len(own.capped_) + len(own.gone_)
    rows = operator.inputs[0].get_first_dimension()
    operator.outputs[0].type = operator.inputs[0].type.__class__([rows, width])


def _convert_wide_columns(scope: Any, operator: Any, container: Any) -> None:
    from onnx import TensorProto

    own, given, kind = operator.raw_operator, operator.inputs[0].full_name, TensorProto.FLOAT

    def constant(name: str, values: Any, of: int = kind) -> str:
        made: str = scope.get_unique_variable_name(name)
        container.add_initializer(made, of, list(values.shape), values.ravel().tolist())
        return made

    def node(operation: str, *inputs: str, **attributes: Any) -> str:
        made: str = scope.get_unique_variable_name(operation.lower())
        named = scope.get_unique_operator_name(operation)
        container.add_node(operation, list(inputs), made, name=named, **attributes)
        return made

    missing = node("IsNaN", given)
    filled = node("Where", missing, constant("medians", own.medians_[None, :]), given)
    parts = [filled]
    if len(own.bent_):
        bent = node("Gather", filled, constant("bent", own.bent_, TensorProto.INT64), axis=1)
        above = node("Add", node("Abs", bent), constant("one", np.ones(1, dtype=np.float32)))
        parts.append(node("Mul", node("Sign", bent), node("Log", above)))
    if len(own.capped_):
        capped = node("Gather", filled, constant("capped", own.capped_, TensorProto.INT64), axis=1)
        parts.append(node("Min", capped, constant("caps", own.medians_[None, own.capped_])))
    if len(own.gone_):
        gone = node("Cast", missing, to=kind)
        parts.append(node("Gather", gone, constant("gone", own.gone_, TensorProto.INT64), axis=1))
    container.add_node(
        "Concat", parts, operator.outputs[0].full_name, name=scope.get_unique_operator_name("Concat"), axis=1
    )
