"""The tables of an answer as sheets: names beside ids, words for codes, plain headings.

``columns.csv`` beside this module states every heading once: its format, whether it is totalled,
whether the page shows it, and what it means. Workbook, page and documentation are made from it. A
column that it does not name gets a heading from its own name and unit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from placeopt.report.tables.evidence import used_assumptions
from placeopt.report.tables.sheet import NAMING_TABLES, Sheet, make_sheet, names_by_id

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

MILLION = 1_000_000.0


def all_sheets(answer: Answer) -> dict[str, Sheet]:
    """Return table name -> sheet of an answer; without a plan, only what is known."""
    tables: dict[str, pd.DataFrame] = dict(answer.plan.tables) if answer.plan else {}
    if answer.plan is None and answer.explanation is not None:
        tables |= dict(answer.explanation.tables)
    if "money" in tables:
        tables["money"] = _with_change(tables["money"])
        tables |= _derived_tables(answer)
    tables |= {
        "checks": _checks(answer),
        "findings": _findings(answer),
        "assumptions": used_assumptions(answer),
        "provenance": _provenance(answer),
    }
    if "prices" in tables:
        tables["prices"] = _per_million(tables["prices"])
    sheets = {name: make_sheet(answer.place, name, table) for name, table in tables.items()}
    if answer.scenario.years == 1:
        for name in sheets.keys() & {"buildings", "closed_points", "closures", "closures_by_group"}:
            sheets[name] = _hide_on_page(sheets[name], ("opens_year", "closes_year", "year"))
    return sheets


def _hide_on_page(sheet: Sheet, columns: tuple[str, ...]) -> Sheet:
    """Return the sheet with columns that only the workbook shows."""
    headings = (replace(h, page=h.page and h.name not in columns) for h in sheet.headings)
    return replace(sheet, headings=tuple(headings))


def _derived_tables(answer: Answer) -> dict[str, pd.DataFrame]:
    """Return the tables about an estate plan that are made here from the plan's own."""
    from placeopt.report.page import my_area
    from placeopt.report.tables import closures, groups, multi_year

    assert answer.plan is not None
    tables = answer.plan.tables
    derived = {"groups": groups.groups_table(answer), "losers": groups.losers_table(answer)}
    if closures.has_closures(answer):
        derived["closed_points"] = closures.closed_points_table(answer)
    if my_area.has_areas(answer):
        derived["areas"] = my_area.areas_table(answer)
    if multi_year.has_several_years(tables):
        derived["course"] = multi_year.timeline_table(answer.place, tables)
    if "cash_flow" in tables:
        cash = tables["cash_flow"]
        derived["cash_years"] = multi_year.cash_years_table(cash)
        derived["cash_agencies"] = multi_year.cash_agencies_table(cash)
    return derived


def _with_change(money: pd.DataFrame) -> pd.DataFrame:
    money = money.copy()
    change = money["after_gbp_per_year"] - money["before_gbp_per_year"]
    at = list(money.columns).index("after_gbp_per_year") + 1
    money.insert(at, "change_gbp_per_year", change)
    return money


def _per_million(prices: pd.DataFrame) -> pd.DataFrame:
    """Return prices of money per million pounds: what one pound changes is too small to read."""
    is_money = prices["per"] == "GBP"
    change = prices["change_in_objective"].where(~is_money, MILLION * prices["change_in_objective"])
    per = prices["per"].mask(is_money, "£1 million")
    return prices.assign(change_in_objective=change, per=per)


def _checks(answer: Answer) -> pd.DataFrame:
    """Return the rules in force with the verifier's results; without a plan, the rules alone."""
    import pandas as pd

    verification = answer.verification
    if verification is None:
        names = {
            key: name
            for table in set(NAMING_TABLES.values())
            for key, name in names_by_id(answer.place, table).items()
        }
        rows = [(rule.number, rule.sentence(names)) for rule in answer.scenario.rules]
        return pd.DataFrame(rows, columns=["number", "sentence"])
    broken = {(check.number, check.sentence) for check in verification.broken_today}
    return pd.DataFrame(
        [
            {
                "number": check.number,
                "sentence": check.sentence,
                "holds": check.held_by if check.holds and check.held_by else check.holds,
                "today": (check.number, check.sentence) not in broken if check.number else "",
                "detail": check.detail,
            }
            for check in verification.checks
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

    return pd.DataFrame(list(flatten(answer.provenance)), columns=["item", "value"])


def flatten(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Return nested records as (path in words, value as text)."""
    if isinstance(value, dict) or hasattr(value, "items"):
        return [
            row
            for key, inner in value.items()
            for row in flatten(inner, f"{path}, {key}" if path else str(key))
        ]
    if isinstance(value, list | tuple):
        return [(path.replace("_", " "), "; ".join(str(item) for item in value))]
    return [(path.replace("_", " "), "" if value is None else str(value))]
