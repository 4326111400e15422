"""Alerts to a webhook that takes what Slack's takes: ``{"text": …}``. Its address is a secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

import httpx
from pydantic import SecretStr

from estate.core.errors import AlertError, SettingsError
from monitoring.alerts.channel import Message

_SLACK_LIMIT = 35_000  # Slack cuts texts at 40,000 characters


@dataclass(frozen=True)
class Webhook:
    """Posts to one address.

    Parameters
    ----------
    url : SecretStr
        https, or http on this machine itself.
    seconds : float
        Longest wait for the connection, and for each part of the answer.
    """

    url: SecretStr
    seconds: float = 10.0
    name: str = "webhook"

    def __post_init__(self) -> None:
        """Refuse an address that would send alerts in the clear."""
        try:
            at = httpx.URL(self.url.get_secret_value())
            right = at.scheme == "https" or (at.scheme == "http" and _is_this_machine(at.host))
        except httpx.InvalidURL:
            right = False
        if not right or not at.host:
            raise SettingsError(
                "setting LEADLOOP_ALERT_WEBHOOK_URL",
                expected="https://…, or http:// on this machine itself",
                got="another form",
                todo="Correct the environment or .env.",
            )

    def send(self, message: Message) -> None:
        """Post the message.

        Raises
        ------
        AlertError
            If nobody answers, or anything but 2xx; a redirection is not followed.
        """
        body = {"text": _escaped(message.text)[:_SLACK_LIMIT]}
        url = self.url.get_secret_value()
        try:
            with _quiet(str(httpx.URL(url))):
                answer = httpx.post(url, json=body, timeout=self.seconds, trust_env=not self._near)
            got = "" if answer.is_success else f"HTTP {answer.status_code}"
        except httpx.HTTPError as error:
            got = type(error).__name__
        if got:
            raise AlertError(
                "alert by webhook",
                expected="an answer 2xx",
                got=got,
                todo="See LEADLOOP_ALERT_WEBHOOK_URL; it is tried again.",
            )

    @property
    def _near(self) -> bool:
        """Whether it is on this machine, which no proxy can reach."""
        return _is_this_machine(httpx.URL(self.url.get_secret_value()).host)


@contextmanager
def _quiet(secret: str) -> Iterator[None]:
    """Keep the address out of httpx's own log lines, which name it at level INFO."""

    def keeps(record: logging.LogRecord) -> bool:
        return secret not in record.getMessage()

    talks = logging.getLogger("httpx")
    talks.addFilter(keeps)
    try:
        yield
    finally:
        talks.removeFilter(keeps)


def _escaped(text: str) -> str:
    """Write what Slack would take for a command or a link as plain text.

    Examples
    --------
    >>> _escaped("a < b & <!channel>")
    'a &lt; b &amp; &lt;!channel&gt;'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
