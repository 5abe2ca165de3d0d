"""The rules of the estate problem: what a scenario may ask of the buildings it keeps.

    E1 served    E2 hosted   E3 opened   E4 floor     E5 capacity  E6 together
    E7 access    E9 network  E10 capital E11 revenue  E13 pinned   E14 carbon

Rules marked implied are in force unless the scenario's ``drop`` names them; the others hold where
a ``[[rules]]`` table states them, as often as it is stated.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from placeopt.scenario.rules import Problem, Rule

Who = Literal[
    "all",
    "most_deprived",
    "rural",
    "urban",
    "without_car",
    "people_0_4",
    "people_5_15",
    "people_16_64",
    "people_65_84",
    "people_85_plus",
]

WHO_IN_WORDS = {
    "all": "residents",
    "most_deprived": "residents of the most deprived fifth",
    "rural": "rural residents",
    "urban": "urban residents",
    "without_car": "residents without a car",
    "people_0_4": "children under 5",
    "people_5_15": "children aged 5 to 15",
    "people_16_64": "residents aged 16 to 64",
    "people_65_84": "residents aged 65 to 84",
    "people_85_plus": "residents aged 85 and over",
}


class EstateRule(Rule):
    """A rule of the estate problem."""

    problem: ClassVar[Problem] = "estate"


class Served(EstateRule):
    """(E1) Every zone's visits to every service are served somewhere."""

    name: ClassVar[str] = "served"
    number: ClassVar[str] = "E1"
    equation: ClassVar[str] = (
        "sum over b of serve[z,s,b] + unserved[z,s] = 1; "
        "sum over z of visits[z,s] unserved[z,s] <= unserved_share x sum over z of visits[z,s]; "
        "for a back-office service, desks over all its hosts = the desks it needs"
    )
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["served"] = "served"
    unserved_share: float = Field(
        0.0, ge=0, le=1, description="share of each service's visits that may go unserved"
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        if self.unserved_share == 0:
            return "Every visit that is not made online is served in some building."
        return f"At most {_percent(self.unserved_share)} of each service's visits go unserved."


class Hosted(EstateRule):
    """(E2) A visit is served only where the service is hosted."""

    name: ClassVar[str] = "hosted"
    number: ClassVar[str] = "E2"
    equation: ClassVar[str] = "serve[z,s,b] <= host[s,b]"
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["hosted"] = "hosted"

    def sentence(self, names: dict[str, str] | None = None) -> str:
        return "A visit is served only where the service is hosted."


class Opened(EstateRule):
    """(E3) A service is hosted only in an open building that may host it."""

    name: ClassVar[str] = "opened"
    number: ClassVar[str] = "E3"
    equation: ClassVar[str] = (
        "host[s,b] <= open[b] where b hosts s today or its kind is suitable; with tiers, "
        "sum over k of tier[b,k] <= open[b], host[s,b] <= sum of tier[b,k] over tiers that may "
        "host s (a building without a tier keeps only what it hosts today), "
        "host[s,b] >= tier[b,k] where s is compulsory in tier k"
    )
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["opened"] = "opened"

    def sentence(self, names: dict[str, str] | None = None) -> str:
        return "A service is hosted only in an open building whose kind and tier may host it."


class Floor(EstateRule):
    """(E4) The services and the shared front of house fit in the building."""

    name: ClassVar[str] = "floor"
    number: ClassVar[str] = "E4"
    equation: ClassVar[str] = (
        "sum over s of area[s,b] + front[b] <= usable_m2[b] open[b]; "
        "front[b] >= front_of_house_m2[s] host[s,b]"
    )
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["floor"] = "floor"

    def sentence(self, names: dict[str, str] | None = None) -> str:
        return "The services of a building and their shared front of house fit in its usable area."


class Capacity(EstateRule):
    """(E5) Visits served fit in the area given to the service."""

    name: ClassVar[str] = "capacity"
    number: ClassVar[str] = "E5"
    equation: ClassVar[str] = (
        "area[s,b] >= area_base_m2[s] host[s,b] + area_m2_per_1000_visits[s] / 1000 "
        "x sum over z of visits[z,s] serve[z,s,b] (of a back-office service, a desk counts as a "
        "visit)"
    )
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["capacity"] = "capacity"

    def sentence(self, names: dict[str, str] | None = None) -> str:
        return "Each service has the floor area that its visits or desks need."


class Together(EstateRule):
    """(E6) Services that must or may not share a roof, and how many a building may hold."""

    name: ClassVar[str] = "together"
    number: ClassVar[str] = "E6"
    equation: ClassVar[str] = (
        "must: host[a,b] = host[c,b]; never: host[a,b] + host[c,b] <= 1; prefer: pair[b] <= "
        "host[a,b], pair[b] <= host[c,b], earning its benefit; sum over s of host[s,b] <= "
        "max_services"
    )
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["together"] = "together"
    max_services: int | None = Field(
        None, ge=1, description="a building hosts at most this many services"
    )
    must: tuple[tuple[str, str], ...] = Field(
        (), description="pairs of services that share every roof, beside the compatibility table's"
    )
    never: tuple[tuple[str, str], ...] = Field(
        (), description="pairs of services that never share one, beside the compatibility table's"
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        parts = ["Services that must share a roof do, and those that may not do not"]
        parts += [f"{_name(a, names)} and {_name(b, names)} share a roof" for a, b in self.must]
        parts += [f"{_name(a, names)} and {_name(b, names)} do not" for a, b in self.never]
        if self.max_services is not None:
            parts.append(f"a building hosts at most {self.max_services} services")
        return "; ".join(parts) + "."


class Access(EstateRule):
    """(E7) A stated share of residents is within so many minutes of the service.

    Shares count all residents of the group, digital or unserved included, by minutes to the
    nearest open host by the fastest of the modes open to them: households without a car do not
    drive. Each service of the rule has to meet it.
    """

    name: ClassVar[str] = "access"
    number: ClassVar[str] = "E7"
    equation: ClassVar[str] = (
        "cover[z,s] <= sum of host[s,b] over b within the minutes; "
        "sum over z of residents[z] cover[z,s] >= share x sum over z of residents[z]; "
        "sum of host[s,b] over b within the ceiling >= 1 for every zone with such residents"
    )

    rule: Literal["access"] = "access"
    services: tuple[str, ...] | Literal["all"] = Field(
        description='ids of the services that must be near, or "all" (back offices left out)'
    )
    minutes: float | None = Field(None, gt=0, description="minutes one way, door to door")
    share: float = Field(1.0, ge=0, le=1, description="share of the residents within the minutes")
    mode: str | None = Field(None, description="by this mode; by default the scenario's modes")
    modes: tuple[str, ...] = Field((), description="by the fastest of these modes")
    who: Who | tuple[Who, ...] = Field(
        "all", description="the residents counted; of several, those to whom all apply"
    )
    quintiles: tuple[int, ...] = Field(
        (), description="only zones of these deprivation quintiles (1 is the most deprived)"
    )
    district: str | None = Field(None, description="only residents of this district")
    each_district: bool = Field(False, description="the share holds in every district by itself")
    ceiling_minutes: float | None = Field(
        None, gt=0, description="nobody counted is further away than this"
    )
    offer: Literal["full", "any"] = Field(
        "full", description='whether only a full offer counts, or "any"'
    )

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.minutes is None and self.ceiling_minutes is None:
            raise ValueError("give minutes (with a share), or ceiling_minutes, or both")
        if self.mode is not None and self.modes:
            raise ValueError("give mode or modes, not both")
        if self.each_district and self.district is not None:
            raise ValueError("give district or each_district, not both")
        if any(not 1 <= quintile <= 5 for quintile in self.quintiles):
            raise ValueError("quintiles are 1 (the most deprived) to 5")
        return self

    def groups(self) -> tuple[str, ...]:
        """The conditions on the residents counted, ``all`` left out."""
        who = (self.who,) if isinstance(self.who, str) else self.who
        return tuple(group for group in who if group != "all")

    def modes_of(self, modes: tuple[str, ...]) -> tuple[str, ...]:
        """The modes that count, of the scenario's ``modes``."""
        if self.mode is not None:
            return (self.mode,)
        return self.modes or modes

    def sentence(self, names: dict[str, str] | None = None) -> str:
        who = " and ".join(WHO_IN_WORDS[group] for group in self.groups()) or "residents"
        if self.quintiles:
            who += f" in deprivation quintile {_list(map(str, self.quintiles), 'or')}"
        if self.district is not None:
            who += f" of {_name(self.district, names)}"
        what = (
            "every service"
            if self.services == "all"
            else _list((_name(service, names) for service in self.services), "and")
        )
        full = "the full offer of " if self.offer == "full" else ""
        modes = self.modes_of(())
        by = f" by {_list(modes, 'or')}" if modes else ""
        each = " in each district" if self.each_district else ""
        parts = []
        if self.minutes is not None:
            parts.append(
                f"at least {_percent(self.share)} of {who}{each} are within {self.minutes:g} "
                f"minutes of {full}{what}{by}"
            )
        if self.ceiling_minutes is not None:
            of = f" of {full}{what}{by}" if self.minutes is None else ""
            parts.append(f"none of the {who} is beyond {self.ceiling_minutes:g} minutes{of}")
        text = ", and ".join(parts)
        return text[0].upper() + text[1:] + "."


class Network(EstateRule):
    """(E9) How many open buildings there are, of each tier and district, and how far apart."""

    name: ClassVar[str] = "network"
    number: ClassVar[str] = "E9"
    equation: ClassVar[str] = (
        "at_least <= sum over b of tier[b,k] (or open[b]) <= at_most, in the place or in each "
        "district; tier[b,k] + tier[c,k] <= 1 for b, c nearer than spacing_m"
    )

    rule: Literal["network"] = "network"
    tier: str | None = Field(None, description="count buildings of this tier; by default all open")
    service: str | None = Field(None, description="count the buildings that host this service")
    at_least: int | None = Field(None, ge=0, description="at least this many buildings")
    at_most: int | None = Field(None, ge=0, description="at most this many buildings")
    district: str | None = Field(None, description="only in this district")
    each_district: bool = Field(False, description="in every district by itself")
    spacing_m: float | None = Field(
        None, gt=0, description="no two of them nearer than this, in a straight line (m)"
    )

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.at_least is None and self.at_most is None and self.spacing_m is None:
            raise ValueError("give at_least, at_most or spacing_m")
        if self.tier is not None and self.service is not None:
            raise ValueError("give tier or service, not both")
        if self.each_district and self.district is not None:
            raise ValueError("give district or each_district, not both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is more than at_most")
        return self

    def sentence(self, names: dict[str, str] | None = None) -> str:
        what = "open buildings"
        if self.tier is not None:
            what = f"buildings of tier {_name(self.tier, names)}"
        elif self.service is not None:
            what = f"buildings with {_name(self.service, names)}"
        where = "the place"
        if self.each_district:
            where = "each district"
        elif self.district is not None:
            where = _name(self.district, names)
        parts = []
        if self.at_least is not None and self.at_least == self.at_most:
            parts.append(f"{where} has exactly {self.at_least} {what}")
        else:
            if self.at_least is not None:
                parts.append(f"{where} has at least {self.at_least} {what}")
            if self.at_most is not None:
                parts.append(f"{where} has at most {self.at_most} {what}")
        if self.spacing_m is not None:
            parts.append(f"no two {what} are nearer than {self.spacing_m:,.0f} m")
        text = " and ".join(parts)
        return text[0].upper() + text[1:] + "."


class Capital(EstateRule):
    """(E10) Works, moves, closures and set-up fit in the capital there is.

    Required maintenance (backlog) is due whatever is decided of a kept building and is not
    charged to the pot; it is part of the net present cost.
    """

    name: ClassVar[str] = "capital"
    number: ClassVar[str] = "E10"
    equation: ClassVar[str] = (
        "fit-out + moves + tier set-up + closures + lease penalties "
        "<= pot_gbp + recycled_share x net receipts"
    )

    rule: Literal["capital"] = "capital"
    pot_gbp: float = Field(ge=0, description="capital there is (GBP)")
    recycled_share: float = Field(
        0.0, ge=0, le=1, description="share of net receipts that may be spent on the works"
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        recycled = (
            f" plus {_percent(self.recycled_share)} of net receipts" if self.recycled_share else ""
        )
        return (
            "Works, moves, closures and set-up cost no more than the capital pot of "
            f"GBP {self.pot_gbp:,.0f}{recycled}."
        )


class Revenue(EstateRule):
    """(E11) The running cost of a year fits under a ceiling."""

    name: ClassVar[str] = "revenue"
    number: ClassVar[str] = "E11"
    equation: ClassVar[str] = (
        "running costs of open buildings, area in use, staff of service points, tiers and empty "
        "buildings held <= the ceiling"
    )

    rule: Literal["revenue"] = "revenue"
    ceiling_gbp_per_year: float | None = Field(
        None, ge=0, description="running cost of a year at most this (GBP/year)"
    )
    share_of_today: float | None = Field(
        None, ge=0, description="running cost of a year at most this share of today's"
    )

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.ceiling_gbp_per_year is None) == (self.share_of_today is None):
            raise ValueError("give ceiling_gbp_per_year or share_of_today, one of them")
        return self

    def sentence(self, names: dict[str, str] | None = None) -> str:
        if self.ceiling_gbp_per_year is not None:
            return f"Running costs are at most GBP {self.ceiling_gbp_per_year:,.0f} a year."
        return f"Running costs are at most {_percent(self.share_of_today or 0)} of today's."


class Carbon(EstateRule):
    """(E14) The carbon of a year fits under a ceiling."""

    name: ClassVar[str] = "carbon"
    number: ClassVar[str] = "E14"
    equation: ClassVar[str] = "sum over b of carbon_tco2e_per_year[b] open[b] <= the ceiling"

    rule: Literal["carbon"] = "carbon"
    ceiling_tco2e_per_year: float | None = Field(
        None, ge=0, description="emissions of a year at most this (tCO2e/year)"
    )
    share_of_today: float | None = Field(
        None, ge=0, description="emissions of a year at most this share of today's"
    )

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.ceiling_tco2e_per_year is None) == (self.share_of_today is None):
            raise ValueError("give ceiling_tco2e_per_year or share_of_today, one of them")
        return self

    def sentence(self, names: dict[str, str] | None = None) -> str:
        if self.ceiling_tco2e_per_year is not None:
            return f"Buildings emit at most {self.ceiling_tco2e_per_year:,.0f} tCO2e a year."
        return f"Buildings emit at most {_percent(self.share_of_today or 0)} of today's carbon."


class Pinned(EstateRule):
    """(E13) What is decided already, in the buildings table and in these lists."""

    name: ClassVar[str] = "pinned"
    number: ClassVar[str] = "E13"
    equation: ClassVar[str] = (
        "keep: open[b] = 1; close: open[b] = 0; never_sell: sell[b] = 0; an open building whose "
        "present services are unknown is kept and takes nothing in"
    )
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["pinned"] = "pinned"
    keep: tuple[str, ...] = Field((), description="buildings that stay open, beside the table's")
    close: tuple[str, ...] = Field((), description="buildings that close, beside the table's")
    never_sell: tuple[str, ...] = Field(
        (), description="buildings that are never sold, beside the table's"
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        parts = ["What is decided already of a building stands"]
        for ids, words in (
            (self.keep, "stays open"),
            (self.close, "closes"),
            (self.never_sell, "is not sold"),
        ):
            parts += [f"{_name(building, names)} {words}" for building in ids]
        return "; ".join(parts) + "."


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _name(identity: str, names: dict[str, str] | None) -> str:
    return (names or {}).get(identity, identity)


def _list(words: Iterable[str], last: str) -> str:
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
