"""Telling people of incidents: when one opens, stays open, heals; once each, and never lost."""

from monitoring.alerts.channel import Channel, Message
from monitoring.alerts.channels import channels_of
from monitoring.alerts.outbox import queue_alerts
from monitoring.alerts.sender import Delivery, send_alerts

__all__ = ["Channel", "Delivery", "Message", "channels_of", "queue_alerts", "send_alerts"]
