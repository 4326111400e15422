"""Every code of quality stands in its page of the docs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_code_stands_in_the_docs_and_no_other() -> None:
    modules = (ROOT / "monitoring" / "quality").glob("*.py")
    source = {code for path in modules for code in re.findall(r"MON\d{3}", path.read_text())}
    told = re.findall(r"^\| (MON\d{3})", (ROOT / "docs" / "quality.md").read_text(), re.MULTILINE)
    assert sorted(source) == sorted(told)
