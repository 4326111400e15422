"""Alerts reach real servers, once, when they are due; what fails waits, and no secret leaves."""

from __future__ import annotations

import json
import logging
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from estate.core.clock import pretend
from estate.core.settings import Settings
from estate.store.database import Database
from estate.store.incidents import record_findings
from estate.store.watch_passes import WatchFinding
from monitoring.alerts import Delivery, queue_alerts, send_alerts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NIGHT = datetime(2026, 3, 2, 23, tzinfo=UTC)
GONE = WatchFinding("MON101", "budget_usd", 0.4, 0.1, "`budget_usd` is missing in 40 % of the rows")
SPELLED = WatchFinding("MON102", "source", 1.0, 0.1, "`source` has the value Jane Roe")
MOVED = WatchFinding("MON201", "rooms", 0.3, 0.1, "`rooms` moved")
JUDGED = frozenset({"MON101", "MON102", "MON201"})


class Hook(HTTPServer):
    """A chat's webhook: keeps what it is told, or refuses."""

    told: list[str]
    status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/T000/secret-token"


class _Answer(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.status == 200:
            self.server.told.append(json.loads(body)["text"])
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook(("127.0.0.1", 0), _Answer)
    server.told = []
    with _serving(server):
        yield server


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Mail(socketserver.ThreadingTCPServer):
    """A mail server as small as the protocol lets it be."""

    daemon_threads = True
    letters: list[str]


class _Talk(socketserver.StreamRequestHandler):
    server: Mail

    def handle(self) -> None:
        self._say("220 here")
        letter: list[str] | None = None
        for line in self.rfile:
            text = line.decode().rstrip("\r\n")
            if letter is not None:
                if text != ".":
                    letter.append(text)
                    continue
                self.server.letters.append("\n".join(letter))
                letter = None
                self._say("250 taken")
            elif text.upper() == "DATA":
                letter = []
                self._say("354 go on")
            elif text.upper() == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mail() -> Iterator[Mail]:
    server = Mail(("127.0.0.1", 0), _Talk)
    server.letters = []
    with _serving(server):
        yield server


def _find(
    database: Database, settings: Settings, findings: Sequence[WatchFinding], at: datetime = NOON
) -> None:
    with pretend(at), database.begin() as connection:
        changes = record_findings(connection, "churn", findings, owner="ana", at=at, judged=JUDGED)
        queue_alerts(connection, changes, settings, at=at)


def _send(database: Database, settings: Settings, at: datetime) -> tuple[Delivery, ...]:
    with pretend(at):
        return send_alerts(settings, database)


def _settings(hook: Hook, **more: Any) -> Settings:
    return Settings(alert_webhook_url=SecretStr(hook.url), **more)


def test_an_incident_is_told_once_and_its_healing_too(database: Database, hook: Hook) -> None:
    settings = _settings(hook)
    for hour in range(3):  # found by every pass
        _find(database, settings, [GONE], NOON + timedelta(hours=hour))
        _send(database, settings, NOON + timedelta(hours=hour))
    assert len(hook.told) == 1
    for word in ("churn", "MON101", "budget_usd", "owner ana", "40 %"):
        assert word in hook.told[0]
    _find(database, settings, [], NOON + timedelta(hours=4))
    _send(database, settings, NOON + timedelta(hours=4))
    assert len(hook.told) == 2
    assert "HEALED" in hook.told[1]


def test_a_channel_that_is_away_is_told_when_it_is_back_and_only_once(
    database: Database, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    settings, hook.status = _settings(hook), 503
    _find(database, settings, [GONE])
    failed = [one for one in _send(database, settings, NOON) if one.channel == "webhook"]
    assert [one.error for one in failed] == ["HTTP 503"]
    hook.status = 200
    for hours in (6, 7):
        _send(database, settings, NOON + timedelta(hours=hours))
    assert len(hook.told) == 1
    assert "secret-token" not in caplog.text


def test_warnings_wait_for_the_end_of_quiet_hours_and_breaking_ones_do_not(
    database: Database, hook: Hook
) -> None:
    settings = _settings(hook, alert_quiet_hours="22:00-07:00 UTC")
    _find(database, settings, [MOVED, GONE], NIGHT)
    _send(database, settings, NIGHT)
    assert len(hook.told) == 1
    assert "MON101" in hook.told[0]
    assert "MON201" not in hook.told[0]
    _send(database, settings, datetime(2026, 3, 3, 7, tzinfo=UTC))
    assert len(hook.told) == 2
    assert "MON201" in hook.told[1]


def test_no_value_of_a_lead_leaves_the_platform(database: Database, hook: Hook) -> None:
    settings = _settings(hook)
    _find(database, settings, [SPELLED])
    _send(database, settings, NOON)
    assert "MON102" in hook.told[0]
    assert "Jane" not in hook.told[0]


def test_a_letter_is_taken_by_a_real_mail_server(database: Database, mail: Mail) -> None:
    settings = Settings(
        alert_smtp_url=SecretStr(f"smtp://127.0.0.1:{mail.server_address[1]}"),
        alert_recipients=("desk@example.com",),
    )
    _find(database, settings, [GONE])
    _send(database, settings, NOON)
    _send(database, settings, NOON)
    (letter,) = mail.letters
    assert "To: desk@example.com" in letter
    assert "MON101" in letter


def test_the_log_is_told_without_any_setting(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings()
    with caplog.at_level(logging.INFO):
        _find(database, settings, [GONE])
        sent = _send(database, settings, NOON)
    assert [(one.channel, one.error) for one in sent] == [("log", None)]
    assert "MON101" in caplog.text or any("MON101" in str(r.__dict__) for r in caplog.records)


def test_a_wrong_setting_stops_no_pass_and_the_alert_is_told_later(database: Database, hook: Hook) -> None:
    _find(database, _settings(hook, alert_quiet_hours="29:00-07:00"), [GONE])
    _send(database, _settings(hook), NOON)
    assert len(hook.told) == 1
