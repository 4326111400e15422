"""Alerts by e-mail: SMTP with STARTTLS or TLS from the start, and a login where the address has one."""

from __future__ import annotations

import logging
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from estate.core.clock import now
from estate.core.errors import AlertError, SettingsError
from monitoring.alerts.channel import Message

log = logging.getLogger(__name__)

_PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True)
class Email:
    """Sends through one mail server.

    Parameters
    ----------
    url : SecretStr
        ``smtp://user:password@host:587``: STARTTLS, without which nothing is sent but to this machine itself;
        or ``smtps://host:465``.
    recipients : tuple of str
        At least one.
    sender : str, optional
        The user of the address if that is a mail address, else ``leadloop@host``.
    seconds : float
        Longest wait for each answer of the server.
    """

    url: SecretStr
    recipients: tuple[str, ...]
    sender: str | None = None
    seconds: float = 10.0
    name: str = "email"

    def send(self, message: Message) -> None:
        """Hand the message to the server.

        Raises
        ------
        AlertError
            If the server can't be reached, offers no encryption, or takes it for none of the recipients.
        """
        at = _address(self.url)
        try:
            with self._connect(at) as server:
                if at.username:
                    server.login(unquote(at.username), unquote(at.password or ""))
                refused = server.send_message(self._mail(message, at), to_addrs=list(self.recipients))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # From None: what a server says may repeat the address, and a traceback would show it.
            raise AlertError(
                "alert by e-mail",
                expected=f"mail server {at.hostname} to take it",
                got=_class_of(error),
                todo="See LEADLOOP_ALERT_SMTP_URL and LEADLOOP_ALERT_RECIPIENTS; it is tried again.",
            ) from None
        if refused:
            log.warning("some recipients refused", extra={"fields": {"refused": len(refused)}})

    def _connect(self, at: SplitResult) -> smtplib.SMTP:
        host, port = at.hostname or "", at.port or _PORTS[at.scheme]
        trusted = ssl.create_default_context()
        if at.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=self.seconds, context=trusted)
        server = smtplib.SMTP(host, port, timeout=self.seconds)
        try:
            server.ehlo_or_helo_if_needed()
            if server.has_extn("starttls") or not _is_this_machine(host):
                server.starttls(context=trusted)  # raises where the server has none
        except BaseException:
            server.close()
            raise
        return server

    def _mail(self, message: Message, at: SplitResult) -> EmailMessage:
        mail = EmailMessage()
        user = unquote(at.username or "")
        mail["Subject"] = message.subject
        mail["From"] = self.sender or (user if "@" in user else f"leadloop@{at.hostname}")
        mail["To"] = ", ".join(self.recipients)
        mail["Date"] = format_datetime(now())
        mail["Message-ID"] = f"<{message.key}@leadloop>"  # the same message again is seen to be the same
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail


def _address(url: SecretStr) -> SplitResult:
    """Read the server's address.

    Examples
    --------
    >>> _address(SecretStr("smtp://localhost:25")).hostname
    'localhost'
    >>> _address(SecretStr("mail.example.com"))
    Traceback (most recent call last):
    estate.core.errors.SettingsError: setting LEADLOOP_ALERT_SMTP_URL: expected smtp://… or smtps://… with a \
host, got another form. Correct the environment or .env.
    """
    try:
        at = urlsplit(url.get_secret_value())
        right = at.scheme in _PORTS and bool(at.hostname) and at.port != 0
    except ValueError:
        right = False
    if not right:
        raise SettingsError(
            "setting LEADLOOP_ALERT_SMTP_URL",
            expected="smtp://… or smtps://… with a host",
            got="another form",
            todo="Correct the environment or .env.",
        )
    return at


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _class_of(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    return type(error).__name__ + (f" {code}" if code else "")
