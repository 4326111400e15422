"""What a pass saw, before anything of it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from estate.core.finding_codes import CODES
from estate.store.watch_passes import WatchFinding
from monitoring.drift import Shift
from monitoring.operations import Operations
from monitoring.quality import QualitySeen
from monitoring.window import Window


@dataclass(frozen=True)
class Seen:
    """What a pass looked at, and what it found.

    Parameters
    ----------
    version : str
    window : Window
    findings : tuple of WatchFinding
        Of the data and of the report.
    shifts : tuple of Shift
        Empty where drift was not judged.
    report : Path or None
    alarm_rate : float or None
        What was spent; None where drift was not judged.
    visible : str or None
    quality : QualitySeen or None
        None where it can't be judged.
    operations : Operations
    """

    version: str
    window: Window
    findings: tuple[WatchFinding, ...]
    shifts: tuple[Shift, ...] = ()
    report: Path | None = None
    alarm_rate: float | None = None
    visible: str | None = None
    quality: QualitySeen | None = None
    operations: Operations = field(default_factory=Operations)

    @property
    def all_findings(self) -> tuple[WatchFinding, ...]:
        """Data, quality, operations, in the order of judgement; that few labels are ripe is no news."""
        quality = [f for f in self.quality.findings if f.code != "MON307"] if self.quality else []
        return (*self.findings, *quality, *self.operations.findings)

    @property
    def judged(self) -> frozenset[str]:
        """Codes that this pass could judge: an incident heals only where it was looked for."""
        codes = {"MON104", "MON105", "MON107", "MON108"}
        if self.enough:
            codes |= {code for code in CODES if code.startswith("MON1")}
        if self.alarm_rate is not None:
            codes |= {code for code in CODES if code.startswith("MON2")}
        if self.report is not None:
            codes |= {"MON401", "MON402"}
        if self.quality is not None and self.quality.costs != "unknown":
            codes |= {code for code in CODES if code.startswith("MON3")}
        return frozenset(codes) | self.operations.judged

    @property
    def enough(self) -> bool:
        """Whether there were rows enough to judge the data."""
        return not {finding.code for finding in self.findings} & {"MON104", "MON105", "MON108"}
