"""One training, from the rows to a staged version."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect import flow

from estate.core.clock import now
from estate.core.errors import LeadloopError
from estate.core.model_spec import ModelSpec, Policy
from estate.store.training_leases import Kept, kept
from estate.store.training_requests import Cause, Request
from estate.training.data import TrainingData
from estate.training.evidence import Origin
from tasks.extract import check_contract, extract_rows
from tasks.judge import fetch_champion, judge_version
from tasks.learn import export_bundle, fit_model
from tasks.platform import Platform, open_platform
from tasks.preview import try_preview
from tasks.register import (
    Version,
    draw,
    find_version,
    promote_by_policy,
    register_version,
    stage_version,
    write_rows,
)
from tasks.report import report_training
from tasks.request import Opened, close_request, open_request, weigh_data

LEARNS_ANEW: frozenset[Cause] = frozenset({"drift", "quality"})
"""Causes after which a backtest chooses how far back to learn: old rows may mislead."""


@flow(name="retrain", timeout_seconds=4 * 3600, validate_parameters=True)
def retrain(
    model: str, cause: Cause = "person", as_of: datetime | None = None, request_id: str | None = None
) -> str:
    """Train a model on what was known at a moment; returns the version, or why there is none.

    Parameters
    ----------
    model : str
        Name of a ModelSpec in the catalog.
    cause : "schedule", "drift", "quality", "person" or "api"
    as_of : datetime, optional
        The moment up to which the training sees; the present if not given.
    request_id : str, optional
        The training request that this run answers; one is made if not given. Running a request again after
        a crash ends in the same one version.
    """
    platform = open_platform()
    opened = open_request(platform, model, cause=cause, as_of=as_of, request_id=request_id)
    if opened.lease is None:
        return f"not trained now: {opened.request.reason or 'another run trains the model'}"
    with kept(platform.database, opened.lease) as lease:
        try:
            return _answer(platform, opened, lease)
        except BaseException as error:
            lease.require()  # else it is another run's to close
            said = str(error) if isinstance(error, LeadloopError) else f"{type(error).__name__}: {error}"
            close_request(platform, opened, state="failed", reason=said)
            raise


def _answer(platform: Platform, opened: Opened, lease: Kept) -> str:
    request = opened.request
    spec = platform.catalog.get(request.model)
    version = _version(platform, spec, opened, lease)
    if isinstance(version, str):
        return f"not trained: {version}"
    lease.require()
    shown = ""
    if version.passed:
        stage_version(platform, spec.name, version.version)
        shown = try_preview(platform, spec, version.version, as_of=request.as_of or now())
        if spec.policy is Policy.AUTOMATIC:
            promote_by_policy(
                platform, spec.name, version.version, why=f"passed its gate; cause {request.cause}"
            )
    verdict = "passed" if version.passed else "refused by its gate"
    close_request(platform, opened, state="done", reason=f"version {version.version}: {verdict}{shown}")
    return version.version


def _version(platform: Platform, spec: ModelSpec, opened: Opened, lease: Kept) -> Version | str:
    """Return the request's version, made now or before; or why none is made."""
    request = opened.request
    found = find_version(platform, spec.name, request.request_id)
    if found is not None:
        return found
    assert request.as_of is not None, "a running request has its moment"
    data = extract_rows(platform, spec, request.as_of, request.request_id)
    check_contract(spec, data)
    needless = weigh_data(platform, spec, opened, data)
    if needless is not None:
        return needless
    with TemporaryDirectory(prefix="leadloop-training-") as folder:
        return _train(platform, spec, request, data, lease, folder=Path(folder))


def _train(  # noqa: PLR0913 - one run's material, by name
    platform: Platform, spec: ModelSpec, request: Request, data: TrainingData, lease: Kept, *, folder: Path
) -> Version:
    assert request.as_of is not None, "a running request has its moment"
    learned = fit_model(spec, data, choose=request.cause in LEARNS_ANEW)
    exported = export_bundle(learned, folder / "bundle")
    champion = fetch_champion(platform, spec.name, folder)
    origin = Origin(request.request_id, request.as_of, trained_by=request.who)
    judged = judge_version(platform, learned, exported, champion=champion, origin=origin)
    lease.require()
    plots = draw(learned, judged, folder)
    write_rows(spec, data, request.as_of, folder)
    version = register_version(platform, learned, exported, judged=judged, folder=folder)
    report_training(judged.evidence, version.version, plots)
    return version
