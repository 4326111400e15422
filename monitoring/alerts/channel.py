"""What every way of telling people can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from estate.core.finding_codes import Severity


@dataclass(frozen=True)
class Line:
    """One incident within a message.

    Parameters
    ----------
    said : str
        For a person: what happened with which model, whose it is, since when. No value of the data.
    fields : mapping of str to str
        The same for a machine: ids, code, severity.
    severity : {"info", "warning", "breaking"}
    """

    said: str
    fields: dict[str, str]
    severity: Severity


@dataclass(frozen=True)
class Message:
    """One message about one incident or many.

    Parameters
    ----------
    key : str
        The same for the same alerts: whoever gets it twice can see that.
    subject : str
        One line.
    lines : tuple of Line
        At least one; what is worst comes first.
    closing : str
        What the reader can do.
    """

    key: str
    subject: str
    lines: tuple[Line, ...]
    closing: str

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return "\n\n".join([self.subject, *(line.said for line in self.lines), self.closing])


class Channel(Protocol):
    """A way of telling people."""

    @property
    def name(self) -> str:
        """Under which the database remembers what this channel was told."""
        ...

    def send(self, message: Message) -> None:
        """Hand a message over; once this returns, it counts as told.

        Raises
        ------
        AlertError
            If it was not taken; ``got`` names the class of the failure, never an address or a secret.
        """
        ...
