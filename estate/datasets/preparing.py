"""From a chunk of raw rows to facts that keep their contract, and the rows that don't."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from estate.core.errors import ImportFileError
from estate.datasets.contracts import Field, broken_rules, contract
from estate.datasets.mapping import Mapping
from estate.datasets.parsing import parse
from estate.datasets.rows import Chunk

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Plan:
    """Which columns of a file become which of ours.

    Parameters
    ----------
    kind : str
    sources : mapping of str to str
        From our column to the file's.
    ignored : tuple of str
        Columns of the file that are not used.
    mapping : Mapping
    """

    kind: str
    sources: MappingType[str, str]
    ignored: tuple[str, ...]
    mapping: Mapping

    @property
    def says_when_recorded(self) -> bool:
        """Whether the rows say when the desk learned of them."""
        return "recorded_at" in self.sources or "recorded_at" in self.mapping.constants


@dataclass(frozen=True)
class Prepared:
    """A chunk, sorted out.

    Parameters
    ----------
    facts : DataFrame
        Rows to store, indexed by position in the chunk.
    repeated : int
        Rows that say the same as an earlier one of the chunk, to the last value.
    reasons : dict of int to list of str
        By position, why a row is refused.
    """

    facts: pd.DataFrame
    repeated: int
    reasons: dict[int, list[str]]


def plan_columns(kind: str, path: Path, columns: tuple[str, ...], mapping: Mapping) -> Plan:
    """Find our columns in a file.

    Raises
    ------
    ImportFileError
        If the kind is unknown, a needed column is missing, or the mapping names one that isn't there.
    """
    mapping.check(kind)
    fields = contract(kind)
    sources = {
        field.name: mapping.their_name(field.name) for field in fields if field.name not in mapping.constants
    }
    missing = [
        f"{ours}" if ours == theirs else f"{ours} (as {theirs!r})"
        for ours, theirs in sources.items()
        if theirs not in columns and (ours in mapping.columns or (_needed(ours, fields)))
    ]
    if missing:
        raise ImportFileError(
            f"file {path.name}",
            expected=f"column {', '.join(missing)}",
            got=", ".join(columns),
            todo=_advice(missing, mapping),
        )
    found = {ours: theirs for ours, theirs in sources.items() if theirs in columns}
    return Plan(kind, found, tuple(name for name in columns if name not in found.values()), mapping)


def _needed(name: str, fields: tuple[Field, ...]) -> bool:
    return name != "recorded_at" and any(field.required for field in fields if field.name == name)


def _advice(missing: list[str], mapping: Mapping) -> str:
    first = missing[0].split(" ")[0]
    if first in mapping.columns:
        return "Correct the mapping file."
    return f"Say what the file calls it in a mapping file (--mapping): `columns: {{{first}: THEIR NAME}}`."


def prepare(plan: Plan, chunk: Chunk) -> Prepared:
    """Sort out a chunk.

    Examples
    --------
    >>> import pandas as pd
    >>> columns = {"area": ["NA"], "value": ["1,200"], "index_id": ["007"], "event_at": ["2026-01-05"]}
    >>> plan = plan_columns("market_index", Path("index.csv"), tuple(columns), Mapping())
    >>> chunk = Chunk([2], {name: pd.Series(values) for name, values in columns.items()}, {}, str, 1.0)
    >>> prepare(plan, chunk).reasons
    {0: ["value: expected a number without thousands separators or units, such as 250000, got '1,200'"]}
    """
    table, reasons = _typed(plan, chunk)
    for row, sentences in _broken(plan.kind, table).items():
        unread = {sentence.split(":")[0] for sentence in reasons.get(row, [])}
        wrong = unread | {sentence.split(":")[0] for sentence in sentences}
        if "event_at" in wrong and not plan.says_when_recorded:
            unread.add("recorded_at")  # it is taken from there
        fresh = [sentence for sentence in sentences if sentence.split(":")[0] not in unread]
        reasons.setdefault(row, []).extend(fresh)
    good = table[~table.index.isin(list(reasons))]
    facts, repeated, differing = _once(plan, good)
    reasons |= {row: ["expected every id once, got it again with other values"] for row in differing}
    reasons |= {row: [reason] for row, reason in chunk.unreadable.items()}
    return Prepared(facts, repeated, reasons)


def _typed(plan: Plan, chunk: Chunk) -> tuple[pd.DataFrame, dict[int, list[str]]]:
    import pandas as pd

    index = next(iter(chunk.columns.values())).index
    columns: dict[str, pd.Series] = {}
    reasons: dict[int, list[str]] = {}
    for field in contract(plan.kind):
        if field.name in plan.sources:
            raw = chunk.columns[plan.sources[field.name]]
        elif field.name == "recorded_at" and not plan.says_when_recorded:
            columns[field.name] = columns["event_at"]
            continue
        else:
            raw = pd.Series(plan.mapping.constants.get(field.name), index=index, dtype=object)
        parsed = parse(field, raw, plan.mapping)
        columns[field.name] = parsed.values
        for row, sentence in parsed.wrong.items():
            reasons.setdefault(row, []).append(sentence)
    return pd.DataFrame(columns, index=index), reasons


def _broken(kind: str, table: pd.DataFrame) -> dict[int, list[str]]:
    return broken_rules(kind, table) if len(table) else {}


def _once(plan: Plan, good: pd.DataFrame) -> tuple[pd.DataFrame, int, list[int]]:
    """Return the first row of each version, how many say the same again, and which say something else."""
    key = [contract(plan.kind)[0].name, *["recorded_at"] * plan.says_when_recorded]
    again = good.duplicated(key)
    if not again.any():
        return good, 0, []
    facts = good[~again]
    first = good.loc[again, key].merge(facts, on=key, how="left")
    later = good[again].reset_index(drop=True)[first.columns]
    same = ((first == later) | (first.isna() & later.isna())).all(axis=1)
    rows = good.index[again]
    return facts, int(same.sum()), rows[~same.to_numpy()].tolist()
