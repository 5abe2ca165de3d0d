"""A plan's tables as people read them: names beside ids, words for codes, plain headings.

``columns.csv`` beside this module is the one statement of every heading, its format, whether it
is totalled, whether the page shows it and what it means; workbook, page and documentation are
made from it. A column that it does not name gets a heading from its own name and unit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from placeopt.report.tables.sheet import NAMED, Sheet, make_sheet, names_by_id

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

MILLION = 1_000_000.0


def all_sheets(answer: Answer) -> dict[str, Sheet]:
    """Every table of an answer, ready to be shown; without a plan, only what is known."""
    tables: dict[str, pd.DataFrame] = dict(answer.plan.tables) if answer.plan else {}
    if answer.plan is None and answer.explanation is not None:
        tables |= dict(answer.explanation.tables)
    if "money" in tables:
        tables["money"] = _with_change(tables["money"])
        tables |= _made_for_reading(answer)
    tables |= {
        "checks": _checks(answer),
        "findings": _findings(answer),
        "assumptions": answer.place.tables.get("assumptions", _empty()),
        "provenance": _provenance(answer),
    }
    if "prices" in tables:
        tables["prices"] = _per_million(tables["prices"])
    sheets = {name: make_sheet(answer.place, name, table) for name, table in tables.items()}
    if answer.scenario.years == 1:
        for name in sheets.keys() & {"buildings", "closed_points", "closures", "closures_by_group"}:
            sheets[name] = _off_the_page(sheets[name], ("opens_year", "closes_year", "year"))
    return sheets


def _off_the_page(sheet: Sheet, columns: tuple[str, ...]) -> Sheet:
    """The sheet with columns that the page leaves to the workbook."""
    headings = (replace(h, page=h.page and h.name not in columns) for h in sheet.headings)
    return replace(sheet, headings=tuple(headings))


def _made_for_reading(answer: Answer) -> dict[str, pd.DataFrame]:
    """Tables about an estate plan that only this room makes, from the plan's own."""
    from placeopt.report.page import my_area
    from placeopt.report.tables import closures, groups, multi_year

    assert answer.plan is not None
    tables = answer.plan.tables
    made = {"groups": groups.groups_table(answer), "losers": groups.losers_table(answer)}
    if closures.has_closures(answer):
        made["closed_points"] = closures.closed_points_table(answer)
    if my_area.has_areas(answer):
        made["areas"] = my_area.areas_table(answer)
    if multi_year.has_several_years(tables):
        made["course"] = multi_year.timeline_table(answer.place, tables)
    if "cash_flow" in tables:
        cash = tables["cash_flow"]
        made["cash_years"] = multi_year.cash_years_table(cash)
        made["cash_agencies"] = multi_year.cash_agencies_table(cash)
    return made


def _with_change(money: pd.DataFrame) -> pd.DataFrame:
    money = money.copy()
    change = money["after_gbp_per_year"] - money["before_gbp_per_year"]
    at = list(money.columns).index("after_gbp_per_year") + 1
    money.insert(at, "change_gbp_per_year", change)
    return money


def _per_million(prices: pd.DataFrame) -> pd.DataFrame:
    """Prices of money per million pounds: what one pound changes is too small to be read."""
    money = prices["per"] == "GBP"
    change = prices["change_in_objective"].where(~money, MILLION * prices["change_in_objective"])
    per = prices["per"].mask(money, "£1 million")
    return prices.assign(change_in_objective=change, per=per)


def _empty() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


def _checks(answer: Answer) -> pd.DataFrame:
    """The rules in force with what the verifier found; without a plan, the rules alone."""
    import pandas as pd

    found = answer.verification
    if found is None:
        names = {
            key: name
            for table in set(NAMED.values())
            for key, name in names_by_id(answer.place, table).items()
        }
        rows = [(rule.number, rule.sentence(names)) for rule in answer.scenario.rules]
        return pd.DataFrame(rows, columns=["number", "sentence"])
    broken = {(check.number, check.sentence) for check in found.broken_today}
    return pd.DataFrame(
        [
            {
                "number": check.number,
                "sentence": check.sentence,
                "holds": check.held_by if check.holds and check.held_by else check.holds,
                "today": (check.number, check.sentence) not in broken if check.number else "",
                "detail": check.detail,
            }
            for check in found.checks
        ],
        columns=["number", "sentence", "holds", "today", "detail"],
    )


def _findings(answer: Answer) -> pd.DataFrame:
    import pandas as pd

    columns = ["severity", "file", "row", "column", "value", "message", "remedy"]
    rows = [finding.as_dict() for finding in answer.warnings]
    frame = pd.DataFrame(rows, columns=columns).astype({"row": float})
    return frame.fillna({name: "" for name in columns if name != "row"})


def _provenance(answer: Answer) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(flat(answer.provenance)), columns=["item", "value"])


def flat(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Nested records as (path in words, value as text)."""
    if isinstance(value, dict) or hasattr(value, "items"):
        return [
            row
            for key, inner in value.items()
            for row in flat(inner, f"{path}, {key}" if path else str(key))
        ]
    if isinstance(value, list | tuple):
        return [(path.replace("_", " "), "; ".join(str(item) for item in value))]
    return [(path.replace("_", " "), "" if value is None else str(value))]
