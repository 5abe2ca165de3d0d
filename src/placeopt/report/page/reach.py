"""Who can reach it, before and after: small maps of travel-time bands around hubs and services.

For each choice (the plan's hubs, then every service that people visit) and up to two modes: the
zones coloured by minutes to the nearest host, today beside the plan, and the residents of each
band. Colours and residents both come from ``placeopt.travel.reach``. Shapes are written once; a
map refers to them, so that a choice costs the page one letter a zone.
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
from placeopt.travel import zone_bands
from placeopt.travel.reach import BANDS, band_names

if TYPE_CHECKING:
    from placeopt.engine import Answer

MOST_ZONES = 3_000  # of more, residents are counted but no map is drawn
MOST_POINTS = 20_000  # corners of all zone shapes together
MOST_MODES = 2
WIDE = 460  # pixels
PREFERRED = ("walk", "drive", "transit", "cycle")
MODE_WORDS = {
    "walk": "on foot",
    "cycle": "by bicycle",
    "drive": "by car",
    "transit": "by public transport",
}
MOMENTS = {"before": "Today", "after": "The plan"}


@dataclass(frozen=True)
class Choice:
    """What the reader may look at: the buildings that count as hosts before and after."""

    key: str
    label: str
    description: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class ReachBands:
    """One map: the band of each zone of ``times`` (0 = nearest), and the residents of each band."""

    band: NDArray[np.intp]
    residents: NDArray[np.float64]


def reach_maps(answer: Answer) -> dict[str, Any] | None:
    """What the template shows; None where nothing was measured or nobody visits anything."""
    choices, modes = reach_choices(answer), reach_modes(answer)
    if not choices or not modes:
        return None
    assert answer.times is not None
    drawn = len(answer.times.zone_ids) <= MOST_ZONES
    reached = {
        (choice.key, mode, when): reach_bands(answer, getattr(choice, when), mode)
        for choice in choices
        for mode in modes
        for when in MOMENTS
    }
    shapes = _Shapes(answer) if drawn else None
    return {
        "choices": choices,
        "shapes": shapes.definitions() if shapes else Markup(""),
        "modes": [_mode(mode, choices, reached, shapes) for mode in modes],
        "data": _data(choices, modes, reached, shapes) if shapes else None,
        "notes": _notes(answer, modes),
    }


def reach_modes(answer: Answer) -> list[str]:
    """At most two of the modes that the scenario names and that were measured."""
    if answer.times is None or not len(answer.times.zone_ids):
        return []
    asked = [mode for mode in answer.times.modes if mode in answer.scenario.travel.modes]
    asked.sort(key=lambda mode: PREFERRED.index(mode) if mode in PREFERRED else len(PREFERRED))
    return asked[:MOST_MODES]


def reach_choices(answer: Answer) -> list[Choice]:
    """The plan's hubs, if it has any, then each service that people visit."""
    assert answer.plan is not None
    services = answer.plan.tables["services"]
    names = answer.place.services.set_index("service_id")["name"]
    now = services[[is_true(value) for value in services["before"]]]
    then = services[[is_true(value) for value in services["after"]]]
    then = then[then["visits_per_year"] > 0]  # a point that nobody visits is not drawn as open
    choices = []
    for service in dict.fromkeys(answer.plan.tables["bands"]["service_id"]):
        hosts = [
            tuple(table.loc[table["service_id"] == service, "building_id"]) for table in (now, then)
        ]
        label = str(names.get(service) or in_words(service))
        description = (
            f"Minutes to the nearest building that offers this service: {_said(len(hosts[0]))} "
            f"today, {_said(len(hosts[1]))} in the plan."
        )
        choices.append(Choice(str(service), label, description, *hosts))
    hubs = _hubs(answer, now, then)
    if hubs is None:
        return choices
    return [hubs, *choices] if hubs.before else [*choices, hubs]  # no empty map first


def _hubs(answer: Answer, now: Any, then: Any) -> Choice | None:
    """Like with like: as many services under one roof as the plan's smallest hub, now and then."""
    assert answer.plan is not None
    buildings = answer.plan.buildings
    hubs = list(buildings.loc[buildings["decision"] == "hub", "building_id"])
    visited = set(answer.plan.tables["bands"]["service_id"])
    count_now, count_then = (
        table[table["service_id"].isin(visited)].groupby("building_id").size()
        for table in (now, then)
    )
    least = int(count_then.reindex(hubs).fillna(0).min()) if hubs else 0
    if least < 2:  # one service alone is no hub: the services' own maps tell more
        return None
    alike = [tuple(count.index[count >= least]) for count in (count_now, count_then)]
    each = "the building that takes in services or gets a tier has"
    if len(hubs) > 1:
        each = f"each of the {len(hubs):,} buildings that take in services or get a tier has"
    return Choice(
        "hubs",
        "Several services under one roof",
        f"Minutes to the nearest building with {least:,} or more services under one roof, as "
        f"{each}: {_said(len(alike[0]))} today, {_said(len(alike[1]))} in the plan.",
        *alike,
    )


def _said(buildings: int) -> str:
    return f"{buildings:,} such building{'' if buildings == 1 else 's'}" if buildings else "none"


def reach_bands(
    answer: Answer, hosts: Sequence[str], mode: str, edges: Sequence[float] = BANDS
) -> ReachBands:
    """Zones and residents by minutes to the nearest of ``hosts`` by ``mode``."""
    assert answer.times is not None
    words = [*band_names(edges), "not reached"]
    named = zone_bands(answer.times, hosts, edges=edges, modes=[mode])
    band = np.array([words.index(name) for name in named], dtype=np.intp)
    people = answer.place.zones["population"].fillna(0.0).to_numpy(float)
    return ReachBands(band, np.bincount(band, people, len(words)).astype(float))


def _mode(
    mode: str,
    choices: list[Choice],
    reached: dict[tuple[str, str, str], ReachBands],
    shapes: _Shapes | None,
) -> dict[str, Any]:
    """A pair of maps, and the figures of every choice below them."""
    way = MODE_WORDS.get(mode, f"by {in_words(mode).lower()}")
    panels = []
    for when, moment in MOMENTS.items():
        first = choices[0]
        panels.append(
            {
                "title": f"{moment}, {way}",
                "map": shapes.map(mode, when, first, reached[first.key, mode, when])
                if shapes
                else Markup(""),
                "tables": [
                    (choice.key, _rows(reached[choice.key, mode, when])) for choice in choices
                ],
            }
        )
    sentences = [
        (c.key, _told(way, reached[c.key, mode, "before"], reached[c.key, mode, "after"]))
        for c in choices
    ]
    return {"title": way[0].upper() + way[1:], "panels": panels, "sentences": sentences}


def _words() -> list[str]:
    return [*(f"{name} minutes" for name in band_names(BANDS)), "out of reach"]


def _rows(reached: ReachBands) -> list[tuple[str, str, str, str]]:
    """(colour, band, residents, share) of every band."""
    total = reached.residents.sum() or 1.0
    words = _words()
    return [
        (colour, word, f"{people:,.0f}", f"{100 * people / total:.1f}%")
        for colour, word, people in zip(
            palette.band_colours(len(words)), words, reached.residents, strict=True
        )
    ]


def _told(way: str, before: ReachBands, after: ReachBands) -> str:
    """The number of minutes at which the plan makes the largest difference, in a sentence."""
    total = before.residents.sum() or 1.0
    was, now = (np.cumsum(r.residents)[: len(BANDS)] / total for r in (before, after))
    at = int(np.abs(now - was).argmax())
    if abs(now[at] - was[at]) * total < 0.5:
        return f"As many residents are in each band in the plan as today {way}."
    return (
        f"The largest difference {way}: {per_cent(was[at])} of residents are within "
        f"{BANDS[at]:g} minutes today, {per_cent(now[at])} in the plan."
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
    left = [MODE_WORDS.get(m, in_words(m).lower()) for m in times.modes if m not in modes]
    if left:
        notes.append(f"Measured too, but not drawn here: {', '.join(left)}.")
    if np.isfinite(times.cutoff_minutes):
        notes.append(f"Out of reach: not reached within {times.cutoff_minutes:g} minutes.")
    if len(times.zone_ids) > MOST_ZONES:
        notes.append(
            f"{len(times.zone_ids):,} zones are too many for small maps on a page (at most "
            f"{MOST_ZONES:,} are drawn): only the residents are counted here."
        )
    return notes


def _data(
    choices: list[Choice],
    modes: list[str],
    reached: dict[tuple[str, str, str], ReachBands],
    shapes: _Shapes,
) -> dict[str, Any]:
    """What the script needs to recolour the maps: one letter a zone, and dots as paths."""
    views = {}
    for choice in choices:
        maps = {
            f"{mode}-{when}": {
                "bands": "".join(f"{band:x}" for band in reached[choice.key, mode, when].band),
                "dots": shapes.dots(getattr(choice, when)),
                "said": _description(choice, reached[choice.key, mode, when]),
            }
            for mode in modes
            for when in MOMENTS
        }
        views[choice.key] = maps
    return {"colours": list(palette.band_colours(len(_words()))), "views": views}


def _description(choice: Choice, reached: ReachBands) -> str:
    people = zip(_words(), reached.residents, strict=True)
    return f"{choice.label}. Residents: " + "; ".join(f"{w} {p:,.0f}" for w, p in people) + "."


class _Shapes:
    """The place's zones and districts, written once, and maps that refer to them."""

    def __init__(self, answer: Answer):
        from placeopt.report.charts.picture import PixelTransform
        from placeopt.report.geopackage.layers import district_outlines, plan_layers
        from placeopt.report.page.map_data import simplify_zones

        assert answer.plan is not None
        assert answer.times is not None
        zones = plan_layers(answer)["zones"]
        self.outlines = None
        if answer.place.boundaries is not None and len(answer.place.boundaries):
            zones = simplify_zones(zones, most_points=MOST_POINTS, across=WIDE)
            self.outlines = district_outlines(answer, zones)
        self.fit = PixelTransform(zones.total_bounds, WIDE, WIDE)
        shapes = dict(zip(zones["zone_id"], zones.geometry, strict=True))
        self.zones = [shapes.get(zone) for zone in answer.times.zone_ids]
        buildings = answer.plan.buildings.dropna(subset=["x_m", "y_m"])
        xy = self.fit(buildings[["x_m", "y_m"]].to_numpy(float))
        self.at = dict(zip(buildings["building_id"], xy, strict=True))

    def definitions(self) -> Markup:
        """Every zone and the districts' borders, to be referred to by number."""
        from placeopt.report.charts.picture import svg_path

        parts = []
        for number, shape in enumerate(self.zones):
            if shape is None or shape.is_empty:
                parts.append(Markup('<path id="rz{}"/>').format(number))
            elif shape.geom_type == "Point":
                ((x, y),) = self.fit([[shape.x, shape.y]])
                parts.append(
                    Markup('<circle id="rz{}" cx="{:g}" cy="{:g}" r="5"/>').format(number, x, y)
                )
            else:
                parts.append(
                    Markup('<path id="rz{}" d="{}"/>').format(number, svg_path(shape, self.fit))
                )
        outlines = [] if self.outlines is None else self.outlines.geometry
        borders = "".join(svg_path(shape, self.fit) for shape in outlines)
        parts.append(Markup('<path id="rborders" d="{}"/>').format(borders))
        return Markup("").join(parts)

    def map(self, mode: str, when: str, choice: Choice, reached: ReachBands) -> Markup:
        colours = palette.band_colours(len(_words()))
        zones = Markup("").join(
            Markup('<use href="#rz{}" fill="{}"/>').format(number, colours[band])
            for number, band in enumerate(reached.band)
        )
        title = (
            f"{MOMENTS[when]}, {MODE_WORDS.get(mode, mode)}: zones by minutes to the nearest host"
        )
        return Markup(
            '<svg class="reach-map" role="img" data-map="{0}-{1}" viewBox="-6 -6 {2} {3}" '
            'aria-labelledby="rt-{0}-{1} rd-{0}-{1}"><title id="rt-{0}-{1}">{4}</title>'
            '<desc id="rd-{0}-{1}">{5}</desc><g class="zones">{6}</g>'
            '<use href="#rborders" class="borders"/><path class="halo" d="{7}"/>'
            '<path class="dots" d="{7}"/></svg>'
        ).format(
            mode,
            when,
            WIDE + 12,
            self.fit.height + 12,
            title,
            _description(choice, reached),
            zones,
            self.dots(getattr(choice, when)),
        )

    def dots(self, hosts: Sequence[str]) -> str:
        """A path of round caps: one dot a host that has coordinates."""
        points = [self.at[host] for host in hosts if host in self.at]
        return "".join(f"M{x:g},{y:g}h0" for x, y in points)
