"""The default run takes a sample of the cases of the exhaustive run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def sample(cases: Iterable[Any], size: int) -> list[Any]:
    """The cases as parameters of a test, all but ``size`` of them for the exhaustive run only.

    The sample is spread evenly over the cases, the first among them, so that it is the same in
    every run. A case that is a tuple or a ``pytest.param`` stands for several arguments.
    """
    listed = list(cases)
    stride = max(1.0, len(listed) / size)
    taken = {int(n * stride) for n in range(size)}
    return [
        case if n in taken else _only_in_the_exhaustive_run(case) for n, case in enumerate(listed)
    ]


def _only_in_the_exhaustive_run(case: Any) -> Any:
    if isinstance(case, type(pytest.param())):
        return pytest.param(*case.values, id=case.id, marks=[*case.marks, pytest.mark.exhaustive])
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.exhaustive)
