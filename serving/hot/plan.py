"""How a model's rows are read: a decoder made of its columns, and the way from its rows to a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from estate.core.frame import Column, Frame, NumberBlock, category_text
from estate.core.model_spec import CrmSource, ModelSpec
from serving.answering import Answering
from serving.models import ServedModel
from serving.row_features import compute_features, entity_column
from serving.rows import LONGEST_ENTITY, LONGEST_TEXT

Values = tuple[Any, ...]
"""One row as the decoder read it: its case, its numbers, its categories."""


_ODD = frozenset({'"', "\\", *map(chr, range(32))})
"""What a name may not hold for the typed decoder."""


class NotPlain(Exception):
    """A row that the usual way must read: it is wrong, or needs more care."""


class Plan:
    """Reads the rows of one model as one version needs them.

    Parameters
    ----------
    served : ServedModel
    answering : Answering
    numbers, categories : tuple of str
        Raw columns of a row.
    is_plain : bool
        Whether these are the features already.
    """

    def __init__(
        self,
        served: ServedModel,
        answering: Answering,
        numbers: tuple[str, ...],
        categories: tuple[str, ...],
        *,
        is_plain: bool,
    ) -> None:
        self.served, self.answering = served, answering
        self._numbers, self._categories, self._is_plain = numbers, categories, is_plain
        source = served.spec.source
        missing = () if isinstance(source, CrmSource) else source.missing
        self._missing = dict.fromkeys(missing)
        self._first_category = 1 + len(numbers)
        entity = entity_column(served.spec)
        self._has_case = entity is not None
        self._decode = msgspec.json.Decoder(_request_type(entity, numbers, categories)).decode

    @classmethod
    def of(cls, served: ServedModel) -> Plan | None:
        """Return how a model's rows are read; None where only the usual way can."""
        answering = served.answering
        if answering is None or answering.inputs is None:
            return None
        kinds = {column.name: column.kind for column in answering.inputs}
        entity = entity_column(served.spec)
        if not kinds or entity in kinds or any(_ODD & set(name) for name in (*kinds, entity or "")):
            return None
        names = served.spec.features.names
        is_plain = _takes_as_they_are(served.spec) and kinds == {
            n: served.spec.features.kind(n) for n in names
        }
        order = names if is_plain else tuple(kinds)
        numbers = tuple(name for name in order if kinds[name] == "number")
        categories = tuple(name for name in order if kinds[name] == "category")
        return cls(served, answering, numbers, categories, is_plain=is_plain)

    def read(self, body: bytes) -> list[Values]:
        """Decode a body of rows.

        Raises
        ------
        NotPlain
            If it is anything else, or a value needs a closer look.
        """
        try:
            if not body.isascii():
                body.decode()  # the decoder does not look into texts of columns that it skips
            request = self._decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise NotPlain from None
        if not request.rows or request.lead_ids is not None or request.explain:
            raise NotPlain
        return [self._values(row) for row in request.rows]

    def features(self, rows: Sequence[Values]) -> Frame:
        """Return the features of rows, as one frame.

        Raises
        ------
        DataError
            If a feature function can't take them.
        """
        first = self._first_category
        values = np.array([row[1:first] for row in rows], dtype=np.float64)
        block = NumberBlock(self._numbers, values.reshape(len(rows), len(self._numbers)))
        categories = {
            name: _objects([row[first + i] for row in rows]) for i, name in enumerate(self._categories)
        }
        raw = Frame.of_block(block, categories)
        return raw if self._is_plain else compute_features(self.served.spec, raw)

    def _values(self, row: Any) -> Values:
        values: Values = msgspec.structs.astuple(row)
        if not self._has_case:
            values = (None, *values)
        case = values[0]
        if case is not None:
            if type(case) is not str:
                case = str(case)
            if not case or len(case) > LONGEST_ENTITY or "\0" in case:
                raise NotPlain
        if not self._categories:
            return (case, *values[1:]) if case is not values[0] else values
        first = self._first_category
        return (case, *values[1:first], *[self._category(value) for value in values[first:]])

    def _category(self, value: Any) -> str | None:
        text: str | None = value if type(value) is str else category_text(value)
        if text is None:
            return None
        if len(text) > LONGEST_TEXT or "\0" in text:
            raise NotPlain
        return None if text in self._missing and type(value) is str else text


def _takes_as_they_are(spec: ModelSpec) -> bool:
    """Whether a row's columns are its features: from histories, or all raw."""
    features = spec.features
    return spec.computes_from_histories or all(
        isinstance(feature, str) for feature in (*features.numbers, *features.categories)
    )


def _request_type(entity: str | None, numbers: Sequence[str], categories: Sequence[str]) -> Any:
    """Return the type of a request: exactly the columns that are needed, further ones are skipped."""
    columns = [(name, float | bool | None) for name in numbers]
    columns += [(name, str | float | int | bool | None) for name in categories]
    names = {f"c{i}": name for i, (name, _) in enumerate(columns)}
    fields: list[Any] = [(f"c{i}", kind) for i, (_, kind) in enumerate(columns)]
    if entity is not None:  # its place in the tuple is there in any case
        names["case"] = entity
        fields.insert(0, ("case", str | int | None, None))
    row = msgspec.defstruct("Row", fields, rename=names, kw_only=True, gc=False)
    return msgspec.defstruct(
        "Request",
        [
            ("rows", list[row] | None, None),  # type: ignore[valid-type]
            ("lead_ids", list[str] | None, None),
            ("explain", bool, False),
        ],
    )


def _objects(values: list[Any]) -> Column:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


__all__ = ["Answering", "NotPlain", "Plan"]
