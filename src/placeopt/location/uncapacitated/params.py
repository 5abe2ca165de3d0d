"""The parameters of the methods for candidate lists, with their defaults.

A value without a source was chosen by us, by trial on the suites of ``bench``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from placeopt.location.step_rule import StepRule


@dataclass(frozen=True)
class SwapSearchParams:
    """Iterated local search by swaps (``swap_search``).

    Attributes:
        max_exchanges: Largest number of swaps in a shake.
        slack: Relative cost above the best at which a plan is accepted; falls to 0.
        work: Elementary steps that a search may take; a round of it costs as ``work_per_round``.
        min_rounds: Rounds of a search where a round is expensive.
        max_rounds: Rounds where it is cheap.
        first_divisor: Part of these rounds that is made before the first bound.
    """

    max_exchanges: int = 4
    slack: float = 3e-4
    work: float = 2e8
    min_rounds: int = 60
    max_rounds: int = 3000
    first_divisor: int = 64


@dataclass(frozen=True)
class RootParams:
    """The bound at the root (``root``).

    Attributes:
        attempts: Largest number of ascents, each followed by a search from the sites it opens.
        rule: Each of these ascents; the next begins with the step at which the last one ended.
        least_step: Step below which no further ascent is made.
        least_gain: Share of the gap by which an ascent must raise the bound to be followed by
            another.
        least_gain_large: The same for large problems.
        fixing_rules: Longer ascents that fix sites: the first for all, the others for large
            problems with a gap.
        fixing_share: Share of the time left that such an ascent may take.
    """

    attempts: int = 12
    rule: StepRule = field(default=StepRule(rounds=150, step=0.5, patience=20))
    least_step: float = 0.01
    least_gain: float = 1e-5
    least_gain_large: float = 0.05
    fixing_rules: tuple[StepRule, ...] = (
        StepRule(rounds=1500, step=0.5, patience=25),
        StepRule(rounds=1500, step=0.3, patience=40),
        StepRule(rounds=1500, step=0.2, patience=40),
        StepRule(rounds=1500, step=0.1, patience=60),
    )
    fixing_share: float = 0.8


@dataclass(frozen=True)
class CoreSearchParams:
    """Local search among promising sites (``core_search``).

    Attributes:
        sites_per_open_site: Size of the core, as a multiple of the open sites (the best tenth or
            fifth of the sites in Hansen, Brimberg, Urosevic and Mladenovic (2009)).
        first_rounds: Rounds of the first search.
        chunk_seconds: Seconds that a search should take; its rounds are doubled until it does.
        settled_rounds: Rounds up to which a search without gain does not count.
        max_searches_without_gain: Such searches in a row that end the method.
        time_share: Share of the time left that it may take.
    """

    sites_per_open_site: int = 20
    first_rounds: int = 50
    chunk_seconds: float = 4.0
    settled_rounds: int = 1000
    max_searches_without_gain: int = 3
    time_share: float = 0.4


@dataclass(frozen=True)
class ConcentrationParams:
    """Heuristic concentration (``heuristic_concentration``).

    Attributes:
        plans_per_pool: Plans whose sites are pooled.
        closed_share: Share of the best plan's sites that every other start closes.
        rounds: Rounds of the local search that makes a plan.
        slacks: Relative costs above the best at which it accepts a plan, one drawn for each.
        max_pools_without_gain: Pools in a row without gain that end the method.
        time_share: Share of the time left that it may take.
        max_union_entries: List entries up to which the best plan of a pool is sought.
        union_seconds: Largest time limit of that.
        union_gap: Relative gap at which the engine stops there.
        union_rounds: Rounds of the local search that follows.
    """

    plans_per_pool: int = 8
    closed_share: float = 0.25
    rounds: int = 3000
    slacks: tuple[float, ...] = (1e-4, 3e-4, 1e-3, 3e-3)
    max_pools_without_gain: int = 3
    time_share: float = 0.6
    max_union_entries: int = 300_000
    union_seconds: float = 10.0
    union_gap: float = 1e-6
    union_rounds: int = 500


@dataclass(frozen=True)
class TreeParams:
    """Branch and bound (``branch_and_bound``).

    Attributes:
        rule: Each ascent of the bound at a node.
        least_distance: Least distance from 0 and 1 that a site's share counts as when pseudo-costs
            are learned (Achterberg (2007)).
        max_residual_entries: List entries left up to which an engine closes the search.
        max_nodes: Nodes before it does.
    """

    rule: StepRule = field(default=StepRule(rounds=60, step=0.2, patience=8))
    least_distance: float = 0.02
    max_residual_entries: int = 40_000
    max_nodes: int = 300


@dataclass(frozen=True)
class UncapacitatedParams:
    """The parameters of ``solve_uncapacitated``.

    Attributes:
        max_mip_entries: List entries up to which an engine is tried before code is compiled.
        mip_seconds: Its time limit.
        sites_listed_per_share: Length of the first lists of a p-median, as a multiple of the sites
            for each opened one.
        large_entries: List entries from which time goes into better plans first.
        large_gap: Relative gap at the root from which it does.
        swap_search: Local search.
        root: The bound at the root.
        core: Local search of large problems.
        concentration: Better plans before the tree.
        tree: The tree.
    """

    max_mip_entries: int = 12_000
    mip_seconds: float = 3.0
    sites_listed_per_share: float = 8.0
    large_entries: int = 1_000_000
    large_gap: float = 1e-3
    swap_search: SwapSearchParams = field(default_factory=SwapSearchParams)
    root: RootParams = field(default_factory=RootParams)
    core: CoreSearchParams = field(default_factory=CoreSearchParams)
    concentration: ConcentrationParams = field(default_factory=ConcentrationParams)
    tree: TreeParams = field(default_factory=TreeParams)


DEFAULT_PARAMS = UncapacitatedParams()
