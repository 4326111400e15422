"""From a spec and a moment to the rows that could be learned from then."""

from __future__ import annotations

import traceback
import warnings
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from estate.core.errors import ContractError, LeadloopError, SpecError
from estate.core.frame import Column, Frame, Numbers, category_text
from estate.core.model_spec import CrmSource, ModelSpec, PairSource, QuerySource, TableSource, Task
from estate.features.events import DAY_US
from estate.features.histories import micros
from estate.features.many_leads import features_of_many
from estate.store.database import Database
from estate.training.data import TrainingData
from estate.training.labels import labels_of_leads
from estate.training.pairs import read_pairs
from estate.training.table import numbers, plain_frame, raw_frame, read_table

if TYPE_CHECKING:
    import pandas as pd


def extract(
    spec: ModelSpec, database: Database | None, *, as_of: datetime, cluster: str | None = None
) -> TrainingData:
    """Read what was known at ``as_of`` and keep the rows whose label is ripe.

    Parameters
    ----------
    spec : ModelSpec
    database : Database, optional
        Needed for event histories and for queries on the platform's own database.
    as_of : datetime
        Nothing that happened or was learned later is seen.
    cluster : str, optional
        Address of a Dask scheduler whose workers compute the features of event histories.

    Raises
    ------
    ContractError
        If the source breaks what the spec says of it.
    """
    if isinstance(spec.source, CrmSource):
        if database is None:
            raise ContractError(f"model `{spec.name}`", expected="a database", got="none")
        return _from_histories(spec, spec.source, database, as_of, cluster)
    if isinstance(spec.source, PairSource):
        if database is None:
            raise ContractError(f"model `{spec.name}`", expected="a database", got="none")
        return _from_table(spec, spec.source, read_pairs(spec.source, database, as_of=as_of), as_of)
    return _from_table(spec, spec.source, read_table(spec, database), as_of)


def _from_histories(
    spec: ModelSpec, source: CrmSource, database: Database, as_of: datetime, cluster: str | None
) -> TrainingData:
    rows, labels = labels_of_leads(source, database, as_of=as_of)
    moment = labels.moment
    order = np.flatnonzero(labels.ripe)
    order = order[np.argsort(moment[order], kind="stable")]
    ids = rows["lead_id"].to_numpy(dtype=object)[order]
    features = features_of_many(database, spec.features, ids, moment[order], as_of=as_of, cluster=cluster)
    y = labels.positive[order].astype(np.float64)
    return TrainingData(
        features,
        y,
        (),
        ids,
        moment[order],
        int(labels.candidate.sum()),
        spec.features.names,
        features,
        _protected_of_leads(spec, rows.iloc[order]),
    )


def _protected_of_leads(spec: ModelSpec, leads: pd.DataFrame) -> Frame:
    absent = [name for name in spec.gate.protected if name not in leads]
    if absent:
        raise SpecError(
            f"`protected` in the gate of model `{spec.name}`",
            expected=f"columns of leads: {', '.join(map(str, leads.columns))}",
            got=", ".join(absent),
            todo="Correct the names in the spec.",
        )
    return plain_frame(leads[list(spec.gate.protected)])


def _from_table(
    spec: ModelSpec, source: TableSource | QuerySource | PairSource, table: pd.DataFrame, as_of: datetime
) -> TrainingData:
    times, ordered = _times(table, source)
    now = int(as_of.timestamp() * 1e6)
    candidate = np.ones(len(table), dtype=np.bool_) if source.time is None else times <= now
    ripe = candidate & table[source.label].notna().to_numpy()
    if source.time is not None:
        ripe &= times + int(source.horizon_days * DAY_US) <= now
    order = np.flatnonzero(ripe)
    order = order[np.argsort(ordered[order], kind="stable")]
    chosen = table.iloc[order]
    entities = chosen[source.entity].map(category_text) if source.entity else chosen.index.map(str)
    raw = raw_frame(chosen, spec)
    y, classes = _labels(spec, chosen[source.label], source.positive)
    features, inputs = _features(spec, raw)
    return TrainingData(
        features,
        y,
        classes,
        np.array(entities.tolist(), dtype=object),
        times[order] if source.time is not None else np.arange(len(order), dtype=np.int64),
        int(candidate.sum()),
        inputs,
        raw.select(inputs),
        raw.select(spec.gate.protected),
    )


def _features(spec: ModelSpec, raw: Frame) -> tuple[Frame, tuple[str, ...]]:
    try:
        with np.errstate(all="ignore"):
            features, inputs = spec.features.compute(raw), spec.features.inputs(raw)
    except LeadloopError:
        raise
    except Exception as error:  # a function of the user's own may raise anything
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise ContractError(
            f"features of model `{spec.name}`",
            expected="functions that can read the rows",
            got=f"{type(error).__name__}: {error} ({at.name}, line {at.lineno} of {at.filename})",
        ) from error
    short = [name for name, values in features.columns.items() if values.shape != (len(raw),)]
    if short:
        raise ContractError(
            f"feature `{short[0]}` of model `{spec.name}`",
            expected=f"an array of one value a row, {len(raw)}",
            got=f"shape {features[short[0]].shape}",
        )
    return features, inputs


def _times(
    table: pd.DataFrame, source: TableSource | QuerySource | PairSource
) -> tuple[NDArray[np.int64], Column]:
    """Return times (zeros without any) and what to sort by; without either, a fixed shuffle."""

    if source.time is not None:
        if table[source.time].dtype.kind in "biuf":
            raise ContractError(
                f"column `{source.time}`",
                expected="times, such as 2026-03-01 or 2026-03-01T09:30:00Z",
                got=f"numbers, such as {table[source.time].iloc[0] if len(table) else 'none'}",
                todo="Name a column of numbers that rise with time as `order` instead.",
            )
        parsed = _parsed_times(table[source.time])
        if parsed.isna().any():
            raise ContractError(
                f"column `{source.time}`",
                expected="a time in every row",
                got=f"none in row {int(parsed.isna().to_numpy().argmax())}",
            )
        return micros(parsed), micros(parsed)
    nothing = np.zeros(len(table), dtype=np.int64)
    if source.order is not None:
        if table[source.order].isna().any():
            row = int(table[source.order].isna().to_numpy().argmax())
            raise ContractError(
                f"column `{source.order}`", expected="a value in every row", got=f"none in row {row}"
            )
        return nothing, table[source.order].to_numpy()
    return nothing, np.random.default_rng(0).permutation(len(table))


def _parsed_times(values: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    try:
        return pd.to_datetime(values, utc=True, format="ISO8601").dt.as_unit("us")
    except (ValueError, TypeError):
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A guess for each row alone would mix up days and months.
            warnings.filterwarnings("error", message="Could not infer format")
            return pd.to_datetime(values, utc=True).dt.as_unit("us")
    except (ValueError, TypeError, UserWarning) as error:
        raise ContractError(
            f"column `{values.name}`",
            expected="times of one format, best ISO 8601 such as 2026-03-01T09:30:00Z",
            got=str(error).splitlines()[0].split(", at position")[0],
        ) from error


def _labels(spec: ModelSpec, values: pd.Series[str], positive: object) -> tuple[Numbers, tuple[str, ...]]:
    match spec.task:
        case Task.REGRESSION:
            return numbers(values), ()
        case Task.MULTICLASS:
            texts = [category_text(value) for value in values.tolist()]
            classes = tuple(sorted({text for text in texts if text is not None}))
            codes = {name: code for code, name in enumerate(classes)}
            return np.array([codes[str(text)] for text in texts], dtype=np.float64), classes
        case Task.BINARY:
            return _binary(spec.name, values, positive), ()


def _binary(model: str, values: pd.Series[str], positive: object) -> Numbers:
    found = {category_text(value) for value in values.unique()}
    wanted = category_text(positive) if positive is not None else None
    if wanted is None and found <= {"0", "1"}:
        wanted = "1"
    if wanted is None and found <= {"true", "false"}:
        wanted = "true"
    if wanted is None or (len(found) > 1 and wanted not in found):
        raise ContractError(
            f"label `{values.name}` of model `{model}`",
            expected=f"the positive value {positive!r}"
            if positive is not None
            else "0/1, or `positive` in the source",
            got=", ".join(sorted(map(str, found))[:10]),
            todo="Set `positive` of the source to the value that counts as 1.",
        )
    return np.array([category_text(value) == wanted for value in values.tolist()], dtype=np.float64)
