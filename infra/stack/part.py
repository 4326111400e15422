"""What the stack is made of, as data."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.stack.health import Finished, Health


@dataclass(frozen=True, kw_only=True)
class Part:
    """One process of the stack, or one step that has to run once before others can start.

    Parameters
    ----------
    name : str
        Unique; also the name of its log file.
    command : tuple of str
        Program and arguments. Empty: the part runs elsewhere and is only watched.
    health : Health
        How to know that it is ready.
    address : str
        What a person opens or connects to, without a password.
    env : mapping
        Variables on top of the environment that all parts share.
    needs : tuple of str
        Parts that must be ready before this one starts; it is stopped before them.
    unprivileged : bool
        It refuses to run as root.
    stop_signal, death_signal : signal
        Asks it to stop; ends it when the supervisor is gone.
    patience_s, stop_s : float
        Seconds that it may take to become ready, and to stop before it is killed.
    """

    name: str
    command: tuple[str, ...]
    health: Health
    address: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    unprivileged: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    patience_s: float = 180.0
    stop_s: float = 8.0

    @property
    def once(self) -> bool:
        """Whether it is a step that ends by itself."""
        return isinstance(self.health, Finished)

    @property
    def external(self) -> bool:
        """Whether it is run by somebody else."""
        return not self.command


def stop_order(parts: tuple[Part, ...]) -> list[list[Part]]:
    """Return groups of parts to stop one after another: nobody is stopped before those who need it.

    Examples
    --------
    >>> database = Part(name="database", command=("x",), health=Finished())
    >>> server = Part(name="server", command=("x",), health=Finished(), needs=("database",))
    >>> [[part.name for part in group] for group in stop_order((database, server))]
    [['server'], ['database']]
    """
    left = list(parts)
    groups = []
    while left:
        needed = {name for part in left for name in part.needs}
        group = [part for part in left if part.name not in needed]
        if not group:
            raise ValueError(f"parts need each other in a circle: {[part.name for part in left]}")
        groups.append(group)
        left = [part for part in left if part not in group]
    return groups
