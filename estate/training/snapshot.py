"""The rows of a training as a file beside its run: what the model has seen, value for value.

Parquet with one row a case in the order of training: ``entity``, ``time`` (microseconds since 1970, or the
position), ``label``, then ``features.NAME`` and ``protected.NAME``. The file's metadata say of which model it
is and as of when, and the fingerprint that its evidence names. The same rows make the same bytes with one and
the same version of Arrow.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from estate.core.errors import DataError
from estate.core.frame import Column, Frame
from estate.core.pair_id import is_about
from estate.training.data import TrainingData, fingerprint_of

SNAPSHOT = "training_rows.parquet"
"""Name of the file among a run's artifacts."""
_ABOUT = b"leadloop"


@dataclass(frozen=True)
class About:
    """What a snapshot is of.

    Parameters
    ----------
    model : str
    as_of : str
        ISO 8601: nothing that was learned later is in it.
    fingerprint : str
        :attr:`TrainingData.fingerprint`.
    feature_fingerprint : str
        Of the code that computed the features.
    """

    model: str
    as_of: str
    fingerprint: str
    feature_fingerprint: str


def about(data: TrainingData, *, model: str, as_of: datetime, feature_fingerprint: str) -> About:
    """Say what some rows are."""
    return About(model, as_of.isoformat(), data.fingerprint, feature_fingerprint)


def write_snapshot(data: TrainingData, what: About, path: Path) -> Path:
    """Write rows to a file; either all of it is there afterwards, or no file of that name.

    Parameters
    ----------
    data : TrainingData
    what : About
    path : Path
    """
    return _write(_columns(data), what, path)


def _write(values: Mapping[str, Column], what: About, path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: _arrow(column) for name, column in values.items()}
    table = pa.table(columns).replace_schema_metadata({_ABOUT: json.dumps(asdict(what), sort_keys=True)})
    half = path.with_name(f"{path.name}.half")
    pq.write_table(table, half, compression="zstd", row_group_size=100_000)
    half.replace(path)
    return path


def read_snapshot(path: Path) -> tuple[About, Frame]:
    """Read what a snapshot is of, and its columns.

    Raises
    ------
    DataError
        If the file is none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        what = About(**json.loads((table.schema.metadata or {})[_ABOUT]))
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"file {path.name}", expected="a snapshot of a training's rows", got=str(error)
        ) from error
    columns = {name: _numpy(table.column(name)) for name in table.column_names}
    return what, Frame(columns, table.num_rows)


@dataclass(frozen=True)
class ErasedRows:
    """What was taken out of a snapshot.

    Parameters
    ----------
    model : str
    rows : int
    before, after : str
        Fingerprints of the rows: the one that the evidence names, and that of those that are left.
    """

    model: str
    rows: int
    before: str
    after: str


def erase_from_snapshot(path: Path, lead_id: str, others: Collection[str] = ()) -> ErasedRows | None:
    """Take the rows of a lead out of a file; None, and nothing changed, if it has none.

    The file is then what :func:`write_snapshot` makes of the rows that are left.

    Parameters
    ----------
    path : Path
    lead_id : str
        Rows of the lead with a home are taken out too.
    others : collection of str
        Leads whose ids look like such a row's name (:func:`estate.core.pair_id.is_about`).

    Raises
    ------
    DataError
        If the file is no snapshot.
    """
    what, rows = read_snapshot(path)
    stays = [not is_about(str(name), lead_id, others) for name in rows["entity"].tolist()]
    left = rows.take(np.flatnonzero(stays))
    if len(left) == len(rows):
        return None
    parts = {
        part: Frame(
            {
                name.removeprefix(f"{part}."): values
                for name, values in left.columns.items()
                if name.startswith(f"{part}.")
            },
            len(left),
        )
        for part in ("features", "protected")
    }
    after = fingerprint_of(parts["features"], parts["protected"], left["label"], left["time"], left["entity"])
    _write(left.columns, replace(what, fingerprint=after), path)
    return ErasedRows(what.model, len(rows) - len(left), what.fingerprint, after)


@dataclass(frozen=True)
class Compared:
    """How rows differ from those that were kept.

    Parameters
    ----------
    rows, rebuilt_rows : int
        How many were kept, and how many there are now.
    gone, new : int
        Cases that are only among the kept ones, or only among those of now.
    changed : mapping of str to int
        By column, cases of both whose value differs by any bit.
    """

    rows: int
    rebuilt_rows: int
    gone: int
    new: int
    changed: Mapping[str, int]

    @property
    def equal(self) -> bool:
        """Whether no bit differs."""
        return not (self.gone or self.new or self.changed)


def compare(kept: Frame, rebuilt: TrainingData) -> Compared:
    """Compare rows that were kept with rows that were computed anew, bit by bit."""
    now = Frame(_columns(rebuilt), len(rebuilt))
    before, after = _places(kept), _places(now)
    both = [case for case in before if case in after]
    at, there = (np.array([places[case] for case in both], dtype=np.int64) for places in (before, after))
    changed: dict[str, int] = {}
    for name in dict.fromkeys([*kept.columns, *now.columns]):
        if name not in kept.columns or name not in now.columns:
            changed[name] = len(both)
        elif differing := int(_differ(kept[name][at], now[name][there]).sum()):
            changed[name] = differing
    if both and not changed and (np.diff(there[np.argsort(at)]) < 0).any():
        changed["order"] = len(both)
    return Compared(len(kept), len(now), len(before) - len(both), len(after) - len(both), changed)


def _columns(data: TrainingData) -> dict[str, Column]:
    return {
        "entity": np.array([str(name) for name in data.entities.tolist()], dtype=object),
        "time": data.times,
        "label": data.y,
        **{f"features.{name}": values for name, values in data.features.columns.items()},
        **{f"protected.{name}": values for name, values in data.protected.columns.items()},
    }


def _places(rows: Frame) -> dict[tuple[str, int, int], int]:
    """Where each case stands: by its name and time, and which of several with the same."""
    seen: dict[tuple[str, int], int] = {}
    places = {}
    for i, case in enumerate(zip(rows["entity"].tolist(), rows["time"].tolist(), strict=True)):
        nth = seen[case] = seen.get(case, -1) + 1
        places[*case, nth] = i
    return places


def _differ(left: Column, right: Column) -> Column:
    if object in (left.dtype, right.dtype):
        return np.array([a != b for a, b in zip(left.tolist(), right.tolist(), strict=True)], dtype=np.bool_)
    return np.asarray(left.view(np.int64) != right.view(np.int64))


def _arrow(values: Column) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.string()) if values.dtype == object else pa.array(values)


def _numpy(column: Any) -> Column:
    import pyarrow as pa

    if pa.types.is_string(column.type) or pa.types.is_null(column.type):
        texts = np.empty(len(column), dtype=object)
        texts[:] = column.to_pylist()
        return texts
    return np.ascontiguousarray(column.to_numpy())
