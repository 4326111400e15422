"""A sample of what the model was trained on, kept with it so that the present can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from estate.core.errors import ArtifactError
from estate.core.frame import Frame, Numbers

SCORE = "__score"


@dataclass(frozen=True)
class Reference:
    """Features and scores of at most 5,000 training rows; no ids, no labels.

    Parameters
    ----------
    features : Frame
    scores : float64 array of shape (rows,)
    """

    features: Frame
    scores: Numbers

    def write(self, path: Path) -> None:
        """Write as Parquet."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {name: pa.array(values, from_pandas=True) for name, values in self.features.columns.items()}
        pq.write_table(pa.table({**columns, SCORE: self.scores}), path)

    @classmethod
    def read(cls, path: Path, categories: frozenset[str]) -> Reference:
        """Read what :meth:`write` wrote; the named columns are categories.

        Raises
        ------
        ArtifactError
            If it is no Parquet file with a score.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        what, expected = f"{path.name} of bundle {path.parent}", f"a Parquet file with the column {SCORE}"
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise ArtifactError(what, expected=expected, got=str(error).splitlines()[0]) from error
        if SCORE not in table.column_names:
            raise ArtifactError(what, expected=expected, got=", ".join(table.column_names))
        columns = {
            name: np.array(table[name].to_pylist(), dtype=object)
            if name in categories
            else table[name].to_numpy().astype(np.float64)
            for name in table.column_names
        }
        scores = columns.pop(SCORE)
        return cls(Frame(columns, len(scores)), scores)


def read_scores(path: Path) -> Numbers:
    """Return only the scores of a reference, shape (rows,).

    Raises
    ------
    ArtifactError
        If it is no Parquet file with a score.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=[SCORE])
    except (OSError, pa.ArrowException) as error:
        what, expected = f"{path.name} of bundle {path.parent}", f"a Parquet file with the column {SCORE}"
        raise ArtifactError(what, expected=expected, got=str(error).splitlines()[0]) from error
    scores: Numbers = table[SCORE].to_numpy().astype(np.float64)
    return scores
