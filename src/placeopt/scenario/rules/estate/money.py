"""The estate rules about money and carbon: capital (E10), revenue (E11), carbon (E14), fair rents
(E15)."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from placeopt.scenario.ranges import Gbp, Tonnes, Year
from placeopt.scenario.rules.estate.base import (
    FROM_YEAR,
    TO_YEAR,
    EstateRule,
    format_share,
    join_words,
)
from placeopt.scenario.wording import pounds

Work = Literal["fit_out", "moves", "set_up", "closing"]
WORKS: tuple[Work, ...] = ("fit_out", "moves", "set_up", "closing")
WORK_IN_WORDS = {
    "fit_out": "fit-out",
    "moves": "moves",
    "set_up": "the set-up of tiers",
    "closing": "closures and the end of leases",
}


class Capital(EstateRule):
    """(E10) Works, moves, closures and set-up cost no more than the available capital.

    Required maintenance (backlog) of a kept building is always due and is not charged to capital;
    it is part of the net present cost.
    """

    name: ClassVar[str] = "capital"
    number: ClassVar[str] = "E10"
    equation: ClassVar[str] = (
        "fit-out + moves + tier set-up + closures + lease penalties <= pot_gbp + recycled_share x "
        "net receipts; with separate capital streams, only for the kinds of work in pays_for; "
        "over several years, up to each year: cumulative spending <= cumulative capital"
    )

    rule: Literal["capital"] = "capital"
    pot_gbp: Gbp | tuple[Gbp, ...] = Field(
        description="available capital (GBP): all in the first year, or an amount for each year; "
        "unspent capital is carried over"
    )
    recycled_share: float = Field(
        0.0, ge=0, le=1, description="share of net receipts that may be spent on the works"
    )
    pays_for: tuple[Work, ...] = Field(
        WORKS, min_length=1, description="kinds of work this money may pay for; by default all"
    )

    @model_validator(mode="after")
    def _check_pot(self) -> Self:
        if not self.pots() or min(self.pots()) < 0:
            raise ValueError("pot_gbp is below 0; give an amount from 0, or one for each year")
        return self

    def pots(self, years: int = 1) -> tuple[float, ...]:
        """The amount (GBP) of each year, for at least ``years`` years."""
        given = self.pot_gbp if isinstance(self.pot_gbp, tuple) else (self.pot_gbp,)
        return given + (0.0,) * (years - len(given))

    def sentence(self, names: dict[str, str] | None = None) -> str:
        recycled = (
            f" plus {format_share(self.recycled_share)} of net receipts"
            if self.recycled_share
            else ""
        )
        what = "Works, moves, closures and set-up"
        if set(self.pays_for) != set(WORKS):
            what = join_words((WORK_IN_WORDS[work] for work in self.pays_for), "and")
            what = what[0].upper() + what[1:]
        pots = self.pots()
        pot = f"a pot of {pounds(sum(pots))}"
        if len(pots) > 1:
            pot += f" ({join_words(map(pounds, pots), 'and')} year by year)"
        return f"{what} cost no more than {pot}{recycled}."


class Revenue(EstateRule):
    """(E11) The yearly running cost is at most a ceiling."""

    name: ClassVar[str] = "revenue"
    number: ClassVar[str] = "E11"
    equation: ClassVar[str] = (
        "running costs of open buildings, area in use, staff of service points, tiers, empty "
        "buildings and cost of capital <= the ceiling"
    )

    rule: Literal["revenue"] = "revenue"
    ceiling_gbp_per_year: Gbp | None = Field(
        None, description="largest yearly running cost (GBP/year)"
    )
    share_of_today: float | None = Field(
        None, ge=0, le=5, description="largest yearly running cost as a share of today's"
    )
    from_year: Year | None = FROM_YEAR
    to_year: Year | None = TO_YEAR

    @model_validator(mode="after")
    def _check_one_given(self) -> Self:
        if (self.ceiling_gbp_per_year is None) == (self.share_of_today is None):
            raise ValueError("give ceiling_gbp_per_year or share_of_today, one of them")
        return self

    def sentence(self, names: dict[str, str] | None = None) -> str:
        if self.ceiling_gbp_per_year is not None:
            text = f"Running costs are at most {pounds(self.ceiling_gbp_per_year)} a year."
        else:
            text = f"Running costs are at most {format_share(self.share_of_today or 0)} of today's."
        return self.in_its_years(text)


class Carbon(EstateRule):
    """(E14) Yearly emissions are at most a ceiling."""

    name: ClassVar[str] = "carbon"
    number: ClassVar[str] = "E14"
    equation: ClassVar[str] = "sum over b of carbon_tco2e_per_year[b] open[b] <= the ceiling"

    rule: Literal["carbon"] = "carbon"
    ceiling_tco2e_per_year: Tonnes | None = Field(
        None, description="largest yearly emissions (tCO2e/year)"
    )
    share_of_today: float | None = Field(
        None, ge=0, le=5, description="largest yearly emissions as a share of today's"
    )
    from_year: Year | None = FROM_YEAR
    to_year: Year | None = TO_YEAR

    @model_validator(mode="after")
    def _check_one_given(self) -> Self:
        if (self.ceiling_tco2e_per_year is None) == (self.share_of_today is None):
            raise ValueError("give ceiling_tco2e_per_year or share_of_today, one of them")
        return self

    def sentence(self, names: dict[str, str] | None = None) -> str:
        if self.ceiling_tco2e_per_year is not None:
            text = f"Buildings emit at most {self.ceiling_tco2e_per_year:,.0f} tCO2e a year."
        else:
            share = format_share(self.share_of_today or 0)
            text = f"Buildings emit at most {share} of today's carbon."
        return self.in_its_years(text)


class FairRents(EstateRule):
    """(E15) One trust holds the buildings; no agency pays more for them than today.

    Today every agency bears the cost of the buildings it holds, because registers state no rents.
    The trust bears all these costs and receives rent: one rent per m2 for each building, set after
    the plan so that the rents cover the trust's costs. Where rents alone would leave an agency
    worse off, the least transfers between agencies are shown. Staff and moves stay with the
    agencies.
    """

    name: ClassVar[str] = "fair_rents"
    number: ClassVar[str] = "E15"
    equation: ClassVar[str] = (
        "sum over b of rent[b] area[b] = cost of all buildings <= that of today x the smaller of "
        "1 and the m2 let; for every agency sum over b of rent[b] area[b, agency] + "
        "transfer[agency] <= its buildings' cost today; transfers sum to 0"
    )
    once: ClassVar[bool] = True

    rule: Literal["fair_rents"] = "fair_rents"

    def sentence(self, names: dict[str, str] | None = None) -> str:
        return "Rents cover the cost of all buildings, and no agency pays more than today."
