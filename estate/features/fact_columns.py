"""Columns of a table of facts as features need them: microseconds, float64, codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Categories, Numbers
from estate.features.events import Micros
from estate.features.texts import Coded

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

NEVER = int(np.iinfo(np.int64).max)
"""The end of time: when what is held to be true will be superseded."""


class FactColumns:
    """A table of facts, column by column.

    Parameters
    ----------
    facts : pyarrow.Table or DataFrame
        Times are aware.
    """

    def __init__(self, facts: pa.Table | pd.DataFrame) -> None:
        import pyarrow as pa

        self._table: Any = (
            facts if isinstance(facts, pa.Table) else pa.Table.from_pandas(facts, preserve_index=False)
        )

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def times(self, name: str) -> Micros:
        """Return microseconds since 1970, UTC; the end of time where there is none."""
        import pyarrow as pa

        if name not in self._table.column_names:
            return np.full(len(self), NEVER)
        found = self._column(name)
        if pa.types.is_null(found.type):
            return np.full(len(self), NEVER)
        found = found.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64()).fill_null(NEVER)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)

    def numbers(self, name: str) -> Numbers:
        """Return float64, NaN where there is none."""
        import pyarrow as pa

        if name not in self._table.column_names:
            return np.full(len(self), np.nan)
        found = self._column(name).cast(pa.float64())
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.float64)

    def texts(self, name: str) -> Categories:
        """Return texts, None where there is none."""
        return self.coded(name).values

    def coded(self, name: str) -> Coded:
        """Return texts by their codes."""
        import pyarrow as pa

        if name not in self._table.column_names:
            return Coded({}, np.full(len(self), -1))
        found = self._column(name)
        if pa.types.is_null(found.type):
            return Coded({}, np.full(len(self), -1))
        if not pa.types.is_dictionary(found.type):
            found = found.dictionary_encode()
        names = {text: code for code, text in enumerate(found.dictionary.to_pylist())}
        return Coded(names, _whole(found.indices))

    def lengths(self, name: str) -> Numbers:
        """Return the number of characters of texts."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = pc.utf8_length(self._column(name).cast(pa.string()))
        return np.asarray(found.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)

    def positions(self, name: str, ids: Categories) -> NDArray[np.int64]:
        """Return where each text stands among the ids; -1 where it does not."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = self._column(name)
        if pa.types.is_null(found.type) or not len(ids):
            return np.full(len(self), -1)
        wanted = pa.array(ids.tolist(), pa.string())
        if pa.types.is_dictionary(found.type):  # each different text is looked up once
            place = _whole(pc.index_in(found.dictionary.cast(pa.string()), value_set=wanted))
            return np.append(place, -1)[_whole(found.indices)]
        return _whole(pc.index_in(found.cast(pa.string()), value_set=wanted))

    def _column(self, name: str) -> Any:
        import pyarrow as pa

        found = self._table.column(name).combine_chunks()
        return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def _whole(values: Any) -> NDArray[np.int64]:
    """Whole numbers; -1 where there is none."""
    return np.asarray(values.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
