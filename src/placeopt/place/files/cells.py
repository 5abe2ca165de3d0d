"""Cells as spreadsheets leave them: what can be read in one way only, and what is lost for good.

Pure functions on one cell each. ``None`` says that the cell cannot be read without a guess.
"""

from __future__ import annotations

import re
import unicodedata

SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u2009"), " ") | dict.fromkeys(
    map(ord, "\u200b\u200c\u200d\u2060\ufeff")
)
_AMOUNT = re.compile(
    r"(?P<open>\()?(?P<sign>[+-]?)\s*(?:£|GBP\s)?\s*(?P<sign2>-?)"
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?P<part>\.[0-9]+)?\s*(?P<close>\))?"
)
_SHORTENED = re.compile(r"([0-9])(?:\.([0-9]+))?[eE]\+?([0-9]{1,2})")
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE_ID = re.compile(
    rf"[0-9]{{1,2}}-(?:{_MONTHS})(?:-[0-9]{{2,4}})?|(?:{_MONTHS})-[0-9]{{2}}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]00:00:00|[0-9]{2}/[0-9]{2}/[0-9]{4}(?: 00:00)?",
    re.IGNORECASE,
)
_YEAR_IN_DATE = re.compile(
    rf"[0-9]{{1,2}}[/.-][0-9]{{1,2}}[/.-]([0-9]{{4}})|([0-9]{{4}})-[0-9]{{2}}-[0-9]{{2}}(?:[T ].*)?"
    rf"|[0-9]{{1,2}}[ -](?:{_MONTHS})[a-z]*[ -]([0-9]{{4}})",
    re.IGNORECASE,
)
_FINANCIAL_YEAR = re.compile(r"((?:19|20)[0-9]{2})[/-](?:20)?([0-9]{2})")
_BROKEN = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)|#{3,}")
ID_CHARACTERS = 200  # an id has at most
TEXT_CHARACTERS = 4000  # any other text has at most
_IN_TEXTS = "\n\t"  # control characters that a text may have
_TOTAL = re.compile(
    r"(?:grand |overall |sub-?)?totals?(?: (?:of|for|all)\b.*)?\s*:?", re.IGNORECASE
)


def plain_number(cell: str) -> str | None:
    """Digits for an amount with pound sign, thousands separators or accounting brackets."""
    found = _AMOUNT.fullmatch(cell.strip())
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    signs = bool(found["open"]) + (found["sign"] == "-") + bool(found["sign2"])
    if signs > 1:
        return None
    return ("-" if signs else "") + found["whole"].replace(",", "") + (found["part"] or "")


def share_of_percent(cell: str) -> str | None:
    """``0.125`` for ``12.5 %``."""
    if not cell.endswith("%"):
        return None
    number = plain_number(cell[:-1])
    return None if number is None else repr(round(float(number) / 100, 12))


def parse_year(cell: str, financial: bool = False) -> str | None:
    """The year in a full date; of a financial year (``2025/26``) the year in which it starts."""
    found = _YEAR_IN_DATE.fullmatch(cell.strip())
    if found is not None:
        return next(group for group in found.groups() if group)
    found = _FINANCIAL_YEAR.fullmatch(cell.strip()) if financial else None
    if found is not None and (int(found[1]) + 1) % 100 == int(found[2]):
        return found[1]
    return None


def restore_id(cell: str) -> str | None:
    """An id that became a number with all its digits left: ``100012.0``, ``1.00012E+5``."""
    head, dot, zeros = cell.partition(".")
    if dot and head.isdigit() and zeros and not zeros.strip("0"):
        return head
    found = _SHORTENED.fullmatch(cell)
    if found is None or "." not in cell:
        return None
    digits, power = found[1] + (found[2] or ""), int(found[3])
    return digits if len(digits) == power + 1 else None


def pad_uprn(cell: str) -> str:
    """A unique property reference number with all its 12 digits: ``42`` is ``000000000042``."""
    return cell.zfill(12) if cell.isascii() and cell.isdigit() else cell


def damaged_id(cell: str) -> str | None:
    """What a spreadsheet did to an id whose true text can no longer be told."""
    if _SHORTENED.fullmatch(cell) and "." in cell and restore_id(cell) is None:
        return "a spreadsheet has shortened this number and its last digits are lost"
    if _DATE_ID.fullmatch(cell):
        return "a spreadsheet has made a date of this id"
    return spreadsheet_error(cell)


def spreadsheet_error(cell: str) -> str | None:
    """What a spreadsheet's error in a cell says."""
    if _BROKEN.fullmatch(cell):
        return "this is a spreadsheet's error, not a value"
    return None


def is_total(cell: str) -> bool:
    """Whether a cell calls its row a total: ``Total``, ``Grand total:``, ``Total of all sites``."""
    return _TOTAL.fullmatch(cell.strip()) is not None


def invisible_character(cell: str, strict: bool) -> str | None:
    """The first character that must not be there: control ones and halves of a pair; in an id
    (``strict``) also line ends, and invisible or direction-changing ones."""
    if cell.isascii() and cell.isprintable():
        return None
    bad = ("Cc", "Cs", "Cf", "Zl", "Zp") if strict else ("Cc", "Cs")
    allowed = "" if strict else _IN_TEXTS
    text = cell if strict else cell.replace("\r\n", "\n")  # a return alone ends a row of some CSV
    found = (c for c in text if c not in allowed and unicodedata.category(c) in bad)
    return next(found, None)


def text_fault(cell: str, strict: bool) -> tuple[str, str] | None:
    """What is wrong with a text, an id if ``strict``, and what would be right."""
    most = ID_CHARACTERS if strict else TEXT_CHARACTERS
    if len(cell) > most:
        remedy = "shorten it; a quotation mark that is not closed makes one cell of what follows"
        return f"this has {len(cell):,} characters, more than {most:,}", remedy
    character = invisible_character(cell, strict)
    if character is None:
        return None
    number = cell.find(character) + 1
    remedy = f"delete character {number}, U+{ord(character):04X}, or type the text anew"
    return "there is a character in it that cannot be seen", remedy


def shorten(cell: str, most: int = 60) -> str:
    """The beginning of a long cell, for a message."""
    return cell if len(cell) <= most else f"{cell[: most - 3]}..."
