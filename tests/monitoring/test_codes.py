"""Every code of the watch stands in the docs, and the docs name none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from estate.core.finding_codes import CODES

ROOT = Path(__file__).parent.parent.parent
CODE = re.compile(r"MON\d{3}")


def test_every_code_stands_in_the_docs_and_no_other() -> None:
    source = {code for path in (ROOT / "monitoring").glob("*.py") for code in CODE.findall(path.read_text())}
    text = (ROOT / "docs" / "monitoring.md").read_text()
    headings = re.findall(r"^\| (MON\d{3})", text, re.MULTILINE)
    assert source <= set(headings) <= set(CODES)
    assert len(headings) == len(set(headings))
