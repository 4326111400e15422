"""What goes over the wire, both ways; the OpenAPI document is made from these types."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Source = Literal["model", "last_good", "rules"]
CacheStatus = Literal["miss", "memory", "redis", "stale"]
MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_ROWS = 10_000

Row = dict[str, Any]
"""One case: column to number, text, true/false or null; further columns are ignored."""


class PredictRequest(msgspec.Struct, frozen=True):
    """Either rows or lead ids, not both."""

    rows: list[Row] | None = None
    lead_ids: list[str] | None = None
    explain: bool = False


class ReasonAnswer(msgspec.Struct, frozen=True):
    """What one feature contributes to a score: for it, or against it.

    ``contribution`` is in log-odds of the score, or in the value's unit (regression).
    """

    feature: str
    text: str
    direction: Literal["for", "against"]
    contribution: float
    unit: Literal["log_odds", "value"]


class Answer(msgspec.Struct, omit_defaults=True):
    """The answer for one row: ``id`` names the prediction, ``entity`` the case that the row named.

    ``version`` and ``source`` are there only where a version that is being rolled out gave this answer.
    ``interval``: of the share of positives among cases with such a score (binary), or of the value
    (regression); ``plausible_labels``: the labels among which the true one is, the likeliest first
    (multiclass); ``reasons`` are there where they were asked for. Of leads: ``data_age_seconds`` since the
    newest fact about the lead was learned, and from where its features came (``cache``).
    """

    id: str
    score: float
    entity: str | None = None
    label: str | None = None
    version: str | None = None
    source: Literal["model", "last_good", "rules"] | None = None
    band: str | None = None
    interval: tuple[float, float] | None = None
    plausible_labels: list[str] | None = None
    reasons: list[ReasonAnswer] | None = None
    data_age_seconds: float | None = None
    cache: CacheStatus | None = None


class PredictResponse(msgspec.Struct, omit_defaults=True):
    """Answers in the order of the rows, or of the lead ids, each once; ``missing``: leads not known.

    ``as_of``, of leads: the oldest moment as of which features of one of them were computed.
    """

    model: str
    version: str
    source: Literal["model", "last_good", "rules"]
    predictions: list[Answer]
    missing: list[str] = msgspec.field(default_factory=list)
    as_of: datetime | None = None


class Replay(msgspec.Struct, frozen=True):
    """What the version says of the same features now; ``same``: to the last bit."""

    score: float
    same: bool


class KeptPrediction(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction as it was kept, and scored again.

    ``features`` are what the model read; what is not known, or infinite, is null. Where it can't be scored
    again ``replay`` is null and ``why`` says the reason.
    """

    id: str
    model: str
    version: str
    source: Literal["model", "last_good", "rules"]
    entity: str | None
    score: float
    label: str | None
    at: datetime
    features: dict[str, float | str | None]
    fingerprint: str
    replay: Replay | None
    why: str | None


class Input(msgspec.Struct, frozen=True):
    """A column that a row must have."""

    name: str
    kind: Literal["number", "category"]


class RolloutStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A version on its way into production, as this process sees it; rows and errors are those so far."""

    version: str
    kind: Literal["all_at_once", "blue_green", "canary", "shadow"]
    share: float
    state: Literal["loading", "ready", "refused"]
    rows: int
    errors: int
    problem: str | None


class ModelStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is served of one model, since when and by whose decision."""

    model: str
    purpose: str
    task: str
    version: str | None
    source: Literal["model", "last_good", "rules"] | None
    in_production: str | None
    since: datetime | None
    who: str | None
    why: str | None
    digest: str | None
    fingerprint: str
    feature_mismatch: bool
    takes_lead_ids: bool
    entity: str | None
    inputs: list[Input] | None
    problem: str | None
    rollout: RolloutStatus | None


class ModelList(msgspec.Struct, frozen=True):
    """All models that this process knows."""

    models: list[ModelStatus]


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests should be sent here, and why not."""

    ready: bool
    because: str
    ledger_reachable: bool
    models: dict[str, str]


class Liveness(msgspec.Struct, frozen=True):
    """The process runs and answers."""

    live: bool = True


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a training: who asked, and how it stands with what reason."""

    id: str
    model: str
    cause: str
    state: Literal["waiting", "dispatched", "running", "done", "failed", "merged", "refused"]
    reason: str | None
    asked_at: datetime


class TrainingList(msgspec.Struct, frozen=True):
    """Requests for a training, the newest first."""

    trainings: list[Training]


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error as RFC 9457 describes it; ``detail`` is the whole sentence, the fields after it its parts."""

    type: str
    title: str
    status: int
    detail: str
    field: str = ""
    expected: str = ""
    got: str = ""
    todo: str = ""
