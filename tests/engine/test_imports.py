"""HiGHS and OR-Tools work in one process, and importing the room loads neither."""

from __future__ import annotations

import subprocess
import sys

import pytest

USE = {
    "highspy": "import highspy; highspy.Highs().run()",
    "ortools": "from ortools.linear_solver.python import model_builder_helper as m; "
    "assert m.ModelSolverHelper('scip').solver_is_supported()",
}


@pytest.mark.parametrize("order", [("highspy", "ortools"), ("ortools", "highspy")])
def test_highspy_and_ortools_import_in_both_orders(order: tuple[str, str]):
    code = "\n".join(USE[name] for name in order)
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_importing_the_room_loads_no_solver():
    heavy = "{'pandas', 'geopandas', 'ortools', 'highspy', 'pandera', 'numba', 'pulp', 'rich'}"
    code = f"import sys, placeopt.engine; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
