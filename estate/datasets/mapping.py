"""How a file of somebody else's is read as one of ours."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping as MappingType
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from estate.core.errors import ImportFileError
from estate.datasets.contracts import Field, contract


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """What is called what in a file.

    Parameters
    ----------
    columns : mapping of str to str
        From our column to the file's; a column that is not here has the same name in both.
    values : mapping of str to mapping of str to str
        For our column, from the file's value to ours; other values stay as they are.
    constants : mapping of str to str
        For our column, the one value of all rows.
    time_zone : str
        Of times without an offset; a name of the IANA database.
    time_format : str, optional
        ``strptime`` form of the times, such as ``"%d/%m/%Y %H:%M"``; ISO 8601 if there is none.
    separator : str
        Of a CSV file.
    encoding : str
        Of a CSV file.
    missing : tuple of str
        Texts that mean "not known", beside the empty one.

    Examples
    --------
    >>> Mapping(columns={"lead_id": "Lead Number"}).their_name("lead_id")
    'Lead Number'
    >>> Mapping(time_zone="Mars/Olympus")
    Traceback (most recent call last):
    estate.core.errors.ImportFileError: mapping `time_zone`: expected a name such as Europe/Prague, \
got 'Mars/Olympus'.
    """

    columns: MappingType[str, str] = field(default_factory=dict)
    values: MappingType[str, MappingType[str, str]] = field(default_factory=dict)
    constants: MappingType[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"
    time_format: str | None = None
    separator: str = ","
    encoding: str = "utf-8-sig"  # reads files with and without a byte order mark
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError) as error:
            raise ImportFileError(
                "mapping `time_zone`", expected="a name such as Europe/Prague", got=repr(self.time_zone)
            ) from error
        try:
            codecs.lookup(self.encoding)
        except LookupError as error:
            raise ImportFileError(
                "mapping `encoding`", expected="a name such as latin-1", got=repr(self.encoding)
            ) from error
        if len(self.separator) != 1:
            raise ImportFileError("mapping `separator`", expected="one character", got=repr(self.separator))

    def their_name(self, column: str) -> str:
        """Return what the file calls one of our columns."""
        return self.columns.get(column, column)

    def canonical(self) -> str:
        """Return one text for one meaning: part of an import's identity."""
        return json.dumps(asdict(self), sort_keys=True)

    def check(self, kind: str) -> None:
        """Refuse columns and values that a kind of facts does not know.

        Raises
        ------
        ImportFileError
        """
        known = {column.name: column for column in contract(kind)}
        for part in ("columns", "values", "constants"):
            for column in getattr(self, part):
                if column not in known:
                    raise ImportFileError(
                        f"mapping `{part}`",
                        expected=f"columns of {kind}: {', '.join(known)}",
                        got=repr(column),
                        todo="Our names stand left of the colon, the file's right of it.",
                    )
        for column, values in self.values.items():
            _check_values(known[column], values)


def _check_values(column: Field, values: MappingType[str, str]) -> None:
    wrong = [ours for ours in values.values() if column.allowed and ours not in column.allowed]
    if wrong:
        raise ImportFileError(
            f"mapping `values` of {column.name}",
            expected=f"one of {', '.join(column.allowed)}",
            got=repr(wrong[0]),
        )


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file (YAML).

    Raises
    ------
    ImportFileError
        If it isn't there, isn't YAML, or says something that a mapping does not know.
    """
    try:
        # every scalar stays the text that it is: `yes` and `007` are values of somebody's CSV file
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506  builds texts only
    except OSError as error:
        raise ImportFileError(
            f"mapping file {path}", expected="a file", got=error.strerror or "none"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise ImportFileError(f"mapping file {path}", expected="YAML", got=first) from error
    known = [one.name for one in fields(Mapping)]
    if not isinstance(raw, dict) or not set(raw) <= set(known):
        got = ", ".join(map(str, raw)) if isinstance(raw, dict) else type(raw).__name__
        raise ImportFileError(
            f"mapping file {path}", expected=f"some of {', '.join(known)}", got=got or "nothing"
        )
    return Mapping(**{name: _part(path, name, value) for name, value in raw.items()})


def _part(path: Path, name: str, value: object) -> Any:
    match name, value:
        case "columns" | "constants", dict() if all(isinstance(one, str) for one in value.values()):
            return value
        case "values", dict() if all(_is_flat(one) for one in value.values()):
            return value
        case "missing", list():
            return tuple(map(str, value))
        case "time_zone" | "time_format" | "separator" | "encoding", str():
            return value
    raise ImportFileError(
        f"mapping file {path}, `{name}`",
        expected="the form that the documentation shows",
        got=f"a {type(value).__name__}",
        todo="See docs/data.md.",
    )


def _is_flat(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
