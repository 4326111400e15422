"""From scores to the body of an inference response."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from estate.core.errors import DataError
from serving.prediction_log import AnsweredRows
from serving.protocols.tensor_request import InferRequest, WantedOutput
from serving.protocols.tensors import BINARY_SIZE, packed_numbers, packed_texts

OUTPUTS = {"score": "FP64", "id": "BYTES", "label": "BYTES"}
"""Datatype by name; the label is that of the most likely class, of models with classes."""
_REFUSED = ("classification", "shared_memory_region")


class OutputTensor(msgspec.Struct, frozen=True, omit_defaults=True):
    """One output; its ``data``, or how many of the bytes after the JSON are its own."""

    name: str
    datatype: Literal["FP64", "BYTES"]
    shape: list[int]
    data: list[Any] | None = None
    parameters: dict[str, int] | None = None


class Origin(msgspec.Struct, frozen=True):
    """Who answered."""

    source: Literal["model", "last_good", "rules"]


class InferResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to an inference request; outputs have one value a row, in the order of the rows."""

    model_name: str
    model_version: str
    outputs: list[OutputTensor]
    parameters: Origin
    id: str | None = None


def output_names(*, has_classes: bool) -> list[str]:
    """Return which outputs a model has."""
    return [name for name in OUTPUTS if has_classes or name != "label"]


def check_outputs(request: InferRequest, *, has_classes: bool) -> None:
    """Refuse a request for outputs that a model does not have.

    Raises
    ------
    DataError
        Names the output.
    """
    asked = request.outputs or []
    if len({wanted.name for wanted in asked}) < len(asked):
        raise DataError("outputs", expected="each output once", got="one of them twice")
    for wanted in asked:
        names = output_names(has_classes=has_classes)
        if wanted.name not in names:
            raise DataError("outputs", expected=f"one of {', '.join(names)}", got=repr(wanted.name[:80]))
        odd = next((name for name in _REFUSED if name in wanted.parameters), None)
        if odd is not None:
            raise DataError(f"output `{wanted.name}`", expected="its values", got=f"`{odd}`")


def answer(request: InferRequest, answered: AnsweredRows, *, has_classes: bool) -> tuple[bytes, int | None]:
    """Return the body of an answer, and how much of it is JSON if not all."""
    wanted = request.outputs
    if not wanted:
        binary = request.parameters.get("binary_data_output") is True
        wanted = [
            WantedOutput(name, {"binary_data": binary}) for name in output_names(has_classes=has_classes)
        ]
    made = list(_outputs(wanted, answered))
    scores = answered.scores
    response = InferResponse(
        answered.model,
        scores.version,
        [output for output, _ in made],
        Origin(scores.answered_by.value),
        request.id,
    )
    head = msgspec.json.encode(response)
    packed = [part for _, part in made if part is not None]
    return (b"".join([head, *packed]), len(head)) if packed else (head, None)


def _outputs(
    wanted: Sequence[WantedOutput], answered: AnsweredRows
) -> Iterator[tuple[OutputTensor, bytes | None]]:
    rows = [len(answered.ids)]
    for output in wanted:
        if output.name == "score":
            datatype: Literal["FP64", "BYTES"] = "FP64"
            data: list[Any] = answered.scores.score.tolist()
        else:
            datatype = "BYTES"
            texts = answered.ids if output.name == "id" else answered.scores.labels()
            data = [text or "" for text in texts]
        if output.parameters.get("binary_data") is not True:
            yield OutputTensor(output.name, datatype, rows, data), None
            continue
        packed = packed_numbers(answered.scores.score) if datatype == "FP64" else packed_texts(data)
        yield OutputTensor(output.name, datatype, rows, None, {BINARY_SIZE: len(packed)}), packed
