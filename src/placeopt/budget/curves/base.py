"""What a response curve is, and the registry of its forms.

A model needs of any curve its effect, its slope, and where it changes between concave and convex:
that is a ``Curve``. The forms that a place may state are ``Form``s, one registered class each (see
``forms``). A form that is not registered is an error wherever it is asked for, with the list of
those that are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from placeopt.base.arrays import Floats
from placeopt.base.errors import UsageError

SAME_SPEND_SHARE = 1e-9  # of a range: spends closer together count as one


class CurvatureInterval(NamedTuple):
    """Spends between which a curve is concave, or convex.

    Attributes:
        start: GBP a year.
        end: GBP a year.
        is_concave: Whether it is concave there.
    """

    start: float
    end: float
    is_concave: bool


class Curve(ABC):
    """An effect as a function of yearly spend, which rises or stays."""

    @abstractmethod
    def effect(self, spend: ArrayLike) -> Floats:
        """The improvement of the outcome, in its own unit, at yearly spend in GBP (any shape)."""

    @abstractmethod
    def slope(self, spend: float) -> float:
        """Effect of one more GBP at ``spend`` (``inf`` where the curve starts vertically)."""

    @abstractmethod
    def curvature_intervals(self, lower: float, upper: float) -> list[CurvatureInterval]:
        """Split ``lower..upper`` where the curvature changes."""

    @property
    def is_piecewise_linear(self) -> bool:
        """Whether it consists of straight lines between its kinks."""
        return False

    def kinks(self, lower: float, upper: float) -> Floats:
        """Spends strictly between these two at which straight lines meet."""
        return np.zeros(0)

    def is_concave(self, lower: float, upper: float) -> bool:
        """Whether the curve is concave between these two spends."""
        intervals = self.curvature_intervals(lower, upper)
        return len(intervals) == 1 and intervals[0].is_concave


def split_at(
    turn: float, lower: float, upper: float, *, concave_first: bool = False
) -> list[CurvatureInterval]:
    """The curvature of a curve that changes it at most once.

    Args:
        turn: The spend at which it changes.
        lower: The least spend.
        upper: The largest spend.
        concave_first: Whether the curve is concave before the turn and convex after it.

    Returns:
        One interval, or two where the turn lies between the spends.
    """
    if not turn > lower + SAME_SPEND_SHARE * (upper - lower):
        return [CurvatureInterval(lower, upper, not concave_first)]
    if not turn < upper - SAME_SPEND_SHARE * (upper - lower):
        return [CurvatureInterval(lower, upper, concave_first)]
    return [
        CurvatureInterval(lower, turn, concave_first),
        CurvatureInterval(turn, upper, not concave_first),
    ]


@dataclass(frozen=True)
class Form(Curve):
    """A form of response curve with the parameters that a place states.

    A subclass states its arithmetic and is registered under its ``name``.

    Attributes:
        maximum_effect: m, in the outcome's unit.
        scale_gbp: k, GBP a year.
        shape: n.
    """

    name: ClassVar[str]
    fitted: ClassVar[tuple[str, ...]] = ()  # parameters that a calibration may look for

    maximum_effect: float = 0.0
    scale_gbp: float = 1.0
    shape: float = 1.0

    def turn(self, lower: float, upper: float) -> float:
        """The spend up to which the curve is convex and from which it is concave."""
        return lower

    @abstractmethod
    def transform_turn(self, potential: float) -> tuple[float, bool]:
        """Where the transform on a remaining potential W changes its curvature.

        Args:
            potential: W, in the outcome's unit, above 0.

        Returns:
            The spend (inf where it never does), and whether the transform is concave before it.
        """

    def curvature_intervals(self, lower: float, upper: float) -> list[CurvatureInterval]:
        """Split ``lower..upper`` where the curvature changes."""
        return split_at(self.turn(lower, upper), lower, upper)

    def transform_intervals(
        self, potential: float, lower: float, upper: float
    ) -> list[CurvatureInterval]:
        """Split ``lower..upper`` where the transform on a ``potential`` changes its curvature."""
        turn, concave_first = np.inf, True
        if self.maximum_effect:
            turn, concave_first = self.transform_turn(potential)
        return split_at(turn, lower, upper, concave_first=concave_first)


FORMS: dict[str, type[Form]] = {}
_Registered = TypeVar("_Registered", bound=type[Form])


def register(form: _Registered) -> _Registered:
    """Register a class as the form of its ``name``."""
    FORMS[form.name] = form
    return form


def form_named(name: str) -> type[Form]:
    """The class of a form.

    Args:
        name: Its name, as in ``curves.form``.

    Raises:
        UsageError: With the list of known forms where there is none of that name.
    """
    try:
        return FORMS[name]
    except KeyError:
        raise UsageError(f"no curve form {name!r}: choose from {', '.join(FORMS)}") from None
