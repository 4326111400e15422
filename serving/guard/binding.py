"""Beyond this machine serving listens only with keys."""

from __future__ import annotations

import ipaddress

from estate.core.clock import now
from estate.core.errors import SettingsError
from serving.guard.key_file import KeyFile


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches an address.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "desk.example.com")]
    [True, True, True, False, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name: whom it leads to is not known here
        return False


def require_keys(host: str, keys: KeyFile) -> None:
    """Refuse an address that others reach while there is no valid key.

    Raises
    ------
    SettingsError
        If that is so, or if the key file can't be read.
    """
    at = now()
    if any(key.state(at) == "valid" for key in keys.read()) or is_loopback(host):
        return
    raise SettingsError(
        f"address {host} of serving",
        expected="an API key, since others reach it",
        got=f"no valid one in {keys.path}",
        todo="Run `leadloop api-keys create --name NAME --role score`, or listen on 127.0.0.1.",
    )
