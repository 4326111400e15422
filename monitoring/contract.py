"""Is the data itself whole? Broken data is an incident; a model trained on it would learn the defect.

Each check asks for a defect that is large *and* far outside chance at the window's size, so that real
change (a new source of leads, a market that turned) is left to :mod:`monitoring.drift`. The counts
are exact, over all rows, however many. A schema library says which rows break a rule, and that is what
the imports use; here the question is whether more rows do than chance allows, over rows that stream by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from estate.core.frame import Categories, Column
from estate.store.watch_passes import WatchFinding
from monitoring.chance import most_by_chance
from monitoring.drift import Sample
from monitoring.limits import known_of
from monitoring.pace import moves_slowly
from monitoring.tally import Tally
from monitoring.units import unit_finding
from monitoring.window import Window

LEAST_ROWS = 30
"""Fewer rows in window or reference can't be judged."""
CONTRACT_RATE = 0.001
"""False-alarm rate of all contract checks of a pass together."""
CHECKS = 4
"""Of one column that ask chance."""
MISSING_RISE = 0.2
"""A missing share must have risen by more than this, unless all rows are missing."""
LEAST_DEFECT = 0.05
"""Share of rows of another type, or out of range, that is let pass."""
SCORES_MAY_PASS = 1e-9
_WORDS_FOR_MISSING = frozenset({"", "nan", "none", "null", "n/a", "na", "undefined", "unknown", "-"})


def enough_rows(reference: Sample, rows: int) -> WatchFinding | None:
    """Return why a window can't be judged (MON104), or None if it can."""
    known = len(reference.scores)
    if min(rows, known) >= LEAST_ROWS:
        return None
    which, got = ("predictions", rows) if rows < LEAST_ROWS else ("rows of the training reference", known)
    sentence = f"{got} {which} can't be judged: at least {LEAST_ROWS} are needed"
    return WatchFinding("MON104", None, float(got), float(LEAST_ROWS), sentence)


def check_contract(reference: Sample, window: Window, fingerprint: str) -> tuple[WatchFinding, ...]:
    """Return every break of the contract between what a model was trained on and what it is given.

    Parameters
    ----------
    reference : Sample
        Rows in the order of time.
    window : Window
        At least ``LEAST_ROWS`` rows; columns may be absent, empty or of another type.
    fingerprint : str
        Of the feature set at training.
    """
    names = tuple(reference.features.columns)
    level = CONTRACT_RATE / (CHECKS * (len(names) + 1))
    tallies = window.tallies or _counted(reference, window)
    found = [*_fingerprint(window, fingerprint), *_scores(reference, window)]
    for name in names:
        found += _column(
            name, reference.features[name], tallies[name], window.features.columns.get(name), level
        )
    return tuple(found)


def _counted(reference: Sample, window: Window) -> Mapping[str, Tally]:
    tallies = {name: Tally(known) for name, known in known_of(reference).items()}
    for name, tally in tallies.items():
        tally.add(window.features.columns.get(name), len(window.scores))
    return tallies


def _column(
    name: str, before: Column, tally: Tally, sample: Column | None, level: float
) -> Iterator[WatchFinding]:
    if tally.absent == tally.rows:
        sentence = f"`{name}` is gone: none of {tally.rows} predictions has such a column"
        yield WatchFinding("MON109", name, 1.0, 0.0, sentence)
        return
    typed = list(_other_type(name, len(before), tally, level))
    yield from typed
    yield from _missing(name, before, tally, level)
    if typed or sample is None or sample.dtype != before.dtype or not tally.given:
        return
    if before.dtype == np.object_:
        yield from _unseen(name, before, tally, level)
        return
    still = list(_standstill(name, before, tally, level))
    unit = [] if still else list(unit_finding(name, before, sample))
    yield from [*still, *unit]
    if not still and not unit:
        yield from _out_of_range(name, before, tally, level)


def _fingerprint(window: Window, fingerprint: str) -> Iterator[WatchFinding]:
    other = sum(rows for given, rows in window.fingerprints.items() if given != fingerprint)
    if other:
        yield WatchFinding(
            "MON106",
            None,
            float(other),
            0.0,
            f"{other} of {window.rows} rows were computed by other feature code than at training",
        )


def _scores(reference: Sample, window: Window) -> Iterator[WatchFinding]:
    known, given = reference.scores, window.scores
    if not len(known) or known.min() < 0 or known.max() > 1:
        return
    outside = float(((given < -SCORES_MAY_PASS) | (given > 1 + SCORES_MAY_PASS) | ~np.isfinite(given)).mean())
    if outside > 0:
        sentence = f"{outside:.0%} of the scores are no probabilities: they lie outside of 0 to 1"
        yield WatchFinding("MON111", None, outside, 0.0, sentence)


def _other_type(name: str, known: int, tally: Tally, level: float) -> Iterator[WatchFinding]:
    share = tally.other_type / tally.rows
    threshold = max(LEAST_DEFECT, most_by_chance(0, known, rows=tally.rows, level=level))
    if share > threshold:
        what, instead = ("a number", "text") if tally.known.number else ("a category", "numbers")
        sentence = f"`{name}` is {what} in training and came as {instead} in {share:.0%} of the rows"
        yield WatchFinding("MON110", name, share, threshold, sentence)


def _missing(name: str, before: Column, tally: Tally, level: float) -> Iterator[WatchFinding]:
    was = _absent(before)
    chance = most_by_chance(int(was.sum()), len(before), rows=tally.rows, level=level)
    missing, usual = (tally.missing + tally.absent) / tally.rows, float(was.mean())
    # A column that is gone altogether is broken however often it was missing before, chance permitting.
    threshold = chance if missing == 1.0 else max(chance, usual + MISSING_RISE)
    if missing > threshold:
        sentence = f"`{name}` is missing in {missing:.0%} of the rows, in training in {usual:.0%}"
        yield WatchFinding("MON101", name, missing, threshold, sentence)


def _unseen(name: str, before: Categories, tally: Tally, level: float) -> Iterator[WatchFinding]:
    known = Counter(value for value in before.tolist() if value is not None)
    if not known:
        return
    new = tally.unseen
    share = (new.total() + tally.unseen_rest) / tally.given
    least = _least_unseen(new, known, slow=moves_slowly(before))
    # Levels seen once tell how often the next row brings one never seen (Good and Turing).
    once = sum(count == 1 for count in known.values())
    threshold = max(least, most_by_chance(once, known.total(), rows=tally.given, level=level))
    if share > threshold:
        sample = ", ".join(sorted(new)[:3])[:100]
        sentence = f"`{name}` has values never seen in training in {share:.0%} of the rows, such as {sample}"
        yield WatchFinding("MON102", name, share, threshold, sentence)


def _least_unseen(new: Counter[str], known: Counter[str], *, slow: bool) -> float:
    """Return the share of unseen values above which they are another spelling, not a new part of the world.

    Half, where they differ from known ones in case and blanks only, or mean "missing". Nearly all, where as
    many new ones appear at once as a changed encoding would bring; never in a column such as the month. One
    new source of leads may take most rows and is no defect.
    """
    plain = {value.strip().casefold() for value in known} | _WORDS_FOR_MISSING
    alike = sum(count for value, count in new.items() if value.strip().casefold() in plain)
    if 2 * alike > new.total():
        return 0.5
    common_new = sum(count >= 0.01 * new.total() for count in new.values())
    common_known = sum(count >= 0.01 * known.total() for count in known.values())
    return 0.95 if not slow and common_new >= 2 and 2 * common_new >= common_known else 1.0


def _standstill(name: str, before: Column, tally: Tally, level: float) -> Iterator[WatchFinding]:
    known = before[~np.isnan(before)]
    if tally.low != tally.high or not len(known) or (known == known[0]).all():
        return
    same = int((known == tally.low).sum())
    threshold = most_by_chance(same, len(known), rows=tally.given, level=level)
    if threshold < 1.0 and not moves_slowly(known):
        sentence = (
            f"`{name}` is {tally.low:g} in all of {tally.given} rows, in training in {same / len(known):.0%}"
        )
        yield WatchFinding("MON103", name, 1.0, threshold, sentence)


def _out_of_range(name: str, before: Column, tally: Tally, level: float) -> Iterator[WatchFinding]:
    share = tally.outside / tally.given
    threshold = max(LEAST_DEFECT, most_by_chance(0, len(before), rows=tally.given, level=level))
    if share > threshold:
        known = before[~np.isnan(before)]
        sentence = (
            f"`{name}` is out of range in {share:.0%} of the rows: they go from {tally.low:g} to "
            f"{tally.high:g}, in training from {known.min():g} to {known.max():g}"
        )
        yield WatchFinding("MON111", name, share, threshold, sentence)


def _absent(values: Column) -> Column:
    if values.dtype == np.object_:
        return np.array([value is None for value in values], dtype=bool)
    absent: Column = np.isnan(values)
    return absent
