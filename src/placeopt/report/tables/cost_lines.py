"""Every cost of an estate plan as a quantity times a price, for doing nothing and for the plan.

Each row states a quantity in a year (an open building, square metres in use, a service point, a
move) and its price in the place's tables, so that the workbook can compute every total from the
sheet "Inputs". Quantities are the plan's own; prices are cells.

    line      line of the cash flow; shared_roofs and carbon are counted but are not cash
    part      part of the running cost, of the cash outlook or of the whole life
    recurs    yearly (the last decided year's continues), once, until_sold (holding what is sold
              until its receipt), over_a_move (staff paid twice), or carbon
    money     line of the table "Money by agency"; empty where that table leaves it out

Costs that are not a quantity times a price have separate rows, so sums always match the cash flow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.report.tables.formats import is_missing

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

TOLERANCE_GBP = 0.005
YEARLY = "yearly"
MAX_ROWS = 8_000  # with more, live formulas would be slow: the workbook then holds values
LINE_PARTS = {  # line of the cash flow -> part, how it recurs, line of the money table
    "running": ("buildings", YEARLY, "open buildings"),
    "staffing": ("staff", YEARLY, "staff of service points"),
    "tiers": ("buildings", YEARLY, "tiers"),
    "holding": ("held_empty", YEARLY, "empty buildings"),
    "cost_of_capital": ("buildings", YEARLY, "cost of capital"),
    "double_running": ("double_running", "over_a_move", ""),
    "redundancy": ("redundancy", "once", "redundancy"),
    "fit_out": ("fit_out", "once", "fit-out"),
    "moves": ("moves", "once", "moves"),
    "set_up": ("set_up", "once", "tiers"),
    "closing": ("closing", "once", "closing"),
    "backlog": ("maintenance", "once", "required maintenance"),
    "receipts": ("receipts", "once", "receipts, net"),
}
PriceCells = tuple[tuple[str, str, str], ...]  # (table, key, column) of its cells
NON_CASH_LINES = ("shared_roofs", "carbon")


@dataclass(frozen=True)
class CostLine:
    """One quantity and its price.

    Attributes:
        year: Year of the cost.
        agency_id: Agency that pays; empty where none is stated.
        line: Line of the cash flow.
        part: Part of the running cost, of the cash outlook or of the whole life.
        recurs: ``yearly``, ``once``, ``until_sold``, ``over_a_move`` or ``carbon``.
        money: Line of the table "Money by agency", or empty.
        building_id: The building, or empty.
        service_id: The service, or empty.
        unit: Unit of the quantity.
        do_nothing: Quantity if nothing changes.
        plan: Quantity in the plan.
        price_gbp: Price of one unit (GBP).
        kind: How the cells make the price: ``price``, ``minus``, ``raised`` (by optimism bias),
            ``receipt``, or ``value`` (without cells).
        cells: The cells of the price.
    """

    year: int
    agency_id: str
    line: str
    part: str
    recurs: str
    money: str
    building_id: str
    service_id: str
    unit: str
    do_nothing: float
    plan: float
    price_gbp: float
    kind: str = "price"
    cells: PriceCells = field(default=())


def cost_lines(answer: Answer) -> list[CostLine]:
    """Return all cost lines of an estate plan, sorted by year and line.

    Empty without the plan's yearly tables, and where these have more than ``MAX_ROWS`` rows.
    """
    if answer.plan is None or answer.scenario.problem != "estate":
        return []
    tables = answer.plan.tables
    needed = ("buildings_by_year", "services_by_year", "cash_flow", "assignment_today")
    if not all(name in tables for name in needed):
        return []
    if len(tables["buildings_by_year"]) + len(tables["services_by_year"]) > MAX_ROWS:
        return []
    rows = list(_CostLineBuilder(answer).build())
    rows += _unexplained(rows, tables["cash_flow"])
    rows = [row for row in rows if row.price_gbp and (row.do_nothing or row.plan)]
    return sorted(rows, key=lambda r: (r.year, r.line, r.agency_id, r.part, r.recurs, r.money))


class _CostLineBuilder:
    """Builds the cost lines of one plan, in the order of the place's tables."""

    def __init__(self, answer: Answer) -> None:
        assert answer.plan is not None
        self.answer, self.place, self.tables = answer, answer.place, answer.plan.tables
        self.buildings: dict[str, Any] = _by_id(self.place.buildings, "building_id")
        self.services: dict[str, Any] = _by_id(self.place.services, "service_id")
        self.tiers: dict[str, Any] = _by_id(self.place.tiers, "tier_id")
        states = self.tables["buildings_by_year"]
        self.years = sorted({int(year) for year in states["year"]})
        self.state = {
            (int(y), i): state
            for y, i, state in zip(
                states["year"], states["building_id"], states["state"], strict=True
            )
        }
        self.optimism_bias: dict[str, float] = {}
        if answer.scenario.money.works_optimism_bias:
            bias = self.place.works_optimism_bias
            self.optimism_bias = dict(
                zip(bias["works_kind"], bias["upper_bound_share"], strict=True)
            )
        hosting = self.place.hosting
        open_today = {i for i, row in self.buildings.items() if row["status"] == "open"}
        self.points_today = {
            (i, s)
            for i, s in zip(hosting["building_id"], hosting["service_id"], strict=True)
            if i in open_today
        }

    def build(self) -> Iterator[CostLine]:
        """Yield every cost line, year by year."""
        for year in self.years:
            yield from self._running_costs(year)
            yield from self._service_points(year)
            yield from self._works_costs(year)
            yield from self._shared_roofs(year)
        yield from self._sale_lines()
        yield from self._carbon_lines()

    def _line(self, year: int, line: str, part: str, recurs: str, **fields: Any) -> CostLine:
        """Return a cost line of a building or service, paid by the agency that owns it."""
        i, s = fields.pop("building", ""), fields.pop("service", "")
        owner = self.services[s] if fields.pop("of_service", False) else self.buildings.get(i, {})
        return CostLine(
            year, str(owner.get("agency_id", "")), line, part, recurs, fields.pop("money", ""),
            i, s, fields.pop("unit"), float(fields.pop("do_nothing", 0.0)),
            float(fields.pop("plan", 0.0)), float(fields.pop("price")), **fields,
        )  # fmt: skip

    def _running_costs(self, year: int) -> Iterator[CostLine]:
        """Yield fixed costs, floor in use, tiers, holding and cost of capital of each building."""
        area = self._area_today(self._units_today(year))
        table = self.tables["buildings_by_year"]
        for row in table[table["year"] == year].to_dict("records"):
            i = str(row["building_id"])
            b = self.buildings[i]
            before = {"open": b["status"] == "open", "held": b["status"] == "vacant"}
            after = {state: row["state"] == state for state in ("open", "held")}
            for line, column, state, money in (
                ("running", "running_cost_fixed_gbp_per_year", "open", "open buildings"),
                ("holding", "holding_cost_gbp_per_year", "held", "empty buildings"),
                ("cost_of_capital", "cost_of_capital_gbp_per_year", "open", "cost of capital"),
                ("cost_of_capital", "cost_of_capital_gbp_per_year", "held", "cost of capital"),
            ):
                part = "buildings" if state == "open" else "held_empty"
                yield self._line(
                    year, line, part, "yearly", building=i, money=money, unit=f"building {state}",
                    do_nothing=before[state], plan=after[state], price=b[column],
                    cells=(("buildings", i, column),),
                )  # fmt: skip
            column = "running_cost_gbp_per_m2_per_year"
            yield self._line(
                year, "running", "buildings", "yearly", building=i, money="floor area in use",
                unit="m2 in use", do_nothing=area.get(i, 0.0), plan=row["area_used_m2"],
                price=b[column], cells=(("buildings", i, column),),
            )  # fmt: skip
            if row["tier_id"]:
                tier, column = str(row["tier_id"]), "running_cost_gbp_per_year"
                yield self._line(
                    year, "tiers", "buildings", "yearly", building=i, money="tiers",
                    unit=f"tier {tier}", plan=1.0, price=self.tiers[tier][column],
                    cells=(("tiers", tier, column),),
                )  # fmt: skip

    def _service_points(self, year: int) -> Iterator[CostLine]:
        """Yield staff of every service point, staff paid twice, moves, and redundancy."""
        table = self.tables["services_by_year"]
        rows = table[table["year"] == year]
        units = {
            (str(row["building_id"]), str(row["service_id"])): row["visits_per_year"] + row["desks"]
            for row in rows[rows["hosted"] == "yes"].to_dict("records")
        }
        units_today, hosts = self._units_today(year), set(units)
        staff_column, moving_column = "staffing_cost_gbp_per_point_per_year", "moving_cost_gbp"
        visits_column = "staff_gbp_per_1000_visits"
        for i, s in sorted(hosts | self.points_today):
            yield self._line(
                year, "staffing", "staff", "yearly", building=i, service=s, of_service=True,
                money="staff of service points", unit="service point",
                do_nothing=(i, s) in self.points_today, plan=(i, s) in hosts,
                price=self.services[s][staff_column], cells=(("services", s, staff_column),),
            )  # fmt: skip
            yield self._line(
                year, "staffing", "staff", "yearly", building=i, service=s, of_service=True,
                money="staff of service points", unit="thousand visits or desks",
                do_nothing=units_today.get((i, s), 0.0) / 1000, plan=units.get((i, s), 0.0) / 1000,
                price=self.services[s][visits_column], cells=(("services", s, visits_column),),
            )  # fmt: skip
        for column, line, part, recurs, money, unit, price_column in (
            ("double_running_gbp", "double_running", "double_running", "over_a_move", "",
             "years of staff paid twice", staff_column),
            ("moving_gbp", "moves", "moves", "once", "moves", "service moved in", moving_column),
        ):  # fmt: skip
            for i, s, gbp in zip(
                rows["building_id"], rows["service_id"], rows[column], strict=True
            ):
                price = float(self.services[s][price_column])
                if gbp and price:
                    yield self._line(
                        year, line, part, recurs, building=str(i), service=str(s), money=money,
                        of_service=True, unit=unit, plan=gbp / price, price=price,
                        cells=(("services", str(s), price_column),),
                    )  # fmt: skip
        before = self._hosts(year - 1) if year > self.years[0] else self.points_today
        for s, row in self.services.items():
            fewer = sum(x == s for _, x in before) - sum(x == s for _, x in hosts)
            if fewer > 0:
                yield self._line(
                    year, "redundancy", "redundancy", "once", service=s, of_service=True,
                    money="redundancy", unit="service points fewer", plan=fewer,
                    price=row["redundancy_gbp_per_point"],
                    cells=(("services", s, "redundancy_gbp_per_point"),),
                )  # fmt: skip

    def _hosts(self, year: int) -> set[tuple[str, str]]:
        table = self.tables["services_by_year"]
        here = table[(table["year"] == year) & (table["hosted"] == "yes")]
        return set(zip(here["building_id"], here["service_id"], strict=True))

    def _works_costs(self, year: int) -> Iterator[CostLine]:
        """Yield fit-out, set-up, closing, lease penalties and maintenance."""
        points = self.tables["services_by_year"]
        for row in points[points["year"] == year].to_dict("records"):
            i, price = (
                str(row["building_id"]),
                self._raised_price(str(row["building_id"]), "fit_out_gbp_per_m2"),
            )
            if row["fit_out_gbp"] and price:
                yield self._line(
                    year, "fit_out", "fit_out", "once", building=i, service=str(row["service_id"]),
                    money="fit-out", unit="m2 fitted out", plan=row["fit_out_gbp"] / price,
                    price=price, **self._price_cells(i, "buildings", i, "fit_out_gbp_per_m2"),
                )  # fmt: skip
        table = self.tables["buildings_by_year"]
        for row in table[table["year"] == year].to_dict("records"):
            i = str(row["building_id"])
            b = self.buildings[i]
            tier = str(row["tier_id"])
            if row["setup_gbp"]:
                price = float(self.tiers[tier]["setup_cost_gbp"]) * self._optimism_factor(i)
                yield self._line(
                    year, "set_up", "set_up", "once", building=i, money="tiers", unit="tier set up",
                    plan=row["setup_gbp"] / price, price=price,
                    **self._price_cells(i, "tiers", tier, "setup_cost_gbp"),
                )  # fmt: skip
            yield from self._closing_costs(year, i, float(row["closing_gbp"]))
            is_stated = not is_missing(b["backlog_gbp"])
            due = float(b["backlog_gbp"]) * self._optimism_factor(i) if is_stated else 0.0
            is_due_today = year == self.years[0] and b["status"] != "candidate"
            if due and (row["backlog_gbp"] or is_due_today):
                yield self._line(
                    year, "backlog", "maintenance", "once", building=i, unit="maintenance due",
                    money="required maintenance", do_nothing=is_due_today,
                    plan=row["backlog_gbp"] / due, price=due,
                    **self._price_cells(i, "buildings", i, "backlog_gbp"),
                )  # fmt: skip

    def _closing_costs(self, year: int, i: str, gbp: float) -> Iterator[CostLine]:
        b = self.buildings[i]
        before = self.state.get((year - 1, i), b["status"])
        is_closed = before == "open" and self.state[year, i] != "open" and b["status"] == "open"
        cost = float(b["closure_cost_gbp"]) if is_closed else 0.0
        for unit, gbp_of_part, column in (
            ("building closed", cost, "closure_cost_gbp"),
            ("lease ended early", gbp - cost, "lease_break_penalty_gbp"),
        ):
            price = float(b[column])
            if abs(gbp_of_part) > TOLERANCE_GBP and price > 0:
                yield self._line(
                    year, "closing", "closing", "once", building=i, money="closing", unit=unit,
                    plan=gbp_of_part / price, price=price, cells=(("buildings", i, column),),
                )  # fmt: skip

    def _optimism_factor(self, i: str) -> float:
        """Return the factor by which estimates of works in a building are raised."""
        return 1 + float(self.optimism_bias.get(self.buildings[i]["works_kind"], 0.0))

    def _raised_price(self, i: str, column: str) -> float:
        return float(self.buildings[i][column]) * self._optimism_factor(i)

    def _price_cells(self, i: str, table: str, key: str, column: str) -> dict[str, Any]:
        """Return kind and cells of an estimate of works, raised where the scenario asks for it."""
        cells: PriceCells = ((table, key, column),)
        if not self.optimism_bias:
            return {"cells": cells}
        kind = str(self.buildings[i]["works_kind"])
        return {
            "kind": "raised",
            "cells": (*cells, ("works_optimism_bias", kind, "upper_bound_share")),
        }

    def _sale_lines(self) -> Iterator[CostLine]:
        """Yield receipts, and the cost of holding what is sold until they come."""
        table = self.tables["buildings"]
        for i, disposal, sold, paid in zip(
            *(table[c] for c in ("building_id", "disposal", "disposal_year", "receipt_year")),
            strict=True,
        ):
            if disposal != "sold":
                continue
            b = self.buildings[i]
            net = 1 - float(b["sale_cost_share"]) - float(b["receipt_clawback_share"])
            columns = ("capital_receipt_gbp", "sale_cost_share", "receipt_clawback_share")
            yield self._line(
                int(paid), "receipts", "receipts", "once", building=i, money="receipts, net",
                unit="building sold", plan=1.0, price=-float(b["capital_receipt_gbp"]) * net,
                kind="receipt", cells=tuple(("buildings", i, column) for column in columns),
            )  # fmt: skip
            for year in range(int(sold), int(paid)):
                for line, column in (
                    ("holding", "holding_cost_gbp_per_year"),
                    ("cost_of_capital", "cost_of_capital_gbp_per_year"),
                ):
                    yield self._line(
                        year, line, "held_empty", "until_sold", building=i, unit="sale awaited",
                        plan=1.0, price=b[column], cells=(("buildings", i, column),),
                    )  # fmt: skip

    def _shared_roofs(self, year: int) -> Iterator[CostLine]:
        """Yield the value of preferred pairs of services under one roof; it is not cash."""
        from placeopt.scenario.rules.estate.services import Together

        if not self.answer.scenario.of(Together):
            return
        hosts = self._hosts(year)
        for row in self.place.compatibility.to_dict("records"):
            if row["relation"] != "prefer":
                continue
            pair = [str(row[name]) for name in ("service_a", "service_b")]

            def roofs(points: set[tuple[str, str]], pair: list[str] = pair) -> int:
                return len(
                    {i for i, s in points if s == pair[0]} & {i for i, s in points if s == pair[1]}
                )

            yield self._line(
                year, "shared_roofs", "shared_roof_benefit", "yearly", unit="roofs shared",
                do_nothing=roofs(self.points_today), plan=roofs(hosts), service=pair[0],
                price=-float(row["benefit_gbp_per_year"]), kind="minus",
                cells=(("compatibility", ", ".join(pair), "benefit_gbp_per_year"),),
            )  # fmt: skip

    def _carbon_lines(self) -> Iterator[CostLine]:
        for row in self.tables.get("carbon_by_year", _no_years()).to_dict("records"):
            year = int(row["year"])
            yield self._line(
                year, "carbon", "carbon", "carbon", unit="tCO2e",
                do_nothing=row["do_nothing_tco2e"], plan=row["plan_tco2e"],
                price=row["value_gbp_per_tco2e"],
                cells=(("carbon_values", str(year), "gbp_per_tco2e"),),
            )  # fmt: skip

    def _units_today(self, year: int) -> dict[tuple[str, str], float]:
        """Return visits or desks of the year at each service point of today's arrangement."""
        from placeopt.place.demand import visits_of

        visits = visits_of(self.place, year, year - self.years[0])
        zone = {z: n for n, z in enumerate(self.place.zones["zone_id"])}
        service = {s: n for n, s in enumerate(self.place.services["service_id"])}
        units: dict[tuple[str, str], float] = dict.fromkeys(sorted(self.points_today), 0.0)
        assignment = self.tables["assignment_today"]
        for z, s, i, share in zip(
            *(assignment[c] for c in ("zone_id", "service_id", "building_id", "share")), strict=True
        ):
            units[i, s] += share * visits[zone[z], service[s]]
        hosts: dict[str, list[str]] = defaultdict(list)
        for i, s in units:
            hosts[s].append(i)
        for s, row in self.services.items():
            if row["back_office"]:
                units |= {(i, s): row["desks"] / len(hosts[s]) for i in hosts[s]}
        return units

    def _area_today(self, units: dict[tuple[str, str], float]) -> dict[str, float]:
        """Return the floor area (m2) that today's arrangement uses in a year, by building."""
        area: dict[str, float] = defaultdict(float)
        front: dict[str, float] = defaultdict(float)
        for (i, s), quantity in units.items():
            row = self.services[s]
            area[i] += row["area_base_m2"] + row["area_m2_per_1000_visits"] * quantity / 1000
            front[i] = max(front[i], row["front_of_house_m2"])
        return {i: m2 + front[i] for i, m2 in area.items()}


def _unexplained(rows: list[CostLine], cash: pd.DataFrame) -> list[CostLine]:
    """Return costs of the cash flow that no line explains, as separate rows."""
    explained: dict[tuple[Any, ...], Any] = defaultdict(lambda: np.zeros(2))
    for row in rows:
        if row.line not in NON_CASH_LINES:
            gbp = np.array([row.do_nothing, row.plan]) * row.price_gbp
            explained[row.year, row.agency_id, row.line] += gbp
    stated = {
        (int(year), str(agency), str(line)): np.array([nothing, plan])
        for year, agency, line, nothing, plan in zip(
            *(cash[c] for c in ("year", "agency_id", "line", "do_nothing_gbp", "plan_gbp")),
            strict=True,
        )
    }
    unexplained = {key: stated.get(key, 0.0) - explained[key] for key in {*stated, *explained}}
    last = max(row.year for row in rows if row.recurs == YEARLY)
    others = []
    for (year, agency, line), gbp in sorted(unexplained.items()):
        if np.abs(gbp).max() <= TOLERANCE_GBP:
            continue
        part, recurs, money = LINE_PARTS.get(line, (line, "once", ""))
        if recurs == YEARLY and year > last:
            recurs, money = "until_sold", ""
        unit = "as the plan states it"
        do_nothing, plan = (float(value) for value in gbp)
        others.append(
            CostLine(
                *(year, agency, line, part, recurs, money, "", "", unit),
                *(do_nothing, plan, 1.0, "value"),
            )
        )
    return others


def lines_table(lines: list[CostLine]) -> pd.DataFrame:
    """Return the cost lines as the table of the workbook's sheet."""
    import pandas as pd

    rows = [
        {
            "year": line.year,
            "agency_id": line.agency_id,
            "line": line.line,
            "building_id": line.building_id,
            "service_id": line.service_id,
            "of": line.unit,
            "do_nothing_quantity": line.do_nothing,
            "plan_quantity": line.plan,
            "price_gbp": line.price_gbp,
            "do_nothing_gbp": line.do_nothing * line.price_gbp,
            "plan_gbp": line.plan * line.price_gbp,
            "saving_gbp": (line.do_nothing - line.plan) * line.price_gbp,
            "part": line.part,
            "recurs": line.recurs,
            "money": line.money,
        }
        for line in lines
    ]
    return pd.DataFrame(rows)


def _by_id(table: pd.DataFrame, key: str) -> dict[str, Any]:
    return {str(row[key]): row for row in table.to_dict("records")}


def _no_years() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns=["year"])
