"""A town of two zones with simple sums, for the tests of the rules."""

from placeopt.engine import Status
from placeopt.estate import solve
from tests.estate.places import scenario
from tests.support.places import minutes, place_of

HOUSE = {"kind": "library", "floor_area_m2": 100.0, "district_id": "D1", "tenure": "freehold"}
PERSON = {"district_id": "D1", "population": 100.0}


def building(identity, cost, **more):
    return {
        **HOUSE,
        "building_id": identity,
        "x_m": 0.0,
        "y_m": 0.0,
        "running_cost_fixed_gbp_per_year": float(cost),
        **more,
    }


def town(buildings, services=({"service_id": "S"},), hosting=None, **tables):
    """Two zones of 100 people with 1,000 visits each to every service."""
    zones = [{**PERSON, "zone_id": z, "x_m": 0.0, "y_m": 0.0} for z in ("Z1", "Z2")]
    if hosting is None:
        hosting = [
            {"building_id": b["building_id"], "service_id": s["service_id"]}
            for b in buildings
            for s in services
            if b.get("status", "open") == "open"
        ]
    demand = [
        {"zone_id": z["zone_id"], "service_id": s["service_id"], "visits_per_year": 1000.0}
        for z in zones
        for s in services
        if not s.get("back_office")
    ]
    return place_of(
        **{
            "zones": zones,
            "buildings": buildings,
            "services": list(services),
            "hosting": hosting,
            "demand": demand,
            "districts": [{"district_id": "D1"}, {"district_id": "D2"}],
            **tables,
        }
    )


def cost_of(place, *rules, drive=None, walk=None, **settings):
    """The least objective under the rules; None where no plan exists."""
    shape = (len(place.zones), len(place.buildings))
    by_mode = {"drive": drive or [[10.0] * shape[1]] * shape[0]}
    if walk is not None:
        by_mode["walk"] = walk
    answer = solve(place, minutes(place, **by_mode), scenario(*rules, **settings))
    if answer.result.status is Status.INFEASIBLE:
        return None
    assert answer.verification.ok
    return answer.result.objective
