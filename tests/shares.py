"""Who of several test processes runs what: a file's tests stay together, and all that need the stack."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent
STACK = "the stack"


@cache
def share_of(file: str) -> str:
    """Return the name of the share that a test file belongs to.

    Examples
    --------
    >>> share_of("tests/infra/test_local_stack.py")
    'the stack'
    >>> share_of("tests/test_house.py")
    'tests/test_house.py'
    """
    return STACK if "pytest.mark.stack" in (ROOT / file).read_text() else file


class Shares(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives whole shares to whoever is free, so that one stack is started and not one in each process.

    Marks can't say it: `--dist loadgroup` of pytest-xdist 3.8 does nothing under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid.partition("::")[0])
