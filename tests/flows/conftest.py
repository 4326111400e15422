"""A model of the tests' own on the running stack."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from estate.core.clock import now
from estate.core.settings import Settings
from estate.store import training_requests
from estate.store.database import Database
from tests.flows.training_process import TrainingProcess, training_process
from tests.specs import write_homes

MODEL_FILE = '''"""Small; every version passes its margin, so each training is promoted by policy."""

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import Gate, ModelSpec, Policy, TableSource, Task, TrainingRules


def estimator(seed):
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    return make_pipeline(SimpleImputer(), Ridge())


SPEC = ModelSpec(
    name="NAME",
    purpose="Days until a home sells.",
    task=Task.REGRESSION,
    source=TableSource(path="NAME.csv", label="days", entity="home_id", time="listed_at"),
    features=FeatureSet(numbers=("rooms",), categories=("area",)),
    estimator=estimator,
    gate=Gate(metric="mae", margin=-100.0, holdout_rows=20, holdout_uses=100),
    policy=Policy.AUTOMATIC,
    schedule=None,
    training=TrainingRules(cool_down_days=0, most_per_day=1000),
)
'''


def put_model(stack: Settings, name: str, *, rows: int = 200) -> str:
    """Write a model file and its data where the stack looks for them; returns the name."""
    (folder,) = stack.models
    folder.mkdir(exist_ok=True)
    write_homes(folder / f"{name}.csv", rows=rows)
    (folder / f"{name}.py").write_text(MODEL_FILE.replace("NAME", name))
    return name


def asked(database: Database, model: str) -> str:
    """Write a request for a training."""
    with database.begin() as connection:
        # A moment of its own: else it would be merged with another one that waits.
        made = training_requests.request_training(
            connection, model, cause="person", detail="test", as_of=now(), dedupe_key=str(uuid.uuid4())
        )
    assert made.state == "waiting"
    return made.request_id


@pytest.fixture(scope="session")
def stack_database(stack: Settings) -> Database:
    """Return the stack's own database."""
    return Database(stack.endpoint("database_url"))


@pytest.fixture(scope="session")
def trainings(stack: Settings) -> Iterator[TrainingProcess]:
    """Return a process that trains."""
    with training_process(stack) as made:
        yield made
