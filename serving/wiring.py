"""The loader with its parts, for the serving process and for batch jobs alike."""

from __future__ import annotations

from estate.catalog import load_catalog
from estate.core.settings import Settings
from estate.signing import load_trusted
from serving.crm import Crm
from serving.last_good import Disk, Fetch
from serving.loader import Loader
from serving.metrics import Metrics
from serving.models import Models
from serving.opener import Opener, VersionSource
from serving.registry import registry_fetch
from serving.trust import Trust


def make_loader(settings: Settings, crm: Crm, *, fetch: Fetch | None = None) -> Loader:
    """Return a loader that knows no model yet.

    Parameters
    ----------
    settings : Settings
    crm : Crm
    fetch : callable, optional
        Brings a version's bundle; from the model registry if not given.
    """
    source = VersionSource(
        fetch or registry_fetch(settings), crm.read_evidence, lambda name: load_catalog(settings).get(name)
    )
    disk = Disk(settings.home / "serving" / "models")
    opener = Opener(disk, source, Trust(lambda: load_trusted(settings)))
    return Loader(Models(load_catalog(settings)), opener, Metrics())
