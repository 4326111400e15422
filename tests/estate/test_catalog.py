"""Model files of the user's own, and the mistakes that are made in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from estate.catalog import OWN, Catalog, load_specs
from estate.core.errors import SpecError
from estate.core.model_spec import TableSource

GOOD = """
from estate.core.feature_set import FeatureSet
from estate.core.model_spec import *

def estimator(seed):
    raise NotImplementedError

FEATURES = FeatureSet(numbers=("rooms",), categories=("area",))
SOURCE = TableSource(path="homes.csv", label="sold", positive="yes", time="listed_at")

SPEC = ModelSpec(
    name="NAME", purpose="A test.", task=Task.BINARY, source=SOURCE, features=FEATURES, estimator=estimator,
)
"""


def write(folder: Path, name: str = "home", *changes: tuple[str, str]) -> Path:
    text = GOOD.replace("NAME", name)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = folder / f"{name}.py"
    file.write_text(text)
    return file


def test_models_are_found_beside_the_platforms_own(tmp_path: Path) -> None:
    write(tmp_path, "one")
    (tmp_path / "two").mkdir()
    write(tmp_path / "two", "model")
    write(tmp_path, "_draft")
    assert set(Catalog([tmp_path]).names()) == {*(spec.name for spec in OWN), "one", "model"}


def test_a_file_that_appears_later_is_found_when_it_is_asked_for(tmp_path: Path) -> None:
    catalog = Catalog([tmp_path / "models"])
    assert len(catalog.names()) == len(OWN)
    (tmp_path / "models").mkdir()
    write(tmp_path / "models")
    assert catalog.get("home").name == "home"


def test_a_changed_file_is_read_as_it_is_now_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = write(tmp_path)
    assert load_specs(file)[0].purpose == "A test."
    before = file.stat()
    write(tmp_path, "home", ("A test.", "B test."))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load_specs(file)[0].purpose == "B test."
    assert list(tmp_path.iterdir()) == [file]


def test_data_lies_beside_the_file(tmp_path: Path) -> None:
    (spec,) = load_specs(write(tmp_path))
    assert isinstance(spec.source, TableSource)
    assert spec.source.path == str(tmp_path / "homes.csv")


@pytest.mark.parametrize("path", ["/data/homes.csv", "${HOMES}/homes.csv", "~/homes.csv"])
def test_other_places_are_left_as_they_are(path: str, tmp_path: Path) -> None:
    (spec,) = load_specs(write(tmp_path, "home", ("homes.csv", path)))
    assert isinstance(spec.source, TableSource)
    assert spec.source.path == path


def test_a_model_of_ours_that_a_file_imports_is_not_its_own(tmp_path: Path) -> None:
    file = write(tmp_path)
    file.write_text(
        "from estate.services.churn.model import SPEC as CHURN\nSAME = CHURN\n" + file.read_text()
    )
    assert [spec.name for spec in load_specs(file)] == ["home"]


MISTAKES = {
    "syntax": (("def estimator(seed):", "def estimator(seed)"), r"home\.py: .*SyntaxError.*line 5"),
    "misspelt": (("FeatureSet(numbers", "FeatureSett(numbers"), r"NameError: .*FeatureSett.*line 8"),
    "import": (
        ("from estate.core.model_spec", "from estate.core.model_specs"),
        r"ModuleNotFoundError.*line 3",
    ),
    "leaves": (("FEATURES =", "exit(3)\nFEATURES ="), r"SystemExit: 3"),
    "no spec": (("SPEC = ModelSpec(", "SPEC = dict("), r"expected a ModelSpec, got none"),
    "argument": (("purpose=", "porpose="), r"unexpected keyword argument 'porpose', line 11"),
    "label": (('numbers=("rooms",)', 'numbers=("rooms", "sold")'), r"Take the label out of the features"),
    "name": (('name="home"', 'name="Home Sale"'), r"lower-case words joined by _, got 'Home Sale'"),
    "no tuple": (('numbers=("rooms",)', 'numbers=("rooms")'), r"expected a tuple, got 'rooms'"),
    "lambda": (('numbers=("rooms",)', "numbers=(lambda rows: rows,)"), r"Write it with `def`"),
    "no features": (
        ('numbers=("rooms",), categories=("area",)', "numbers=(), categories=()"),
        r"one or more features",
    ),
    "task": (("Task.BINARY", "'binary'"), r"`task` of model `home`: expected Task\.BINARY.*got 'binary'"),
    "policy": (("estimator=estimator", "estimator=estimator, policy='automatic'"), r"Policy\.AUTOMATIC"),
    "estimator": (("estimator=estimator", "estimator=FEATURES"), r"a function of a seed"),
    "slices": (("estimator=estimator", "estimator=estimator, gate=Gate(slices=('town',))"), r"slices.*town"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_stops_no_other_model(mistake: str, tmp_path: Path) -> None:
    change, said = MISTAKES[mistake]
    write(tmp_path, "home", change)
    write(tmp_path, "good")
    catalog = Catalog([tmp_path])
    with pytest.raises(SpecError, match=said) as raised:
        catalog.get("home")
    assert "\n" not in str(raised.value)
    assert catalog.get("good").name == "good"
    assert catalog.get("churn").name == "churn"
    assert [str(problem) for problem in catalog.problems()] == [str(raised.value)]


def test_a_mended_file_counts_at_once(tmp_path: Path) -> None:
    catalog = Catalog([tmp_path])
    write(tmp_path, "home", MISTAKES["syntax"][0])
    with pytest.raises(SpecError, match="SyntaxError"):
        catalog.get("home")
    write(tmp_path)
    assert catalog.get("home").name == "home"


def test_a_half_life_needs_a_time(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "home",
        (', time="listed_at"', ""),
        ("estimator=estimator", "estimator=estimator, half_life_days=30"),
    )
    with pytest.raises(SpecError, match="expected a source with `time`"):
        load_specs(file)


def test_two_descriptions_of_one_name_are_named_and_the_first_is_kept(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a_home", ('name="a_home"', 'name="home"')), write(tmp_path)
    catalog = Catalog([tmp_path])
    with pytest.raises(SpecError, match=rf"one description, got two: {first} and {second}"):
        catalog.get("home")
    assert "home" in {spec.name for spec in catalog.specs()}
    second.unlink()
    assert catalog.get("home").name == "home"


def test_a_name_of_ours_is_not_taken_over(tmp_path: Path) -> None:
    write(tmp_path, "churn")
    catalog = Catalog([tmp_path])
    with pytest.raises(SpecError, match="the platform's own and"):
        catalog.get("churn")
    assert all(spec in catalog.specs() for spec in OWN)


def test_a_model_that_is_nowhere_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=rf"got no such name\. Put its file into {tmp_path}"):
        Catalog([tmp_path]).get("home")


def test_a_fingerprint_is_of_the_code_that_was_loaded(tmp_path: Path) -> None:
    computed = ('numbers=("rooms",)', "numbers=(doubled,)")
    function = ("FEATURES =", 'def doubled(rows):\n    return 2 * rows["rooms"]\n\nFEATURES =')
    write(tmp_path, "home", function, computed)
    loaded = Catalog([tmp_path]).get("home")
    write(tmp_path, "home", function, computed, ("2 * rows", "3 * rows"))
    changed = Catalog([tmp_path]).get("home")
    assert loaded.features.fingerprint != changed.features.fingerprint
    write(tmp_path, "home", function, computed)
    assert loaded.features.fingerprint == Catalog([tmp_path]).get("home").features.fingerprint


def test_a_feature_without_source_is_named(tmp_path: Path) -> None:
    imported = ("def estimator", "from numpy import log1p\n\ndef estimator")
    write(tmp_path, "home", imported, ('numbers=("rooms",)', "numbers=(log1p,)"))
    with pytest.raises(SpecError, match="features of model `home`"):
        Catalog([tmp_path]).get("home")
