"""The base class of the typed sections of a scenario, with the same checks for files and Python.

Sections are frozen and strict. An unknown key, a text instead of a number or a number out of range
is refused when a section is made (``Access(minutes=20)``) or changed (``replace``, ``model_copy``),
with all faults at once and their remedies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from placeopt.base.errors import Finding, ScenarioError
from placeopt.place.columns import number_in_words
from placeopt.place.files.cells import text_fault
from placeopt.scenario.faults import MADE_IN_PYTHON, TomlFile, validation_findings
from placeopt.scenario.ranges import LARGEST, SMALLEST, numbers_in, texts_in

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass as _ModelMeta
else:
    _ModelMeta = type(BaseModel)


class _FindingsMeta(_ModelMeta):
    """Makes the class raise ``ScenarioError`` with findings instead of pydantic's error."""

    if not TYPE_CHECKING:

        def __call__(cls, *args: Any, **values: Any) -> Any:
            combined_findings = cls.combined_faults_of(values)
            try:
                instance = super().__call__(*args, **values)
            except ValidationError as error:
                source = TomlFile(MADE_IN_PYTHON.name, to_plain_values(values), {})
                field_findings = validation_findings(
                    error, cls, to_plain_values(values), [source], (), cls.label()
                )
                known = {(finding.column, finding.message) for finding in combined_findings}
                combined_findings += [
                    finding
                    for finding in field_findings
                    if (finding.column, finding.message) not in known
                    and not (finding.column or "").startswith(cls.combined_fields)
                ]
            except ScenarioError as error:
                combined_findings = combined_findings or error.findings
            if combined_findings:
                raise ScenarioError(combined_findings, "faults in the scenario")
            return instance


class Section(BaseModel, metaclass=_FindingsMeta):
    """A frozen section of a scenario; ``replace`` makes a changed copy and checks it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    section: ClassVar[str] = ""
    combined_fields: ClassVar[tuple[str, ...]] = ()  # fields that ``combined_faults_of`` checks

    @classmethod
    def label(cls) -> str:
        """The section's name in findings: its table in a file."""
        return cls.section

    @classmethod
    def combined_faults_of(cls, values: Mapping[str, Any]) -> list[Finding]:
        """Faults that involve several fields; none by default."""
        return []

    @model_validator(mode="before")
    @classmethod
    def _normalise_input(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            return {key: _as_written(value) for key, value in values.items()}
        return values

    @field_validator("*", mode="after")
    @classmethod
    def _check_numbers_and_texts(cls, value: Any) -> Any:
        """Refuse numbers that could overflow or underflow, and texts that are too long or cannot be
        shown."""
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
        """Return a copy with other values, checked like a new section.

        Raises:
            ScenarioError: For an unknown name or a value that is not valid, all at once.
        """
        return self.model_copy(update=changes)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; with ``update`` it is checked like a new section."""
        if not update:
            return super().model_copy(deep=deep)
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self)(**{**given, **update})


def to_plain_values(value: Any) -> Any:
    """Convert values to those of a file: sections to tables of the given fields, tuples to
    lists."""
    if isinstance(value, BaseModel):
        return {name: to_plain_values(getattr(value, name)) for name in value.model_fields_set}
    if isinstance(value, Mapping):
        return {key: to_plain_values(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain_values(inner) for inner in value]
    return value


def _as_written(value: Any) -> Any:
    """Convert lists to tuples and NumPy numbers to Python's, as strict types require."""
    if isinstance(value, list | tuple):
        return tuple(_as_written(inner) for inner in value)
    if isinstance(value, dict):
        return {key: _as_written(inner) for key, inner in value.items()}
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value
