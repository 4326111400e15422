"""Send what is due: after quiet hours, after a failure, and of incidents that are open for long."""

from __future__ import annotations

from prefect import flow

from tasks.alert import send_alerts
from tasks.platform import open_platform


@flow(name="alerts", timeout_seconds=300)
def alerts() -> list[str]:
    """Send the alerts that wait; returns one sentence for each message."""
    sent = send_alerts(open_platform())
    return [
        f"{one.channel}: {one.alerts} alerts {'sent' if one.error is None else one.error}" for one in sent
    ]
