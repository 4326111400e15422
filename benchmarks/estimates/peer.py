"""NannyML, asked in an environment of its own: it wants another XGBoost than we do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.estimates.worlds import Case
from benchmarks.serve.environments import python_with
from estate.core.errors import StackError
from estate.core.frame import Numbers

PEERS = Path(__file__).parent / "peers"
_SECONDS = 600


def nannyml_python() -> Path:
    """Return the Python that has NannyML; it is installed at the first use.

    Raises
    ------
    StackError
        If it can't be installed.
    """
    return python_with("nannyml", PEERS / "nannyml.txt")


def ask(python: Path, case: Case) -> Mapping[str, Numbers]:
    """Return NannyML's estimate of each window, by metric.

    Raises
    ------
    StackError
        If it fails; with its last words.
    """
    import pandas as pd

    with TemporaryDirectory() as folder:
        reference = pd.DataFrame({"p": case.reference.p, "y": case.reference.y.astype(int)})
        windows = pd.DataFrame({"p": np.concatenate([window.p for window in case.windows])})
        for name, table in (("reference", reference), ("windows", windows)):
            table["label"] = (table["p"] >= 0.5).astype(int)
            table.to_csv(Path(folder) / f"{name}.csv", index=False)
        command = [str(python), str(PEERS / "nannyml_cbpe.py"), folder, str(len(case.windows[0].p))]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if ran.returncode:
        last = (ran.stderr.strip() or "nothing").splitlines()[-1]
        raise StackError("NannyML", expected="estimates", got=last)
    found = json.loads(ran.stdout.strip().splitlines()[-1])
    return {name: np.array(values, dtype=np.float64) for name, values in found.items()}
