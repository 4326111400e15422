"""Every code of the watch stands in the docs, and the docs name none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from estate.core.finding_codes import CODES

ROOT = Path(__file__).parent.parent.parent
CODE = re.compile(r"MON\d{3}")


def test_every_code_of_the_watch_is_known_and_its_page_is_there() -> None:
    source = {code for path in (ROOT / "monitoring").rglob("*.py") for code in CODE.findall(path.read_text())}
    pages = {path.stem for path in (ROOT / "docs" / "findings").glob("MON*.md")}
    assert source <= set(CODES) == pages


def test_every_page_says_what_it_means_and_what_to_do() -> None:
    for code in CODES:
        text = (ROOT / "docs" / "findings" / f"{code}.md").read_text()
        assert text.startswith(f"# {code}")
        assert len(text.split()) > 60


def test_the_overview_names_no_other_code_and_none_twice() -> None:
    headings = re.findall(r"^\| (MON\d{3})", (ROOT / "docs" / "monitoring.md").read_text(), re.MULTILINE)
    assert set(headings) <= set(CODES)
    assert len(headings) == len(set(headings))
