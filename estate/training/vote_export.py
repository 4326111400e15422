"""How a learned vote becomes part of an ONNX graph: as scikit-learn's own vote with the same weights."""

from __future__ import annotations

from typing import Any


def register_votes() -> None:
    """Tell the converter of :class:`~.WeightedVote` and :class:`~.WeightedMean`, also inside pipelines."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    from estate.training.weighted_vote import WeightedMean, WeightedVote

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


def _convert_vote(scope: Any, operator: Any, container: Any) -> None:
    _pass_on(
        scope, operator, container, "SklearnVotingClassifier", operator.raw_operator.as_voting_classifier()
    )


def _convert_mean(scope: Any, operator: Any, container: Any) -> None:
    _pass_on(
        scope, operator, container, "SklearnVotingRegressor", operator.raw_operator.as_voting_regressor()
    )


def _pass_on(scope: Any, operator: Any, container: Any, alias: str, model: Any) -> None:
    """Put another model in the place of an operator."""
    inner = scope.declare_local_operator(alias, model)
    inner.inputs = operator.inputs
    for outer in operator.outputs:
        made = scope.declare_local_variable("vote", outer.type.__class__())
        inner.outputs.append(made)
        container.add_node(
            "Identity", made.full_name, outer.full_name, name=scope.get_unique_operator_name("Identity")
        )
