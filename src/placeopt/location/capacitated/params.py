"""The parameters of the methods for capacities, with their defaults.

A value without a source was chosen by us, by trial on the suites of ``bench``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from placeopt.location.step_rule import StepRule


@dataclass(frozen=True)
class RootParams:
    """The bound at the root of a single-source problem.

    Attributes:
        ascents: Largest number of ascents.
        rule: Each of them; the next begins with a longer step than the last one ended with.
        lengthening: By how much longer.
        least_step: Least step to begin with.
        target_share: Share of the bound by which the next ascent seeks to raise it.
        time_share: Share of the time limit after which no further ascent is made.
    """

    ascents: int = 6
    rule: StepRule = field(default=StepRule(rounds=100, step=1.0, patience=10))
    lengthening: float = 1.5
    least_step: float = 0.02
    target_share: float = 0.02
    time_share: float = 0.2


@dataclass(frozen=True)
class ColumnGenerationParams:
    """Column generation over loads and covers (``column_generation``).

    Attributes:
        max_rounds: Largest number of rounds.
        smoothing: Weight of the best multipliers in the next ones (Wentges (1997) recommends to
            smooth; the weight is ours).
        initial_width: Range around the best multipliers (du Merle et al. (1999)), as a share of
            their mean.
        widening: Factor by which the range grows where multipliers reach its ends.
        tolerance: Relative gap of master and bound at which the master is solved.
    """

    max_rounds: int = 300
    smoothing: float = 0.6
    initial_width: float = 0.03
    widening: float = 4.0
    tolerance: float = 1e-6


@dataclass(frozen=True)
class DivingParams:
    """Dives and the local search that follows (``diving``, ``exchange_search``).

    Attributes:
        rule: The ascent of the bound in each round of a dive.
        target_share: Share of the bound at the node by which the ascents seek to raise it.
        noise: Largest relative noise on the shares by which assignments are ranked.
        certain_share: Share of rounds with one site that fixes a customer's assignment.
        fixed_share: Share of all customers that a round fixes at least.
        slack: Relative cost above the best at which local search accepts a plan; falls to 0.
        search_parts: Parts of the rounds of local search; the time is checked between them.
        neighbour_sites: Cheapest sites of each customer that local search tries.
    """

    rule: StepRule = field(default=StepRule(rounds=20, step=0.3, patience=8))
    target_share: float = 0.01
    noise: float = 0.3
    certain_share: float = 0.85
    fixed_share: float = 0.05
    slack: float = 0.002
    search_parts: int = 4
    neighbour_sites: int = 10


@dataclass(frozen=True)
class PartitioningParams:
    """Choosing among loads by an engine (``set_partitioning``).

    Attributes:
        max_loads_undecided: Largest number of loads where sites are undecided.
        max_loads_decided: The same where all sites are decided.
        max_pool_loads: Loads found so far from which a plan is made.
        seconds: Time limit of one set partitioning.
        time_share: Share of the time used so far that all together may take.
    """

    max_loads_undecided: int = 300
    max_loads_decided: int = 3_000
    max_pool_loads: int = 5_000
    seconds: float = 0.2
    time_share: float = 0.3


@dataclass(frozen=True)
class SingleSourceParams:
    """The parameters of ``solve_single_source``.

    Attributes:
        max_mip_pairs: Pairs up to which an engine is tried first, so that nothing is compiled.
        mip_seconds: Its time limit.
        search_work: Elementary steps of local search that follow a dive.
        min_search_rounds: Rounds of it where a round is expensive.
        max_search_rounds: Rounds where it is cheap.
        heuristic_share: Share of the time used so far that plans may take.
        pool_every: One plan in so many is made of the loads found so far instead of by a dive.
        max_reductions: How often a node is bounded again after pairs were dropped.
        reduction: Share of its pairs that must be left for it not to be.
        root: The bound at the root.
        column_generation: Column generation.
        diving: Dives.
        partitioning: Choosing among loads.
    """

    max_mip_pairs: int = 400
    mip_seconds: float = 2.0
    search_work: float = 2e6
    min_search_rounds: int = 4
    max_search_rounds: int = 100
    heuristic_share: float = 0.1
    pool_every: int = 3
    max_reductions: int = 4
    reduction: float = 0.9
    root: RootParams = field(default_factory=RootParams)
    column_generation: ColumnGenerationParams = field(default_factory=ColumnGenerationParams)
    diving: DivingParams = field(default_factory=DivingParams)
    partitioning: PartitioningParams = field(default_factory=PartitioningParams)


@dataclass(frozen=True)
class SplittableParams:
    """The parameters of ``solve_splittable``.

    Attributes:
        ascents: Largest number of ascents of the bound.
        first_ascents: Ascents that take the step and rounds of ``first_rule``.
        first_rule: These ascents.
        rule: The others; each begins with half the step of the last.
        least_step: Least step to begin with.
        least_gain: Share of the gap by which an ascent must raise the bound to be followed by
            another.
        time_share: Share of the time limit after which no further ascent is made.
        transport_seconds: Time limit of a transport problem.
        kernel_gap_shares: Share of the gap within which a pair is in each kernel (Guastaroba and
            Speranza (2012) grow kernels by buckets; the shares are ours).
        kernel_time_share: Share of the time left for every kernel but the last.
        max_kernel_pairs: Pairs in every kernel but the last.
    """

    ascents: int = 20
    first_ascents: int = 2
    first_rule: StepRule = field(default=StepRule(rounds=60, step=0.6, patience=12))
    rule: StepRule = field(default=StepRule(rounds=150, step=0.6, patience=12))
    least_step: float = 0.05
    least_gain: float = 1e-3
    time_share: float = 0.3
    transport_seconds: float = 30.0
    kernel_gap_shares: tuple[float, ...] = (0.15, 0.4, 1.0)
    kernel_time_share: float = 0.3
    max_kernel_pairs: int = 12_000


DEFAULT_SINGLE_SOURCE = SingleSourceParams()
DEFAULT_SPLITTABLE = SplittableParams()
