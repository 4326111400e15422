"""One training is one version, whatever happens on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from estate.core.errors import ArtifactError, RegistryError
from estate.core.settings import Settings
from estate.store.database import Database
from estate.training.card import CALIBRATION_PLOT
from model_registry import Registered, Registry, connect, fetch_bundle, register, stage
from tests.model_registry.conftest import COLUMNS, MODEL, Registering, artifacts, registration

ROOT = Path(__file__).parent.parent.parent


def test_same_training_key_is_the_same_version(
    registry: Registry, database: Database, tmp_path: Path
) -> None:
    wanted = registration(tmp_path, "k1")
    first = register(registry, database, wanted)
    assert register(registry, database, wanted) == first
    assert versions(registry) == [first.version]


def test_run_shows_params_metrics_data_and_card(
    registry: Registry, database: Database, tmp_path: Path
) -> None:
    registered = register(registry, database, registration(tmp_path, "k1"))
    run = registry.client.get_run(registered.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"depth": "4"}
    assert run.data.metrics == {"log_loss": 0.3}
    assert run.data.tags["data_fingerprint"] == "f" * 64
    assert run.inputs is not None
    assert run.inputs.dataset_inputs[0].dataset.name == "crm"
    assert {file.path for file in registry.client.list_artifacts(registered.run_id)} == {
        "model",
        "model_card.md",
    }


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame([[1.0, 2.0, 3.0], [4.0, 5.0, np.nan]], columns=list(COLUMNS)),
        pd.DataFrame([[3, 1, 2]], columns=["budget", "visits", "calls"]),
        np.asarray([[1, 2, 3]], np.float32),
        np.asarray([[1, 2, 3]], np.float64),
        [{"visits": 1, "calls": 2, "budget": 3}],
    ],
)
def test_pyfunc_answers_frames_by_name_and_matrices(
    registry: Registry, database: Database, tmp_path: Path, rows: object
) -> None:
    model = _loaded(registry, database, tmp_path)
    expected = 1 / (1 + np.exp(-(0.5 * 1 - 1.0 * 2 + 0.25 * 3)))
    scores = model.predict(rows)
    assert list(scores.columns) == ["score"]
    assert scores["score"].iloc[0] == pytest.approx(expected, abs=1e-6)


def test_pyfunc_names_missing_columns(registry: Registry, database: Database, tmp_path: Path) -> None:
    model = _loaded(registry, database, tmp_path)
    with pytest.raises(ValueError, match=r"missing columns \['calls', 'budget'\]"):
        model.predict(pd.DataFrame({"visits": [1.0]}))


def test_signature_names_the_columns(registry: Registry, database: Database, tmp_path: Path) -> None:
    schema = _loaded(registry, database, tmp_path).metadata.get_input_schema()
    assert schema.input_names() == list(COLUMNS)


def _loaded(registry: Registry, database: Database, tmp_path: Path):  # type: ignore[no-untyped-def]
    import mlflow

    version = register(registry, database, registration(tmp_path, "k1")).version
    registry.client.set_registered_model_alias(MODEL, "production", version)
    mlflow.set_tracking_uri(registry.uri)
    mlflow.set_registry_uri(registry.uri)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mlflow.pyfunc.load_model(f"models:/{MODEL}@production")


def test_files_that_are_not_the_judged_ones_are_refused(
    registry: Registry, database: Database, tmp_path: Path
) -> None:
    wanted = replace(registration(tmp_path, "k1"), artifacts_digest="0" * 64)
    with pytest.raises(ArtifactError, match="expected digest 0000"):
        register(registry, database, wanted)


def test_two_at_once_make_one_version(registry: Registry, database: Database, tmp_path: Path) -> None:
    wanted = registration(tmp_path, "k1")
    got: list[Registered] = []
    threads = [
        threading.Thread(target=lambda: got.append(register(registry, database, wanted))) for _ in "12"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 2
    assert len(set(got)) == 1
    assert versions(registry) == [got[0].version]


# Each stops for ever at one moment of the registration and says so.
MOMENTS = {
    "run made": "model_registry.run_log.log_run",
    "files uploaded": "mlflow.MlflowClient.log_artifacts",
    "version made": "mlflow.MlflowClient.create_model_version",
}
CHILD = """
import sys, time, importlib
from pathlib import Path
from estate.store.database import Database
from model_registry import Registry, register, registration as module
from tests.model_registry.conftest import registration
owner, name = sys.argv[4].rsplit('.', 1)
if owner == 'mlflow.MlflowClient':
    import mlflow
    target = mlflow.MlflowClient
elif owner == 'model_registry.run_log':
    target = module
else:
    target = importlib.import_module(owner)
real = getattr(target, name)
def stop(*args, **kwargs):
    real(*args, **kwargs)
    print('reached', flush=True)
    time.sleep(600)
setattr(target, name, stop)
register(Registry(sys.argv[1]), Database(sys.argv[2]), registration(Path(sys.argv[3]), 'k1'))
"""


@pytest.mark.thorough
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_and_run_again_makes_one_version(
    registry: Registry, database: Database, tmp_path: Path, moment: str
) -> None:
    arguments = [registry.uri, database.url, str(tmp_path), MOMENTS[moment]]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "reached"
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()

    registered = register(registry, database, registration(tmp_path, "k1"))
    assert versions(registry) == [registered.version]
    experiment = registry.client.get_experiment_by_name(MODEL)
    assert experiment is not None
    statuses = sorted(run.info.status for run in registry.client.search_runs([experiment.experiment_id]))
    assert statuses == (["FINISHED"] if moment == "version made" else ["FINISHED", "KILLED"])


def test_fetched_bundle_is_whole_and_fetched_once(
    registry: Registry, made: Registering, tmp_path: Path
) -> None:
    version = made("k1")
    folder = fetch_bundle(registry, MODEL, version, tmp_path / "served" / version)
    assert {path.name for path in folder.iterdir()} >= {"model.onnx", "manifest.json", "golden.json"}
    away = Registry("http://127.0.0.1:9")
    assert fetch_bundle(away, MODEL, version, folder) == folder


def test_a_broken_copy_is_fetched_again(registry: Registry, made: Registering, tmp_path: Path) -> None:
    version = made("k1")
    folder = fetch_bundle(registry, MODEL, version, tmp_path / "served")
    (folder / "model.onnx").write_bytes(b"broken")
    fetch_bundle(registry, MODEL, version, folder)
    assert (folder / "model.onnx").stat().st_size > 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "golden.json").write_text("{}"), r"golden\.json.*expected sha256"),
        (lambda folder: (folder / "golden.json").unlink(), r"golden\.json.*no such file"),
        (lambda folder: (folder / "more.bin").write_text("x"), r"more\.bin.*not in the manifest"),
    ],
)
def test_changed_artifacts_are_refused(
    registry: Registry,
    made: Registering,
    tmp_path: Path,
    change: Callable[[Path], object],
    message: str,
) -> None:
    version = made("k1")
    change(artifacts(registry, version))
    with pytest.raises(ArtifactError, match=message):
        fetch_bundle(registry, MODEL, version, tmp_path / "served")
    assert not (tmp_path / "served").exists()


def test_a_version_without_bundle_says_so(registry: Registry, made: Registering, tmp_path: Path) -> None:
    made("k1")
    registry.client.create_model_version(MODEL, source=str(tmp_path / "elsewhere"))
    with pytest.raises(ArtifactError, match="Only versions that Leadloop registered"):
        fetch_bundle(registry, MODEL, "2", tmp_path / "served")


def test_staging_shows_alias_and_stage(registry: Registry, made: Registering) -> None:
    stage(registry, MODEL, made("k1"))
    stage(registry, MODEL, made("k2"))
    assert registry.client.get_registered_model(MODEL).aliases == {"staging": 2}
    stages = [registry.client.get_model_version(MODEL, version).current_stage for version in "12"]
    assert stages == ["Archived", "Staging"]


def test_a_registry_that_is_away_is_one_clear_sentence() -> None:
    began = time.monotonic()
    with pytest.raises(RegistryError, match=r"http://127\.0\.0\.1:9 .*Is it running"):
        stage(connect(Settings(mlflow_url="http://127.0.0.1:9")), MODEL, "1")
    assert time.monotonic() - began < 20


def versions(registry: Registry) -> list[str]:
    return [str(shown.version) for shown in registry.client.search_model_versions(f"name = '{MODEL}'")]


def test_model_folder_pins_its_requirements(registry: Registry, made: Registering) -> None:
    folder = artifacts(registry, made("k1")).parent
    assert all("==" in line for line in (folder / "requirements.txt").read_text().split())
    assert json.loads((folder / "bundle" / "manifest.json").read_text())


def test_the_card_shows_the_plot_of_its_run(registry: Registry, database: Database, tmp_path: Path) -> None:
    """MLflow's page finds it without a host: the browser test looks at the picture itself."""
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "calibration.png").write_bytes(b"png")
    card = f"# Card\n\n![calibration]({CALIBRATION_PLOT})\n\nEnd."
    wanted = replace(registration(tmp_path, "k1"), description=card, plots=tmp_path / "plots")
    made = register(registry, database, wanted)
    shown = registry.client.get_model_version(MODEL, made.version).description
    assert f"![calibration](get-artifact?path=plots%2Fcalibration.png&run_uuid={made.run_id})" in str(shown)
    assert [file.path for file in registry.client.list_artifacts(made.run_id, "plots")] == [
        "plots/calibration.png"
    ]


def test_a_card_without_a_plot_shows_none(registry: Registry, database: Database, tmp_path: Path) -> None:
    card = f"# Card\n\n![calibration]({CALIBRATION_PLOT})\n\nEnd."
    made = register(registry, database, replace(registration(tmp_path, "k1"), description=card))
    assert registry.client.get_model_version(MODEL, made.version).description == "# Card\n\n\nEnd."
