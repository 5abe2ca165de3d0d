"""Parse cells as spreadsheets leave them; recognise those that a spreadsheet has damaged.

Each function takes the text of one cell; ``None`` means that it cannot be read without a guess.
"""

from __future__ import annotations

import re
import unicodedata

from placeopt.base.sheets import NO_RESULT

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
_SPREADSHEET_ERROR = re.compile(
    r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|FIELD!|BLOCKED!|BUSY!|CONNECT!|UNKNOWN!|GETTING_DATA)|#{3,}"
)
ID_CHARACTERS = 200  # the most in an id
TEXT_CHARACTERS = 4000  # the most in any other text
_ALLOWED_CONTROLS = "\n\t"  # control characters that a text may have
_TOTAL = re.compile(
    r"(?:grand |overall |sub-?)?totals?(?: (?:of|for|all)\b.*)?\s*:?", re.IGNORECASE
)


def plain_number(cell: str) -> str | None:
    """The digits of an amount with pound sign, thousands separators or accounting brackets."""
    match = _AMOUNT.fullmatch(cell.strip())
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    signs = bool(match["open"]) + (match["sign"] == "-") + bool(match["sign2"])
    if signs > 1:
        return None
    return ("-" if signs else "") + match["whole"].replace(",", "") + (match["part"] or "")


def share_of_percent(cell: str) -> str | None:
    """``0.125`` for ``12.5 %``."""
    if not cell.endswith("%"):
        return None
    number = plain_number(cell[:-1])
    return None if number is None else repr(round(float(number) / 100, 12))


def parse_year(cell: str, financial: bool = False) -> str | None:
    """The year of a full date; if ``financial``, also the first year of ``2025/26``."""
    match = _YEAR_IN_DATE.fullmatch(cell.strip())
    if match is not None:
        return next(group for group in match.groups() if group)
    match = _FINANCIAL_YEAR.fullmatch(cell.strip()) if financial else None
    if match is not None and (int(match[1]) + 1) % 100 == int(match[2]):
        return match[1]
    return None


def restore_id(cell: str) -> str | None:
    """The id that became a number without loss of digits: ``100012.0``, ``1.00012E+5``."""
    head, dot, zeros = cell.partition(".")
    if dot and head.isdigit() and zeros and not zeros.strip("0"):
        return head
    match = _SHORTENED.fullmatch(cell)
    if match is None or "." not in cell:
        return None
    digits, power = match[1] + (match[2] or ""), int(match[3])
    return digits if len(digits) == power + 1 else None


def pad_uprn(cell: str) -> str:
    """A unique property reference number padded to 12 digits: ``42`` is ``000000000042``."""
    return cell.zfill(12) if cell.isascii() and cell.isdigit() else cell


def damaged_id(cell: str) -> str | None:
    """The message if a spreadsheet has destroyed an id, else None."""
    if _SHORTENED.fullmatch(cell) and "." in cell and restore_id(cell) is None:
        return "a spreadsheet has shortened this number and its last digits are lost"
    if _DATE_ID.fullmatch(cell):
        return "a spreadsheet has made a date of this id"
    return spreadsheet_error(cell)


def spreadsheet_error(cell: str) -> str | None:
    """The message if the cell is a spreadsheet error such as ``#N/A``, else None."""
    if _SPREADSHEET_ERROR.fullmatch(cell):
        return "this is a spreadsheet's error, not a value"
    if cell.startswith(NO_RESULT):
        return "the file holds this formula without its result: open it in a spreadsheet and save"
    return None


def is_total(cell: str) -> bool:
    """Whether a cell labels a row of totals: ``Total``, ``Grand total:``, ``Total of all
    sites``."""
    return _TOTAL.fullmatch(cell.strip()) is not None


def invisible_character(cell: str, strict: bool) -> str | None:
    """The first forbidden character, or None.

    Forbidden are control characters and lone surrogates; in an id (``strict``) also line ends and
    invisible or direction-changing characters.
    """
    if cell.isascii() and cell.isprintable():
        return None
    categories = ("Cc", "Cs", "Cf", "Zl", "Zp") if strict else ("Cc", "Cs")
    allowed = "" if strict else _ALLOWED_CONTROLS
    text = cell if strict else cell.replace("\r\n", "\n")  # a return alone ends a row of some CSV
    found = (c for c in text if c not in allowed and unicodedata.category(c) in categories)
    return next(found, None)


def text_fault(cell: str, strict: bool) -> tuple[str, str] | None:
    """The fault of a text (an id if ``strict``) and its remedy, or None."""
    limit = ID_CHARACTERS if strict else TEXT_CHARACTERS
    if len(cell) > limit:
        remedy = "shorten it; a quotation mark that is not closed makes one cell of what follows"
        return f"this has {len(cell):,} characters, more than {limit:,}", remedy
    character = invisible_character(cell, strict)
    if character is None:
        return None
    number = cell.find(character) + 1
    remedy = f"delete character {number}, U+{ord(character):04X}, or type the text anew"
    return "there is a character in it that cannot be seen", remedy


def shorten(cell: str, most: int = 60) -> str:
    """Shorten a long cell for a message."""
    return cell if len(cell) <= most else f"{cell[: most - 3]}..."
