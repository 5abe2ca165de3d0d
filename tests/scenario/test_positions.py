"""The line of every key, against the keys that tomllib reads."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placeopt.scenario.positions import key_lines

ODD = (
    """# a comment with [brackets] and "quotes"
title = "a # b"   # text
"quoted key" = 'it"""
    + """'
a.b . "c.d" = 1
many = [ # comment ]
  1,
  [2, 3], # trailing
  { x = 1, y.z = "]" },
]
text = \"\"\"
[not_a_table]
key = "no"
a quote \\\" and \"\"\"\"\"
raw = '''
[[rules]] # not one
'''
when = 1979-05-27 07:32:00

[solver]
gap=0.1
[[rules]]
rule = "access"

  [[rules]]
  rule = "pinned"
  [rules.more]
  deep = true
  [[rules.list]]
  n = 1
  [[rules.list]]
  n = 2
[travel.speeds_kmh]
walk = 5
"""
)


def test_every_key_of_an_odd_file_has_its_line():
    lines = key_lines(ODD)
    source = ODD.splitlines()
    assert source[lines["title",] - 1].startswith("title")
    assert source[lines["quoted key",] - 1].startswith('"quoted key"')
    assert lines["a", "b", "c.d"] == 4
    assert lines["many", 1, 0] == 7
    assert lines["many", 2, "y", "z"] == 8
    assert source[lines["when",] - 1].startswith("when")
    assert source[lines["solver", "gap"] - 1] == "gap=0.1"
    assert source[lines["rules", 1, "rule"] - 1] == '  rule = "pinned"'
    assert source[lines["rules", 1, "more", "deep"] - 1] == "  deep = true"
    assert source[lines["rules", 1, "list", 1, "n"] - 1] == "  n = 2"
    assert source[lines["travel", "speeds_kmh", "walk"] - 1] == "walk = 5"
    assert ("not_a_table",) not in lines


def test_windows_line_ends_do_not_shift_the_lines():
    assert key_lines("a = 1\r\n\r\nb = 2\r\n") == {("a",): 1, ("b",): 3}


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "a = 1"])
def test_a_short_file_is_read_to_its_end(text: str):
    assert set(key_lines(text)) == set(paths(tomllib.loads(text)))


KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,5}", fullmatch=True),
    st.sampled_from(['"a.b"', "'# ['", '"\\"]"', '"é"']),
)
SCALARS = st.one_of(
    st.sampled_from(["1", "-2.5", "true", "inf", '"a"', "'#'", '"]}"', "''", '""', "1979-05-27"]),
    st.sampled_from(['"""\n[x]\n"""', "'''\n\n'''", '"\\\\"', '"\\""', '"""a"""', '""""a"""""']),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ",\n # x ]\n".join(items) + "\n]"),
        st.dictionaries(KEYS, inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"{k} = {v}" for k, v in items.items()) + "}"
        ),
    ),
    max_leaves=6,
)
BODY = st.dictionaries(KEYS, VALUES, max_size=3)
HEADERS = st.tuples(st.booleans(), st.lists(KEYS, min_size=1, max_size=3))


@given(BODY, st.lists(st.tuples(HEADERS, BODY), max_size=4))
def test_the_keys_found_are_those_that_tomllib_reads(first, tables):
    text = "".join(f"{k} = {v}  # c\n" for k, v in first.items())
    for (many, keys), body in tables:
        header = ".".join(keys)
        text += f"[[{header}]]\n" if many else f"[{header}]\n"
        text += "".join(f"{k}={v}\n\n" for k, v in body.items())
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = key_lines(text)
    assert set(lines) == set(paths(values))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


def paths(values, path=()):
    """The paths of all keys and list members below ``path``."""
    pairs = values.items() if isinstance(values, dict) else enumerate(values)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*path, key))
