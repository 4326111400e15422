"""Where models live, and who may move them: the only package that knows MLflow.

Importing it does not import MLflow, which takes seconds: a rollback has no time for that.
"""

from model_registry.bundles import fetch_bundle
from model_registry.connection import Registry, connect
from model_registry.listing import ModelSummary, VersionSummary, list_models, list_versions
from model_registry.model_folder import build_model_folder
from model_registry.pointers import stage
from model_registry.promotion import promote
from model_registry.reconcile import reconcile_once
from model_registry.registration import Registered, Registration, register
from model_registry.rollout_steps import RolloutState, rollout_state
from model_registry.run_log import DataSource
from model_registry.standing import Standing, present_standing
from model_registry.undo import abort_rollout, rollback

__all__ = [
    "DataSource",
    "ModelSummary",
    "Registered",
    "Registration",
    "Registry",
    "RolloutState",
    "Standing",
    "VersionSummary",
    "abort_rollout",
    "build_model_folder",
    "connect",
    "fetch_bundle",
    "list_models",
    "list_versions",
    "present_standing",
    "promote",
    "reconcile_once",
    "register",
    "rollback",
    "rollout_state",
    "stage",
]
