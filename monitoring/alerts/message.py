"""What people are told: one line an incident, what is worst first, and no value of the data."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from estate.core.finding_codes import Severity, meaning_of
from estate.store.alerts import Alert
from estate.store.incidents import Incident
from monitoring.alerts.channel import Line, Message

_NAMESPACE = uuid.UUID("b0a1d9f0-0c8e-4a39-8f0e-5f5a1f6f3c11")
_NEWEST = {"opened": 0, "again": 1, "healed": 2}
_WORST: dict[Severity, int] = {"breaking": 0, "warning": 1, "info": 2}
_SAID = {"opened": "NEW", "again": "STILL OPEN", "healed": "HEALED"}


def message_of(told: Sequence[Alert]) -> Message:
    """Put alerts into one message; of several about one incident the newest counts.

    Parameters
    ----------
    told : sequence of Alert
        At least one, of one channel.
    """
    latest: dict[str, Alert] = {}
    for alert in sorted(told, key=lambda alert: _NEWEST[alert.kind]):
        latest[alert.incident.incident_id] = alert
    shown = sorted(latest.values(), key=_rank)
    names = " ".join(sorted(alert.alert_id for alert in told))
    return Message(
        key=str(uuid.uuid5(_NAMESPACE, names)),
        subject=_subject(shown),
        lines=tuple(Line(_line(alert), _fields(alert), alert.incident.severity) for alert in shown),
        closing="All of them: `leadloop incidents --open`. What each code means: docs/findings/.",
    )


def _rank(alert: Alert) -> tuple[object, ...]:
    incident = alert.incident
    return (
        alert.kind == "healed",
        _WORST[incident.severity],
        incident.model,
        incident.code,
        incident.column or "",
    )


def _subject(shown: Sequence[Alert]) -> str:
    counts = {kind: sum(alert.kind == kind for alert in shown) for kind in _SAID}
    breaking = sum(alert.kind != "healed" and alert.incident.severity == "breaking" for alert in shown)
    words = [f"{counts[kind]} {said.lower()}" for kind, said in _SAID.items() if counts[kind]]
    models = sorted({alert.incident.model for alert in shown})
    named = ", ".join(models[:3]) + (f" and {len(models) - 3} more" if len(models) > 3 else "")
    urgent = f" ({breaking} breaking)" if breaking else ""
    return _one_line(f"Leadloop: {', '.join(words)}{urgent}: {named}")


def _line(alert: Alert) -> str:
    incident = alert.incident
    meaning = meaning_of(incident.code)
    column = f" `{incident.column}`" if incident.column else ""
    blocks = (
        "; trainings wait until it is over, but those that a person asks for"
        if incident.breaks_training and incident.open
        else ""
    )
    lines = [f"{_SAID[alert.kind]}: {incident.model} {incident.code}{column}: {meaning.title}{blocks}"]
    if meaning.tells and alert.kind != "healed":
        lines.append(f"  {incident.sentence}")
    lines.append(f"  owner {incident.owner}; {_since(incident)}{_again(alert)}")
    return "\n".join(_one_line(line, keep=line[: len(line) - len(line.lstrip())]) for line in lines)


def _since(incident: Incident) -> str:
    times = f"found {incident.times} times" if incident.times > 1 else "found once"
    since = f"first seen {_moment(incident.first_seen)}, last seen {_moment(incident.last_seen)}, {times}"
    if incident.resolved_at is None:
        return since
    healed = (incident.resolved_how or "").startswith("healed")
    return f"{since}; {'healed' if healed else 'closed by a person'} {_moment(incident.resolved_at)}"


def _again(alert: Alert) -> str:
    # Counted and with no error: whoever sent it was killed before saying that it did.
    return "; perhaps told before" if alert.tries and alert.error is None else ""


def _fields(alert: Alert) -> dict[str, str]:
    incident = alert.incident
    return {
        "kind": alert.kind,
        "incident": incident.incident_id,
        "model": incident.model,
        "code": incident.code,
        "column": incident.column or "",
        "severity": incident.severity,
        "owner": incident.owner,
        "first_seen": incident.first_seen.isoformat(),
        "last_seen": incident.last_seen.isoformat(),
    }


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _one_line(text: str, *, keep: str = "") -> str:
    """A name with a line break in it must not begin a new header or a new line."""
    return keep + " ".join(text.split())
