"""The way to MLflow: one address, quiet, private, and quick to notice that nobody answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from estate.core.errors import RegistryError
from estate.core.settings import Settings
from estate.signing import KeyRing, TrustedKeys, key_ring
from model_registry.terms import TermsOf, catalog_terms, plain_terms

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow reads these from the environment only. What the user has set stays.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_UNREACHED = "API request to"  # how MLflow begins when a request got no usable answer
_NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True)
class Registry:
    """One MLflow tracking and registry server.

    Parameters
    ----------
    uri : str
        ``http://host:port``, or ``sqlite:///file`` without a server.
    keys : KeyRing, optional
        Whose signatures count; nobody's if there is none.
    terms : callable
        From a model's name to who must approve a version, and in which steps it goes.
    """

    uri: str
    keys: KeyRing | None = None
    terms: TermsOf = plain_terms

    @property
    def trusted(self) -> TrustedKeys:
        """The trusted public keys, read anew: a rotated key counts at once.

        Raises
        ------
        SignatureError
            If one of the files is no public key.
        """
        return self.keys.trusted_keys() if self.keys else {}

    @property
    def client(self) -> MlflowClient:
        """MLflow's own client, one for each process and address."""
        return _client(self.uri)


def connect(settings: Settings) -> Registry:
    """Return the registry that the settings name; nothing is asked of it yet.

    Raises
    ------
    SettingsError
        If no address is known.
    """
    return Registry(settings.endpoint("mlflow_url"), key_ring(settings), catalog_terms(settings))


@contextmanager
def answering(registry: Registry, what: str) -> Iterator[None]:
    """Turn MLflow's and the network's errors into one sentence about ``what``.

    Raises
    ------
    RegistryError
        If the registry can't be reached, or refused.
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    try:
        yield
    except MlflowException as error:
        if error.error_code in _NOT_THERE:
            raise RegistryError(what, expected="it in the registry", got=_first_line(error)) from error
        if _UNREACHED in str(error):
            raise _away(registry, what, error) from error
        raise RegistryError(
            what, expected="MLflow to do it", got=_first_line(error), todo="See MLflow's log."
        ) from error
    except RequestException as error:
        raise _away(registry, what, error) from error


def error_code(error: Exception) -> str:
    """Return MLflow's name for the kind of error; empty for other errors."""
    return str(getattr(error, "error_code", ""))


def _away(registry: Registry, what: str, error: Exception) -> RegistryError:
    return RegistryError(
        f"model registry {registry.uri} ({what})",
        expected="an answer",
        got=_first_line(error),
        todo="Is it running? Try `leadloop status`.",
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@lru_cache(maxsize=8)
def _client(uri: str) -> MlflowClient:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)
