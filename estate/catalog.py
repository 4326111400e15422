"""Every model by name: the platform's own, and those in the user's model files."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from estate.core.errors import SpecError
from estate.core.model_spec import ModelSpec, TableSource
from estate.core.settings import Settings
from estate.services.call_conversion.model import SPEC as CALL_CONVERSION
from estate.services.churn.model import SPEC as CHURN
from estate.services.lead_scoring.model import SPEC as LEAD_CONVERSION

OWN = (LEAD_CONVERSION, CHURN, CALL_CONVERSION)


class Catalog:
    """Models by name.

    Parameters
    ----------
    paths : sequence of Path
        The user's model files, or folders of them; a folder that is absent is empty.
    """

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        self.paths = tuple(paths)
        self._specs: dict[str, ModelSpec] = {}

    def names(self) -> tuple[str, ...]:
        """Return the names of all models."""
        return tuple(self._all())

    def get(self, name: str) -> ModelSpec:
        """Return a model by name, looking at the user's files again if it is not known yet.

        Raises
        ------
        SpecError
            If there is no such model, or a model file can't be read.
        """
        if name not in self._specs:
            self._specs = {}
        specs = self._all()
        if name not in specs:
            places = " or ".join(map(str, self.paths)) or "a folder named by LEADLOOP_MODELS"
            raise SpecError(
                f"model `{name}`",
                expected=f"one of {', '.join(specs)}",
                got="no such name",
                todo=f"Put its file into {places}.",
            )
        return specs[name]

    def _all(self) -> dict[str, ModelSpec]:
        if not self._specs:
            self._specs = _by_name(
                [*OWN, *(spec for file in _files(self.paths) for spec in load_specs(file))]
            )
        return self._specs


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
    name = f"leadloop_model_{sha256(str(file.resolve()).encode()).hexdigest()[:12]}"
    described = importlib.util.spec_from_file_location(name, file)
    if described is None or described.loader is None:
        raise SpecError(f"model file {file}", expected="a Python file", got=file.suffix or "no suffix")
    module = importlib.util.module_from_spec(described)
    sys.modules[name] = module  # so that the source of its functions can be found
    try:
        described.loader.exec_module(module)
    except SpecError:
        raise
    except Exception as error:
        raise SpecError(
            f"model file {file}", expected="a file that runs", got=f"{type(error).__name__}: {error}"
        ) from error
    specs = tuple(value for value in vars(module).values() if isinstance(value, ModelSpec))
    if not specs:
        raise SpecError(f"model file {file}", expected="a ModelSpec", got="none", todo="See docs/models.md.")
    return tuple(_beside(file, spec) for spec in specs)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.glob("*.py") if not file.name.startswith("_"))
        elif path.is_file():
            yield path
        elif path.suffix == ".py":
            raise SpecError(
                f"model file {path}", expected="a file", got="none", todo="Correct LEADLOOP_MODELS."
            )


def _beside(file: Path, spec: ModelSpec) -> ModelSpec:
    """Resolve a relative data path against the model file's folder."""
    if not isinstance(spec.source, TableSource) or spec.source.path.startswith(("/", "$")):
        return spec
    return replace(spec, source=replace(spec.source, path=str((file.parent / spec.source.path).resolve())))


def _by_name(specs: Sequence[ModelSpec]) -> dict[str, ModelSpec]:
    named: dict[str, ModelSpec] = {}
    for spec in specs:
        if spec.name in named:
            raise SpecError(
                f"model `{spec.name}`", expected="one description", got="two", todo="Rename one of them."
            )
        named[spec.name] = spec
    return named
