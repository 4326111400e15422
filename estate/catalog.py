"""Every model by name: the platform's own, and those in the user's model files."""

from __future__ import annotations

import linecache
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from estate.core.errors import LeadloopError, SpecError
from estate.core.model_spec import ModelSpec, TableSource
from estate.core.settings import Settings
from estate.core.training_rules import DEFAULT_RULES, TrainingRules
from estate.services.call_conversion.model import SPEC as CALL_CONVERSION
from estate.services.churn.model import SPEC as CHURN
from estate.services.lead_scoring.dimensions import SPECS as LEAD_DIMENSIONS
from estate.services.lead_scoring.model import SPEC as LEAD_CONVERSION
from estate.services.property_matching.model import SPECS as MATCHING

OWN = (LEAD_CONVERSION, *LEAD_DIMENSIONS, CHURN, CALL_CONVERSION, *MATCHING)


class Catalog:
    """Models by name; a model file that can't be used takes nothing else down.

    Parameters
    ----------
    paths : sequence of Path
        The user's model files, or folders of them: ``*.py`` and ``*/model.py``. A folder that is absent is
        empty.
    """

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        self.paths = tuple(paths)
        self._found: _Found | None = None

    def names(self) -> tuple[str, ...]:
        """Return the names of all models."""
        return tuple(self._look().specs)

    def specs(self) -> tuple[ModelSpec, ...]:
        """Return all models; of two descriptions of one name the first, the platform's own before others."""
        return tuple(self._look().specs.values())

    def problems(self) -> tuple[SpecError, ...]:
        """Return why model files can't be used, one error each."""
        found = self._look()
        return (*found.broken, *found.doubled.values())

    def get(self, name: str) -> ModelSpec:
        """Return a model by name, looking at the user's files again if it is not known yet.

        Raises
        ------
        SpecError
            If there is no such model, two of them, or none and a model file that can't be read.
        """
        if self._found is not None and (name not in self._found.specs or name in self._found.doubled):
            self._found = None
        found = self._look()
        if name in found.doubled:
            raise found.doubled[name]
        if name not in found.specs:
            raise self._unknown(name, found)
        return found.specs[name]

    def training_rules(self, name: str) -> TrainingRules:
        """Return what a model's trainings respect; the default for one that can't be read."""
        try:
            return self.get(name).training
        except SpecError:  # its run will say so
            return DEFAULT_RULES

    def _unknown(self, name: str, found: _Found) -> SpecError:
        unread = sorted(found.broken, key=lambda error: name not in error.what)
        if unread:
            return unread[0]
        return SpecError(
            f"model `{name}`",
            expected=f"one of {', '.join(found.specs)}",
            got="no such name",
            todo=f"Put its file into {' or '.join(map(str, self.paths)) or 'a folder of LEADLOOP_MODELS'}.",
        )

    def _look(self) -> _Found:
        if self._found is None:
            self._found = _find(self.paths)
        return self._found


@dataclass(frozen=True)
class _Found:
    """What the files hold: the first description of each name, and what is wrong with the others."""

    specs: dict[str, ModelSpec]
    doubled: dict[str, SpecError]
    broken: list[SpecError]


def load_catalog(settings: Settings) -> Catalog:
    """Return the catalog of the settings."""
    return Catalog(settings.models)


def load_specs(file: Path) -> tuple[ModelSpec, ...]:
    """Run a model file and return every ModelSpec that it binds to a name.

    Raises
    ------
    SpecError
        If it fails, or describes no model; says where.
    """
    bound = vars(_run(file)).values()
    specs = {id(value): value for value in bound if isinstance(value, ModelSpec)}
    own = [spec for key, spec in specs.items() if key not in {id(ours) for ours in OWN}]
    for spec in own:
        _fix_fingerprint(file, spec)
    if not own:
        raise SpecError(f"model file {file}", expected="a ModelSpec", got="none", todo="See docs/models.md.")
    return tuple(_beside(file, spec) for spec in own)


def _fix_fingerprint(file: Path, spec: ModelSpec) -> None:
    """Compute it from the code that has just run: the file may be another one later."""
    try:
        _ = spec.features.fingerprint
    except (OSError, TypeError, NameError) as error:
        raise SpecError(
            f"features of model `{spec.name}` in {file}",
            expected="functions written with `def`, whose source can be read",
            got=f"{type(error).__name__}: {error}",
        ) from error


def _run(file: Path) -> ModuleType:
    name = f"leadloop_model_{sha256(str(file.resolve()).encode()).hexdigest()[:12]}"
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module  # so that the source of its functions can be found
    try:
        content = file.read_bytes()
        lines = content.decode(errors="replace").splitlines(keepends=True)
        # What runs is what is fingerprinted.
        linecache.cache[str(file)] = (len(content), None, lines, str(file))
        # Not imported: a cached .pyc would be taken for the file if that is changed within a second.
        exec(compile(content, str(file), "exec"), vars(module))  # noqa: S102 - it is a program
    except LeadloopError as error:
        line = _line(file, error)
        raise SpecError(f"model file {file}{line}: {error}") from error
    except (Exception, SystemExit) as error:  # a file of the user's own may raise anything
        got = f"{type(error).__name__}: {error}{_line(file, error)}"
        raise SpecError(f"model file {file}", expected="a file that runs", got=got) from error
    return module


def _line(file: Path, error: BaseException) -> str:
    """Return the last line of the file that the error went through; a SyntaxError says it itself."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)
    ]
    return f", line {lines[-1]}" if lines else ""


def _find(paths: Sequence[Path]) -> _Found:
    found = _Found({spec.name: spec for spec in OWN}, {}, [])
    origin = dict.fromkeys(found.specs, "the platform's own")
    for file in _files(paths):
        try:
            specs = load_specs(file)
        except SpecError as error:
            found.broken.append(error)
            continue
        for spec in specs:
            if spec.name in found.specs:
                found.doubled[spec.name] = _doubled(spec.name, origin[spec.name], str(file))
            else:
                found.specs[spec.name], origin[spec.name] = spec, str(file)
    return found


def _doubled(name: str, first: str, second: str) -> SpecError:
    return SpecError(
        f"model `{name}`",
        expected="one description",
        got=f"two: {first} and {second}",
        todo="Rename one of them.",
    )


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = {*path.glob("*.py"), *path.glob("*/model.py")}
            yield from sorted(file for file in inside if not file.name.startswith("_"))
        elif path.exists() or path.suffix == ".py":
            yield path


def _beside(file: Path, spec: ModelSpec) -> ModelSpec:
    """Resolve a relative data path against the model file's folder."""
    if not isinstance(spec.source, TableSource) or spec.source.path.startswith(("/", "$", "~")):
        return spec
    return replace(spec, source=replace(spec.source, path=str((file.parent / spec.source.path).resolve())))
