"""Any file becomes a place through a mapping, with a report."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point, Polygon, box

from placeopt.base.errors import OutputError, PlaceError
from placeopt.place import check_files, import_place, read_place
from placeopt.place.importer.formula import FormulaError, evaluate, formula_columns

ASSETS = pd.DataFrame(
    {
        "Ref": ["001", "002", "003", "004"],
        "Site name": ["Hall", "Library", "Depot", "Annex"],
        "Type": ["H", "L", "X", "H"],
        "East": [450000.0, 451000.5, 452000, 453000],
        "North": [310000, 311000, 312000, 313000],
        "sq ft": [10000, 5000, 100, None],
        "Offers": ["advice; library", "library", "", "advice"],
        "Notes": ["", "a", "b", ""],
    }
)

MAPPING = """
[place]
name = "Testshire"

[source.assets]
file = "{file}"

[source.zones]
file = "zones.csv"

[[table]]
table = "zones"
source = "zones"
join = [{{ source = "people", column = "code", other = "area" }}]
columns = {{ zone_id = "code", x_m = "x", y_m = "y", population = "residents" }}

[source.people]
file = "people.csv"

[[table]]
table = "buildings"
source = "assets"

[[table.where]]
column = "Type"
is = ["H", "L"]
reason = "depots are not open to residents"

[table.columns]
building_id = "Ref"
name = "Site name"
kind = {{ from = "Type", values = {{ H = "hall", L = "library" }} }}
x_m = "East"
y_m = "North"
running_cost_fixed_gbp_per_year = {{ formula = "max(`sq ft` * 2, 1000)", fill.value = 5000 }}

[table.columns.floor_area_m2]
from = "sq ft"
factor = 0.09290304
fill.value = 300
fill.rule = "300 m2 where the register is silent"
fill.source = "estates team, by telephone"
fill.grade = "local"

[[table]]
table = "services"
rows = [{{ service_id = "advice" }}, {{ service_id = "library", area_base_m2 = 40 }}]
assumption = {{ rule = "as the board paper has it", source = "board paper" }}

[[table]]
table = "hosting"
source = "assets"
split = {{ column = "Offers", by = ";" }}
columns = {{ building_id = "Ref", service_id = "Offers" }}
[[table.where]]
column = "Type"
is_not = ["X"]
reason = "depots are not open to residents"

[[table]]
table = "demand_rates"
rows = [
  {{ service_id = "advice", age_band = "all", visits_per_person_per_year = 1 }},
  {{ service_id = "library", age_band = "all", visits_per_person_per_year = 4 }},
]
assumption = {{ rule = "visits a head", source = "none" }}
"""


def sources(folder: Path, file: str = "assets.csv", mapping: str = MAPPING) -> Path:
    """The files of a small import and its mapping; returns the mapping's path."""
    (folder / "zones.csv").write_text("code,x,y\nE1,450500,310500\nE2,452500,312500\n")
    (folder / "people.csv").write_text("area,residents,households\nE2,900,400\nE1,1500,600\n")
    path = folder / file
    points = gpd.GeoDataFrame(
        ASSETS, geometry=[Point(xy) for xy in zip(ASSETS.East, ASSETS.North, strict=True)],
        crs="EPSG:27700",
    )  # fmt: skip
    match path.suffix:
        case ".csv":
            ASSETS.to_csv(path, index=False)
        case ".xlsx":
            ASSETS.to_excel(path, index=False)
        case ".parquet":
            points.to_parquet(path)
        case _:
            points.to_file(path)
    target = folder / "mapping.toml"
    target.write_text(mapping.format(file=file), encoding="utf-8")
    return target


@pytest.mark.parametrize("ending", ["csv", "xlsx", "gpkg", "geojson", "parquet"])
def test_any_format_gives_the_same_place_that_checks_clean(tmp_path: Path, ending: str) -> None:
    mapping = sources(tmp_path, f"assets.{ending}")
    import_place(mapping, tmp_path / "out")
    assert check_files(tmp_path / "out") == []
    place = read_place(tmp_path / "out")
    buildings = place.buildings
    assert buildings["building_id"].tolist() == ["001", "002", "004"]
    assert buildings["kind"].tolist() == ["hall", "library", "hall"]
    assert buildings["floor_area_m2"].to_numpy() == pytest.approx([929.0304, 464.5152, 300])
    assert buildings["running_cost_fixed_gbp_per_year"].tolist() == [20000, 10000, 5000]
    assert place.zones["population"].tolist() == [1500, 900]
    hosting = list(zip(place.hosting["building_id"], place.hosting["service_id"], strict=True))
    assert hosting == [("001", "advice"), ("001", "library"), ("002", "library"), ("004", "advice")]


def test_a_shapefile_is_read_too(tmp_path: Path) -> None:
    import_place(sources(tmp_path, "assets.shp"), tmp_path / "out.gpkg")
    assert len(read_place(tmp_path / "out.gpkg").buildings) == 3
    assert (tmp_path / "import-report.md").is_file()


def test_the_report_lists_what_was_taken_assumed_and_left_out(tmp_path: Path) -> None:
    report = import_place(sources(tmp_path), tmp_path / "out")
    assert {(t.column, t.target) for t in report.renamed} >= {("Ref", "building_id")}
    assert [(x.table, x.rows, x.reason) for x in report.left_out] == [
        ("buildings", 1, "depots are not open to residents"),
        ("hosting", 1, "depots are not open to residents"),
    ]
    assert report.ignored["assets.csv"] == ["Notes"]
    assumed = [(a.table, a.column, a.rows, a.source, a.grade) for a in report.assumed]
    assert ("buildings", "floor_area_m2", 1, "estates team, by telephone", "local") in assumed
    table = read_place(tmp_path / "out").assumptions
    assert len(table) == len(report.assumed)
    assert table["rows_filled"].sum() == sum(a.rows for a in report.assumed)
    page = (tmp_path / "out" / "import-report.md").read_text(encoding="utf-8")
    assert "300 m2 where the register is silent" in page
    assert "depots are not open to residents" in page


FAULTS = [
    ('is = ["H", "L"]', 'is = ["H", "L", "X"]',
     "assets.csv row 4: Type is 'X': the mapping has no value for this; "
     "add it to values, or give otherwise"),
    ('name = "Site name"', 'name = "Site nam"',
     "assets.csv: Site nam the source has no such column, wanted for buildings; "
     "name a column of the source, did you mean 'Site name'?"),
    ("factor = ", "factro = ",
     "mapping.toml: table.1.columns.floor_area_m2.factro the key is not known; "
     "remove it, did you mean 'factor'?"),
    ("table = \"buildings\"", 'table = "building"',
     "mapping.toml: table.1 no such table 'building', did you mean 'buildings'?; "
     "see docs/importing.md"),
    ("floor_area_m2]", "floor_area]",
     "mapping.toml: table.1 buildings has no column 'floor_area', did you mean 'floor_area_m2'?; "
     "see docs/importing.md"),
    ('source = "people"', 'source = "peeple"',
     "mapping.toml there is no [source.peeple], did you mean 'people'?; see docs/importing.md"),
    ('file = "zones.csv"', 'file = "zone.csv"', "zone.csv: the source file is missing"),
    ("`sq ft` * 2", "`sq ft` ** 2", "formula: '_column_0 ** 2' is not allowed"),
    ("`sq ft` * 2", "`Site name` * 2",
     "assets.csv row 2: Site name is 'Hall': there is text where a number is needed"),
    ("`sq ft` * 2", "1 / (`sq ft` - 5000)",
     "assets.csv row 3: running_cost_fixed_gbp_per_year max(1 / (`sq ft` - 5000), 1000) divides "
     "by zero here"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "finding"), FAULTS)
def test_faults_of_mapping_and_sources_are_reported(
    tmp_path: Path, old: str, new: str, finding: str
) -> None:
    assert old in MAPPING
    with pytest.raises(PlaceError) as stop:
        import_place(sources(tmp_path, mapping=MAPPING.replace(old, new)), tmp_path / "out")
    text = str(stop.value).replace("mapping.toml: there", "mapping.toml there")
    assert finding in text
    assert not (tmp_path / "out").exists()


def test_a_place_with_faults_is_not_written(tmp_path: Path) -> None:
    mapping = sources(tmp_path)
    (tmp_path / "zones.csv").write_text("code,x,y\nE1,-0.6,52.7\nE2,-0.7,52.8\n")
    with pytest.raises(PlaceError, match=r"zones\.csv row 2: .* looks like degrees"):
        import_place(mapping, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_ids_to_join_by_that_have_no_match_are_counted(tmp_path: Path) -> None:
    mapping = sources(tmp_path)
    (tmp_path / "people.csv").write_text("area,residents\nE1,1\nE1,2\n")
    with pytest.raises(PlaceError, match=r"people\.csv row 3: area is 'E1': the id to join by"):
        import_place(mapping, tmp_path / "out")


def test_an_id_that_the_joined_table_lacks_is_one_finding(tmp_path: Path) -> None:
    """Not one finding for each cell that it leaves empty; ``--json`` has its rows."""
    mapping = sources(tmp_path)
    zones = "".join(f"E{n},{450500 + n},310500\n" for n in range(1, 41))
    (tmp_path / "zones.csv").write_text("code,x,y\n" + zones.replace("E30,", "E31,"))
    text = mapping.read_text(encoding="utf-8").replace('zone_id = "code", ', 'zone_id = "code2", ')
    mapping.write_text(text, encoding="utf-8")
    (tmp_path / "zones.csv").write_text(
        "code2,code,x,y\n" + "".join(f"Z{n},Q,{450500 + n},310500\n" for n in range(1, 41))
    )
    with pytest.raises(PlaceError) as stop:
        import_place(mapping, tmp_path / "out")
    (found,) = stop.value.findings
    assert str(found) == (
        "people.csv: area is 'Q': 40 rows name it (zones.csv, first in row 2), and it is not "
        "there; add it, or leave the rows out"
    )
    assert found.ids == tuple(str(row) for row in range(2, 42))


def test_a_duplicate_id_is_reported_by_its_own_file(tmp_path: Path) -> None:
    """The table with the duplicates is never written."""
    mapping = sources(tmp_path)
    ASSETS.assign(Ref=["1", "2", "3", "1"]).to_csv(tmp_path / "assets.csv", index=False)
    with pytest.raises(PlaceError) as stop:
        import_place(mapping, tmp_path / "out")
    assert str(stop.value.findings[0]) == (
        "assets.csv row 5: Ref is '1': the same building_id of buildings comes from row 2 already; "
        "give every row its own, filter one out, or say distinct"
    )
    assert {f.file for f in stop.value.findings} == {"assets.csv"}


def test_outlines_of_filtered_zones_are_filtered(tmp_path: Path) -> None:
    shapes = gpd.GeoDataFrame(
        {"code": ["E1", "E2", "E3"]},
        geometry=[box(x, 310000, x + 900, 311000) for x in (450000, 452000, 454000)],
        crs="EPSG:27700",
    )
    shapes.to_file(tmp_path / "areas.geojson")
    mapping = MAPPING + '[source.areas]\nfile = "areas.geojson"\n[boundaries]\n'
    mapping += 'source = "areas"\nzone_id = "code"\n'
    report = import_place(sources(tmp_path, mapping=mapping), tmp_path / "out")
    place = read_place(tmp_path / "out")
    assert place.boundaries is not None
    assert place.boundaries["zone_id"].tolist() == ["E1", "E2"]
    assert [(out.rows, out.reason) for out in report.left_out if out.table == "zones"] == [
        (1, "outlines of areas that are no zones of the place")
    ]


WITHIN = """
[source.wards]
file = "wards.geojson"
[districts]
source = "wards"
district_id = "ward"
name = "called"
"""


def wards(tmp_path: Path, *boxes: tuple[str, float, float]) -> Path:
    """A mapping with outlines of districts from one easting to another."""
    gpd.GeoDataFrame(
        {"ward": [name for name, _, _ in boxes], "called": [f"Ward {n}" for n, _, _ in boxes]},
        geometry=[box(west, 309000, east, 314000) for _, west, east in boxes],
        crs="EPSG:27700",
    ).to_file(tmp_path / "wards.geojson")
    return sources(tmp_path, mapping=MAPPING + WITHIN)


def test_districts_are_found_from_their_outlines(tmp_path: Path) -> None:
    mapping = wards(tmp_path, ("A", 449000, 450900), ("B", 450900, 455000), ("C", 460000, 470000))
    report = import_place(mapping, tmp_path / "out")
    place = read_place(tmp_path / "out")
    for table in (place.zones, place.buildings):
        assert table["district_id"].tolist() == ["AB"[x >= 450900] for x in table["x_m"]]
    assert place.districts.to_numpy().tolist() == [["A", "Ward A"], ["B", "Ward B"]]
    told = {(a.table, a.column): (a.rows, a.source) for a in report.assumed}
    assert told["zones", "district_id"] == (len(place.zones), "wards.geojson")
    assert told["buildings", "district_id"] == (len(place.buildings), "wards.geojson")
    assert "the district whose outline its point stands in" in report.to_markdown()
    assert "wards.geojson" not in str(report.findings)


def test_a_district_that_a_source_states_stays(tmp_path: Path) -> None:
    wards(tmp_path, ("A", 449000, 455000))
    text = (MAPPING + WITHIN).replace('name = "Site name"', 'name = "Site name"\n'
                                      'district_id = {{ from = "Type", values = {{ H = "old" }}, '
                                      'otherwise = "" }}')  # fmt: skip
    text += '[[table]]\ntable = "districts"\nrows = [{{ district_id = "old" }}]\n'
    text += 'assumption = {{ rule = "as it was" }}\n'
    import_place(sources(tmp_path, mapping=text), tmp_path / "out")
    place = read_place(tmp_path / "out")
    of_kind = dict(zip(place.buildings["kind"], place.buildings["district_id"], strict=True))
    assert of_kind == {"hall": "old", "library": "A"}
    assert place.districts["district_id"].tolist() == ["old", "A"]


def test_points_in_no_or_several_districts_are_warned_of(tmp_path: Path) -> None:
    """Points in no district or in several are reported and not guessed."""
    mapping = wards(tmp_path, ("A", 449000, 450100), ("B", 450000, 450600))
    report = import_place(mapping, tmp_path / "out")
    place = read_place(tmp_path / "out")
    told = {f.message.split(" of ", 1)[1].split(",")[0]: f for f in report.findings
            if f.file == "wards.geojson"}  # fmt: skip
    for table, key in (("buildings", "building_id"), ("zones", "zone_id")):
        frame = place.tables[table]
        within = [[x <= 450100, 450000 <= x <= 450600] for x in frame["x_m"]]
        for many, words in ((0, "stand in no outline"),
                            (2, "stand in the outlines of several districts")):  # fmt: skip
            ids = tuple(frame[key][[sum(in_) == many for in_ in within]])
            if ids:
                assert told[f"{table} {words}"].ids == ids
        assert frame["district_id"].tolist() == [
            "" if sum(in_) != 1 else "AB"[in_[1]] for in_ in within
        ]


def test_faults_of_district_outlines_are_reported(tmp_path: Path) -> None:
    mapping = wards(tmp_path, ("A", 449000, 455000))
    text = mapping.read_text(encoding="utf-8").replace('"ward"', '"wrad"')
    mapping.write_text(text, encoding="utf-8")
    with pytest.raises(PlaceError, match=r"wards\.geojson: wrad the source has no .*'ward'\?"):
        import_place(mapping, tmp_path / "out")
    bow = Polygon([(449000, 309000), (455000, 314000), (455000, 309000), (449000, 314000)])
    gpd.GeoDataFrame({"ward": ["A"], "called": ["A"]}, geometry=[bow], crs="EPSG:27700").to_file(
        tmp_path / "wards.geojson"
    )
    with pytest.raises(PlaceError, match=r"wards\.geojson row 2: .*the outline is not valid"):
        import_place(sources(tmp_path, mapping=MAPPING + WITHIN), tmp_path / "out")


def test_the_result_of_a_fill_is_reported(tmp_path: Path) -> None:
    """In the report of assumptions, and in findings on ids missing from a joined table."""
    filled = 'population.from = "residents", population.fill.value = 1500'
    mapping = sources(tmp_path, mapping=MAPPING.replace('population = "residents"', filled))
    (tmp_path / "people.csv").write_text("area,residents\nE1,250\n")
    report = import_place(mapping, tmp_path / "out")
    rules = {a.column: a.rule for a in report.assumed}
    assert rules["floor_area_m2"] == (
        "300 m2 where the register is silent (where the source is empty: became 300)"
    )
    (lost,) = [f for f in report.findings if "no match" in f.message]
    assert lost.remedy == "population became 1500"
    assert lost.ids == ("E2",)


def test_every_counted_warning_has_all_ids(tmp_path: Path) -> None:
    """The printed line has the count, ``--json`` has the ids, and no finding is repeated."""
    mapping = sources(tmp_path)
    (tmp_path / "people.csv").write_text(
        "area,residents\nE1,\u00a01250\n,\nE2,n/a\n,\nE9,\u00a05\n", encoding="utf-8"
    )
    text = mapping.read_text(encoding="utf-8")
    text = text.replace('file = "people.csv"', 'file = "people.csv"\nmissing = ["n/a"]')
    text = text.replace('population = "residents"',
                        'population.from = "residents", population.fill.value = 900')  # fmt: skip
    mapping.write_text(text, encoding="utf-8")
    report = import_place(mapping, tmp_path / "out")
    assert len(report.findings) == len(set(report.findings))
    counted = [f for f in report.findings if re.match(r"\d+ ", f.message)]
    assert {re.sub(r"\d+ ", "", f.message)[:11] for f in counted} >= {
        "empty rows ",
        "cells have ",
    }
    for finding in counted:
        count = int(finding.message.split(" ")[0])
        assert count == 1 or len(finding.ids) == count, finding


def test_shapes_in_degrees_are_refused_with_the_remedy(tmp_path: Path) -> None:
    shapes = gpd.GeoDataFrame({"code": ["E1"]}, geometry=[box(-1, 52, 0, 53)], crs="EPSG:4326")
    shapes.to_file(tmp_path / "areas.geojson")
    mapping = MAPPING + '[source.areas]\nfile = "areas.geojson"\n[boundaries]\n'
    mapping += 'source = "areas"\nzone_id = "code"\n'
    with pytest.raises(PlaceError) as stop:
        import_place(sources(tmp_path, mapping=mapping), tmp_path / "out")
    assert "the shapes are in EPSG:4326 (degrees), the place in EPSG:27700" in str(stop.value)
    assert "ogr2ogr -t_srs EPSG:27700 out.gpkg areas.geojson" in str(stop.value)


def test_points_of_a_layer_give_the_coordinates(tmp_path: Path) -> None:
    mapping = MAPPING.replace('x_m = "East"', 'x_m = "geometry_x"')
    mapping = mapping.replace('y_m = "North"', 'y_m = "geometry_y"')
    import_place(sources(tmp_path, "assets.gpkg", mapping), tmp_path / "out")
    assert read_place(tmp_path / "out").buildings["x_m"].tolist() == [450000, 451000.5, 453000]


def test_formulas_are_arithmetic_and_nothing_else() -> None:
    columns = {"a": np.array([1.0, np.nan]), "b c": np.array([4.0, 5.0])}
    assert evaluate("round(a * 2.4) - -`b c` / 2", columns)[0] == 4.0
    assert np.isnan(evaluate("a + 1", columns)[1])
    assert formula_columns("min(a, `b c`) + a") == ["a", "b c"]
    for bad in ("a ** 2", "__import__('os')", "a.real", "a if a else 1", "'x'", "a[0]", "True"):
        with pytest.raises(FormulaError, match="not allowed"):
            evaluate(bad, columns)
    with pytest.raises(FormulaError, match="is not arithmetic"):
        evaluate("a +", columns)


PRICED = """
[[table]]
table = "deflators"
source = "index"
columns = { year = "Year", index = "Index" }

[source.index]
file = "index.csv"
"""


def priced(folder: Path, column: str, index: str = "2020,100\n2022,110\n2025,132\n") -> Path:
    """The small import with one more money column of the buildings, and an index of prices."""
    path = sources(folder)
    assets = ASSETS.assign(Due=[1000.0, 2000.0, 3.0, None], Survey=["2020-21", "2025", "", ""])
    assets.to_csv(folder / "assets.csv", index=False)
    (folder / "index.csv").write_text("Year,Index\n" + index)
    text = path.read_text(encoding="utf-8").replace('y_m = "North"', f'y_m = "North"\n{column}')
    path.write_text(text + PRICED, encoding="utf-8")
    return path


def test_money_is_converted_to_the_price_year_and_reported(tmp_path):
    """By the year of its row: 1,000 of 2020 are 1,000 x 132 / 100 in 2025; 2,000 of 2025 stay."""
    path = priced(tmp_path, 'backlog_gbp = { from = "Due", prices = "Survey" }')
    report = import_place(path, tmp_path / "out")
    backlog = read_place(tmp_path / "out").buildings.set_index("building_id")["backlog_gbp"]
    assert backlog.dropna().to_dict() == {"001": 1320.0, "002": 2000.0}
    assert np.isnan(backlog["004"])  # not stated
    told = [(r.column, r.rows, r.year, r.price_year, r.factor) for r in report.repriced]
    assert told == [("backlog_gbp", 1, 2020, 2025, 1.32), ("backlog_gbp", 1, 2025, 2025, 1.0)]
    page = (tmp_path / "out" / "import-report.md").read_text(encoding="utf-8")
    assert "| assets.csv | buildings.backlog_gbp | 1 | 2020 | 2025 | 1.32 |" in page
    assert "prices of Survey brought to the place's price year" in page


def test_a_column_may_have_one_price_year_and_a_unit_factor(tmp_path):
    """In thousands of pounds of 2022: times 1,000 and times 132 / 110."""
    path = priced(tmp_path, 'backlog_gbp = { from = "Due", factor = 1000, prices = 2022 }')
    import_place(path, tmp_path / "out")
    backlog = read_place(tmp_path / "out").buildings.set_index("building_id")["backlog_gbp"]
    assert backlog.loc[["001", "002"]].tolist() == pytest.approx([1_200_000.0, 2_400_000.0])


@pytest.mark.parametrize(
    ("column", "index", "said"),
    [
        ('backlog_gbp = { from = "Due", prices = 2021 }', "2025,132\n", "no index of 2021"),
        ('backlog_gbp = { from = "Due", prices = 2020 }', "2020,100\n", "no index of 2025"),
        ('backlog_gbp = { from = "Due", prices = "Notes" }', "2025,1\n", "year is not stated"),
        ('listed = { value = "no", prices = 2020 }', "2025,1\n", "listed is no money"),
    ],
)
def test_money_whose_prices_cannot_be_changed_is_refused(tmp_path, column, index, said):
    with pytest.raises(PlaceError, match=said):
        import_place(priced(tmp_path, column, index), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way_is_reported_before_a_source_is_read(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    steps: list[str] = []
    with pytest.raises(OutputError, match="is a file; name a folder"):
        import_place(sources(tmp_path), tmp_path / "out", progress=steps.append)
    assert steps == []
    assert (tmp_path / "out").read_text() == "mine"
