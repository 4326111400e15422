"""What a run needs to know of a model: which columns it reads, how, and which columns it adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from estate.bundles import BundlePredictor, InputColumn
from estate.bundles.intervals import LabelSet
from estate.core.errors import DataError
from estate.core.model_spec import CrmSource
from serving.answering import Answering
from serving.models import ServedModel
from serving.production import answering_of


@dataclass(frozen=True)
class Plan:
    """A model for the length of a run: what answers at its start answers to its end.

    Parameters
    ----------
    served : ServedModel
    answering : Answering
    straight : BundlePredictor or None
        What reads the matrix itself, where features are columns as they are; else features are computed and
        asked for as everywhere.
    """

    served: ServedModel
    answering: Answering
    straight: BundlePredictor | None

    @classmethod
    def of(cls, served: ServedModel) -> Plan:
        """Take what answers now.

        Raises
        ------
        RegistryError
            If nothing does.
        """
        answering = answering_of(served)
        features = served.spec.features
        plain = served.spec.computes_from_histories or all(
            isinstance(feature, str) for feature in (*features.numbers, *features.categories)
        )
        bare = served.bare.predictor if served.bare is not None else answering.predictor
        return cls(served, answering, bare if plain and isinstance(bare, BundlePredictor) else None)

    @property
    def inputs(self) -> tuple[InputColumn, ...] | None:
        """Columns that a row must have; None where only the features' code knows."""
        return self.answering.inputs

    @property
    def missing(self) -> tuple[object, ...]:
        """Values that mean not known."""
        source = self.served.spec.source
        return () if isinstance(source, CrmSource) else tuple(source.missing)

    @property
    def by_pandas(self) -> bool:
        """Whether rows go through pandas: types are the table's, or it masks more than texts."""
        return self.inputs is None or not all(isinstance(value, str) for value in self.missing)

    @property
    def added(self) -> Mapping[str, Any]:
        """Columns that are added to the source's, with their Arrow types."""
        bundle = self.answering.bundle
        text, number = pa.string(), pa.float64()
        columns = {"score": number}
        if bundle is not None and bundle.classes:
            columns["label"] = text
        if bundle is not None and bundle.bands is not None:
            columns["band"] = text
        if bundle is not None and isinstance(bundle.interval, LabelSet):
            columns["labels"] = text
        elif bundle is not None and bundle.interval is not None:
            columns |= {"interval_low": number, "interval_high": number}
        return {**columns, "version": text, "answered_by": text, "at": text}

    def require_columns(self, name: str, there: list[str]) -> None:
        """Refuse a table that lacks a column.

        Raises
        ------
        DataError
            Names the columns.
        """
        absent = [column.name for column in self.inputs or () if column.name not in there]
        if absent:
            raise DataError(
                f"{name}, for `{self.served.spec.name}`",
                expected=f"columns {', '.join(column.name for column in self.inputs or ())}",
                got=f"no {', '.join(absent)}",
                todo="Add them; an unknown value is left empty.",
            )

    def identity(self) -> Mapping[str, object]:
        """Return what changes when the scores do, for JSON."""
        return {
            "model": self.served.spec.name,
            "version": self.answering.version,
            "digest": self.answering.digest,
            "features": self.served.fingerprint,
            "missing": [str(value) for value in self.missing],
        }
