"""Names in a text that stand for variables of the environment."""

from __future__ import annotations

import os
import re

from estate.core.errors import SettingsError


def expand(text: str) -> str:
    """Replace ``${NAME}`` by the environment's value.

    Examples
    --------
    >>> expand("${NO_SUCH_VARIABLE}/leads.csv")
    Traceback (most recent call last):
    estate.core.errors.SettingsError: path ${NO_SUCH_VARIABLE}/leads.csv: expected NO_SUCH_VARIABLE in the \
environment, got nothing. Set it to where the data is.
    """
    expanded = os.path.expandvars(text)
    unset = re.search(r"\$\{(\w+)\}", expanded)
    if unset:
        raise SettingsError(
            f"path {text}",
            expected=f"{unset[1]} in the environment",
            got="nothing",
            todo="Set it to where the data is.",
        )
    return expanded
