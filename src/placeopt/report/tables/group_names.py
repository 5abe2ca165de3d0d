"""Groups of residents and modes of travel in words."""

from __future__ import annotations

from placeopt.report.tables.formats import in_words

MODE_WORDS = {
    "walk": "on foot",
    "transit": "by public transport",
    "drive": "by car",
    "cycle": "by bicycle",
    "fastest": "by the fastest mode",
}
GROUP_WORDS = {
    "all": "everybody",
    "quintile_1": "the most deprived fifth",
    **{f"quintile_{n}": f"deprivation fifth {n}" for n in (2, 3, 4)},
    "quintile_5": "the least deprived fifth",
    "rural": "rural areas",
    "urban": "urban areas",
    "without_car": "residents without a car",
    "people_0_4": "aged 0 to 4",
    "people_5_15": "aged 5 to 15",
    "people_16_64": "aged 16 to 64",
    "people_65_84": "aged 65 to 84",
    "people_85_plus": "aged 85 and over",
}


def group_in_words(code: str) -> str:
    """Return a group of residents in words."""
    words = GROUP_WORDS.get(code, in_words(code))
    return words[:1].upper() + words[1:]


def mode_in_words(code: str) -> str:
    """Return a mode of travel in words."""
    words = MODE_WORDS.get(code, in_words(code))
    return words[:1].upper() + words[1:]
