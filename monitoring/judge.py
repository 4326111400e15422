"""The judgement of a window, in its order: is the data whole, did the traffic change, did the world move?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from estate.store.watch_passes import WatchFinding
from monitoring.contract import check_contract
from monitoring.drift import Sample, Shift, drift_findings, find_shifts
from monitoring.mix import explain_by_mix
from monitoring.mix_findings import mix_findings
from monitoring.text import text_findings
from monitoring.traffic import Traffic, check_traffic
from monitoring.visible import sentence_of
from monitoring.window import Window

TEXT_SHARE = 0.1
"""Of the rate, for what leads write; the rest is shared by features and scores."""
Texts = tuple[list[str], list[str]]
"""What leads wrote in the training's time, and in the window's."""


@dataclass(frozen=True)
class Judged:
    """What was found in a window.

    Parameters
    ----------
    broken : tuple of WatchFinding
        MON1xx: the data are not whole, and nothing else was judged.
    shifts : tuple of Shift
        Every column and the scores; ``real`` ones moved, and no changed mix of traffic explains it.
    moved : tuple of WatchFinding
        MON2xx: the mix of traffic, features, scores, texts.
    visible : str or None
        The smallest shifts that would have been seen; None where none was judged.
    """

    broken: tuple[WatchFinding, ...]
    shifts: tuple[Shift, ...] = ()
    moved: tuple[WatchFinding, ...] = ()
    visible: str | None = None


def judge_window(  # noqa: PLR0913 - what is compared, and how strictly
    reference: Sample,
    window: Window,
    *,
    fingerprint: str,
    rate: Callable[[], float],
    importance: Mapping[str, float] | None = None,
    traffic: Traffic | None = None,
    texts: Callable[[], Texts] | None = None,
) -> Judged:
    """Judge a window of enough rows.

    Parameters
    ----------
    fingerprint : str
        Of the feature set at training.
    rate : callable
        Asked for the false-alarm rate of this look once the data turned out whole.
    importance : mapping, optional
        What each feature is worth to the model.
    traffic : Traffic, optional
        What came in before the window's end; not judged if not given.
    texts : callable, optional
        Asked for what leads wrote, once the data turned out whole; not judged if not given.
    """
    broken = check_contract(reference, window, fingerprint)
    broken = (*broken, *(check_traffic(traffic) if traffic else ()))
    if broken:
        return Judged(broken)
    spent = rate()
    columns = spent * (1 - TEXT_SHARE) if texts else spent
    found = find_shifts(reference, window, alarm_rate=columns, importance=importance)
    shifts = explain_by_mix(reference, window, found, alarm_rate=columns)
    written = text_findings(*texts(), rate=spent * TEXT_SHARE) if texts else ()
    moved = (*drift_findings(shifts), *mix_findings(reference, window, shifts), *written)
    return Judged((), shifts, moved, _visible(shifts, window))


def _visible(shifts: tuple[Shift, ...], window: Window) -> str:
    kept = len(window.scores)
    sentence = sentence_of(shifts, kept)
    if kept == window.rows:
        return sentence
    off = f"{window.sampling_error:.3f}"
    return f"{sentence}; {kept} of {window.rows} rows were drawn, a share of which is off by at most {off}"
