"""Read the rows of a register: find headings, parse cells, classify tenures."""

from __future__ import annotations

import re
from dataclasses import dataclass

from placeopt.base.errors import Finding, PlaceError
from placeopt.base.findings import error, warning
from placeopt.place.files.cells import damaged_id, parse_year, plain_number, restore_id
from placeopt.place.files.raw import RawTable
from placeopt.place.importer.mapping import RegisterFile

HEADINGS = {  # field -> its headings in lower case without spaces and signs, best first
    "id": ("assetcode", "uniqueassetidentity", "uniqueassetid", "assetid", "assetref",
           "assetreference", "propertyref", "propertyreference", "propertycode", "propertyid",
           "siteref", "sitecode", "parcelid", "parcelref", "terrier", "terrierref"),
    "uprn": ("uprn", "uniquepropertyreferencenumber", "uprnnumber"),
    "name": ("propertyname", "nameofbuildingland", "nameofthebuildingland", "assetname",
             "sitename", "buildingname", "name", "description", "propertydescription"),
    "number": ("streetnumber", "streetnumbers", "streetnumberorname", "buildingnumber"),
    "street": ("streetname", "street", "streetnameornumber", "address1", "addressline1"),
    "address": ("siteaddress", "address", "fulladdress", "propertyaddress", "location"),
    "town": ("posttown", "town", "posttowncity"),
    "postcode": ("postcode", "postalcode", "pcode"),
    "x": ("geox", "easting", "eastings", "xcoordinate", "osx", "x", "mapreferencex",
          "gridreferenceeasting"),
    "y": ("geoy", "northing", "northings", "ycoordinate", "osy", "y", "mapreferencey",
          "gridreferencenorthing"),
    "tenure": ("tenuretype", "tenure", "interest"),
    "detail": ("tenuredetail", "tenuredetails", "freeholddetail", "leaseholddetail",
               "tenuredescription", "occupancy"),
    "category": ("holdingtype", "holdingcategory", "category", "assettype", "propertytype",
                 "assetcategory", "usage", "assetclass", "use"),
    "area": ("gia", "giam2", "giasqm", "grossinternalarea", "grossinternalaream2", "floorarea",
             "floorareasqm", "flooraream2", "sizem2", "sizesqm", "totalfloorareasqm"),
    "lease_end": ("leaseend", "leaseenddate", "leaseexpiry", "leaseexpirydate", "expirydate"),
    "lease_break": ("breakdate", "leasebreak", "leasebreakdate", "nextbreak"),
    "running": ("totalbuildingoperationrevenuecosts", "totalbuildingoperationcosts",
                "buildingoperationcosts", "revenuecosts", "runningcosts", "runningcost",
                "annualrunningcost", "runningcostpa"),
    "maintenance": ("requiredmaintenance", "backlog", "backlogmaintenance", "maintenancebacklog"),
    "services": ("servicesofferedfromasset", "servicesoffered", "services"),
    "reason": ("reasonforholding", "reasonforholdingasset"),
}  # fmt: skip
_WITHHELD = re.compile(
    r"redacted|withheld|restricted|removed|not published|n/?a|\*+|x+|0+(?:\.0+)?|-", re.IGNORECASE
)
_POSTCODE = re.compile(r"\b([A-Z]{1,2}[0-9][A-Z0-9]?)\s*([0-9][A-Z]{2})\b")
_LEASE_SPAN = re.compile(r"([0-9]{1,3})[ -]*(?:years?|yrs?)\b.{0,12}?\bfrom\b(.*)", re.IGNORECASE)
_LEASE_WORD = {
    "break": re.compile(r"\bbreak\w*\b[^0-9]{0,20}(.*)", re.IGNORECASE),
    "end": re.compile(
        r"\b(?:expir\w*|ends?|ending|until|to)\b[^0-9]{0,12}([0-9].*)", re.IGNORECASE
    ),
}
_YEAR = re.compile(r"\b((?:19|20|21)[0-9]{2})\b")


@dataclass
class RegisterRow:
    """One row of a register.

    Attributes:
        number: The row number in the file.
        id: The asset id, or the UPRN if there is none.
        uprn: The unique property reference number.
        name: The name of the property.
        address: Its address.
        postcode: Its full postcode, or "".
        x: Easting (m), NaN if withheld.
        y: Northing (m), NaN if withheld.
        cells: Field of ``HEADINGS`` -> cell.
        outcome: Why the row was left out, or what it became; "" if not yet decided.
        located: Where the coordinates come from, ``register`` or ``postcode``.
        kind: The kind of building.
        status: ``open`` or ``vacant``.
        tenure: The tenure as the place states it.
        group: The group of duplicates that it belongs to.
    """

    number: int
    id: str
    uprn: str
    name: str
    address: str
    postcode: str
    x: float
    y: float
    cells: dict[str, str]
    outcome: str = ""
    located: str = ""
    kind: str = ""
    status: str = "open"
    tenure: str = ""
    group: str = ""

    @property
    def has_coordinates(self) -> bool:
        return self.x == self.x and self.y == self.y


def normalise_heading(heading: str) -> str:
    return re.sub(r"[^a-z0-9]", "", heading.lower())


def find_headings(table: RawTable) -> dict[str, str]:
    """Field of ``HEADINGS`` -> the register's own heading for it."""
    by_plain = {normalise_heading(name): name for name in reversed(table.columns)}
    headings = {}
    for field, names in HEADINGS.items():
        heading = next((by_plain[name] for name in names if name in by_plain), None)
        if heading is not None:
            headings[field] = heading
    return headings


def require_headings(table: RawTable, headings: dict[str, str], spec: RegisterFile) -> None:
    faults = []
    for any_of, description in ((("id", "uprn"), "an id of the asset"),
                         (("name", "address", "street"), "a name or an address")):  # fmt: skip
        if not any(key in headings for key in any_of):
            names = ", ".join(name for key in any_of for name in HEADINGS[key][:3])
            faults.append(error(table.file, f"no heading of the register is {description}",
                                f"rename the column to one of {names}"))  # fmt: skip
    if not {"x", "y"} <= set(headings) and spec.postcodes is None:
        remedy = "rename them to GeoX and GeoY, or give a table of postcodes"
        faults.append(error(table.file, "the register has no easting and northing", remedy))
    if faults:
        raise PlaceError(faults, "faults in the register")


def read_row(
    table: RawTable, headings: dict[str, str], i: int, findings: list[Finding]
) -> RegisterRow:
    cells = {field: table.cells[heading][i] for field, heading in headings.items()}
    number = table.row(i)
    uprn = cells.get("uprn", "")
    uprn = "" if _WITHHELD.fullmatch(uprn) else restore_id(uprn) or uprn
    if uprn and (fault := damaged_id(uprn)):
        findings.append(
            warning(
                table.file,
                fault,
                "take it from the property system; the row's other id is used",
                row=number,
                column=headings["uprn"],
                value=uprn,
            )
        )
        uprn = ""  # fmt: skip
    street = " ".join(filter(None, (cells.get("number", ""), cells.get("street", ""))))
    town = cells.get("town", "")
    address = cells.get("address", "") or ", ".join(filter(None, (street, town)))
    postcode = find_postcode(cells.get("postcode", "")) or find_postcode(address)
    name = cells.get("name", "") or address.split(",")[0]
    x, y = (_coordinate(table, headings, cells, key, number, findings) for key in ("x", "y"))
    row = RegisterRow(
        number, cells.get("id", "") or uprn, uprn, name, address, postcode, x, y, cells
    )
    if not row.id:
        row.outcome = "left out: the row has neither an asset number nor a UPRN"
    return row


def find_postcode(text: str) -> str:
    match = _POSTCODE.search(text.upper())
    return f"{match[1]} {match[2]}" if match else ""


def _coordinate(
    table: RawTable, headings: dict[str, str], cells: dict[str, str], key: str, number: int,
    findings: list[Finding],
) -> float:  # fmt: skip
    """Metres, or NaN if the cell is empty, redacted or (with a warning) not a number."""
    cell = cells.get(key, "")
    if cell == "" or _WITHHELD.fullmatch(cell):
        return float("nan")
    text = plain_number(cell)
    if text is None:
        findings.append(warning(table.file, "this is no coordinate", "the row is placed by its "
                                "postcode, if at all", row=number, column=headings[key],
                                value=cell))  # fmt: skip
    return float(text) if text is not None else float("nan")


def classify_tenures(file: str, rows: list[RegisterRow], findings: list[Finding]) -> None:
    """Set each row's tenure (freehold, leasehold, licence or pfi) and whether it is vacant."""
    unclear: list[RegisterRow] = []
    for row in rows:
        tenure, detail = row.cells.get("tenure", "").lower(), row.cells.get("detail", "").lower()
        if "pfi" in tenure or "pfi" in detail or "private finance" in detail:
            row.tenure = "pfi"
        elif tenure.startswith("freehold"):
            row.tenure = "freehold"
        elif "licen" in tenure or (tenure.startswith("leasehold") and detail.startswith("licen")):
            row.tenure = "licence"
        elif "lease" in tenure or "rent" in tenure:
            row.tenure = "leasehold"
        elif not row.outcome:
            unclear.append(row)
        if re.search(r"\bvacant\b|\bunoccupied\b", f"{tenure} {detail}"):
            row.status = "vacant"
    if unclear:
        message = f"the tenure of {len(unclear)} rows is not stated or not one of the Code's"
        findings.append(warning(file, message, "give fill for tenure in the mapping",
                                row=unclear[0].number,
                                value=unclear[0].cells.get("tenure") or None,
                                ids=[row.id for row in unclear]))  # fmt: skip


def lease_end_year(row: RegisterRow) -> str:
    """The first year in which a lease can end, by break or expiry; "" if none is stated."""
    if row.tenure not in ("leasehold", "licence"):
        return ""
    for key in ("lease_break", "lease_end"):
        if cell := row.cells.get(key, ""):
            year_text = parse_year(cell) or (_YEAR.search(cell) or [""])[0]
            if year_text:
                return year_text
    detail = row.cells.get("detail", "")
    for pattern in _LEASE_WORD.values():
        match = pattern.search(detail)
        if match and (year := _YEAR.search(match[1])) and not _LEASE_SPAN.search(detail):
            return year[1]
    span = _LEASE_SPAN.search(detail)
    start = _YEAR.search(span[2]) if span else None
    return str(int(start[1]) + int(span[1])) if span and start else ""
