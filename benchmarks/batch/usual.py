"""``python -m benchmarks.batch.usual TRAINING SOURCE TARGET``: pandas and scikit-learn, the usual way.

The same estimator behind a one-hot encoder, the file read whole, scored and written by pandas.
"""

from __future__ import annotations

import json
import sys
import time

from benchmarks.batch.peak import peak_mb
from benchmarks.batch.table import CATEGORIES, NUMBERS, xgboost


def main() -> None:
    """Print rows, seconds and the peak of memory."""
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    training, source, target = sys.argv[1:]
    learned = pd.read_parquet(training)
    columns = [*NUMBERS, *CATEGORIES]
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), list(CATEGORIES)), remainder="passthrough"
    )
    model = make_pipeline(encoder, xgboost(0)).fit(learned[columns], learned["converted"])
    began = time.perf_counter()
    rows = pd.read_parquet(source)
    rows["score"] = model.predict_proba(rows[columns])[:, 1]
    rows.to_parquet(target)
    seconds = time.perf_counter() - began
    print(json.dumps({"rows": len(rows), "seconds": seconds, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
