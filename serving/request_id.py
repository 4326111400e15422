"""One name for a request, in its answer's header, in every log line and in traces."""

from __future__ import annotations

import itertools
import re
import secrets

HEADER = b"x-request-id"
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_START = secrets.token_hex(6)  # of this process; a number after it costs less than a new random one each time
_numbers = itertools.count(1)


def request_id_of(presented: bytes | None) -> str:
    """Return the caller's own id if it is 1 to 64 of A-Z, a-z, 0-9, ``.``, ``_`` and ``-``; else a new one.

    Examples
    --------
    >>> request_id_of(b"crm-4711")
    'crm-4711'
    >>> request_id_of(b"two words") == request_id_of(b"two words")
    False
    """
    if presented is not None and _SANE.fullmatch(presented):
        return presented.decode()
    return f"{_START}-{next(_numbers)}"
