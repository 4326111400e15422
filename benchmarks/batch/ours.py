"""``python -m benchmarks.batch.ours BUNDLE SOURCE TARGET WORKERS``: one run in a process of its own."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.batch.model import open_served
from benchmarks.batch.peak import peak_mb
from serving.batch import BatchOptions, score_rows


def main() -> None:
    """Print rows, seconds and the peak of memory."""
    bundle, source, target, workers = sys.argv[1:]
    served = open_served(Path(bundle))
    began = time.perf_counter()
    done = score_rows(served, Path(source), Path(target), BatchOptions(workers=int(workers)))
    seconds = time.perf_counter() - began
    print(json.dumps({"rows": done.rows, "seconds": seconds, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
