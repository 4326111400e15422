"""Which bands a version's scores have, and how often the cases of each came true on the frozen rows."""

from __future__ import annotations

import numpy as np

from estate.bundles.bands import Bands
from estate.core.frame import Numbers
from estate.core.model_spec import ModelSpec, Task
from estate.training.rates import rate_of

QUANTILES = (0.6, 0.9)


def bands_of(spec: ModelSpec, reference: Numbers, y: Numbers, score: Numbers) -> Bands | None:
    """Return the bands; None if the spec names none and the task is not binary, or all scores are the same.

    Parameters
    ----------
    spec : ModelSpec
        Whose ``bands`` are the edges; without any, the 60 % and 90 % quantiles of the reference's scores.
    reference : float64 array of shape (rows,)
        Scores of the reference.
    y, score : float64 array of shape (n,)
        Labels and scores of the frozen rows.
    """
    binary = spec.task is Task.BINARY
    edges = np.unique(spec.bands) if spec.bands else np.empty(0)
    if not spec.bands and binary:
        edges = np.unique(np.quantile(reference, QUANTILES))
        edges = edges[edges > reference.min()]  # else nothing would be below
    if not len(edges):
        return None
    bands = Bands(tuple(edges.tolist()))
    if not binary:
        return bands
    at = bands.codes(score)
    measured = tuple(
        rate_of(float(y[at == i].sum()), int((at == i).sum()), spec.interval) for i in range(len(bands.names))
    )
    return Bands(bands.edges, measured)
