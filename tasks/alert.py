"""Tell people of incidents, and say for Prometheus how the watch stands."""

from __future__ import annotations

from prefect import task

from monitoring.alerts import Delivery
from monitoring.alerts import send_alerts as send
from monitoring.numbers import write_numbers
from tasks.platform import Platform
from tasks.retrying import REACHES_OUT


@task(name="send alerts", **REACHES_OUT)
def send_alerts(platform: Platform) -> list[Delivery]:
    """Send what is due; a channel that fails is tried again by a later run, and fails no other."""
    sent = list(send(platform.settings, platform.database))
    write_numbers(platform.settings, platform.database)
    return sent
