"""What the JSON files of a bundle must look like, to the type: everything else is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue, ValidationError, model_validator

from estate.core.errors import ArtifactError
from estate.core.model_spec import Task

MOST_BYTES = 16_000_000
"""Of one JSON file; with 50 levels of 1,000 features it has 4 MB."""
_Name = Annotated[str, Field(min_length=1, max_length=500)]
_Kind = Literal["number", "category"]


class StrictFile(BaseModel):
    """A JSON file, or a part of one, that holds what is described and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Input(StrictFile):
    name: _Name
    kind: _Kind


class _Encoded(StrictFile):
    name: _Name
    kind: _Kind
    levels: Annotated[tuple[str, ...], Field(max_length=1000)]


class _Calibration(StrictFile):
    a: FiniteFloat
    b: FiniteFloat
    c: FiniteFloat


class FeaturesFile(StrictFile):
    """``features.json``."""

    model: _Name
    task: Task
    classes: Annotated[tuple[str, ...], Field(max_length=1000)]
    fingerprint: _Name
    inputs: Annotated[tuple[_Input, ...], Field(max_length=10_000)]
    encoder: Annotated[tuple[_Encoded, ...], Field(min_length=1, max_length=10_000)]
    calibration: _Calibration | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        for columns in (self.inputs, self.encoder):
            if len({column.name for column in columns}) != len(columns):
                raise ValueError("a column is there twice")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("a class is there twice")
        if (len(self.classes) >= 2) is not (self.task is Task.MULTICLASS):
            raise ValueError(f"{len(self.classes)} classes for task {self.task.value}")
        if any(column.levels and column.kind == "number" for column in self.encoder):
            raise ValueError("a number with levels")
        if self.calibration and self.task is not Task.BINARY:
            raise ValueError(f"a calibration for task {self.task.value}")
        return self


class GoldenFile(StrictFile):
    """``golden.json``: rows as a caller sends them (absent in old bundles), their features and scores."""

    rows: list[dict[str, JsonValue]] | None = None
    features: dict[str, list[float | str | None]]
    scores: Annotated[list[FiniteFloat], Field(min_length=1, max_length=10_000)]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        lengths = {len(values) for values in self.features.values()}
        if lengths != {len(self.scores)} or (self.rows is not None and len(self.rows) != len(self.scores)):
            raise ValueError("columns of different lengths")
        return self


_Kept = TypeVar("_Kept", bound=StrictFile)


def read_file(kind: type[_Kept], path: Path) -> _Kept:
    """Read one of the files.

    Raises
    ------
    ArtifactError
        If it is not there, too long, no JSON, or not as described; names the place in the file.
    """
    what = f"{path.name} of bundle {path.parent}"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ArtifactError(
                what, expected=f"at most {MOST_BYTES:,} bytes", got=f"{path.stat().st_size:,}"
            )
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ArtifactError(
            what, expected=f"a readable {path.name}", got=f"{place}: {first['msg']}", todo="Train again."
        ) from error
    except OSError as error:
        raise ArtifactError(what, expected=f"a readable {path.name}", got=type(error).__name__) from error
