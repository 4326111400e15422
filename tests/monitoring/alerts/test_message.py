"""What leaves the platform: a finding may quote a lead's value, a message must not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from estate.core.finding_codes import CODES
from estate.store.alerts import Alert, Kind
from estate.store.incidents import Incident
from monitoring.alerts.message import message_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
VALUE = "12 Rose Lane"
NAME_ONLY_COLUMNS_AND_SHARES = {"MON101", "MON106", "MON201", "MON202"}
"""Those that may be told are looked at by hand: whoever adds one looks at its sentence first."""


def alert_of(code: str, kind: Kind = "opened") -> Alert:
    meaning = CODES[code]
    incident = Incident(
        incident_id="i",
        model="churn",
        code=code,
        column="street",
        owner="ana",
        sentence=f"`street` has `{VALUE}`",
        severity=meaning.severity,
        breaks_training=meaning.breaks_training,
        first_seen=NOON,
        last_seen=NOON,
        times=1,
        resolved_at=None,
        resolved_how=None,
    )
    return Alert(
        alert_id="a",
        channel="webhook",
        kind=kind,
        state="waiting",
        tries=0,
        error=None,
        at=NOON,
        due_at=NOON,
        sent_at=None,
        incident=incident,
    )


@pytest.mark.parametrize("code", CODES)
def test_a_sentence_is_told_only_where_that_was_decided(code: str) -> None:
    message = message_of([alert_of(code)])
    said = message.text + "".join(str(line.fields) for line in message.lines)
    assert (VALUE in said) == CODES[code].tells
    assert CODES[code].title in said


def test_the_codes_whose_sentences_are_told_are_these() -> None:
    told = {code for code, meaning in CODES.items() if meaning.tells}
    assert told >= NAME_ONLY_COLUMNS_AND_SHARES
    assert not told & {"MON102", "MON203", "MON212", "MON304"}  # a spelling, words, a source, a slice


def test_what_healed_quotes_nothing() -> None:
    assert VALUE not in message_of([alert_of("MON101", "healed")]).text
