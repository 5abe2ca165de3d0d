"""Every cost of an estate plan as a quantity times a price, for doing nothing and for the plan.

A row says how much of what there is in a year (a building open, square metres in use, a service
point, a move) and at which price of the place's tables, so that a workbook can compute every
total from the sheet "Inputs". Quantities are the plan's own; prices are cells.

    line      line of the cash flow; shared_roofs and carbon are counted and are no cash
    part      part of the running cost, of the cash outlook or of the whole life
    recurs    yearly (the last decided year's goes on), once, until_sold (holding what is sold
              until its receipt), over_a_move (staff paid twice), or carbon
    money     line of the table "Money by agency"; empty where that table leaves it out

What cannot be explained by a price is a row of its own, so that sums always tie to the cash flow.
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

PENNY = 0.005
YEARLY = "yearly"
MOST_LINES = 8_000  # more would make a workbook that computes slowly; it then holds values
OF_LINE = {  # line of the cash flow -> part, how it recurs, line of the money table
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
Price = tuple[tuple[str, str, str], ...]  # (table, key, column) of the cells it is made of
NON_CASH_LINES = ("shared_roofs", "carbon")


@dataclass(frozen=True)
class CostLine:
    """One quantity and its price; ``kind`` says how the cells make the price."""

    year: int
    agency_id: str
    line: str
    part: str
    recurs: str
    money: str
    building_id: str
    service_id: str
    of: str
    do_nothing: float
    plan: float
    price_gbp: float
    kind: str = "price"  # price, minus, raised (by optimism bias), receipt, or value
    cells: Price = field(default=())


def cost_lines(answer: Answer) -> list[CostLine]:
    """All lines of an estate plan that has its tables by year; empty without them, or where there
    are too many."""
    if answer.plan is None or answer.scenario.problem != "estate":
        return []
    tables = answer.plan.tables
    needed = ("buildings_by_year", "services_by_year", "cash_flow", "assignment_today")
    if not all(name in tables for name in needed):
        return []
    if len(tables["buildings_by_year"]) + len(tables["services_by_year"]) > MOST_LINES:
        return []
    rows = list(_Lines(answer).all())
    rows += _unexplained(rows, tables["cash_flow"])
    rows = [row for row in rows if row.price_gbp and (row.do_nothing or row.plan)]
    return sorted(rows, key=lambda r: (r.year, r.line, r.agency_id, r.part, r.recurs, r.money))


class _Lines:
    """The rows of one plan, in the order of the place's tables."""

    def __init__(self, answer: Answer) -> None:
        assert answer.plan is not None
        self.answer, self.place, self.tables = answer, answer.place, answer.plan.tables
        self.buildings: dict[str, Any] = _by_id(self.place.buildings, "building_id")
        self.services: dict[str, Any] = _by_id(self.place.services, "service_id")
        self.tiers: dict[str, Any] = _by_id(self.place.tiers, "tier_id")
        of_years = self.tables["buildings_by_year"]
        self.years = sorted({int(year) for year in of_years["year"]})
        self.state = {
            (int(y), i): state
            for y, i, state in zip(
                of_years["year"], of_years["building_id"], of_years["state"], strict=True
            )
        }
        self.raised: dict[str, float] = {}
        if answer.scenario.money.works_optimism_bias:
            bias = self.place.works_optimism_bias
            self.raised = dict(zip(bias["works_kind"], bias["upper_bound_share"], strict=True))
        hosting = self.place.hosting
        open_today = {i for i, row in self.buildings.items() if row["status"] == "open"}
        self.today = {
            (i, s)
            for i, s in zip(hosting["building_id"], hosting["service_id"], strict=True)
            if i in open_today
        }

    def all(self) -> Iterator[CostLine]:
        for year in self.years:
            yield from self._running(year)
            yield from self._points(year)
            yield from self._works(year)
            yield from self._shared_roofs(year)
        yield from self._sales()
        yield from self._carbon()

    def _line(self, year: int, line: str, part: str, recurs: str, **how: Any) -> CostLine:
        i, s = how.pop("building", ""), how.pop("service", "")
        owner = self.services[s] if how.pop("of_service", False) else self.buildings.get(i, {})
        return CostLine(
            year, str(owner.get("agency_id", "")), line, part, recurs, how.pop("money", ""), i, s,
            how.pop("of"), float(how.pop("do_nothing", 0.0)), float(how.pop("plan", 0.0)),
            float(how.pop("price")), **how,
        )  # fmt: skip

    def _running(self, year: int) -> Iterator[CostLine]:
        """Fixed costs, floor in use, tiers, holding and cost of capital of each building."""
        used = self._area_today(self._units_today(year))
        table = self.tables["buildings_by_year"]
        for row in table[table["year"] == year].to_dict("records"):
            i = str(row["building_id"])
            b = self.buildings[i]
            was = {"open": b["status"] == "open", "held": b["status"] == "vacant"}
            now = {state: row["state"] == state for state in ("open", "held")}
            for line, column, state, money in (
                ("running", "running_cost_fixed_gbp_per_year", "open", "open buildings"),
                ("holding", "holding_cost_gbp_per_year", "held", "empty buildings"),
                ("cost_of_capital", "cost_of_capital_gbp_per_year", "open", "cost of capital"),
                ("cost_of_capital", "cost_of_capital_gbp_per_year", "held", "cost of capital"),
            ):
                part = "buildings" if state == "open" else "held_empty"
                yield self._line(
                    year, line, part, "yearly", building=i, money=money, of=f"building {state}",
                    do_nothing=was[state], plan=now[state], price=b[column],
                    cells=(("buildings", i, column),),
                )  # fmt: skip
            column = "running_cost_gbp_per_m2_per_year"
            yield self._line(
                year, "running", "buildings", "yearly", building=i, money="floor area in use",
                of="m2 in use", do_nothing=used.get(i, 0.0), plan=row["area_used_m2"],
                price=b[column], cells=(("buildings", i, column),),
            )  # fmt: skip
            if row["tier_id"]:
                tier, column = str(row["tier_id"]), "running_cost_gbp_per_year"
                yield self._line(
                    year, "tiers", "buildings", "yearly", building=i, money="tiers",
                    of=f"tier {tier}", plan=1.0, price=self.tiers[tier][column],
                    cells=(("tiers", tier, column),),
                )  # fmt: skip

    def _points(self, year: int) -> Iterator[CostLine]:
        """Staff of every service point, staff paid twice, moves, and redundancy."""
        table = self.tables["services_by_year"]
        here = table[table["year"] == year]
        units = {
            (str(row["building_id"]), str(row["service_id"])): row["visits_per_year"] + row["desks"]
            for row in here[here["hosted"] == "yes"].to_dict("records")
        }
        units_today, hosts = self._units_today(year), set(units)
        staff, moving = "staffing_cost_gbp_per_point_per_year", "moving_cost_gbp"
        by_visits = "staff_gbp_per_1000_visits"
        for i, s in sorted(hosts | self.today):
            yield self._line(
                year, "staffing", "staff", "yearly", building=i, service=s, of_service=True,
                money="staff of service points", of="service point",
                do_nothing=(i, s) in self.today, plan=(i, s) in hosts,
                price=self.services[s][staff], cells=(("services", s, staff),),
            )  # fmt: skip
            yield self._line(
                year, "staffing", "staff", "yearly", building=i, service=s, of_service=True,
                money="staff of service points", of="thousand visits or desks",
                do_nothing=units_today.get((i, s), 0.0) / 1000, plan=units.get((i, s), 0.0) / 1000,
                price=self.services[s][by_visits], cells=(("services", s, by_visits),),
            )  # fmt: skip
        for column, line, part, recurs, money, of, price in (
            ("double_running_gbp", "double_running", "double_running", "over_a_move", "",
             "years of staff paid twice", staff),
            ("moving_gbp", "moves", "moves", "once", "moves", "service moved in", moving),
        ):  # fmt: skip
            for i, s, gbp in zip(
                here["building_id"], here["service_id"], here[column], strict=True
            ):
                one = float(self.services[s][price])
                if gbp and one:
                    yield self._line(
                        year, line, part, recurs, building=str(i), service=str(s), money=money,
                        of_service=True, of=of, plan=gbp / one, price=one,
                        cells=(("services", str(s), price),),
                    )  # fmt: skip
        before = self._hosts(year - 1) if year > self.years[0] else self.today
        for s, row in self.services.items():
            fewer = sum(of == s for _, of in before) - sum(of == s for _, of in hosts)
            if fewer > 0:
                yield self._line(
                    year, "redundancy", "redundancy", "once", service=s, of_service=True,
                    money="redundancy", of="service points fewer", plan=fewer,
                    price=row["redundancy_gbp_per_point"],
                    cells=(("services", s, "redundancy_gbp_per_point"),),
                )  # fmt: skip

    def _hosts(self, year: int) -> set[tuple[str, str]]:
        table = self.tables["services_by_year"]
        here = table[(table["year"] == year) & (table["hosted"] == "yes")]
        return set(zip(here["building_id"], here["service_id"], strict=True))

    def _works(self, year: int) -> Iterator[CostLine]:
        """Fit-out, set-up, closing, lease penalties and maintenance."""
        points = self.tables["services_by_year"]
        for row in points[points["year"] == year].to_dict("records"):
            i, price = (
                str(row["building_id"]),
                self._price(str(row["building_id"]), "fit_out_gbp_per_m2"),
            )
            if row["fit_out_gbp"] and price:
                yield self._line(
                    year, "fit_out", "fit_out", "once", building=i, service=str(row["service_id"]),
                    money="fit-out", of="m2 fitted out", plan=row["fit_out_gbp"] / price,
                    price=price, **self._raised(i, "buildings", i, "fit_out_gbp_per_m2"),
                )  # fmt: skip
        table = self.tables["buildings_by_year"]
        for row in table[table["year"] == year].to_dict("records"):
            i = str(row["building_id"])
            b = self.buildings[i]
            tier = str(row["tier_id"])
            if row["setup_gbp"]:
                price = float(self.tiers[tier]["setup_cost_gbp"]) * self._factor(i)
                yield self._line(
                    year, "set_up", "set_up", "once", building=i, money="tiers", of="tier set up",
                    plan=row["setup_gbp"] / price, price=price,
                    **self._raised(i, "tiers", tier, "setup_cost_gbp"),
                )  # fmt: skip
            yield from self._closing(year, i, float(row["closing_gbp"]))
            stated = not is_missing(b["backlog_gbp"])
            due = float(b["backlog_gbp"]) * self._factor(i) if stated else 0.0
            first = year == self.years[0] and b["status"] != "candidate"
            if due and (row["backlog_gbp"] or first):
                yield self._line(
                    year, "backlog", "maintenance", "once", building=i, of="maintenance due",
                    money="required maintenance", do_nothing=first, plan=row["backlog_gbp"] / due,
                    price=due, **self._raised(i, "buildings", i, "backlog_gbp"),
                )  # fmt: skip

    def _closing(self, year: int, i: str, gbp: float) -> Iterator[CostLine]:
        b = self.buildings[i]
        before = self.state.get((year - 1, i), b["status"])
        closes = before == "open" and self.state[year, i] != "open" and b["status"] == "open"
        cost = float(b["closure_cost_gbp"]) if closes else 0.0
        for of, part, column in (
            ("building closed", cost, "closure_cost_gbp"),
            ("lease ended early", gbp - cost, "lease_break_penalty_gbp"),
        ):
            price = float(b[column])
            if abs(part) > PENNY and price > 0:
                yield self._line(
                    year, "closing", "closing", "once", building=i, money="closing", of=of,
                    plan=part / price, price=price, cells=(("buildings", i, column),),
                )  # fmt: skip

    def _factor(self, i: str) -> float:
        """What estimates of works in a building are multiplied by."""
        return 1 + float(self.raised.get(self.buildings[i]["works_kind"], 0.0))

    def _price(self, i: str, column: str) -> float:
        return float(self.buildings[i][column]) * self._factor(i)

    def _raised(self, i: str, table: str, key: str, column: str) -> dict[str, Any]:
        """Cells of an estimate of works, raised where the scenario asks for it."""
        cells: Price = ((table, key, column),)
        if not self.raised:
            return {"cells": cells}
        kind = str(self.buildings[i]["works_kind"])
        return {
            "kind": "raised",
            "cells": (*cells, ("works_optimism_bias", kind, "upper_bound_share")),
        }

    def _sales(self) -> Iterator[CostLine]:
        """Receipts, and keeping what is sold until they come."""
        table = self.tables["buildings"]
        for i, left, sold, paid in zip(
            *(table[c] for c in ("building_id", "disposal", "disposal_year", "receipt_year")),
            strict=True,
        ):
            if left != "sold":
                continue
            b = self.buildings[i]
            net = 1 - float(b["sale_cost_share"]) - float(b["receipt_clawback_share"])
            columns = ("capital_receipt_gbp", "sale_cost_share", "receipt_clawback_share")
            yield self._line(
                int(paid), "receipts", "receipts", "once", building=i, money="receipts, net",
                of="building sold", plan=1.0, price=-float(b["capital_receipt_gbp"]) * net,
                kind="receipt", cells=tuple(("buildings", i, column) for column in columns),
            )  # fmt: skip
            for year in range(int(sold), int(paid)):
                for line, column in (
                    ("holding", "holding_cost_gbp_per_year"),
                    ("cost_of_capital", "cost_of_capital_gbp_per_year"),
                ):
                    yield self._line(
                        year, line, "held_empty", "until_sold", building=i, of="sale awaited",
                        plan=1.0, price=b[column], cells=(("buildings", i, column),),
                    )  # fmt: skip

    def _shared_roofs(self, year: int) -> Iterator[CostLine]:
        """What preferred pairs under one roof are worth: counted, and no cash."""
        from placeopt.scenario.rules.estate.services import Together

        if not self.answer.scenario.of(Together):
            return
        hosts = self._hosts(year)
        for row in self.place.compatibility.to_dict("records"):
            if row["relation"] != "prefer":
                continue
            pair = [str(row[name]) for name in ("service_a", "service_b")]

            def roofs(at: set[tuple[str, str]], pair: list[str] = pair) -> int:
                return len({i for i, s in at if s == pair[0]} & {i for i, s in at if s == pair[1]})

            yield self._line(
                year, "shared_roofs", "shared_roof_benefit", "yearly", of="roofs shared",
                do_nothing=roofs(self.today), plan=roofs(hosts), service=pair[0],
                price=-float(row["benefit_gbp_per_year"]), kind="minus",
                cells=(("compatibility", ", ".join(pair), "benefit_gbp_per_year"),),
            )  # fmt: skip

    def _carbon(self) -> Iterator[CostLine]:
        for row in self.tables.get("carbon_by_year", _none()).to_dict("records"):
            year = int(row["year"])
            yield self._line(
                year, "carbon", "carbon", "carbon", of="tCO2e", do_nothing=row["do_nothing_tco2e"],
                plan=row["plan_tco2e"], price=row["value_gbp_per_tco2e"],
                cells=(("carbon_values", str(year), "gbp_per_tco2e"),),
            )  # fmt: skip

    def _units_today(self, year: int) -> dict[tuple[str, str], float]:
        """Visits or desks of the year at each service point of today's arrangement."""
        from placeopt.place.demand import visits_of

        visits = visits_of(self.place, year, year - self.years[0])
        zone = {z: n for n, z in enumerate(self.place.zones["zone_id"])}
        service = {s: n for n, s in enumerate(self.place.services["service_id"])}
        units: dict[tuple[str, str], float] = dict.fromkeys(sorted(self.today), 0.0)
        went = self.tables["assignment_today"]
        for z, s, i, share in zip(
            *(went[c] for c in ("zone_id", "service_id", "building_id", "share")), strict=True
        ):
            units[i, s] += share * visits[zone[z], service[s]]
        at: dict[str, list[str]] = defaultdict(list)
        for i, s in units:
            at[s].append(i)
        for s, row in self.services.items():
            if row["back_office"]:
                units |= {(i, s): row["desks"] / len(at[s]) for i in at[s]}
        return units

    def _area_today(self, units: dict[tuple[str, str], float]) -> dict[str, float]:
        """m2 that today's arrangement uses in a year, by building."""
        used: dict[str, float] = defaultdict(float)
        front: dict[str, float] = defaultdict(float)
        for (i, s), there in units.items():
            row = self.services[s]
            used[i] += row["area_base_m2"] + row["area_m2_per_1000_visits"] * there / 1000
            front[i] = max(front[i], row["front_of_house_m2"])
        return {i: m2 + front[i] for i, m2 in used.items()}


def _unexplained(rows: list[CostLine], cash: pd.DataFrame) -> list[CostLine]:
    """What the cash flow has and no line explains, as rows of their own."""
    found: dict[tuple[Any, ...], Any] = defaultdict(lambda: np.zeros(2))
    for row in rows:
        if row.line not in NON_CASH_LINES:
            gbp = np.array([row.do_nothing, row.plan]) * row.price_gbp
            found[row.year, row.agency_id, row.line] += gbp
    stated = {
        (int(year), str(agency), str(line)): np.array([nothing, plan])
        for year, agency, line, nothing, plan in zip(
            *(cash[c] for c in ("year", "agency_id", "line", "do_nothing_gbp", "plan_gbp")),
            strict=True,
        )
    }
    left = {key: stated.get(key, 0.0) - found[key] for key in {*stated, *found}}
    last = max(row.year for row in rows if row.recurs == YEARLY)
    others = []
    for (year, agency, line), gbp in sorted(left.items()):
        if np.abs(gbp).max() <= PENNY:
            continue
        part, recurs, money = OF_LINE.get(line, (line, "once", ""))
        if recurs == YEARLY and year > last:
            recurs, money = "until_sold", ""
        of = "as the plan states it"
        was, now = (float(one) for one in gbp)
        others.append(
            CostLine(year, agency, line, part, recurs, money, "", "", of, was, now, 1.0, "value")
        )
    return others


def lines_table(lines: list[CostLine]) -> pd.DataFrame:
    """The rows as the workbook's sheet shows them."""
    import pandas as pd

    rows = [
        {
            "year": line.year,
            "agency_id": line.agency_id,
            "line": line.line,
            "building_id": line.building_id,
            "service_id": line.service_id,
            "of": line.of,
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


def _none() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns=["year"])
