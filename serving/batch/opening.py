"""From a path to its rows, read as the model's own source is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from estate.core.errors import DataError
from estate.core.model_spec import TableSource
from serving.batch.csv_source import CSV, CsvSource
from serving.batch.files_source import ARROW, PARQUET, FilesSource
from serving.batch.frame_source import FrameSource
from serving.batch.plan import Plan
from serving.batch.source import Source

if TYPE_CHECKING:
    import pandas as pd

KINDS = (*CSV, *PARQUET, *ARROW)


def open_file(plan: Plan, path: Path, *, skip: bool) -> Source:
    """Return the rows of a file, or of all files of a folder.

    A source with a reader of its own is read by it, unless the file has the model's columns already.

    Raises
    ------
    DataError
        If there is no such file, or it is of another kind.
    """
    if path.is_dir():
        return FilesSource(path, _files(path))
    if not path.is_file():
        raise DataError(f"file {path}", expected="a file or a folder", got="none", todo="Correct the path.")
    spec = plan.served.spec.source
    own = spec if isinstance(spec, TableSource) else None
    separator = own.separator if own is not None else ","
    if own is not None and own.reader is not None and not _has(plan, path, separator):
        return FrameSource(path, own.reader)
    if path.name.endswith((*PARQUET, *ARROW)):
        return FilesSource(path, [path])
    if not path.name.endswith(CSV):
        raise DataError(f"file {path}", expected=f"a name that ends with {', '.join(KINDS)}", got=path.name)
    if len(separator) > 1:
        return FrameSource(path, lambda path: _read_csv(path, separator))
    return CsvSource(path, separator, skip=skip)


def _files(folder: Path) -> list[Path]:
    """Return a folder's files; those whose name begins with a dot or an underscore are none of the data."""
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part[0] in "._" for part in path.relative_to(folder).parts)
    ]
    of_kind = [path for path in found if path.suffix in (*PARQUET, *ARROW)]
    if not of_kind or len({path.suffix in PARQUET for path in of_kind}) > 1:
        raise DataError(
            f"folder {folder}",
            expected="Parquet files, or Arrow files",
            got=", ".join(path.name for path in found[:3]) or "no files",
        )
    return of_kind


def _has(plan: Plan, path: Path, separator: str) -> bool:
    names = {column.name for column in plan.inputs or ()}
    try:
        if path.suffix in (*PARQUET, *ARROW):
            return names <= set(FilesSource(path, [path]).schema.names)
        return len(separator) == 1 and names <= set(CsvSource(path, separator).names)
    except DataError:
        return False


def _read_csv(path: Path, separator: str) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(path, sep=separator, engine="python")
