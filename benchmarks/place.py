"""A large place through the importer: read, checked and written, timed and its memory measured.

  python benchmarks/place.py                                  # 35,000 zones, 50,000 register rows
  python benchmarks/place.py --zones 1000 --rows 2000         # a smaller one

The files are made up first and are not timed: small areas with people by age, a register with the
headings of the Transparency Code (a tenth land, a twentieth without coordinates, a tenth rows of a
building that stands already). ``import`` runs in a process of its own; its peak memory is that
process's. ``check`` reads the place that was written and checks it again.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("Libraries", "Offices", "Children's Centres", "Community Buildings")
CHILD = """
import json, resource, sys, time
from placeopt.place import import_place, check_files
what, mapping, out = sys.argv[1:]
began, cpu = time.perf_counter(), time.process_time()
steps = []
if what == "import":
    report = import_place(mapping, out, progress=steps.append)
    found = {"rows": report.rows, "warnings": len(report.findings)}
else:
    findings = check_files(out)
    found = {"errors": sum(f.severity == "error" for f in findings), "findings": len(findings)}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"what": what, "wall_s": round(time.perf_counter() - began, 1),
    "cpu_s": round(time.process_time() - cpu, 1), "peak_mb": round(peak), "steps": len(steps),
    **found}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zones", type=int, default=35_000)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder, asked.zones, asked.rows, asked.seed)
        for what in ("import", "check"):
            command = [sys.executable, "-c", CHILD, what, str(folder / "large.toml")]
            done = subprocess.run(
                [*command, str(folder / "place")], capture_output=True, text=True, check=False
            )
            if done.returncode:
                sys.exit(done.stderr[-4000:])
            print(json.dumps(json.loads(done.stdout)))


def make_files(folder: Path, zones: int, rows: int, seed: int) -> None:
    """areas.csv, register.csv, by-kind.csv, services.csv and the mapping."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(200_000, 600_000, zones), rng.uniform(100_000, 600_000, zones)
    _areas(folder / "areas.csv", x, y, rng)
    _register(folder / "register.csv", x, y, rows, rng)
    files = ROOT / "tests" / "place" / "files"
    for name in ("by-kind.csv", "services.csv"):
        (folder / name).write_bytes((files / name).read_bytes())
    mappings = ROOT / "data" / "mappings"
    (folder / "categories.csv").write_bytes((mappings / "register/categories.csv").read_bytes())
    text = (mappings / "register.toml").read_text(encoding="utf-8")
    text = text.replace("register/categories.csv", "categories.csv")
    (folder / "large.toml").write_text(text.replace('"show"', '"accept"'), encoding="utf-8")


def _areas(path: Path, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
    bands = rng.integers([60, 150, 800, 220, 30], [120, 260, 1200, 380, 70], (len(x), 5))
    heads = ("LSOA21CD,LSOA21NM,WD24CD,WD24NM,Easting,Northing,Population,Aged 0 to 4,"
             "Aged 5 to 15,Aged 16 to 64,Aged 65 to 84,Aged 85 and over,"
             "IMD25_decile,RUC21NM,No car")  # fmt: skip
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads.split(","))
        for k, people in enumerate(bands.tolist()):
            ward = f"E05{k // 20:06d}"
            writer.writerow(
                (
                    f"E01{k + 1:06d}",
                    f"Area {k + 1}",
                    ward,
                    f"Ward {ward}",
                    f"{x[k]:.0f}",
                    f"{y[k]:.0f}",
                    f"{sum(people):,}",
                    *people,
                    k % 10 + 1,
                    "Rural" if k % 4 == 0 else "Urban",
                    f"{k % 40}%",
                )
            )


def _register(
    path: Path, x: np.ndarray, y: np.ndarray, rows: int, rng: np.random.Generator
) -> None:
    at = rng.integers(0, len(x), rows)
    with path.open("w", encoding="cp1252", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("Organisation", "OrganisationLabel", "UPRN", "AssetCode", "PropertyName",
                         "StreetName", "PostTown", "PostCode", "GeoX", "GeoY", "TenureType",
                         "TenureDetail", "HoldingType", "GIA (m2)",
                         "Total building operation (revenue) costs"))  # fmt: skip
        for k in range(rows):
            of = k - 1 if k % 10 == 1 else k  # every tenth row is of the building above
            kind = "Land" if k % 10 == 5 else KINDS[of % len(KINDS)]
            hidden = k % 20 == 7
            writer.writerow((
                "o", "Council\u00a0of Largeshire", f"1000{of:08d}", f"A{k:06d}", f"Building {k}",
                f"{of} High Street", "Town", "", "REDACTED" if hidden else f"{x[at[of]] + 50:.0f}",
                "REDACTED" if hidden else f"{y[at[of]] + 50:.0f}", "Freehold", "Occupied", kind,
                f"{300 + k % 900:,}", f"£{20_000 + k:,}",
            ))  # fmt: skip


if __name__ == "__main__":
    began = time.perf_counter()
    main()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.perf_counter() - began:.1f} s with making the files ({own:.0f} MB)")
