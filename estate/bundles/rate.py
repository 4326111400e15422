"""How often something came true among some rows, with how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ConfigDict


@dataclass(frozen=True)
class Rate:
    """Positives among rows that the model was not fitted on.

    Parameters
    ----------
    rows, positives : int
    low, high : float
        Of the interval of the share of positives, in [0, 1].
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    rows: int
    positives: int
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.positives <= self.rows:
            raise ValueError(f"{self.positives} positives of {self.rows} rows")
        if not 0.0 <= self.low <= self.high <= 1.0:
            raise ValueError(f"an interval of a share from {self.low} to {self.high}")

    @property
    def share(self) -> float:
        """Share of positives; NaN without rows."""
        return self.positives / self.rows if self.rows else float("nan")
