from __future__ import annotations

import re
from pathlib import Path

from dotenv import dotenv_values

from estate.core.settings import Settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_every_setting_stands_in_the_example_and_nothing_else() -> None:
    named = re.findall(r"^(?:# )?LEADLOOP_([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert sorted(name.lower() for name in named) == sorted(Settings.model_fields)


def test_the_example_holds_the_defaults() -> None:
    assert Settings(_env_file=EXAMPLE) == Settings(_env_file=None)


def test_what_has_no_default_is_commented_out() -> None:
    active = {name.removeprefix("LEADLOOP_").lower() for name in dotenv_values(EXAMPLE)}
    defaults = Settings(_env_file=None).model_dump()
    assert active == {name for name, value in defaults.items() if value is not None}
