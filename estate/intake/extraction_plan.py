"""What is read from a CRM's own database: the file that says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from estate.core.errors import ImportFileError
from estate.datasets.contracts import CONTRACTS, contract
from estate.datasets.mapping import Mapping, read_mapping

_OWN = ("query", "watermark", "late_days", "mapping")


@dataclass(frozen=True, kw_only=True)
class SourceTable:
    """One kind of facts of a CRM.

    Parameters
    ----------
    kind : str
        One of the contracts' kinds.
    query : str
        A SELECT; one row a fact.
    watermark : str
        The column of the query that rises whenever a row is written.
    late_days : float
        So far before the watermark rows are read again: some become visible later than newer ones.
    mapping : Mapping
        What the query calls our columns and values.
    """

    kind: str
    query: str
    watermark: str
    late_days: float
    mapping: Mapping


@dataclass(frozen=True)
class ExtractionPlan:
    """A CRM's database, and what is read from it.

    Parameters
    ----------
    source : str
        Name of the CRM: that of the file.
    url : str
        SQLAlchemy address; ``${NAME}`` is taken from the environment when it is used.
    tables : tuple of SourceTable
        Leads first, in the order of the contracts.
    """

    source: str
    url: str
    tables: tuple[SourceTable, ...]


def read_plan(path: Path) -> ExtractionPlan:
    """Read the file.

    Raises
    ------
    ImportFileError
        If it isn't there, isn't YAML, or says something else than the documentation shows.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ImportFileError(
            f"extraction file {path}", expected="a file", got=(error.strerror or "none").lower()
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise ImportFileError(f"extraction file {path}", expected="YAML", got=first) from error
    _expect(path, isinstance(raw, dict) and set(raw) == {"url", "tables"}, "`url` and `tables`", raw)
    _expect(path, isinstance(raw["url"], str), "`url`: a text", raw["url"])
    tables = raw["tables"]
    _expect(path, isinstance(tables, dict) and bool(tables), "`tables`: kinds of facts", tables)
    made = {str(kind): _table(path, str(kind), asked) for kind, asked in tables.items()}
    return ExtractionPlan(path.stem, raw["url"], tuple(made[kind] for kind in CONTRACTS if kind in made))


def _table(path: Path, kind: str, asked: Any) -> SourceTable:
    contract(kind)
    here = f"`{kind}`"
    _expect(path, isinstance(asked, dict) and set(asked) <= set(_OWN), f"{here}: {', '.join(_OWN)}", asked)
    for name in ("query", "watermark"):
        _expect(path, isinstance(asked.get(name), str), f"{here}: `{name}`, a text", asked.get(name))
    late = asked.get("late_days", 3)
    numeric = isinstance(late, int | float) and not isinstance(late, bool)
    _expect(path, numeric and 0 <= late <= 10_000, f"{here}: `late_days` from 0 to 10000", late)
    mapping = Mapping()
    if "mapping" in asked:
        _expect(path, isinstance(asked["mapping"], str), f"{here}: `mapping`, a file", asked["mapping"])
        mapping = read_mapping(path.parent / asked["mapping"])
    mapping.check(kind)
    return SourceTable(
        kind=kind, query=asked["query"], watermark=asked["watermark"], late_days=float(late), mapping=mapping
    )


def _expect(path: Path, held: bool, expected: str, got: object) -> None:
    if held:
        return
    shown = ", ".join(map(str, got)) if isinstance(got, dict) else str(got)
    raise ImportFileError(
        f"extraction file {path}", expected=expected, got=shown[:80] or "nothing", todo="See docs/data.md."
    )
