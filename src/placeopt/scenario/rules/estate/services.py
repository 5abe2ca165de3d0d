"""The rules of the estate problem.

    E1 served    E2 hosted    E3 opened    E4 floor      E5 capacity  E6 together  E7 access
    E8 fairness  E9 network   E10 capital  E11 revenue   E12 sequence E13 pinned   E14 carbon
    E15 fair rents            E16 behaviour

Rules marked implied are in force unless the scenario's ``drop`` names them; others hold for each
``[[rules]]`` table that states them. ``residents`` and ``money`` define some of them, which are
also exported here.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from placeopt.scenario.ranges import Count, Metres, Year
from placeopt.scenario.rules.estate.base import (
    FROM_YEAR,
    EstateRule,
    display_name,
    format_share,
    join_words,
)
from placeopt.scenario.rules.estate.money import Capital, Carbon, FairRents, Revenue
from placeopt.scenario.rules.estate.residents import Access, Behaviour, Fairness, Who
from placeopt.scenario.rules.ids import BuildingId, BuildingKind, DistrictId, ServiceId, TierId

__all__ = [
    "Access",
    "Behaviour",
    "Capacity",
    "Capital",
    "Carbon",
    "EstateRule",
    "FairRents",
    "Fairness",
    "Floor",
    "Hosted",
    "Network",
    "Opened",
    "Pinned",
    "Revenue",
    "Sequence",
    "Served",
    "Together",
    "Who",
]


class Served(EstateRule):
    """(E1) All visits of every zone to every service are served, except for a stated share.

    The share that may go unserved is of visits; every desk of a back-office service has a building.
    """

    name: ClassVar[str] = "served"
    number: ClassVar[str] = "E1"
    equation: ClassVar[str] = (
        "sum over b of serve[z,s,b] + unserved[z,s] = 1; sum over z of visits[z,s] unserved[z,s] "
        "<= unserved_share x sum over z of visits[z,s]; for a back-office service, sum of desks "
        "over its hosts = desks needed"
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
        return f"At most {format_share(self.unserved_share)} of each service's visits go unserved."


class Hosted(EstateRule):
    """(E2) Visits are served only where the service is hosted, and each point has a least number.

    The least number is the service's ``least_visits_per_year``, in every decided year, at each
    point with the full offer; partial offers, back offices, buildings that must stay open and
    services without visits are exempt.
    """

    name: ClassVar[str] = "hosted"
    number: ClassVar[str] = "E2"
    equation: ClassVar[str] = (
        "serve[z,s,b] <= host[s,b]; sum over z of visits[z,s] serve[z,s,b] >= "
        "least_visits_per_year[s] where b has the full offer of s"
    )
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["hosted"] = "hosted"

    def sentence(self, names: dict[str, str] | None = None) -> str:
        return (
            "A visit is served only where the service is hosted, and every point with a full offer "
            "serves its service's least number of visits a year."
        )


class Opened(EstateRule):
    """(E3) A service is hosted only in an open building that may host it."""

    name: ClassVar[str] = "opened"
    number: ClassVar[str] = "E3"
    equation: ClassVar[str] = (
        "host[s,b] <= open[b] where b hosts s today or its kind is suitable; with tiers, "
        "sum over k of tier[b,k] <= open[b], host[s,b] <= sum of tier[b,k] over tiers that may "
        "host s (a building without a tier keeps only what it hosts today), "
        "host[s,b] >= tier[b,k] where s is compulsory in tier k; host[s,b] = 0 where only_in names "
        "s and not the kind of b"
    )
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["opened"] = "opened"
    only_in: dict[ServiceId, tuple[BuildingKind, ...]] = Field(
        {},
        description="by service id: the only kinds of buildings that may host it, including "
        "today's hosts",
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        text = "A service is hosted only in an open building whose kind and tier may host it"
        for service, kinds in self.only_in.items():
            where = join_words((kind.replace("_", " ") for kind in kinds), "or")
            text += f"; {display_name(service, names)} only in a {where}"
        return f"{text}."

    def may_be_in(self, service: str, kind: str) -> bool:
        """Whether the rule lets a building of this kind host the service."""
        return kind in self.only_in.get(service, (kind,))


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
        "area[s,b] >= area_base_m2[s] host[s,b] + area_m2_per_1000_visits[s] / 1000 x sum over z "
        "of visits[z,s] serve[z,s,b] (for a back-office service, a desk counts as a visit)"
    )
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["capacity"] = "capacity"

    def sentence(self, names: dict[str, str] | None = None) -> str:
        return "Each service has the floor area that its visits or desks need."


class Together(EstateRule):
    """(E6) Services that must, or must not, share a roof, and the most that a building may host."""

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
        None, ge=1, le=1_000_000, description="a building hosts at most this many services"
    )
    must: tuple[tuple[ServiceId, ServiceId], ...] = Field(
        (),
        description="pairs of services that share every roof, in addition to the "
        "compatibility table's",
    )
    never: tuple[tuple[ServiceId, ServiceId], ...] = Field(
        (),
        description="pairs of services that never share a roof, in addition to the "
        "compatibility table's",
    )

    @model_validator(mode="after")
    def _check_pairs(self) -> Self:
        for key, pairs in (("must", self.must), ("never", self.never)):
            self_paired = [a for a, b in pairs if a == b]
            if self_paired:
                raise ValueError(
                    f"{key}: {self_paired[0]!r} is paired with itself; name two services"
                )
        return self

    def sentence(self, names: dict[str, str] | None = None) -> str:
        parts = ["Services that must share a roof do, and those that may not do not"]
        parts += [
            f"{display_name(a, names)} and {display_name(b, names)} share a roof"
            for a, b in self.must
        ]
        parts += [
            f"{display_name(a, names)} and {display_name(b, names)} do not" for a, b in self.never
        ]
        if self.max_services is not None:
            parts.append(f"a building hosts at most {self.max_services} services")
        return "; ".join(parts) + "."


class Network(EstateRule):
    """(E9) The number of open buildings, by tier and district, and the distance between them."""

    name: ClassVar[str] = "network"
    number: ClassVar[str] = "E9"
    equation: ClassVar[str] = (
        "at_least <= sum over b of tier[b,k] (or open[b]) <= at_most, in the place or in each "
        "district; tier[b,k] + tier[c,k] <= 1 for b, c nearer than spacing_m"
    )

    rule: Literal["network"] = "network"
    tier: TierId | None = Field(
        None, description="count buildings of this tier; by default all open"
    )
    service: ServiceId | None = Field(
        None, description="count the buildings that host this service"
    )
    at_least: Count | None = Field(None, description="at least this many buildings")
    at_most: Count | None = Field(None, description="at most this many buildings")
    district: DistrictId | None = Field(None, description="only in this district")
    each_district: bool = Field(False, description="in every district separately")
    spacing_m: Metres | None = Field(
        None, description="least straight-line distance between two of them (m)"
    )
    from_year: Year | None = FROM_YEAR

    @model_validator(mode="after")
    def _check_any_given(self) -> Self:
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
        def counted(number: int) -> str:
            noun = "building" if number == 1 else "buildings"
            if self.tier is not None:
                return f"{number} {noun} of tier {display_name(self.tier, names)}"
            if self.service is not None:
                return f"{number} {noun} with {display_name(self.service, names)}"
            return f"{number} open {noun}"

        where = "the place"
        if self.each_district:
            where = "each district"
        elif self.district is not None:
            where = display_name(self.district, names)
        parts = []
        if self.at_least is not None and self.at_least == self.at_most:
            parts.append(f"{where} has exactly {counted(self.at_least)}")
        else:
            if self.at_least is not None:
                parts.append(f"{where} has at least {counted(self.at_least)}")
            if self.at_most is not None:
                parts.append(f"{where} has at most {counted(self.at_most)}")
        if self.spacing_m is not None:
            what = counted(2).removeprefix("2 ")
            parts.append(f"no two {what} are nearer than {self.spacing_m:,.0f} m")
        text = " and ".join(parts)
        return self.in_its_years(text[0].upper() + text[1:] + ".")


class Sequence(EstateRule):
    """(E12) The order of events over several years; it does not apply to one year.

    A closed building stays closed and a disposal is final, even if the rule is dropped. Dropping it
    lets a service move in the year of its works, without double running, return to a building that
    it left, and refill a building that was emptied.
    """

    name: ClassVar[str] = "sequence"
    number: ClassVar[str] = "E12"
    equation: ClassVar[str] = (
        "open[b,t] <= open[b,t-1] unless b opens for the first time; "
        "open[b,t] + disposed[b,t] <= 1, disposed[b,t] >= disposed[b,t-1]; "
        "fitted[s,b,t-fit_out_years] >= area[s,b,t] unless b hosts s today; "
        "sum over s, b of moves_in[s,b,t] <= moves_per_year, moves_in[s,b,t] >= host[s,b,t] - "
        "host[s,b,t-1]; staff of a service point that closes in t are paid for "
        "double_running_years more; unless services_may_return, host[s,b,t] <= host[s,b,t-1] where "
        "b hosts s today and sum over t of moves_in[s,b,t] <= 1 elsewhere; unless "
        "buildings_may_refill, sum over t of fills[b,t] <= 1, fills[b,t] >= host[s,b,t] - sum over "
        "r of host[r,b,t-1], no fills where b hosts a service today, and what is vacant today is "
        "opened or disposed of, not both"
    )
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["sequence"] = "sequence"
    moves_per_year: Count | None = Field(
        None, description="largest number of services that move into a building in a year"
    )
    fit_out_years: int = Field(1, ge=0, le=1, description="years from fit-out to move: 0 or 1")
    double_running_years: float = Field(
        0.0,
        ge=0,
        le=2,
        description="further years for which the staff of a closing service point are paid",
    )
    services_may_return: bool = Field(
        False,
        description="whether a service may return to a building that it left in a decided year",
    )
    buildings_may_refill: bool = Field(
        False,
        description="whether an emptied building may be refilled, and one that is vacant today "
        "may be opened and then disposed of within the decided years",
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        parts = ["A building that closes stays closed"]
        if not self.services_may_return:
            parts.append("a service does not come back to a building that it left")
        if not self.buildings_may_refill:
            parts.append("a building that was emptied is not filled again, nor then sold")
        if self.fit_out_years:
            parts.append("a service moves the year after its new home is fitted out")
        if self.moves_per_year is not None:
            parts.append(f"at most {self.moves_per_year} services move in a year")
        if self.double_running_years:
            parts.append(
                f"staff of a service point that closes are paid for {self.double_running_years:g} "
                "more years"
            )
        return "; ".join(parts) + "."


class Pinned(EstateRule):
    """(E13) Decisions already made, in the buildings table and in these lists."""

    name: ClassVar[str] = "pinned"
    number: ClassVar[str] = "E13"
    equation: ClassVar[str] = (
        "keep: open[b] = 1; close: open[b] = 0; never_sell: sell[b] = 0; an open building whose "
        "services today are unknown stays open and takes in no services"
    )
    implied: ClassVar[bool] = True
    once: ClassVar[bool] = True

    rule: Literal["pinned"] = "pinned"
    keep: tuple[BuildingId, ...] = Field(
        (), description="buildings that stay open, in addition to the table's"
    )
    close: tuple[BuildingId, ...] = Field(
        (), description="buildings that close, in addition to the table's"
    )
    never_sell: tuple[BuildingId, ...] = Field(
        (), description="buildings that are never sold, in addition to the table's"
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        parts = ["What is already decided about a building is kept"]
        for ids, words in (
            (self.keep, "stays open"),
            (self.close, "closes"),
            (self.never_sell, "is not sold"),
        ):
            parts += [f"{display_name(building, names)} {words}" for building in ids]
        return "; ".join(parts) + "."
