"""What each finding code amounts to: how bad it is, and whether it keeps a model from being trained.

The ranges say what was judged: MON1xx the data, MON20x drift, MON21x the mix of traffic, MON3xx quality,
MON40x the
report, MON41x operations. `docs/findings/` has a page for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "breaking"]
"""``info`` is told to nobody; ``warning`` waits for the end of quiet hours; ``breaking`` does not."""


@dataclass(frozen=True)
class Meaning:
    """What a code amounts to.

    Parameters
    ----------
    title : str
        What was found, without any value of the data.
    severity : {"info", "warning", "breaking"}
    breaks_training : bool
        Whether no training may start while it is open: a model would learn the defect.
    tells : bool
        Whether the finding's sentence may leave the platform: it names columns and shares, never values.
    """

    title: str
    severity: Severity = "warning"
    breaks_training: bool = False
    tells: bool = False


def _broken(title: str, *, tells: bool = False) -> Meaning:
    return Meaning(title, "breaking", breaks_training=True, tells=tells)


def _told(title: str) -> Meaning:
    return Meaning(title, tells=True)


CODES: dict[str, Meaning] = {
    "MON101": _broken("A column is missing in far more rows than in training.", tells=True),
    "MON102": _broken("A category has its values in another spelling."),
    "MON103": _broken("A number stands still, or is of another size."),
    "MON104": Meaning("Too few predictions, or training rows, to judge.", "info"),
    "MON105": Meaning("The version in production answers nothing.", "info"),
    # Training with the present code is what mends it, so it must not be kept from starting.
    "MON106": Meaning("Rows were computed by other feature code than at training.", "breaking", tells=True),
    "MON107": Meaning("Rules or other versions answered too.", "info"),
    "MON108": Meaning("No version is in production.", "info"),
    "MON109": _broken("A column is gone."),
    "MON110": _broken("A column is of another type."),
    "MON111": _broken("Values lie out of range."),
    "MON112": _broken("The data are stale."),
    "MON113": _broken("The volume is unusual."),
    "MON114": _broken("Rows come more than once."),
    "MON115": _broken("A column's unit has changed."),
    "MON201": _told("A feature moved."),
    "MON202": _told("The scores moved."),
    "MON203": Meaning("What leads write moved."),
    "MON211": Meaning("The mix of traffic shifted.", "info"),
    "MON212": Meaning("A new level appeared, such as a new source.", "info"),
    "MON301": _told("The realised quality fell."),
    "MON302": _told("The estimated quality fell."),
    "MON303": _told("The calibration drifted."),
    "MON304": Meaning("A slice got worse."),
    "MON305": Meaning("Labels come late."),
    "MON306": Meaning("The estimate of quality rests on an assumption that fails.", "info"),
    "MON307": Meaning("Too few ripe labels to judge quality.", "info"),
    "MON401": Meaning("Evidently could not make its report."),
    "MON402": Meaning("Columns were left out of the report.", "info"),
    "MON411": _told("Serving is slow."),
    "MON412": _told("Serving answers with errors."),
    "MON413": _told("Rules answer too often."),
    "MON414": _told("The caches help less than they did, or fail."),
    "MON415": _told("Requests are turned away, or wait in long queues."),
    "MON416": _told("Answers are not in the database yet, or were lost on the way."),
    "MON417": _told("Serving can't be reached."),
}


def meaning_of(code: str) -> Meaning:
    """Return what a code amounts to; one that is not listed counts as what its range says.

    Examples
    --------
    >>> meaning_of("MON101").breaks_training, meaning_of("MON201").breaks_training
    (True, False)
    >>> meaning_of("MON199").severity, meaning_of("OWN1").severity
    ('breaking', 'warning')
    """
    if code in CODES:
        return CODES[code]
    return _broken("The data are not whole.") if code.startswith("MON1") else Meaning("Something was found.")
