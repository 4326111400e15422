"""The address that serving listens on."""

from __future__ import annotations

import socket

from estate.core.errors import SettingsError


def free_address(host: str, port: int) -> socket.socket:
    """Bind an address that nobody else has, without listening yet; 0 is any free port.

    Raises
    ------
    SettingsError
        If it is taken, or not this machine's.
    """
    try:
        with socket.socket(_family(host)) as probe:  # sharing a port is only for our own workers
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
        return shared_address(host, port)
    except OSError as error:
        raise SettingsError(
            f"address {host}:{port}",
            expected="one that is free",
            got=error.strerror or type(error).__name__,
            todo="Choose another port with --port, or stop what listens there.",
        ) from error


def shared_address(host: str, port: int) -> socket.socket:
    """Bind an address that other processes of this installation may have bound too.

    Raises
    ------
    OSError
        If that can't be.
    """
    made = socket.socket(_family(host))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((host, port))
    return made


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
