"""The contract of training rows: what must hold before anything is learned from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from estate.core.errors import ContractError
from estate.core.model_spec import ModelSpec, Task
from estate.training.data import TrainingData
from estate.training.metrics import metric_named
from estate.training.split import require_rows

if TYPE_CHECKING:
    import pandera.pandas as pa


def check_rows(spec: ModelSpec, data: TrainingData) -> None:
    """Check types, emptiness, infinities and labels of the rows.

    Raises
    ------
    NotEnoughData
        If there are too few of them.
    ContractError
        Names every column that breaks the contract.
    """
    import pandas as pd
    import pandera.errors

    require_rows(spec, data)
    metric_named(spec.task, spec.gate.metric)  # a misspelt metric must not be found after the training
    table = pd.DataFrame({**data.features.columns, "(label)": data.y})
    try:
        contract(spec, data).validate(table, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases.drop_duplicates(["column", "check"])
        wrong = [f"`{case.column}` {case.check}" for case in cases.itertuples()]
        raise ContractError(
            f"training rows of model `{spec.name}`",
            expected="columns that keep the contract",
            got="; ".join(wrong),
            todo="Mend the feed, or take the column out of the features.",
        ) from error


def contract(spec: ModelSpec, data: TrainingData) -> pa.DataFrameSchema:
    """Return the contract of a model's training rows."""
    import pandera.pandas as pa

    filled = pa.Check(lambda values: bool(values.notna().any()), error="has no value at all")
    finite = pa.Check(lambda values: bool(~np.isinf(values).any()), error="has infinite values")
    columns = {
        name: pa.Column(float, [filled, finite], nullable=True)
        if spec.features.kind(name) == "number"
        else pa.Column(object, filled, nullable=True)
        for name in spec.features.names
    }
    columns["(label)"] = pa.Column(float, _label_checks(spec, data), nullable=False)
    return pa.DataFrameSchema(columns, strict=True)


def _label_checks(spec: ModelSpec, data: TrainingData) -> list[pa.Check]:
    import pandera.pandas as pa

    if spec.task is Task.REGRESSION:
        return [pa.Check(lambda values: bool(np.isfinite(values).all()), error="has infinite values")]
    known = range(len(data.classes) or 2)
    return [pa.Check.isin([float(code) for code in known], error="is none of the classes")]
