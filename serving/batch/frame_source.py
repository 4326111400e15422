"""Files that only a reader of the user's own, or pandas, can read: whole, then cut."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from estate.core.frame import category_text
from serving.batch.files_source import stamp

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FrameSource:
    """Rows of a file that is read into memory at once.

    Parameters
    ----------
    path : Path
    read : callable
        From the path to a DataFrame.
    """

    path: Path
    read: Callable[[Path], pd.DataFrame]
    texts = False

    @property
    def name(self) -> str:
        """The file."""
        return f"file {self.path}"

    @cached_property
    def _table(self) -> Any:
        frame = self.read(self.path)
        try:
            return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # a column of texts and numbers
            mixed = {n: frame[n].map(category_text) for n in frame.columns if frame[n].dtype == object}
            return pa.Table.from_pandas(frame.assign(**mixed), preserve_index=False).replace_schema_metadata()

    @property
    def schema(self) -> Any:
        """Columns of the table."""
        return self._table.schema

    @property
    def rows(self) -> int | None:
        """Rows of the table."""
        return int(self._table.num_rows)

    def identity(self) -> Mapping[str, object]:
        """Return name, size and time of the file."""
        return {"path": str(self.path.absolute()), "files": [stamp(self.path)]}

    def batches(self, start: int, size: int) -> Iterator[Any]:
        """Yield rows from ``start`` on."""
        yield from self._table.slice(start).to_batches(max_chunksize=size)

    def typed(self, batch: Any, names: Collection[str] | None = None) -> Any:
        """Return the batch: it has its types."""
        return batch if names is None else batch.select([n for n in batch.schema.names if n in names])

    def place(self, row: int) -> tuple[str, int]:
        """Return the file and the row of its table."""
        return self.name, row
