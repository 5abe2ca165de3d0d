"""The mapping file: which source column is which column of a place, and what fills the gaps.

The file is typed and closed: an unknown key is a finding that suggests the nearest name.
docs/importing.md describes the format key by key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from placeopt.base.errors import Finding, InputError, PlaceError
from placeopt.base.findings import did_you_mean, error
from placeopt.base.reading import parse_toml
from placeopt.place.columns import dictionary
from placeopt.place.tables import PlaceInfo

Cell = str | bool | int | float
Grade = Literal["official", "published", "local", "assumed"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RegisterFile(_Section):
    """How a register of land and property is read: columns are found by their headings."""

    groups: str = Field("show", description="show, accept, or the edited file of groups (.csv)")
    metres: float = Field(30.0, gt=0, description="rows of one address within this are a group")
    categories: str | None = Field(None, description="CSV file: category, kind, status")
    postcodes: str | None = Field(None, description="CSV file: postcode, easting, northing")

    @model_validator(mode="after")
    def _check_groups(self) -> RegisterFile:
        if self.groups not in ("show", "accept") and not self.groups.lower().endswith(".csv"):
            raise ValueError('groups is "show", "accept" or the name of a CSV file')
        return self


class FinanceFile(_Section):
    """How revenue outturn or budget lines are read: a column a line becomes a row a line."""

    year: str = Field("year", description="column of the financial year")
    only: dict[str, str] = Field(default_factory=dict, description="column -> the value wanted")
    keep: tuple[str, ...] = Field((), description="columns that every row keeps")
    form: str = Field("", description="form of columns <FORM>_<line>_<measure>, for example RS")
    measure: str = Field("net_cur_exp", description="measure of such columns")
    lines: dict[str, str] = Field(default_factory=dict, description="column or code -> line id")
    unit_gbp: float = Field(1000.0, gt=0, description="GBP of one unit: thousands of pounds")
    negative: Literal["error", "leave_out"] = Field(
        "error", description="what to do with a line whose income is more than its spending"
    )
    stream: str = Field("general", description="id of the stream that pays for the lines")
    streams: dict[str, str] = Field(
        default_factory=dict, description="line id -> id of the stream that pays for it instead"
    )


class SourceFile(_Section):
    """One file the place is made from."""

    file: str = Field(description="path relative to the folder of sources")
    layer: str | None = Field(None, description="layer of a GeoPackage, sheet of a workbook")
    delimiter: str = Field(",", description="what separates the cells of a text file")
    heading_row: int = Field(1, ge=1, description="row in which the column names begin")
    heading_rows: int = Field(1, ge=1, le=5, description="rows of the heading: 2 for merged cells")
    missing: tuple[str, ...] = Field((), description="cells that say that nothing is known")
    register_: RegisterFile | None = Field(None, alias="register")
    finance: FinanceFile | None = None


class ColumnRule(_Section):
    """How one column of a place is made: from a column, a constant or a formula."""

    from_: str | None = Field(None, alias="from", description="the source's column")
    value: Cell | None = Field(None, description="one value for every row")
    formula: str | None = Field(None, description="arithmetic on the source's columns")
    factor: float = Field(1.0, description="what the source's number is multiplied by: a unit")
    prices: int | str | None = Field(
        None, description="year whose prices the money is in, or the source's column of such years"
    )
    values: dict[str, Cell] = Field(default_factory=dict, description="source value -> value")
    otherwise: Cell | None = Field(None, description="for a source value not in values")
    fill: ColumnRule | None = Field(None, description="for rows that are empty so far")
    mixed: bool = Field(False, description="an index of deprivation of another census is meant")
    rule: str = Field("", description="what is assumed, in words; else it is made up from above")
    source: str = Field("", description="source of the assumption")
    grade: Grade = Field("assumed", description="how good the evidence is")

    @model_validator(mode="after")
    def _check_single_origin(self) -> ColumnRule:
        given = [name for name in ("from_", "value", "formula") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give one of from, value and formula")
        if self.fill is not None and self.fill.fill is not None:
            raise ValueError("a fill cannot have a fill of its own")
        return self


class Where(_Section):
    """Which rows of a source are taken; the others are left out, counted under the reason."""

    column: str
    is_: tuple[str, ...] | None = Field(None, alias="is")
    is_not: tuple[str, ...] | None = None
    filled: bool | None = None
    at_least: float | None = None
    at_most: float | None = None
    reason: str


class Join(_Section):
    """Columns of another source, found by an id both have."""

    source: str
    column: str = Field(description="this source's id column")
    other: str = Field(description="the other source's id column")
    mixed: bool = Field(False, description="areas of two censuses are joined knowingly")


class Split(_Section):
    """One row for each part of a cell that lists several values."""

    column: str
    by: str = ";"


class Assumption(_Section):
    """The source of rows that are written in the mapping itself."""

    rule: str
    source: str = ""
    grade: Grade = "assumed"


class TableRule(_Section):
    """Rows of one table: from a source, or written here. A table may have several such rules."""

    table: str
    source: str | None = None
    join: tuple[Join, ...] = ()
    where: tuple[Where, ...] = ()
    split: Split | None = None
    distinct: bool = Field(False, description="equal records are taken once")
    columns: dict[str, ColumnRule] = Field(default_factory=dict)
    rows: tuple[dict[str, Cell], ...] = ()
    assumption: Assumption | None = None

    @model_validator(mode="before")
    @classmethod
    def _expand_plain_names(cls, given: Any) -> Any:
        """``name = "NAME"`` is short for ``name = { from = "NAME" }``."""
        if not isinstance(given, dict) or not isinstance(given.get("columns"), dict):
            return given
        columns = {
            name: {"from": rule} if isinstance(rule, str) else rule
            for name, rule in given["columns"].items()
        }
        return {**given, "columns": columns}

    @model_validator(mode="after")
    def _check_names(self) -> TableRule:
        if self.table not in dictionary():
            raise ValueError(
                f"no such table {self.table!r}{did_you_mean(self.table, dictionary())}"
            )
        names = [column.name for column in dictionary()[self.table]]
        for name in [*self.columns, *(key for row in self.rows for key in row)]:
            if name not in names:
                raise ValueError(f"{self.table} has no column {name!r}{did_you_mean(name, names)}")
        self._check_prices()
        if (self.source is None) == (not self.rows):
            raise ValueError("give either a source with columns, or rows")
        if self.rows and self.assumption is None:
            raise ValueError("rows written in the mapping need an assumption that says whence")
        return self

    def _check_prices(self) -> None:
        """A price year belongs to money, and to a table that does not state its own."""
        units = {column.name: column.unit or "" for column in dictionary()[self.table]}
        for name, rule in self.columns.items():
            if rule.prices is None and (rule.fill is None or rule.fill.prices is None):
                continue
            if not units[name].startswith("GBP"):
                raise ValueError(f"{name} is no money, so it has no prices")
            if "price_year" in units:
                raise ValueError(f"{self.table} has price_year itself: fill that column instead")


class Boundaries(_Section):
    """Outlines of the zones."""

    source: str
    zone_id: str


class Districts(_Section):
    """Outlines of districts, for zones and buildings that no source gives a district."""

    source: str
    district_id: str
    name: str | None = Field(None, description="the source's column of names")


class Streets(_Section):
    """A street network, copied unchanged to streets.gpkg for the measurement of minutes."""

    edges: str
    nodes: str


class PlaceStatement(_Section):
    """What place.toml will state."""

    name: str
    crs: str = "EPSG:27700"
    price_year: int = 2025
    sources: tuple[str, ...] = ()
    licence: str = ""
    made_up: bool = False
    plausible: dict[str, str] = Field(default_factory=dict)

    def info(self) -> PlaceInfo:
        return PlaceInfo(**self.model_dump())


class Mapping(_Section):
    """A whole mapping file."""

    place: PlaceStatement
    source: dict[str, SourceFile]
    table: tuple[TableRule, ...]
    boundaries: Boundaries | None = None
    districts: Districts | None = None
    streets: Streets | None = None

    @model_validator(mode="after")
    def _check_sources(self) -> Mapping:
        used = [rule.source for rule in self.table if rule.source]
        used += [join.source for rule in self.table for join in rule.join]
        used += [self.boundaries.source] if self.boundaries else []
        used += [self.districts.source] if self.districts else []
        used += [self.streets.edges, self.streets.nodes] if self.streets else []
        for name in used:
            if name not in self.source:
                raise ValueError(f"there is no [source.{name}]{did_you_mean(name, self.source)}")
        return self


def read_mapping(path: Path) -> Mapping:
    """Read the mapping file at ``path``; PlaceError lists every fault in it."""
    if not path.is_file():
        raise PlaceError([error(path.name, "there is no such mapping file", "give its path")])
    try:
        text = path.read_text(encoding="utf-8-sig")
        return Mapping.model_validate(parse_toml(text, path.name))
    except UnicodeDecodeError as fault:
        message = f"the file is not UTF-8 text ({fault.reason})"
        raise PlaceError([error(path.name, message, "save it as UTF-8")]) from None
    except InputError as refused:
        raise PlaceError(refused.findings, "faults in the mapping") from None
    except ValidationError as faults:
        findings = [_finding(path.name, dict(fault)) for fault in faults.errors()]
        raise PlaceError(findings, "faults in the mapping") from None


def _finding(file: str, fault: dict[str, Any]) -> Finding:
    """Convert a pydantic error to a finding that names the key by its path."""
    where = ".".join(str(part) for part in fault["loc"]) or None
    if fault["type"] == "extra_forbidden":
        names = _keys_of_section(fault["loc"])
        remedy = f"remove it{did_you_mean(str(fault['loc'][-1]), names)}"
        return error(file, "the key is not known", remedy, column=where)
    message = fault["msg"].removeprefix("Value error, ")
    return error(file, message, "see docs/importing.md", column=where)


def _keys_of_section(loc: tuple[Any, ...]) -> set[str]:
    sections: dict[str, type[_Section]] = {
        "place": PlaceStatement, "source": SourceFile, "register": RegisterFile,
        "finance": FinanceFile, "columns": ColumnRule, "where": Where,
        "join": Join, "split": Split, "boundaries": Boundaries, "districts": Districts,
        "streets": Streets, "table": TableRule, "assumption": Assumption,
    }  # fmt: skip
    section = next((sections[key] for key in reversed(loc[:-1]) if key in sections), Mapping)
    return {field.alias or name for name, field in section.model_fields.items()}
