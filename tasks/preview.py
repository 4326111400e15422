"""Show on a version's page what a promotion would change."""

from __future__ import annotations

import logging
from datetime import datetime

from prefect import task

from estate.core.model_spec import ModelSpec
from model_registry.decision import model_locked
from model_registry.preview import preview_version
from model_registry.preview_page import preview_markdown, write_preview
from tasks.platform import Platform
from tasks.retrying import REACHES_OUT

log = logging.getLogger(__name__)


@task(name="preview", **REACHES_OUT)
def write_preview_of(platform: Platform, spec: ModelSpec, version: str, *, as_of: datetime) -> None:
    """Compare a version with the one in production on the cases of today, and write it on its page."""
    found = preview_version(platform.registry, platform.database, spec, version, as_of=as_of)
    with model_locked(platform.registry, platform.database, spec.name):  # nobody else writes on the page
        write_preview(platform.registry, spec.name, version, preview_markdown(found))


def try_preview(platform: Platform, spec: ModelSpec, version: str, *, as_of: datetime) -> str:
    """Run :func:`write_preview_of`; a training does not fail for it.

    Returns
    -------
    str
        Empty, or why there is no preview.
    """
    try:
        write_preview_of(platform, spec, version, as_of=as_of)
    except Exception as error:
        log.exception("no preview of %s version %s", spec.name, version)
        return f"; no preview: {type(error).__name__}: {error}"
    return ""
