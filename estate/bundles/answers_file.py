"""``answers.json``: what a bundle says of its answers beside the score. Older bundles lack it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, FiniteFloat

from estate.bundles.bands import Bands
from estate.bundles.intervals import Interval, LabelSet, RateInterval, ValueInterval
from estate.bundles.schema import StrictFile, read_file
from estate.core.errors import ArtifactError
from estate.core.model_spec import Task

ANSWERS = "answers.json"
_KINDS = {Task.BINARY: RateInterval, Task.REGRESSION: ValueInterval, Task.MULTICLASS: LabelSet}


class AnswersFile(StrictFile):
    """Interval, bands and the worth of each feature; absent where too little was known to tell."""

    interval: Annotated[Interval, Field(discriminator="kind")] | None = None
    bands: Bands | None = None
    importance: dict[str, FiniteFloat] | None = None


def read_answers(folder: Path, task: Task) -> AnswersFile:
    """Read the file of a bundle whose manifest was checked; nothing where it has none.

    Raises
    ------
    ArtifactError
        If it is not as described, or of another task.
    """
    path = folder / ANSWERS
    if not path.exists():
        return AnswersFile()
    read = read_file(AnswersFile, path)
    if read.interval is not None and not isinstance(read.interval, _KINDS[task]):
        raise ArtifactError(
            f"{ANSWERS} of bundle {folder}",
            expected=f"an interval of a {task.value} model",
            got=f"one of kind {read.interval.kind!r}",
            todo="Train again.",
        )
    return read
