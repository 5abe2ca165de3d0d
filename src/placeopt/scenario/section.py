"""What every typed part of a scenario shares: checked alike from a file and from Python.

A part is frozen and strict: an unknown key, text in place of a number or a number out of its range
is refused where it is made (``Access(minutes=20)``) and where it is changed (``replace``,
``model_copy``), with all faults at once and what would be right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from placeopt.base.errors import Finding, ScenarioError
from placeopt.place.files.cells import text_fault
from placeopt.place.tables import number_in_words
from placeopt.scenario.faults import TomlFile, validation_findings
from placeopt.scenario.ranges import LARGEST, SMALLEST, numbers_in, texts_in

MADE_IN_PYTHON = "the scenario"  # in place of a file's name

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass as _ModelMeta
else:
    _ModelMeta = type(BaseModel)


class _Reported(_ModelMeta):
    """Calling the class raises ``ScenarioError`` with findings, not pydantic's own error."""

    if not TYPE_CHECKING:

        def __call__(cls, *args: Any, **values: Any) -> Any:
            found = cls.faults_of_all(values)
            try:
                made = super().__call__(*args, **values)
            except ValidationError as error:
                source = TomlFile(MADE_IN_PYTHON, to_plain_values(values), {})
                said = validation_findings(
                    error, cls, to_plain_values(values), [source], (), cls.label()
                )
                known = {(each.column, each.message) for each in found}
                found += [
                    each
                    for each in said
                    if (each.column, each.message) not in known
                    and not (each.column or "").startswith(cls.found_in_whole)
                ]
            except ScenarioError as error:
                found = found or error.findings
            if found:
                raise ScenarioError(found, "faults in the scenario")
            return made


class Section(BaseModel, metaclass=_Reported):
    """A frozen part of a scenario; a changed copy is made with ``replace`` and checked anew."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    section: ClassVar[str] = ""
    found_in_whole: ClassVar[tuple[str, ...]] = ()  # fields that ``faults_of_all`` looks into

    @classmethod
    def label(cls) -> str:
        """What findings call the part: its table in a file."""
        return cls.section

    @classmethod
    def faults_of_all(cls, values: Mapping[str, Any]) -> list[Finding]:
        """Faults that no field has by itself; those of a part are none."""
        return []

    @model_validator(mode="before")
    @classmethod
    def _as_a_file_has_it(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            return {key: _as_written(value) for key, value in values.items()}
        return values

    @field_validator("*", mode="after")
    @classmethod
    def _can_be_held_and_shown(cls, value: Any) -> Any:
        """No numbers so large or near to 0 that what is computed from them overflows or is lost,
        no texts so long or with characters that cannot be shown."""
        for number in numbers_in(value):
            if number != 0 and abs(number) < SMALLEST:
                raise ValueError(f"nearer to 0 than {number_in_words(SMALLEST)}; give 0 or more")
            if abs(number) > LARGEST:
                raise ValueError(f"beyond {number_in_words(LARGEST)}; give a smaller one")
        for text in texts_in(value):
            if (found := text_fault(text, strict=False)) is not None:
                raise ValueError("; ".join(found))
        return value

    def replace(self, **changes: Any) -> Self:
        """A copy with other values, checked as if it were written so.

        Raises:
            ScenarioError: For an unknown name or a value that is not valid, all at once.
        """
        return self.model_copy(update=changes)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; with ``update`` it is checked as if it were written so."""
        if not update:
            return super().model_copy(deep=deep)
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self)(**{**given, **update})


def to_plain_values(value: Any) -> Any:
    """Values as a file would have them: parts as tables of what was given, tuples as lists."""
    if isinstance(value, BaseModel):
        return {name: to_plain_values(getattr(value, name)) for name in value.model_fields_set}
    if isinstance(value, Mapping):
        return {key: to_plain_values(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain_values(inner) for inner in value]
    return value


def _as_written(value: Any) -> Any:
    """Lists as tuples and NumPy's numbers as Python's: strict types ask for these."""
    if isinstance(value, list | tuple):
        return tuple(_as_written(inner) for inner in value)
    if isinstance(value, dict):
        return {key: _as_written(inner) for key, inner in value.items()}
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value
