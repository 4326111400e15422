"""Is the data itself whole? Broken data is an incident; a model trained on it would learn the defect.

Each check asks for a defect that is large *and* far outside chance at the window's size, so that real change
(a new source of leads, a market that turned) is left to :mod:`monitoring.drift`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from estate.core.frame import Categories, Column, Numbers
from estate.store.watch_passes import WatchFinding
from monitoring.chance import most_by_chance
from monitoring.drift import Sample
from monitoring.pace import moves_slowly
from monitoring.window import Window

LEAST_ROWS = 30
"""Fewer rows in window or reference can't be judged."""
CONTRACT_RATE = 0.001
"""False-alarm rate of all contract checks of a pass together."""
MISSING_RISE = 0.2
"""A missing share must have risen by more than this, unless all rows are missing."""
FACTOR = 10.0
"""The middle of the window so many times beyond the 5-95 % range of the reference: another unit."""
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
        At least ``LEAST_ROWS`` rows with the same columns.
    fingerprint : str
        Of the feature set at training.
    """
    names = tuple(reference.features.columns)
    level = CONTRACT_RATE / max(1, len(names))
    found = list(_fingerprint(window, fingerprint))
    for name in names:
        before, now = reference.features[name], window.features[name]
        found += _missing(name, before, now, level)
        if before.dtype == np.object_:
            found += _unseen(name, before, now, level)
        else:
            found += _standstill(name, before, now, level)
            found += _unit(name, before, now)
    return tuple(found)


def _fingerprint(window: Window, fingerprint: str) -> Iterator[WatchFinding]:
    other = sum(given != fingerprint for given in window.fingerprints)
    if other:
        yield WatchFinding(
            "MON106",
            None,
            float(other),
            0.0,
            f"{other} of {window.rows} rows were computed by other feature code than at training",
        )


def _missing(name: str, before: Column, now: Column, level: float) -> Iterator[WatchFinding]:
    was, share = _absent(before), _absent(now)
    chance = most_by_chance(int(was.sum()), len(before), rows=len(now), level=level)
    missing, usual = float(share.mean()), float(was.mean())
    # A column that is gone altogether is broken however often it was missing before, chance permitting.
    threshold = chance if missing == 1.0 else max(chance, usual + MISSING_RISE)
    if missing > threshold:
        sentence = f"`{name}` is missing in {missing:.0%} of the rows, in training in {usual:.0%}"
        yield WatchFinding("MON101", name, missing, threshold, sentence)


def _unseen(name: str, before: Categories, now: Categories, level: float) -> Iterator[WatchFinding]:
    known = Counter(value for value in before.tolist() if value is not None)
    given = Counter(value for value in now.tolist() if value is not None)
    if not known or not given:
        return
    new = Counter({value: count for value, count in given.items() if value not in known})
    share = new.total() / given.total()
    least = _least_unseen(new, known, slow=moves_slowly(before))
    # Levels seen once tell how often the next row brings one never seen (Good and Turing).
    once = sum(count == 1 for count in known.values())
    threshold = max(least, most_by_chance(once, known.total(), rows=given.total(), level=level))
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


def _standstill(name: str, before: Numbers, now: Numbers, level: float) -> Iterator[WatchFinding]:
    known, given = before[~np.isnan(before)], now[~np.isnan(now)]
    if not len(given) or (given != given[0]).any() or not len(known) or (known == known[0]).all():
        return
    same = int((known == given[0]).sum())
    threshold = most_by_chance(same, len(known), rows=len(given), level=level)
    if threshold < 1.0 and not moves_slowly(known):
        sentence = (
            f"`{name}` is {given[0]:g} in all of {len(given)} rows, in training in {same / len(known):.0%}"
        )
        yield WatchFinding("MON103", name, 1.0, threshold, sentence)


def _unit(name: str, before: Numbers, now: Numbers) -> Iterator[WatchFinding]:
    known, given = np.abs(before[~np.isnan(before)]), np.abs(now[~np.isnan(now)])
    if not len(known) or len(given) < LEAST_ROWS:
        return
    low, high = np.quantile(known, [0.05, 0.95])
    middle = float(np.median(given))
    if high > 0 and not low / FACTOR <= middle <= high * FACTOR and not moves_slowly(before):
        threshold = float(high * FACTOR if middle > high else low / FACTOR)
        sentence = (
            f"`{name}` is of another size: its middle is {middle:g}, in training 90 % of the rows lay "
            f"between {low:g} and {high:g}; has the unit changed?"
        )
        yield WatchFinding("MON103", name, middle, threshold, sentence)


def _absent(values: Column) -> Column:
    if values.dtype == np.object_:
        return np.array([value is None for value in values], dtype=bool)
    absent: Column = np.isnan(values)
    return absent
