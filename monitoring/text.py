"""Do leads write of other things than they did? Words are counted as hashes, and no text is kept or shown.

A row is one lead: what it wrote in the time, as a vector of 4,096 hashed word counts of length 1. The
distance of two samples is that of their mean vectors (a two-sample test with a linear kernel); its null
distribution are the same leads put into the two samples at random, at the sizes that these really have.

References
----------
.. [1] A. Gretton et al., "A kernel two-sample test", Journal of Machine Learning Research 13, 2012.
.. [2] K. Weinberger et al., "Feature hashing for large scale multitask learning", ICML 2009.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.store.watch_passes import WatchFinding
from monitoring.tail import quantile_far_out, share_far_out

BUCKETS = 4_096
LEAST_LEADS = 30
MOST_LEADS = 1_500
DRAWS = 2_000
LEAST_EFFECT = 0.05
"""Distance of the mean vectors, chance taken off, that is let pass."""
_WORD = re.compile(r"[^\W\d_]{2,}")


def word_counts(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return hashed word counts, each row of length 1 (or 0 where there is no word); shape (texts, 4096).

    Examples
    --------
    >>> counts = word_counts(["A garden, a garden!", "garden", "42"])
    >>> bool((counts[0] == counts[1]).all()), counts[2].sum().item()
    (True, 0.0)
    """
    counts = np.zeros((len(texts), BUCKETS), dtype=np.float32)
    for row, text in zip(counts, texts, strict=True):
        for word, times in Counter(_WORD.findall(text.casefold())).items():
            row[zlib.crc32(word.encode()) % BUCKETS] += np.log1p(times)
    lengths = np.linalg.norm(counts, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (counts / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    return scaled


def text_findings(
    before: Sequence[str], now: Sequence[str], *, rate: float, seed: int = 0
) -> Iterator[WatchFinding]:
    """Yield MON203 if what leads write moved.

    Parameters
    ----------
    before, now : sequence of str
        What each lead wrote; too few leads are not judged.
    rate : float
        False-alarm rate, in (0, 1).
    """
    if min(len(before), len(now)) < LEAST_LEADS:
        return
    before, now = before[:MOST_LEADS], now[:MOST_LEADS]
    counts = word_counts([*before, *now])
    alike = (counts @ counts.T).astype(np.float64)
    draws = _draws(alike, len(now), seed)
    measured = _squares(alike, _signs(np.arange(len(before), len(alike)), len(alike)))[0]
    threshold = quantile_far_out(draws, rate)
    distance = float(np.sqrt(max(0.0, measured - draws.mean())))
    if share_far_out(draws, float(measured)) <= rate and distance > LEAST_EFFECT:
        least = max(LEAST_EFFECT, float(np.sqrt(max(0.0, threshold - draws.mean()))))
        sentence = (
            f"what leads write moved: the words of {len(now)} leads lie {distance:.2f} from those of "
            f"{len(before)} leads of the training's time, chance stays below about {least:.2f}"
        )
        yield WatchFinding("MON203", None, distance, least, sentence)


def _draws(alike: Numbers, rows: int, seed: int) -> Numbers:
    random = np.random.default_rng(seed)
    chosen = np.stack([random.permutation(len(alike))[:rows] for _ in range(DRAWS)])
    return _squares(alike, _signs(chosen, len(alike)))


def _signs(chosen: NDArray[np.int64], rows: int) -> Numbers:
    """Return the weight of each row in "mean of the chosen less mean of the rest"; shape (draws, rows)."""
    chosen = np.atleast_2d(chosen)
    size = chosen.shape[1]
    signs = np.full((len(chosen), rows), -1.0 / (rows - size))
    np.put_along_axis(signs, chosen, 1.0 / size, axis=1)
    return signs


def _squares(alike: Numbers, signs: Numbers) -> Numbers:
    squares: Numbers = ((signs @ alike) * signs).sum(axis=1)
    return squares
