"""The local stack: every server that Leadloop needs, started, watched and stopped by one supervisor.

>>> from infra.stack import read_status
>>> from pathlib import Path
>>> read_status(Path("no/such/home")).state
'down'
"""

from infra.stack.control import read_status, start, stop, watch_start
from infra.stack.status import PartStatus, StackStatus

__all__ = ["PartStatus", "StackStatus", "read_status", "start", "stop", "watch_start"]
