"""Run with a folder and a size of segments: keeps answers and tells their ids, until it is killed."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from serving.metrics import Metrics
from serving.prediction_log import Limits, PredictionLog
from tests.serving.journal.answers import answered


def main() -> None:
    log = PredictionLog(
        Path(sys.argv[1]),
        Metrics(),
        address=lambda: "",
        ship=False,
        limits=Limits(segment_bytes=int(sys.argv[2])),
    )

    def write() -> None:
        while True:
            for count in (1, 7, 64, 700):
                rows = answered(count)
                log.put(rows)
                os.write(1, "".join(f"{id_}\n" for id_ in rows.ids).encode())  # acknowledged

    for _ in range(2):
        threading.Thread(target=write).start()


if __name__ == "__main__":
    main()
