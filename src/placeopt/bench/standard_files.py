"""The cases of the standard files in a folder, with the best values known for them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from placeopt.bench.case import Case

CAPACITIES = {"capa": 8000, "capb": 5000, "capc": 5000}


def cases_of_files(suite: str, folder: Path) -> list[Case]:
    """The cases of ``suite`` whose files are in ``folder``."""
    return sorted(_READERS[suite](folder), key=lambda case: natural_sort_key(case.name))


def _pmed(folder: Path) -> Iterator[Case]:
    best = _named_values(folder / "pmed" / "pmedopt.txt")
    for path in folder.glob("pmed/pmed[0-9]*.txt"):
        yield Case(path.stem, "pmed", "p-median", path=str(path), best_known=best.get(path.stem))


def _centre(folder: Path) -> Iterator[Case]:
    best = _named_values(folder / "pmed" / "pcenter_opt_pullan.txt")
    for path in folder.glob("pmed/pmed[0-9]*.txt"):
        yield Case(
            path.stem, "p-centre", "p-centre", path=str(path), best_known=best.get(path.stem)
        )


def _tsplib(folder: Path) -> Iterator[Case]:
    table = folder / "tsplib" / "pmedian_rl1304_duranmateluna2023_table2.csv"
    path = folder / "tsplib" / "rl1304.tsp"
    if not (table.is_file() and path.is_file()):
        return
    with table.open() as file:
        for row in csv.DictReader(file):
            best_known, p = float(row["paper_OPT"]), int(row["p"])
            yield Case(f"rl1304-{p}", "tsplib", "p-median", path=str(path), options={"p": p},
                       best_known=best_known)  # fmt: skip


def _facility(folder: Path) -> Iterator[Case]:
    best = _named_values(folder / "cap" / "uncapopt.txt")
    for path in folder.glob("cap/cap[0-9a-c]*.txt"):
        if path.stem in best:
            yield Case(path.stem, "facility", "facility-location", path=str(path),
                       best_known=best[path.stem])  # fmt: skip
    for solution in [*folder.glob("ufl/*.opt"), *folder.glob("ufl/*.bub")]:
        yield Case(
            solution.stem,
            "facility",
            "facility-location",
            path=str(solution.with_suffix("")),
            best_known=float(solution.read_text().split()[-1]),
        )


def _capacitated(folder: Path) -> Iterator[Case]:
    best = _named_values(folder / "cap" / "capopt.txt")
    for path in folder.glob("cap/cap[0-9]*.txt"):
        yield Case(path.stem, "capacitated", "capacitated-facility-location", path=str(path),
                   best_known=best.get(path.stem))  # fmt: skip
    for path in folder.glob("cap/cap[a-c].txt"):
        yield Case(f"{path.stem}-{CAPACITIES[path.stem]}", "capacitated",
                   "capacitated-facility-location", path=str(path),
                   options={"capacity": CAPACITIES[path.stem]},
                   best_known=best.get(path.stem))  # fmt: skip


def _single_source(folder: Path) -> Iterator[Case]:
    for family in ("holmberg", "diaz_fernandez"):
        values = folder / "sscfl" / family / "os"
        best = [float(word) for word in values.read_text().split()] if values.is_file() else []
        for path in folder.glob(f"sscfl/{family}/p[0-9]*"):
            number = int(path.name[1:])
            yield Case(f"{family}-{path.name}", family, "single-source", path=str(path),
                       best_known=best[number - 1] if number <= len(best) else None)  # fmt: skip


def _capacitated_p_median(folder: Path) -> Iterator[Case]:
    for path in folder.glob("cpmp/pmedcap*.txt"):
        best = float(path.read_text().split()[1])
        yield Case(path.stem, "pmedcap", "capacitated-p-median", path=str(path), best_known=best)


def _maximal_covering(folder: Path) -> Iterator[Case]:
    cities = folder / "mclp" / "maximo"
    if not (cities / "best_known.csv").is_file():
        return
    with (cities / "best_known.csv").open() as file:
        for row in csv.DictReader(file):
            path = cities / f"{row['instance']}.txt"
            if path.is_file():
                yield Case(f"{row['instance']}-{row['p']}", "cities", "maximal-covering",
                           path=str(path),
                           options={"p": int(row["p"]), "radius": float(row["radius_m"])},
                           best_known=float(row["best_known"]))  # fmt: skip


_READERS = {
    "pmed": _pmed,
    "p-centre": _centre,
    "tsplib": _tsplib,
    "facility": _facility,
    "capacitated": _capacitated,
    "single-source": _single_source,
    "capacitated-p-median": _capacitated_p_median,
    "maximal-covering": _maximal_covering,
}


def _named_values(path: Path) -> dict[str, float]:
    """Values from ``name value`` lines; the first value of a name counts."""
    best: dict[str, float] = {}
    for line in path.read_text().splitlines() if path.is_file() else []:
        words = line.split()
        if len(words) >= 2 and words[0][:3] in ("pme", "cap"):
            try:
                best.setdefault(words[0], float(words[1]))
            except ValueError:
                continue
    return best


def natural_sort_key(name: str) -> tuple[str | int, ...]:
    """A name as words and numbers, so that pmed2 comes before pmed10."""
    import re

    return tuple(int(w) if w.isdigit() else w for w in re.split(r"(\d+)", name))
