"""Synthesise the geography of a county: outline, settlements, districts and zones.

Town sizes follow Zipf's law. A town's zones lie on a sunflower spiral about its centre, evenly
spaced and denser in the middle. The countryside is filled with a low-discrepancy sequence.
Deprivation is high in town centres and on a few housing estates; households without a car follow
it, less so in the country.

Coordinates are metres in the British National Grid, somewhere in the middle of England.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats, Ints

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


DISTRICTS = 4
CENTRE_M = (470_000.0, 265_000.0)
SPACING_M = 620.0  # between neighbouring zones of a town
ZONE_KM2 = 11.0  # area of the county per zone
MAX_RADIUS_M = 120_000.0  # larger counties become denser, to stay within the grid
GOLDEN = np.pi * (3 - np.sqrt(5))

_FRONT = (
    "Marl Ash Thorn Brack Elder Fen Hart Kings Lang Mill Nether Oak Pen Rush Sand Stan Thur Wick "
    "Wool Bram Cold Dun Ever Gram"
)
_BACK = "ford bury ley ton wick stead worth ham combe thorpe bridge minster by well"
_QUALIFIER = ("", "Great ", "Little ", "Upper ", "Lower ", "Old ", "Long ", "East ", "West ")


@dataclass(frozen=True)
class Geography:
    """The geography of s settlements (largest first) and z zones.

    Attributes:
        outline: (corners, 2) metres.
        settlement_xy: (s, 2) metres.
        settlement_zones: (s,) number of zones in each; 1 in a hamlet.
        settlement_name: (s,) names.
        district_name: (DISTRICTS,) names.
        zone_xy: (z, 2) whole metres.
        zone_settlement: (z,) position of its settlement; -1 in open country.
        zone_district: (z,) from 0 to DISTRICTS - 1.
    """

    outline: Floats
    settlement_xy: Floats
    settlement_zones: Ints
    settlement_name: tuple[str, ...]
    district_name: tuple[str, ...]
    zone_xy: Floats
    zone_settlement: Ints
    zone_district: Ints

    def district_of(self, xy: Floats) -> Ints:
        """(n,) the district whose main town is nearest."""
        return _nearest(xy, self.settlement_xy[:DISTRICTS])[0]

    def centrality(self, xy: Floats) -> Floats:
        """(n,) centrality of points: 1 in the middle of the largest town, 0 far from any town."""
        towns = np.flatnonzero(self.settlement_zones >= 3)
        size = (self.settlement_zones[towns] / self.settlement_zones.max()) ** 0.35
        centrality = np.zeros(len(xy))
        for start in range(0, len(xy), 2000):
            part = slice(start, start + 2000)
            distances = np.linalg.norm(xy[part, None] - self.settlement_xy[None, towns], axis=2)
            centrality[part] = (size * np.exp(-distances / 4500)).max(axis=1)
        return centrality


def draw_geography(zones: int, name: str, rng: np.random.Generator) -> Geography:
    """Draw the geography of a county of ``zones`` zones."""
    radius = min(np.sqrt(zones * ZONE_KM2 / np.pi) * 1000, MAX_RADIUS_M)
    amplitudes = _outline_amplitudes(rng)
    sizes, towns = _settlement_sizes(zones, rng)
    centres = _settlement_centres(len(sizes), towns, radius, amplitudes, rng)
    zone_xy, zone_settlement = _town_zones(centres, sizes, rng)
    remaining = zones - int(sizes.sum())
    if remaining:
        country = _country_zones(remaining, zone_xy, radius, amplitudes, rng)
        zone_xy = np.vstack([zone_xy, country])
        zone_settlement = np.concatenate([zone_settlement, np.full(remaining, -1)])
    zone_xy = np.round(zone_xy)
    district = _nearest(zone_xy, centres[:DISTRICTS])[0]
    order = _district_order(zone_xy, zone_settlement)
    names = _settlement_names(len(sizes), name, rng)
    return Geography(
        outline=_polar(np.linspace(0, 2 * np.pi, 181)[:-1], np.ones(180), radius, amplitudes),
        settlement_xy=centres,
        settlement_zones=sizes,
        settlement_name=names,
        district_name=tuple(names[:DISTRICTS]),
        zone_xy=zone_xy[order],
        zone_settlement=zone_settlement[order],
        zone_district=district[order],
    )


def zones_table(county: Geography, rng: np.random.Generator) -> pd.DataFrame:
    """The table of zones: people by age, deprivation, households without a car."""
    import pandas as pd

    count = len(county.zone_xy)
    width = max(3, len(str(count)))
    size = np.where(county.zone_settlement >= 0, county.settlement_zones[county.zone_settlement], 0)
    urban = size >= 4
    score = _deprivation_score(county, rng)
    quintile = _quintile(score)
    population = np.round(np.clip(rng.normal(1700, 230, count), 1000, 2600)).astype(np.int64)
    ages = _ages(population, quintile, urban, rng)
    without_car = np.array([0.36, 0.26, 0.18, 0.12, 0.08])[quintile - 1] * np.where(
        urban, 1.0, 0.55
    )
    without_car = np.clip(without_car + rng.normal(0, 0.02, count), 0.02, 0.6)
    return pd.DataFrame(
        {
            "zone_id": [f"Z{i + 1:0{width}d}" for i in range(count)],
            "name": _zone_names(county),
            "district_id": [f"D{d + 1}" for d in county.zone_district],
            "x_m": county.zone_xy[:, 0].astype(np.int64),
            "y_m": county.zone_xy[:, 1].astype(np.int64),
            "population": population,
            "deprivation_quintile": quintile,
            "area_type": np.where(urban, "urban", "rural"),
            "without_car_share": np.round(without_car, 2),
            **ages,
        }
    )


def boundaries_of(county: Geography, zone_ids: list[str]) -> gpd.GeoDataFrame:
    """Each zone's Voronoi cell, clipped to the outline of the county."""
    import geopandas as gpd
    import shapely

    points = shapely.points(county.zone_xy)
    outline = shapely.polygons(county.outline)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(points), extend_to=outline.buffer(50_000))
    )
    cell_at, point_at = shapely.STRtree(points).query(cells, predicate="contains")
    ordered = np.empty(len(points), dtype=object)
    ordered[point_at] = shapely.intersection(cells[cell_at], outline)
    geometry = shapely.set_precision(ordered, 1.0)
    return gpd.GeoDataFrame({"zone_id": zone_ids}, geometry=list(geometry), crs="EPSG:27700")


def _outline_amplitudes(rng: np.random.Generator) -> Floats:
    """(harmonics, 2) cosine and sine amplitudes that make the outline irregular."""
    size = np.array([0.10, 0.07, 0.04, 0.025, 0.015, 0.01])
    amplitudes: Floats = rng.normal(0, 1, (6, 2)) * size[:, None]
    return amplitudes


def _polar(angle: Floats, share: Floats, radius: float, amplitudes: Floats) -> Floats:
    """(n, 2) points at a ``share`` of the distance from the centre to the outline."""
    k = np.arange(1, len(amplitudes) + 1)[:, None]
    factor = 1 + amplitudes[:, 0] @ np.cos(k * angle) + amplitudes[:, 1] @ np.sin(k * angle)
    distance = share * radius * np.clip(factor, 0.6, 1.5)
    x = CENTRE_M[0] + 1.12 * distance * np.cos(angle)
    y = CENTRE_M[1] + 0.9 * distance * np.sin(angle)
    return np.column_stack([x, y])


def _settlement_sizes(zones: int, rng: np.random.Generator) -> tuple[Ints, int]:
    """The number of zones of each settlement, largest first, and the number of towns."""
    towns = max(DISTRICTS, round(zones / 16))
    weight = np.arange(1, towns + 1) ** -0.9
    sizes = np.maximum(1, np.round(0.66 * zones * weight / weight.sum())).astype(np.int64)
    villages = rng.integers(1, 3, round(zones / 10))
    sizes = np.concatenate([sizes, np.sort(villages)[::-1]])
    return sizes[np.cumsum(sizes) <= zones], towns


def _settlement_centres(
    count: int, towns: int, radius: float, amplitudes: Floats, rng: np.random.Generator
) -> Floats:
    """(count, 2) centres: of thirty candidates each, the one farthest from all earlier centres."""
    centres = np.empty((count, 2))
    centres[0] = _polar(rng.uniform(0, 2 * np.pi, 1), np.array([0.15]), radius, amplitudes)[0]
    share = np.full(count, 0.94)
    share[:DISTRICTS], share[DISTRICTS:towns] = 0.62, 0.8
    for i in range(1, count):
        angle = rng.uniform(0, 2 * np.pi, 30)
        candidates = _polar(angle, share[i] * np.sqrt(rng.uniform(0, 1, 30)), radius, amplitudes)
        distances = _nearest(candidates, centres[:i])[1]
        centres[i] = candidates[np.argmax(distances)]
    return np.round(centres)


def _town_zones(centres: Floats, sizes: Ints, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Zones on a sunflower spiral about each centre, less dense further out."""
    settlement = np.repeat(np.arange(len(sizes)), sizes)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    step = np.arange(len(settlement)) - first + 0.4
    angle = np.repeat(rng.uniform(0, 2 * np.pi, len(sizes)), sizes) + GOLDEN * step
    distance = SPACING_M * 0.9 * step**0.55
    offset = distance[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return centres[settlement] + offset + rng.normal(0, 70, offset.shape), settlement


def _country_zones(
    count: int, occupied: Floats, radius: float, amplitudes: Floats, rng: np.random.Generator
) -> Floats:
    """Evenly spread zones in open country, away from the settlements."""
    start, tried = rng.uniform(0, 1, 2), 8 * count + 200
    i = np.arange(tried)
    angle = 2 * np.pi * ((start[0] + i * 0.7548776662466927) % 1)
    share = 0.97 * np.sqrt((start[1] + i * 0.5698402909980532) % 1)
    points = _polar(angle, share, radius, amplitudes)
    distances = _nearest(points, occupied)[1]
    chosen = np.flatnonzero(distances > 1200)[:count]
    if len(chosen) < count:  # a crowded county: use the emptiest locations
        chosen = np.sort(np.argsort(-distances, kind="stable")[:count])
    return points[chosen]


def _district_order(xy: Floats, settlement: Ints) -> Ints:
    """The order of zones: by settlement, the country last by columns from west to east."""
    column = np.floor((xy[:, 0] - xy[:, 0].min()) / 8000)
    up = np.where(column % 2 == 0, 1, -1) * xy[:, 1]
    country = settlement < 0
    rank = np.where(country, settlement.max() + 1, settlement)
    return np.lexsort((np.where(country, up, 0), np.where(country, column, 0), rank))


def _deprivation_score(county: Geography, rng: np.random.Generator) -> Floats:
    """(z,) deprivation, higher is more deprived: town centres, a few estates, and noise."""
    xy = county.zone_xy
    count = len(xy)
    score = 0.9 * county.centrality(xy) + rng.normal(0, 0.22, count)
    in_town = np.flatnonzero(county.zone_settlement >= 0)
    estates = rng.choice(in_town, size=max(3, count // 25), replace=False)
    distances = _nearest(xy, xy[estates])[1]
    return np.asarray(score + 0.9 * np.exp(-((distances / 900) ** 2)))


def _quintile(score: Floats) -> Ints:
    """(z,) national quintiles, with rather less than a fifth of zones in the most deprived."""
    rank = np.argsort(np.argsort(-score, kind="stable"), kind="stable") / len(score)
    return np.searchsorted([0.15, 0.33, 0.55, 0.79], rank, side="right").astype(np.int64) + 1


def _ages(
    population: Ints, quintile: Ints, urban: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, Ints]:
    """People by age band, adding up to the population: older in the country, younger if
    deprived."""
    old = np.where(urban, 0.0, 0.05) + 0.012 * (quintile - 3) + rng.normal(0, 0.012, len(quintile))
    shares = {
        "people_0_4": 0.053 - 0.18 * old,
        "people_5_15": 0.132 - 0.2 * old,
        "people_65_84": 0.162 + 0.8 * old,
        "people_85_plus": 0.026 + 0.16 * old,
    }
    people = {
        band: np.round(population * np.clip(share, 0.01, 0.5)).astype(np.int64)
        for band, share in shares.items()
    }
    people["people_16_64"] = population - sum(people.values())
    order = ("people_0_4", "people_5_15", "people_16_64", "people_65_84", "people_85_plus")
    return {band: people[band] for band in order}


def _settlement_names(count: int, name: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Unique names of settlements; the county town has the root of the county's name."""
    root = name.removesuffix("shire") or name
    plain = [front + back for front in _FRONT.split() for back in _BACK.split() if front != root]
    plain = [plain[i] for i in rng.permutation(len(plain))]
    rounds = -(-count // (len(plain) * len(_QUALIFIER)))
    names = [f"{root}chester"]
    for number in range(rounds):
        suffix = f" {number + 1}" if number else ""
        for qualifier in _QUALIFIER:
            names += [f"{qualifier}{stem}{suffix}" for stem in plain]
    return tuple(names[:count])


def _zone_names(county: Geography) -> list[str]:
    """Names of zones: settlement, or district in the country, and running number."""
    seen: dict[str, int] = {}
    names = []
    for settlement, district in zip(county.zone_settlement, county.zone_district, strict=True):
        stem = (
            county.settlement_name[settlement]
            if settlement >= 0
            else f"{county.district_name[district]} Rural"
        )
        seen[stem] = seen.get(stem, 0) + 1
        names.append(f"{stem} {seen[stem]:03d}")
    return names


def _nearest(points: Floats, places: Floats) -> tuple[Ints, Floats]:
    """The position of the nearest place of each point, and its distance in metres."""
    from scipy.spatial import cKDTree

    metres, positions = cKDTree(places).query(points)
    return np.asarray(positions, dtype=np.int64), np.asarray(metres)


def nearest_positions(points: Floats, places: Floats) -> Ints:
    """(n,) position of the nearest place to each point."""
    return _nearest(points, places)[0]
