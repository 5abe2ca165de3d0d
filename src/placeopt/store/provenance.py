"""Record what an answer was made from, so that two answers can be compared."""

from __future__ import annotations

import hashlib
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from placeopt.engine import Answer
from placeopt.place import Place
from placeopt.scenario import Scenario

PACKAGES = ("placeopt", "highspy", "ortools", "pulp", "numpy", "scipy", "pandas", "geopandas")


def hashes_of(place: Place, scenario: Scenario) -> dict[str, Any]:
    """SHA-256 of every table with records and of the scenario.

    Tables are hashed as CSV (rows in order, floats to 17 digits), so the hashes are the same
    whether the place was read from a folder, a GeoPackage or built in Python.
    """
    return {
        "tables_sha256": {
            name: hashlib.sha256(
                table.to_csv(index=False, float_format="%.17g").encode()
            ).hexdigest()
            for name, table in place.tables.items()
            if len(table)
        },
        "scenario_sha256": hashlib.sha256(scenario.model_dump_json().encode()).hexdigest(),
    }


def provenance_of(place: Place, scenario: Scenario, answer: Answer) -> dict[str, Any]:
    """Hashes of every input table and of the scenario, versions, kind of machine, settings."""
    return {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "place": {
            "name": place.info.name,
            "price_year": place.info.price_year,
            "sources": list(place.info.sources),
            "licence": place.info.licence,
            "made_up": place.info.made_up,
        },
        **hashes_of(place, scenario),
        "scenario_file": scenario.path.name if scenario.path else "",
        "settings": scenario.solver.model_dump(),
        "travel": {mode: dict(facts) for mode, facts in answer.times.provenance.items()}
        if answer.times
        else {},
        "engine": {"name": answer.result.engine, "version": answer.result.version},
        "seed": answer.result.seed,
        "seconds": dict(answer.result.seconds),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
