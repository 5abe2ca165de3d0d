"""Who can reach what, today and in the plan: small maps of travel-time bands around hosts.

A reader chooses between the plan's hubs and each service that people visit. For each choice and up
to two modes, the page shows zones coloured by minutes to the nearest host, today beside the plan,
and the residents of each band. Bands and residents come from ``placeopt.travel.reach``. Shapes are
written once and referred to, so that a choice adds one letter per zone to the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from placeopt.report.charts import palette
from placeopt.report.narrative.figures import is_true
from placeopt.report.tables.formats import in_words, per_cent
from placeopt.report.tables.group_names import MODE_WORDS
from placeopt.travel import zone_bands
from placeopt.travel.reach import BANDS, band_names

if TYPE_CHECKING:
    from placeopt.engine import Answer

MAX_ZONES = 3_000  # with more, residents are counted but no map is drawn
MAX_POINTS = 20_000  # corners of all zone shapes together
MAX_MODES = 2
MAP_WIDTH = 460  # pixels
MODE_ORDER = ("walk", "drive", "transit", "cycle")
WHEN_LABELS = {"before": "Today", "after": "The plan"}


@dataclass(frozen=True)
class Choice:
    """One set of hosts that a reader can choose.

    Attributes:
        key: Id of the choice on the page.
        label: Name of the choice.
        description: What is measured, and how many hosts there are.
        before: Building ids of the hosts today.
        after: Building ids of the hosts in the plan.
    """

    key: str
    label: str
    description: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class ReachBands:
    """Travel-time bands around one set of hosts.

    Attributes:
        band: Band of each zone of ``times``, shape (zones,); 0 is the nearest.
        residents: Residents of each band, shape (bands,).
    """

    band: NDArray[np.intp]
    residents: NDArray[np.float64]


def reach_maps(answer: Answer) -> dict[str, Any] | None:
    """Return what the template shows; None without measured minutes or visited services."""
    choices, modes = reach_choices(answer), reach_modes(answer)
    if not choices or not modes:
        return None
    assert answer.times is not None
    has_maps = len(answer.times.zone_ids) <= MAX_ZONES
    bands = {
        (choice.key, mode, when): reach_bands(answer, getattr(choice, when), mode)
        for choice in choices
        for mode in modes
        for when in WHEN_LABELS
    }
    shapes = _Shapes(answer) if has_maps else None
    return {
        "choices": choices,
        "shapes": shapes.definitions() if shapes else Markup(""),
        "modes": [_mode(mode, choices, bands, shapes) for mode in modes],
        "data": _data(choices, modes, bands, shapes) if shapes else None,
        "notes": _notes(answer, modes),
    }


def reach_modes(answer: Answer) -> list[str]:
    """Return at most ``MAX_MODES`` of the scenario's modes that were measured."""
    if answer.times is None or not len(answer.times.zone_ids):
        return []
    modes = [mode for mode in answer.times.modes if mode in answer.scenario.travel.modes]
    modes.sort(key=lambda mode: MODE_ORDER.index(mode) if mode in MODE_ORDER else len(MODE_ORDER))
    return modes[:MAX_MODES]


def reach_choices(answer: Answer) -> list[Choice]:
    """Return the plan's hubs, if it has any, and each service that people visit."""
    assert answer.plan is not None
    services = answer.plan.tables["services"]
    names = answer.place.services.set_index("service_id")["name"]
    today = services[[is_true(value) for value in services["before"]]]
    planned = services[[is_true(value) for value in services["after"]]]
    planned = planned[planned["visits_per_year"] > 0]  # unvisited points are not drawn as open
    choices = []
    for service in dict.fromkeys(answer.plan.tables["bands"]["service_id"]):
        hosts = [
            tuple(table.loc[table["service_id"] == service, "building_id"])
            for table in (today, planned)
        ]
        label = str(names.get(service) or in_words(service))
        description = (
            "Minutes to the nearest building that offers this service: "
            f"{_number_in_words(len(hosts[0]))} today, "
            f"{_number_in_words(len(hosts[1]))} in the plan."
        )
        choices.append(Choice(str(service), label, description, *hosts))
    hubs = _hubs(answer, today, planned)
    if hubs is None:
        return choices
    return [hubs, *choices] if hubs.before else [*choices, hubs]  # an empty map is not shown first


def _hubs(answer: Answer, today: Any, planned: Any) -> Choice | None:
    """Return the buildings with as many services as the plan's smallest hub, today and planned.

    None where that hub has fewer than two visited services.
    """
    assert answer.plan is not None
    buildings = answer.plan.buildings
    hubs = list(buildings.loc[buildings["decision"] == "hub", "building_id"])
    visited = set(answer.plan.tables["bands"]["service_id"])
    count_today, count_planned = (
        table[table["service_id"].isin(visited)].groupby("building_id").size()
        for table in (today, planned)
    )
    least = int(count_planned.reindex(hubs).fillna(0).min()) if hubs else 0
    if least < 2:  # one service is not a hub: the maps of services suffice
        return None
    hosts = [tuple(count.index[count >= least]) for count in (count_today, count_planned)]
    hubs_have = "the building that takes in services or gets a tier has"
    if len(hubs) > 1:
        hubs_have = f"each of the {len(hubs):,} buildings that take in services or get a tier has"
    return Choice(
        "hubs",
        "Several services under one roof",
        f"Minutes to the nearest building with {least:,} or more services under one roof, as "
        f"{hubs_have}: {_number_in_words(len(hosts[0]))} today, "
        f"{_number_in_words(len(hosts[1]))} in the plan.",
        *hosts,
    )


def _number_in_words(buildings: int) -> str:
    return f"{buildings:,} such building{'' if buildings == 1 else 's'}" if buildings else "none"


def reach_bands(
    answer: Answer, hosts: Sequence[str], mode: str, edges: Sequence[float] = BANDS
) -> ReachBands:
    """Return zones and residents by minutes to the nearest of ``hosts`` by ``mode``.

    Args:
        answer: An estate answer with measured minutes.
        hosts: Building ids.
        mode: Mode of travel.
        edges: Upper edges of the bands, in minutes.
    """
    assert answer.times is not None
    labels = [*band_names(edges), "not reached"]
    band_of_zone = zone_bands(answer.times, hosts, edges=edges, modes=[mode])
    band = np.array([labels.index(name) for name in band_of_zone], dtype=np.intp)
    people = answer.place.zones["population"].fillna(0.0).to_numpy(float)
    return ReachBands(band, np.bincount(band, people, len(labels)).astype(float))


def _mode(
    mode: str,
    choices: list[Choice],
    bands: dict[tuple[str, str, str], ReachBands],
    shapes: _Shapes | None,
) -> dict[str, Any]:
    """Return the pair of maps of a mode, and the figures of every choice."""
    mode_words = MODE_WORDS.get(mode, f"by {in_words(mode).lower()}")
    panels = []
    for when, moment in WHEN_LABELS.items():
        first = choices[0]
        panels.append(
            {
                "title": f"{moment}, {mode_words}",
                "map": shapes.map(mode, when, first, bands[first.key, mode, when])
                if shapes
                else Markup(""),
                "tables": [
                    (choice.key, _band_rows(bands[choice.key, mode, when])) for choice in choices
                ],
            }
        )
    sentences = [
        (
            c.key,
            _largest_difference(
                mode_words, bands[c.key, mode, "before"], bands[c.key, mode, "after"]
            ),
        )
        for c in choices
    ]
    title = mode_words[0].upper() + mode_words[1:]
    return {"title": title, "panels": panels, "sentences": sentences}


def _band_labels() -> list[str]:
    return [*(f"{name} minutes" for name in band_names(BANDS)), "out of reach"]


def _band_rows(reached: ReachBands) -> list[tuple[str, str, str, str]]:
    """Return (colour, band, residents, share) of every band."""
    total = reached.residents.sum() or 1.0
    labels = _band_labels()
    return [
        (colour, label, f"{people:,.0f}", f"{100 * people / total:.1f}%")
        for colour, label, people in zip(
            palette.band_colours(len(labels)), labels, reached.residents, strict=True
        )
    ]


def _largest_difference(mode_words: str, before: ReachBands, after: ReachBands) -> str:
    """Return a sentence on the minutes at which the plan makes the largest difference."""
    total = before.residents.sum() or 1.0
    share_before, share_after = (
        np.cumsum(bands.residents)[: len(BANDS)] / total for bands in (before, after)
    )
    k = int(np.abs(share_after - share_before).argmax())
    if abs(share_after[k] - share_before[k]) * total < 0.5:
        return f"As many residents are in each band in the plan as today {mode_words}."
    return (
        f"The largest difference {mode_words}: {per_cent(share_before[k])} of residents are within "
        f"{BANDS[k]:g} minutes today, {per_cent(share_after[k])} in the plan."
    )


def _notes(answer: Answer, modes: list[str]) -> list[str]:
    assert answer.times is not None
    times = answer.times
    notes = [
        "Black dots are the buildings that count. A zone is coloured as a whole, though some of "
        "its people live nearer and some further. Every resident is counted for each way of "
        "travelling, with a car or without; the chart by service above counts only the ways "
        "open to each of them."
    ]
    not_drawn = [MODE_WORDS.get(m, in_words(m).lower()) for m in times.modes if m not in modes]
    if not_drawn:
        notes.append(f"Measured too, but not drawn here: {', '.join(not_drawn)}.")
    if np.isfinite(times.cutoff_minutes):
        notes.append(f"Out of reach: not reached within {times.cutoff_minutes:g} minutes.")
    if len(times.zone_ids) > MAX_ZONES:
        notes.append(
            f"{len(times.zone_ids):,} zones are too many for small maps on a page (at most "
            f"{MAX_ZONES:,} are drawn): only the residents are counted here."
        )
    return notes


def _data(
    choices: list[Choice],
    modes: list[str],
    bands: dict[tuple[str, str, str], ReachBands],
    shapes: _Shapes,
) -> dict[str, Any]:
    """Return what the script needs to recolour the maps: one letter per zone, and dots as paths."""
    views = {}
    for choice in choices:
        maps = {
            f"{mode}-{when}": {
                "bands": "".join(f"{band:x}" for band in bands[choice.key, mode, when].band),
                "dots": shapes.dots(getattr(choice, when)),
                "said": _map_description(choice, bands[choice.key, mode, when]),
            }
            for mode in modes
            for when in WHEN_LABELS
        }
        views[choice.key] = maps
    return {"colours": list(palette.band_colours(len(_band_labels()))), "views": views}


def _map_description(choice: Choice, reached: ReachBands) -> str:
    people = zip(_band_labels(), reached.residents, strict=True)
    return f"{choice.label}. Residents: " + "; ".join(f"{w} {p:,.0f}" for w, p in people) + "."


class _Shapes:
    """Shapes of the place's zones and districts, written once, and maps that refer to them."""

    def __init__(self, answer: Answer):
        from placeopt.report.charts.picture import PixelTransform
        from placeopt.report.geopackage.layers import district_outlines, plan_layers
        from placeopt.report.page.map_data import simplify_zones

        assert answer.plan is not None
        assert answer.times is not None
        zones = plan_layers(answer)["zones"]
        self.outlines = None
        if answer.place.has_outlines:
            zones = simplify_zones(zones, max_points=MAX_POINTS, resolution=MAP_WIDTH)
            self.outlines = district_outlines(answer, zones)
        self.to_pixels = PixelTransform(zones.total_bounds, MAP_WIDTH, MAP_WIDTH)
        shapes = dict(zip(zones["zone_id"], zones.geometry, strict=True))
        self.zones = [shapes.get(zone) for zone in answer.times.zone_ids]
        buildings = answer.plan.buildings.dropna(subset=["x_m", "y_m"])
        xy = self.to_pixels(buildings[["x_m", "y_m"]].to_numpy(float))
        self.position = dict(zip(buildings["building_id"], xy, strict=True))

    def definitions(self) -> Markup:
        """Return every zone and the districts' borders, with numbers to refer to them."""
        from placeopt.report.charts.picture import svg_path

        parts = []
        for number, shape in enumerate(self.zones):
            if shape is None or shape.is_empty:
                parts.append(Markup('<path id="rz{}"/>').format(number))
            elif shape.geom_type == "Point":
                ((x, y),) = self.to_pixels([[shape.x, shape.y]])
                parts.append(
                    Markup('<circle id="rz{}" cx="{:g}" cy="{:g}" r="5"/>').format(number, x, y)
                )
            else:
                parts.append(
                    Markup('<path id="rz{}" d="{}"/>').format(
                        number, svg_path(shape, self.to_pixels)
                    )
                )
        outlines = [] if self.outlines is None else self.outlines.geometry
        borders = "".join(svg_path(shape, self.to_pixels) for shape in outlines)
        parts.append(Markup('<path id="rborders" d="{}"/>').format(borders))
        return Markup("").join(parts)

    def map(self, mode: str, when: str, choice: Choice, reached: ReachBands) -> Markup:
        """Return the map of one mode and one choice, today or in the plan."""
        colours = palette.band_colours(len(_band_labels()))
        zones = Markup("").join(
            Markup('<use href="#rz{}" fill="{}"/>').format(number, colours[band])
            for number, band in enumerate(reached.band)
        )
        way = f"{WHEN_LABELS[when]}, {MODE_WORDS.get(mode, mode)}"
        title = f"{way}: zones by minutes to the nearest host"
        return Markup(
            '<svg class="reach-map" role="img" data-map="{0}-{1}" viewBox="-6 -6 {2} {3}" '
            'aria-labelledby="rt-{0}-{1} rd-{0}-{1}"><title id="rt-{0}-{1}">{4}</title>'
            '<desc id="rd-{0}-{1}">{5}</desc><g class="zones">{6}</g>'
            '<use href="#rborders" class="borders"/><path class="halo" d="{7}"/>'
            '<path class="dots" d="{7}"/></svg>'
        ).format(
            mode,
            when,
            MAP_WIDTH + 12,
            self.to_pixels.height + 12,
            title,
            _map_description(choice, reached),
            zones,
            self.dots(getattr(choice, when)),
        )

    def dots(self, hosts: Sequence[str]) -> str:
        """Return a path of dots, one for each host with coordinates."""
        points = [self.position[host] for host in hosts if host in self.position]
        return "".join(f"M{x:g},{y:g}h0" for x, y in points)
