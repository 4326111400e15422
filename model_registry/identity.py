"""Who acts: a person by name, or unknown; unknown is said as unknown and never counted as a person.

A command's name is the one that its user claims (``LEADLOOP_USER``, or the operating system's). Where MLflow
runs with basic auth and the command has a login for it, MLflow has checked the name.
"""

from __future__ import annotations

import base64
import getpass
import json
import os
import re
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from estate.core.errors import RegistryError
from estate.core.settings import Settings

UNKNOWN = "unknown (MLflow UI)"
"""MLflow does not say who moved an alias or a stage."""
NOBODY = "unknown (command line)"
_CURRENT_USER = "/api/2.0/mlflow/users/current"
_LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
_ASK_SECONDS = 1.0  # a rollback does not wait longer for a name
_MACHINES = frozenset({"", "schedule", "drift", "person", "demo"})
_REFUSED = (401, 403)


def who_am_i(settings: Settings) -> str:
    """Return who gives a command, such as ``alice (command line)`` or ``alice (MLflow login)``.

    Without an MLflow that answers it is the name on the command line: a rollback must not wait for it.

    Raises
    ------
    RegistryError
        If MLflow refuses the login of the environment.
    """
    name, password = (os.environ.get(variable) for variable in _LOGIN)
    if name and password and (known := _ask(settings, name, password)):
        return f"{known} (MLflow login)"
    if settings.user:
        return f"{settings.user} (command line)"
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError):  # a container's user without a name
        return NOBODY


def person(who: str) -> str | None:
    """Return the name of a known person, however they came in; None for a machine or somebody unknown.

    Examples
    --------
    >>> person("Alice (command line)"), person("alice (MLflow login)")
    ('alice', 'alice')
    >>> person("unknown (MLflow UI)"), person("drift"), person("policy: automatic")
    (None, None, None)
    """
    name = re.sub(r" \([^()]*\)\Z", "", who).strip().casefold()
    if name in _MACHINES or name.startswith(("unknown", "policy:", "rollout:")):
        return None
    return name


def _ask(settings: Settings, name: str, password: str) -> str | None:
    address = settings.endpoint("mlflow_url").rstrip("/")
    if not address.startswith(("http://", "https://")):
        return None
    token = base64.b64encode(f"{name}:{password}".encode()).decode()
    request = Request(address + _CURRENT_USER, headers={"Authorization": f"Basic {token}"})  # noqa: S310
    try:
        with urlopen(request, timeout=_ASK_SECONDS) as answer:  # noqa: S310 - http or https, as checked
            return str(json.load(answer)["user"]["username"])
    except HTTPError as error:
        error.close()
        if error.code not in _REFUSED:
            return None  # an MLflow without logins does not know the question
        raise RegistryError(
            f"login `{name}` of MLflow at {address}",
            expected="the name and password of a user",
            got=f"HTTP {error.code}",
            todo=f"Correct {' and '.join(_LOGIN)}, or unset them.",
        ) from error
    except (URLError, OSError, HTTPException, ValueError, KeyError, TypeError):
        return None
