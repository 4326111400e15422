"""Which estimators can be exported exactly, and which are refused: the lists of docs/models.md, tried."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier

from estate.core.errors import LeadloopError
from estate.core.model_spec import ModelSpec
from estate.training.bundling import write_bundle
from estate.training.export import TOLERANCE
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.split import Split, split_by_time
from tests.conftest import ROOT
from tests.specs import band_spec, days_spec, home_spec, write_homes

PARTS = [("l", LogisticRegression(max_iter=1000)), ("r", RandomForestClassifier(20, random_state=0))]
NUMBERS = [("l", Ridge()), ("r", RandomForestRegressor(20, random_state=0))]


def filled(*steps: Any) -> Any:
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), *steps)


def scaled(*steps: Any) -> Any:
    return filled(StandardScaler(), *steps)


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "LogisticRegression": lambda: scaled(LogisticRegression()),
    "SGDClassifier": lambda: scaled(SGDClassifier(loss="log_loss", random_state=0)),
    "DecisionTreeClassifier": lambda: filled(DecisionTreeClassifier(max_depth=5, random_state=0)),
    "RandomForestClassifier": lambda: filled(RandomForestClassifier(200, random_state=0)),
    "ExtraTreesClassifier": lambda: filled(ExtraTreesClassifier(100, random_state=0)),
    "GradientBoostingClassifier": lambda: filled(GradientBoostingClassifier(random_state=0)),
    "AdaBoostClassifier": lambda: filled(AdaBoostClassifier(random_state=0)),
    "BaggingClassifier": lambda: filled(BaggingClassifier(random_state=0)),
    "XGBClassifier": lambda: XGBClassifier(n_estimators=100, max_depth=4, random_state=0),
    "VotingClassifier": lambda: filled(VotingClassifier(PARTS, voting="soft", flatten_transform=False)),
    "StackingClassifier": lambda: filled(StackingClassifier(PARTS, cv=3)),
    "MLPClassifier": lambda: scaled(MLPClassifier((8,), random_state=0, max_iter=500)),
    "SVC": lambda: scaled(SVC(probability=True, random_state=0)),
    "GaussianNB": lambda: filled(GaussianNB()),
    "CalibratedClassifierCV": lambda: filled(
        CalibratedClassifierCV(RandomForestClassifier(20, random_state=0))
    ),
    "GridSearchCV": lambda: scaled(GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]})),
}
REGRESSORS: dict[str, Callable[[], Any]] = {
    "LinearRegression": lambda: filled(LinearRegression()),
    "Ridge": lambda: scaled(Ridge()),
    "Lasso": lambda: scaled(Lasso(0.01)),
    "ElasticNet": lambda: scaled(ElasticNet(0.01)),
    "HuberRegressor": lambda: scaled(HuberRegressor()),
    "PoissonRegressor": lambda: scaled(PoissonRegressor()),
    "RandomForestRegressor": lambda: filled(RandomForestRegressor(100, random_state=0)),
    "ExtraTreesRegressor": lambda: filled(ExtraTreesRegressor(100, random_state=0)),
    "GradientBoostingRegressor": lambda: filled(GradientBoostingRegressor(random_state=0)),
    "XGBRegressor": lambda: XGBRegressor(n_estimators=100, max_depth=4, random_state=0),
    "VotingRegressor": lambda: filled(VotingRegressor(NUMBERS)),
    "StackingRegressor": lambda: filled(StackingRegressor(NUMBERS, cv=3)),
    "MLPRegressor": lambda: scaled(MLPRegressor(hidden_layer_sizes=(8,), random_state=0, max_iter=500)),
    "SVR": lambda: scaled(SVR()),
}
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "HistGradientBoostingClassifier": (HistGradientBoostingClassifier, "one that can be exported to ONNX"),
    "XGBRFClassifier": (lambda: XGBRFClassifier(n_estimators=20), "one that can be exported to ONNX"),
    "FunctionTransformer": (
        lambda: filled(FunctionTransformer(abs), LogisticRegression(max_iter=1000)),
        "one that can be exported to ONNX",
    ),
    "VotingClassifier": (
        lambda: filled(VotingClassifier(PARTS, voting="soft")),
        "flatten_transform==True is not implemented",
    ),
    "StandardScaler": (
        lambda: make_pipeline(StandardScaler(), XGBClassifier(n_estimators=100, max_depth=4)),
        "Scale no inputs of tree models",
    ),
    "KNeighborsClassifier": (lambda: scaled(KNeighborsClassifier(15)), "ai.onnx.Scan"),
    "LinearDiscriminantAnalysis": (lambda: scaled(LinearDiscriminantAnalysis()), "got a difference of"),
    "LinearSVC": (lambda: scaled(LinearSVC()), "with predict_proba, got Pipeline that ends in LinearSVC"),
    "LogisticRegression": (LogisticRegression, "put an imputer in front"),
}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_homes(tmp_path_factory.mktemp("homes") / "homes.csv", rows=1200)


@pytest.fixture(scope="module")
def parts(homes: Path) -> dict[str, Split]:
    """Return the split rows of each task."""
    return {
        spec.name: split_by_time(spec, extract(spec, None, as_of=datetime.now(UTC)))
        for spec in (home_spec(homes), days_spec(homes), band_spec(homes))
    }


def exported(spec: ModelSpec, make: Callable[[], Any], parts: dict[str, Split], folder: Path) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations of scikit-learn and the converters, many and their own
        trained = fit(replace(spec, estimator=lambda seed: make()), parts[spec.name])
        return write_bundle(trained, parts[spec.name], folder)[1]


@pytest.mark.thorough
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_are_exported_exactly(
    name: str, homes: Path, parts: dict[str, Split], tmp_path: Path
) -> None:
    assert exported(home_spec(homes), CLASSIFIERS[name], parts, tmp_path) <= TOLERANCE


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["RandomForestClassifier", "XGBClassifier", "MLPClassifier", "SVC"])
def test_classifiers_of_three_classes_are_exported_exactly(
    name: str, homes: Path, parts: dict[str, Split], tmp_path: Path
) -> None:
    assert exported(band_spec(homes), CLASSIFIERS[name], parts, tmp_path) <= TOLERANCE


@pytest.mark.thorough
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_are_exported_exactly(
    name: str, homes: Path, parts: dict[str, Split], tmp_path: Path
) -> None:
    assert exported(days_spec(homes), REGRESSORS[name], parts, tmp_path) <= TOLERANCE


@pytest.mark.thorough
@pytest.mark.parametrize("name", REFUSED)
def test_others_are_refused_in_one_sentence(
    name: str, homes: Path, parts: dict[str, Split], tmp_path: Path
) -> None:
    make, said = REFUSED[name]
    with pytest.raises(LeadloopError, match=re.escape(said)) as raised:
        exported(home_spec(homes), make, parts, tmp_path)
    assert "\n" not in str(raised.value)


def test_the_docs_name_exactly_these() -> None:
    text = (ROOT / "docs" / "models.md").read_text()
    tables = re.findall(r"^\| exported exactly \|(.*)\|$|^\| refused \| `?(\w+)", text, re.MULTILINE)
    exact = {name for line, _ in tables for name in re.findall(r"`(\w+)", line)}
    assert exact == {*CLASSIFIERS, *REGRESSORS}
    assert {name for _, name in tables if name} == set(REFUSED)
