"""Leads write of other things: seen without keeping a word."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.text import text_findings

WORDS = [f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(400)]
TOPICS = ("mortgage", "rates", "refinance")


def _letters(leads: int, seed: int, *, topic: float = 0.0) -> list[str]:
    random = np.random.default_rng(seed)
    common = 1.0 / np.arange(1, len(WORDS) + 1)
    texts = []
    for _ in range(leads):
        words = random.choice(WORDS, 20, p=common / common.sum()).tolist()
        texts.append(" ".join([*words, *(TOPICS if random.random() < topic else ())]))
    return texts


@pytest.mark.thorough
def test_the_same_topics_are_quiet() -> None:
    # 100 passes at 5 %: more than 12 alarms have a chance of 1 in 1,000.
    alarms = sum(
        bool(list(text_findings(_letters(200, 2 * i), _letters(60, 2 * i + 1), rate=0.05)))
        for i in range(100)
    )
    assert alarms <= 12


def test_a_new_topic_is_found_and_no_word_is_told() -> None:
    (finding,) = text_findings(_letters(500, 1), _letters(100, 2, topic=0.5), rate=0.002)
    assert finding.code == "MON203"
    assert not any(word in finding.sentence for word in (*TOPICS, *WORDS))


def test_too_few_leads_are_not_judged() -> None:
    assert list(text_findings(_letters(500, 1), _letters(20, 2, topic=1.0), rate=0.05)) == []
