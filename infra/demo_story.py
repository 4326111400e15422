"""What each step of the demo does, through the services that a user would use."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import numpy as np

from estate.core.errors import StackError
from estate.core.settings import Settings
from estate.store import ledger
from estate.store.database import Database
from estate.store.predictions import read_recent

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from estate.datasets.world import World

SERVED_WITHIN_SECONDS = 30.0
JUDGED = 20_000


@dataclass(frozen=True)
class Period:
    """Leads that came in a span of the world's days."""

    name: str
    from_day: int
    to_day: int


def promote_staged(settings: Settings, database: Database, model: str, *, why: str) -> str:
    """Promote the version under the alias ``staging``, as `leadloop promote` does; returns it."""
    from model_registry import connect, list_models, promote

    registry = connect(settings)
    staged = {shown.model: shown.staging for shown in list_models(registry, database)}.get(model)
    if staged is None:
        raise StackError(f"model `{model}`", expected="a staged version", got="none")
    return promote(registry, database, model, staged, who="demo", why=why).to_version


def served_version(settings: Settings, model: str, version: str) -> str:
    """Wait until serving answers with a version; returns how long that took.

    Raises
    ------
    StackError
        If it does not in half a minute.
    """
    began = time.monotonic()
    url = f"{settings.endpoint('serving_url')}/v1/models/{model}"
    shown: str | None = None
    while time.monotonic() - began < SERVED_WITHIN_SECONDS:
        shown = httpx.get(url, timeout=10).raise_for_status().json()["version"]
        if shown == version:
            return f"version {version} answers {time.monotonic() - began:.1f} s after its promotion"
        time.sleep(0.1)
    raise StackError(f"serving of `{model}`", expected=f"version {version}", got=str(shown))


def score_leads(settings: Settings, database: Database, model: str, leads: Iterable[str]) -> str:
    """Score leads over HTTP, and wait until every prediction is in the log; returns a sentence."""
    wanted = list(leads)
    url = f"{settings.endpoint('serving_url')}/v1/models/{model}/predict"
    answer = httpx.post(url, json={"lead_ids": wanted}, timeout=120).raise_for_status().json()
    ids = {prediction["id"] for prediction in answer["predictions"]}
    _await_log(database, model, ids)
    best = max(answer["predictions"], key=lambda prediction: float(prediction["score"]))
    return (
        f"{len(ids)} leads by version {answer['version']} ({answer['source']}); "
        f"call {best['entity']} first: {best['score']:.0%}"
    )


def leads_of(database: Database, world: World, period: Period) -> list[str]:
    """Return the leads that came in a period."""
    from estate.store.open_leads import leads_between

    with database.begin() as connection:
        return leads_between(connection, world.at(period.from_day), world.at(period.to_day))


def log_losses(
    settings: Settings, database: Database, model: str, world: World, periods: Iterable[Period]
) -> Table:
    """Return what each version's predictions were worth, against the truth that the world keeps aside."""
    import pandas as pd
    from rich.table import Table

    files = sorted((settings.home / "world").glob(f"w{world.seed}-*-truth.parquet"))
    truth = pd.concat([pd.read_parquet(file) for file in files]).set_index("lead_id")["p_converted"]
    with database.begin() as connection:
        kept = read_recent(connection, model, limit=JUDGED)
    table = Table("leads", "version", "rows", "log loss", "best possible", "ROC AUC")
    for period in periods:
        came = set(leads_of(database, world, period))
        for version in sorted({row.version for row in kept}):
            rows = {
                row.entity_id: row.score
                for row in kept
                if row.version == version and row.entity_id is not None and row.entity_id in came
            }
            if rows:
                table.add_row(period.name, version, str(len(rows)), *_judged(rows, truth))
    return table


def _judged(rows: Mapping[str, float], truth: pd.Series[float]) -> tuple[str, str, str]:
    """Expected log loss under the true probabilities: no luck of the draw in it."""
    p = np.clip(np.array(list(rows.values())), 1e-6, 1 - 1e-6)
    q = truth.loc[list(rows)].to_numpy(np.float64)
    loss = -(q * np.log(p) + (1 - q) * np.log(1 - p)).mean()
    least = -(q * np.log(q) + (1 - q) * np.log(1 - q)).mean()
    wins = (p[:, None] > p) + 0.5 * (p[:, None] == p)
    pairs = q[:, None] * (1 - q)
    return f"{loss:.4f}", f"{least:.4f}", f"{(wins * pairs).sum() / pairs.sum():.3f}"


def _await_log(database: Database, model: str, ids: set[str]) -> None:
    until = time.monotonic() + SERVED_WITHIN_SECONDS
    while time.monotonic() < until:
        with database.begin() as connection:
            kept = {row.prediction_id for row in read_recent(connection, model, limit=JUDGED)}
        if ids <= kept:
            return
        time.sleep(0.1)
    raise StackError("prediction log", expected=f"{len(ids)} predictions", got=f"{len(ids & kept)} of them")


def in_production(database: Database, model: str) -> str | None:
    """Return the version that the ledger says is in production."""
    with database.begin() as connection:
        entry = ledger.current(connection, model)
    return entry.to_version if entry else None
