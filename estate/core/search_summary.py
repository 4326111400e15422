"""What a search for parameters did, in the few numbers that stay with a version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchedParameter:
    """One parameter, as texts: what was chosen, and what the spec itself says."""

    name: str
    chosen: str
    own: str


@dataclass(frozen=True, kw_only=True)
class SearchSummary:
    """What was tried, what it gained, and what was chosen.

    Parameters
    ----------
    parameters : tuple of SearchedParameter
    trials, pruned, failed : int
        Trials in all, those that were given up as worse than the median, and those that raised.
    ended_by : str
        ``trials``, ``minutes`` (how many trials there were then depends on the machine), ``patience``, or
        ``rows``: too few for a backtest, nothing was tried.
    metric : str
    own, chosen : float or None
        Mean of the metric over the blocks with the spec's own parameters and with the chosen ones; None
        where there is none.
    gain, gain_low : float or None
        How much better the best trial was than the spec's own parameters, and at least so much at the level
        that decides; of the best trial even where the spec's own were kept. None where nothing was compared.
    kept_own : bool
        Whether the spec's own parameters were kept.
    reason : str
        Of the first trial that failed.
    """

    parameters: tuple[SearchedParameter, ...]
    trials: int
    pruned: int
    failed: int
    ended_by: str
    metric: str
    own: float | None
    chosen: float | None
    gain: float | None
    gain_low: float | None
    kept_own: bool
    reason: str = ""

    @property
    def sentence(self) -> str:
        """For a person, without a full stop."""
        if self.ended_by == "rows":
            return "search: too few rows for a backtest, the spec's own parameters were kept"
        asides = [f"{n} {word}" for n, word in ((self.pruned, "pruned"), (self.failed, "failed")) if n]
        aside = f" ({', '.join(asides)})" if asides else ""
        said = f"search: {self.trials} trials{aside}, ended by {self.ended_by}; "
        if self.kept_own:
            return said + "none better than the spec's own parameters by more than chance"
        named = ", ".join(f"{one.name} {_short(one.chosen)}" for one in self.parameters)
        if self.gain is None:
            return said + f"{named}; the spec's own parameters failed"
        return said + (
            f"{named}; {self.metric} of the next rows {self.chosen:.4f} instead of {self.own:.4f}, "
            f"better by at least {self.gain_low:.4f}"
        )


def _short(text: str) -> str:
    try:
        return text if "." not in text and "e" not in text else f"{float(text):.4g}"
    except ValueError:
        return text
