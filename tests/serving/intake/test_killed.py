"""A receiver that is killed while events come in: what it said is well is there, and there once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from estate.store.database import Database
from estate.store.facts import read_facts
from tests.conftest import ROOT
from tests.estate.intake.crm import contact, message
from tests.serving.intake.signing import encoded, with_secret
from tests.serving.shop import Shop

_EVENTS = 120
_WELL = (200, 202)


@contextmanager
def receiver(shop: Shop, url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "tests.serving.intake.receiver"]
    given = [str(shop.settings.home), url, str(shop.folder / "models")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*command, *given], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        address = f"http://127.0.0.1:{int(process.stdout.readline())}"
        try:
            _wait_until_it_answers(address)
            yield process, address
        finally:
            process.kill()


def _wait_until_it_answers(address: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{address}/health/live", timeout=5)
            return
        except httpx.HTTPError:
            assert time.monotonic() < end, "the receiver does not come up"
            time.sleep(0.05)


def _send(address: str, number: int) -> int | None:
    """Send the event of a number; None if there was no answer."""
    payload = message(f"m{number}") if number % 3 else contact("c1", hours=number, city=f"area-{number}")
    body = encoded({**payload, "webhookId": f"w{number}"})
    try:
        return httpx.post(
            f"{address}/v1/webhooks/crm", content=body, headers=with_secret(body), timeout=30
        ).status_code
    except httpx.HTTPError:
        return None


@pytest.mark.thorough
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("away", [False, True], ids=["database there", "database away at first"])
def test_killed_at_random_moments_no_event_is_lost_and_none_counts_twice(
    away: bool, shop: Shop, database: Database
) -> None:
    """25 kills each; the CRM sends again what was not answered with 2xx, later and in another order."""
    dice = random.Random(11)
    url = "postgresql://nobody@127.0.0.1:1/none" if away else database.url
    pending = list(range(_EVENTS))
    answered, cut_off = 0, 0
    for _ in range(25):
        with receiver(shop, url) as (process, address):
            for number in [0, *dice.sample(pending, min(len(pending), 6))]:  # the first one loads much
                if _send(address, number) in _WELL:
                    answered += 1
                    pending = [one for one in pending if one != number]
            number = dice.choice(pending or range(_EVENTS))
            with ThreadPoolExecutor(1) as pool:
                under_way = pool.submit(_send, address, number)
                time.sleep(dice.random() * (0.012 if away else 0.03))  # about as long as an answer takes
                os.kill(process.pid, signal.SIGKILL)
                if under_way.result() in _WELL:
                    pending = [one for one in pending if one != number]
                else:
                    cut_off += 1
            process.wait()
            assert process.returncode == -signal.SIGKILL
    assert answered >= 25
    assert cut_off >= 3, "killed too late to prove anything"
    inbox = shop.settings.home / "serving" / "inbox"
    assert bool(list(inbox.glob("*.json"))) == away
    with receiver(shop, database.url) as (_, address):
        for number in dice.sample(pending, len(pending)):
            assert _send(address, number) == 200
        end = time.monotonic() + 60
        while list(inbox.glob("*.json")):
            assert time.monotonic() < end, "events wait though the database is there"
            time.sleep(0.1)
    assert not list(inbox.glob("*.bad"))
    sent = sorted(f"m{number}" for number in range(_EVENTS) if number % 3)
    written = read_facts(database, "messages", versions=True)
    replies = read_facts(database, "interactions", versions=True)
    assert sorted(written["message_id"]) == sent
    assert sorted(replies["interaction_id"]) == sorted(f"message:{name}" for name in sent)
    latest = max(number for number in range(_EVENTS) if not number % 3)
    assert read_facts(database, "leads")["area"].tolist() == [f"area-{latest}"]
