"""Where models live, and who may move them: the only package that knows MLflow."""

from model_registry.bundles import fetch_bundle
from model_registry.connection import Registry, connect
from model_registry.listing import ModelSummary, VersionSummary, list_models, list_versions
from model_registry.pointers import stage
from model_registry.promotion import promote, rollback
from model_registry.reconcile import reconcile_once
from model_registry.registration import Registered, Registration, register
from model_registry.run_log import DataSource

__all__ = [
    "DataSource",
    "ModelSummary",
    "Registered",
    "Registration",
    "Registry",
    "VersionSummary",
    "connect",
    "fetch_bundle",
    "list_models",
    "list_versions",
    "promote",
    "reconcile_once",
    "register",
    "rollback",
    "stage",
]
