"""Every code stands in the docs, and the docs name no other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CODE = re.compile(r"MON\d{3}")


def test_every_code_stands_in_the_docs_and_no_other() -> None:
    source = {code for path in (ROOT / "monitoring").glob("*.py") for code in CODE.findall(path.read_text())}
    headings = re.findall(r"^\| (MON\d{3})", (ROOT / "docs" / "monitoring.md").read_text(), re.MULTILINE)
    assert sorted(source) == sorted(headings)
