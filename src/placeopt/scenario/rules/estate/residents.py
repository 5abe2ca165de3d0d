"""The estate rules about residents: access (E7), fairness (E8), behaviour (E16)."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from placeopt.scenario.ranges import Factor, Minutes, MinutesOrNone, Quintile, Year
from placeopt.scenario.rules.estate.base import (
    FROM_YEAR,
    EstateRule,
    display_name,
    format_share,
    join_words,
)
from placeopt.scenario.rules.ids import DistrictId, Mode, ServiceId

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
AREAS = ("rural", "urban")
CONDITIONS = {"most_deprived": "of the most deprived fifth", "without_car": "without a car"}
MODES_IN_WORDS = {
    "walk": "on foot",
    "transit": "by public transport",
    "cycle": "by bicycle",
    "drive": "by car",
    "car": "by car",
}


def group_in_words(groups: tuple[str, ...]) -> str:
    """Return the residents who are in all of ``groups``, in words."""
    areas = [group for group in AREAS if group in groups]
    ages = [WHO_IN_WORDS[group] for group in groups if group.startswith("people_")]
    conditions = [words for group, words in CONDITIONS.items() if group in groups]
    return " ".join([*areas, " who are also ".join(ages) or "residents", *conditions])


class Access(EstateRule):
    """(E7) A stated share of residents is within a stated number of minutes of the service.

    Served: the residents of the group in a zone count by the share of the zone's visits that goes
    to hosts within the minutes, with the requested offer, by the fastest mode available to them;
    households without a car do not drive. Unserved visits are not within. A zone without visits to
    the service counts by its nearest host. No counted resident is sent beyond the ceiling, and the
    nearest host of each is within it. Nearest: by minutes to the nearest open host, wherever the
    visits go. Each service of the rule has to meet it.
    """

    name: ClassVar[str] = "access"
    number: ClassVar[str] = "E7"
    equation: ClassVar[str] = (
        "served: cover[z,s] = sum of serve[z,s,b] over b within the minutes, and serve[z,s,b] = 0 "
        "for b beyond the ceiling; nearest, and served where visits[z,s] = 0: "
        "cover[z,s] <= sum of host[s,b] over b within the minutes; both: "
        "sum over z of residents[z] cover[z,s] >= share x sum over z of residents[z]; "
        "sum of host[s,b] over b within the ceiling >= 1 for every zone with such residents"
    )

    rule: Literal["access"] = "access"
    services: tuple[ServiceId, ...] | Literal["all"] = Field(
        min_length=1,
        description='ids of the services that must be near, or "all" (without back offices)',
    )
    minutes: Minutes | None = Field(None, description="minutes one way, door to door")
    share: float = Field(1.0, ge=0, le=1, description="share of the residents within the minutes")
    mode: Mode | None = Field(
        None, description="minutes by this mode; by default the scenario's modes"
    )
    modes: tuple[Mode, ...] = Field((), description="minutes by the fastest of these modes")
    who: Who | tuple[Who, ...] = Field(
        "all",
        description="the residents counted; with several groups, the residents who are in "
        "all of them",
    )
    quintiles: tuple[Quintile, ...] = Field(
        (), description="only zones of these deprivation quintiles (1 is the most deprived)"
    )
    district: DistrictId | None = Field(None, description="only residents of this district")
    each_district: bool = Field(False, description="the share holds in every district separately")
    ceiling_minutes: Minutes | None = Field(
        None, description="no counted resident is further away than this"
    )
    offer: Literal["full", "any"] = Field(
        "full", description='"full": only a full offer counts; "any": a partial offer counts too'
    )
    counts: Literal["served", "nearest"] = Field(
        "served",
        description='"served": minutes to the hosts that serve residents; "nearest": minutes to '
        "the nearest open host, wherever they are sent",
    )
    from_year: Year | None = FROM_YEAR

    @model_validator(mode="after")
    def _check_any_given(self) -> Self:
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

    def counted(self) -> str:
        """The residents counted, in words, wherever they live."""
        who = group_in_words(self.groups())
        if self.quintiles:
            who += f" in deprivation quintile {join_words(map(str, self.quintiles), 'or')}"
        return who

    def by_modes(self) -> str:
        """The modes that the rule names, in words: " on foot"; empty where it names none."""
        words = [MODES_IN_WORDS.get(mode, f"by {mode}") for mode in self.modes_of(())]
        return f" {join_words(words, 'or')}" if words else ""

    def sentence(self, names: dict[str, str] | None = None) -> str:
        who = self.counted()
        if self.district is not None:
            who += f" of {display_name(self.district, names)}"
        what = (
            "every service"
            if self.services == "all"
            else join_words((display_name(service, names) for service in self.services), "and")
        )
        full = "the full offer of " if self.offer == "full" else ""
        by = self.by_modes()
        each = " in each district" if self.each_district else ""
        parts = []
        if self.minutes is not None:
            parts.append(
                f"at least {format_share(self.share)} of {who}{each} are within {self.minutes:g} "
                f"minutes of {full}{what}{by}"
            )
        if self.ceiling_minutes is not None:
            of = f" of {full}{what}{by}" if self.minutes is None else ""
            parts.append(f"none of the {who} is beyond {self.ceiling_minutes:g} minutes{of}")
        by_whom = {"served": "as they are sent", "nearest": "by the nearest open place"}
        text = f"{', and '.join(parts)}, {by_whom[self.counts]}"
        return self.in_its_years(text[0].upper() + text[1:] + ".")


class Fairness(EstateRule):
    """(E8) Limits on how much minutes to the assigned host may grow from today, and how unequally.

    Today's minutes are to the nearest of today's hosts. The mean of the worst-off share and the
    Kolm-Pollak equivalent are over zones and services, weighted by visits.
    """

    name: ClassVar[str] = "fairness"
    number: ClassVar[str] = "E8"
    equation: ClassVar[str] = (
        "minutes[z,s] = sum over b of minutes[z,b] serve[z,s,b]; "
        "minutes[z,s] <= minutes today[z,s] + loses_at_most_minutes; the mean over each group <= "
        "that of today; threshold + sum of excess[z,s] visits[z,s] / (worst_share x visits) <= "
        "worst_mean_minutes; sum of visits[z,s] serve[z,s,b] exp(kappa minutes[z,b]) / visits <= "
        "exp(kappa equal_minutes), kappa = aversion x sum of visits minutes / sum of visits "
        "minutes^2 of today"
    )

    rule: Literal["fairness"] = "fairness"
    services: tuple[ServiceId, ...] | Literal["all"] = Field(
        "all",
        min_length=1,
        description='ids of the services that count, or "all" (without back offices)',
    )
    loses_at_most_minutes: MinutesOrNone | None = Field(
        None, description="largest increase in a zone's minutes to a service (minutes)"
    )
    no_group_worse: tuple[Literal["deprivation_quintile", "area_type", "district_id"], ...] = Field(
        (),
        description="the mean minutes of no group of zones increase; groups are by these columns",
    )
    worst_share: float = Field(
        0.1, gt=0, le=1, description="the share of visits that counts as worst off"
    )
    worst_mean_minutes: Minutes | None = Field(
        None, description="largest mean minutes of the worst-off share"
    )
    equal_minutes: Minutes | None = Field(
        None, description="largest Kolm-Pollak equally-distributed equivalent (minutes)"
    )
    aversion: Factor = Field(1.0, description="aversion to inequality, for equal_minutes")
    from_year: Year | None = FROM_YEAR

    @model_validator(mode="after")
    def _check_any_given(self) -> Self:
        limits = (self.loses_at_most_minutes, self.worst_mean_minutes, self.equal_minutes)
        if all(value is None for value in limits) and not self.no_group_worse:
            raise ValueError(
                "give loses_at_most_minutes, no_group_worse, worst_mean_minutes or equal_minutes"
            )
        return self

    def sentence(self, names: dict[str, str] | None = None) -> str:
        what = "any service"
        if self.services != "all":
            what = join_words((display_name(service, names) for service in self.services), "or")
        parts = []
        if self.loses_at_most_minutes is not None:
            parts.append(
                f"no zone is more than {self.loses_at_most_minutes:g} minutes further from {what} "
                "than today"
            )
        if self.no_group_worse:
            by = join_words(
                (group.removesuffix("_id").replace("_", " ") for group in self.no_group_worse), "or"
            )
            parts.append(f"the mean minutes of no group by {by} get worse")
        if self.worst_mean_minutes is not None:
            parts.append(
                f"the worst-off {format_share(self.worst_share)} of visits take at most "
                f"{self.worst_mean_minutes:g} minutes on average"
            )
        if self.equal_minutes is not None:
            parts.append(
                f"minutes are as good as {self.equal_minutes:g} for everybody (Kolm-Pollak)"
            )
        text = ", and ".join(parts)
        return self.in_its_years(text[0].upper() + text[1:] + ".")


class Behaviour(EstateRule):
    """(E16) How residents choose hosts: as the planner assigns them, the nearest, or by decay.

    Nearest: the nearest host by the fastest of the scenario's modes, ties by building id. It must
    have the floor area for all who come. With ``overflow`` residents pass a host whose building is
    full, and the plan chooses which of them do. Decay: every
    host in reach gets its share by Huff's rule, attractiveness x nearness over the sum of that of
    all hosts in reach; attractiveness is fixed and does not depend on the plan. Today's
    assignment follows the same behaviour, without overflow.
    """

    name: ClassVar[str] = "behaviour"
    number: ClassVar[str] = "E16"
    equation: ClassVar[str] = (
        "nearest: sum of serve[z,s,b'] over b' no further than b >= host[s,b] - unserved[z,s] "
        "- full[b], full[b] = 0 without overflow; decay: serve[z,s,b] = host[s,b] pull[z,b] "
        "(1 - unserved[z,s]) / sum over b' of host[s,b'] pull[z,b'], pull[z,b] = attractiveness[b] "
        "exp(-decay_per_minute x minutes[z,b]) or attractiveness[b] max(minutes[z,b], 1)^-exponent"
    )
    once: ClassVar[bool] = True

    rule: Literal["behaviour"] = "behaviour"
    residents: Literal["planner", "nearest", "decay"] = Field(
        "planner",
        description="residents are assigned by the planner, go to the nearest host, or are spread "
        "over the hosts in reach, with fewer at hosts further away",
    )
    overflow: bool = Field(
        False, description="nearest only: residents may pass a host whose building is full"
    )
    decay_per_minute: Factor | None = Field(
        None, description="decay: nearness is exp(-this x minutes)"
    )
    exponent: Factor | None = Field(
        None, description="decay: nearness is minutes to the power of -this, from 1 minute on"
    )
    attractiveness: Literal["equal", "usable_m2"] = Field(
        "equal",
        description="decay: attractiveness is equal for all hosts, or the usable floor "
        "area of the building",
    )

    @model_validator(mode="after")
    def _check_parameters(self) -> Self:
        if self.overflow and self.residents != "nearest":
            raise ValueError('overflow goes with residents = "nearest" only')
        given = [value for value in (self.decay_per_minute, self.exponent) if value is not None]
        if self.residents == "decay" and len(given) != 1:
            raise ValueError("give decay_per_minute or exponent, one of the two")
        if self.residents != "decay" and (given or self.attractiveness != "equal"):
            raise ValueError(
                'decay_per_minute, exponent and attractiveness go with residents = "decay" only'
            )
        return self

    def sentence(self, names: dict[str, str] | None = None) -> str:
        if self.residents == "nearest" and self.overflow:
            return (
                "Residents go to the nearest place that has the service, and past one whose "
                "building is full."
            )
        if self.residents == "nearest":
            return "Residents go to the nearest place that has the service."
        if self.residents == "decay":
            suffix = ", more to larger buildings" if self.attractiveness == "usable_m2" else ""
            return (
                "Residents spread over all places that have the service, fewer to those further "
                f"away{suffix}."
            )
        return "Residents go where the plan sends them."
