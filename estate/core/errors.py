"""Every error that Leadloop raises on purpose.

::

    LeadloopError
    ├── SettingsError          a setting is missing or wrong
    ├── DataError              data can't be used
    │   ├── ContractError      a table breaks its contract
    │   ├── ImportFileError    a file can't be imported at all
    │   └── RowError           one row of a request is wrong (serving answers 4xx)
    ├── SpecError              a model's description is wrong or unknown
    ├── TrainingError          a training can't be done
    │   ├── NotEnoughData      too few ripe rows to train or to judge
    │   └── ParityError        the exported model answers otherwise than the trained one
    ├── RegistryError          the model registry refused or can't be reached
    │   ├── ArtifactError      an artifact is missing, changed or not ours
    │   │   └── SignatureError a signature is missing, not trusted or not of this document
    │   └── PromotionRefused   the evidence does not allow this promotion
    ├── StoreError             the database can't be reached or is at another migration
    ├── AlertError             an alert could not be delivered
    └── StackError             a part of the local stack can't be started
"""

from __future__ import annotations


class LeadloopError(Exception):
    """Base of all errors with a sentence for a person.

    Parameters
    ----------
    what : str
        The object that is wrong, by name.
    expected, got : str, optional
        What was expected there and what came. Long values are cut to 200 characters.
    todo : str, optional
        What the reader can do about it.

    Examples
    --------
    >>> print(LeadloopError("column `age`", expected="a number", got="'old'", todo="Correct the file."))
    column `age`: expected a number, got 'old'. Correct the file.
    """

    def __init__(self, what: str, *, expected: str = "", got: str = "", todo: str = "") -> None:
        self.what, self.expected, self.got, self.todo = what, expected, got, todo
        super().__init__(_sentence(what, expected, got, todo))

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the four parts when an error crosses a process (Prefect stores exceptions)."""
        return _rebuild, (type(self), self.what, self.expected, self.got, self.todo)


def _rebuild(kind: type[LeadloopError], what: str, expected: str, got: str, todo: str) -> LeadloopError:
    return kind(what, expected=expected, got=got, todo=todo)


def _sentence(what: str, expected: str, got: str, todo: str) -> str:
    parts = [f"expected {_cut(expected)}" if expected else "", f"got {_cut(got)}" if got else ""]
    detail = ", ".join(part for part in parts if part)
    sentence = f"{what}: {detail}." if detail else what
    return f"{sentence} {todo}" if todo else sentence


def _cut(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


class SettingsError(LeadloopError):
    """A setting is missing or wrong."""


class DataError(LeadloopError):
    """Data can't be used."""


class ContractError(DataError):
    """A table breaks its contract."""


class ImportFileError(DataError):
    """A file can't be imported at all."""


class RowError(DataError):
    """One row of a request is wrong; ``what`` names the row and the column."""


class SpecError(LeadloopError):
    """A model's description is wrong or unknown."""


class TrainingError(LeadloopError):
    """A training can't be done."""


class NotEnoughData(TrainingError):
    """Too few ripe rows to train or to judge."""


class ParityError(TrainingError):
    """The exported model answers otherwise than the trained one."""


class RegistryError(LeadloopError):
    """The model registry refused or can't be reached."""


class ArtifactError(RegistryError):
    """An artifact is missing, changed, or was not made by this platform."""


class SignatureError(ArtifactError):
    """A signature is missing, not of a trusted key, or not of this document."""


class PromotionRefused(RegistryError):
    """The evidence does not allow this promotion."""


class StoreError(LeadloopError):
    """The database can't be reached or is at another migration."""


class AlertError(LeadloopError):
    """An alert could not be delivered; it is tried again later."""


class StackError(LeadloopError):
    """A part of the local stack can't be started."""
