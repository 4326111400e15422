"""Every model of the catalog becomes a graph that the loader lets in."""

from __future__ import annotations

import numpy as np
import pytest

from estate.bundles import Encoder
from estate.bundles.encoder import EncodedColumn
from estate.bundles.graph import check_graph
from estate.catalog import OWN
from estate.core.model_spec import ModelSpec, Task
from estate.training.export import to_onnx
from estate.training.fit import Trained


@pytest.mark.parametrize("spec", OWN, ids=lambda spec: spec.name)
def test_the_loader_lets_every_model_of_the_catalog_in(spec: ModelSpec) -> None:
    random = np.random.default_rng(0)
    columns = tuple(EncodedColumn(f"c{i}", "number") for i in range(5))
    matrix = random.normal(size=(300, 5)).astype(np.float32)
    classes = 3 if spec.task is Task.MULTICLASS else 0
    y = random.random(300) if spec.task is Task.REGRESSION else random.integers(0, classes or 2, 300)
    estimator = spec.estimator(0).fit(matrix, y)
    named = tuple("abc"[:classes])
    graph = to_onnx(Trained(spec, Encoder(columns), estimator, None, named))
    check_graph(graph.SerializeToString(), spec.name, width=5, classes=classes)
