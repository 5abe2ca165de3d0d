"""Ids of customers and sites, and what is given for them in a user's own terms.

One convention: customers and sites go by their ids, in what is given and in what comes back. Where
no ids are given they are the positions 0, 1, 2, ... of rows and columns.

    values of a vector   one number for all, a sequence in the order of the ids, or a pandas Series
                         or mapping, whose labels are the ids and are matched, in any order
    a choice of sites    ids, or True and False for every site (a sequence or a pandas Series)

A Series with pandas' default index goes by position only if none of its labels is an id. What
could be read in two ways is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = tuple[Any, ...]


class Unclear(ValueError):
    """Something that does not say which customer or site it means; its text names what would."""


def ids_of(given: Any, labels: Any, size: int, what: str) -> Ids:
    """The ids of ``size`` customers or sites: those given, else a table's labels, else positions.

    Args:
        given: Ids as given, or nothing.
        labels: The labels of a table's rows or columns, ``None`` where it has none.
        size: How many there are.
        what: ``"customer"`` or ``"site"``, for messages.
    """
    ids = tuple(_native(one) for one in given) if given is not None and len(given) else ()
    if not ids:
        ids = tuple(range(size)) if labels is None else tuple(_native(one) for one in labels)
    if len(ids) != size:
        raise Unclear(f"there must be one id for each {what}: {len(ids)} ids, {size} {what}s")
    twice = _twice(ids)
    if twice:
        raise Unclear(f"{what} ids must differ: {_some(twice)} stand(s) twice")
    return ids


def order_of(labels: Any, ids: Ids, what: str) -> NDArray[np.int64] | None:
    """Where each id stands among the labels of a table; ``None`` where both go by position.

    Raises ``Unclear`` where the labels are neither the ids nor a default index without any.
    """
    own = [_native(one) for one in labels]
    if tuple(own) == ids:
        return None
    known = set(ids)
    if len(own) == len(ids) and not _twice(own) and set(own) == known:
        at = {label: position for position, label in enumerate(own)}
        return np.array([at[one] for one in ids], np.int64)
    if is_default(labels) and len(own) == len(ids) and not known & set(own):
        return None
    missing, extra = (
        [one for one in ids if one not in own],
        [one for one in own if one not in known],
    )
    wrong = f"lacks {_some(missing)}" if missing else ""
    wrong += (" and " if wrong and extra else "") + (f"has {_some(extra)}" if extra else "")
    raise Unclear(
        f"its labels are not the {what} ids ({wrong or 'a label stands twice'}); label it with the "
        "ids, or give a plain array in their order"
    )


def vector(given: Any, ids: Ids, what: str) -> NDArray[np.float64]:
    """(len(ids),) one number for each id; see the module's text."""
    size = len(ids)
    if isinstance(given, Mapping):
        import pandas as pd

        given = pd.Series(dict(given), dtype=object)
    index = labels_of(given)
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise Unclear("it is not all numbers; give numbers") from None
    if values.ndim == 0:
        return np.full(size, float(values))
    if values.ndim > 1 or (len(values) != size and index is None):
        shape = " x ".join(map(str, values.shape))
        raise Unclear(f"{shape} values for {size} {what}s; give one number, or one for each")
    order = None if index is None else order_of(index, ids, what)
    return np.array(values if order is None else values[order])


def chosen(given: Any, ids: Ids) -> tuple[int, ...]:
    """The positions of the sites that are chosen, ascending; see the module's text."""
    if given is None:
        return ()
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise Unclear(f"{given!r} is no list; give a list of site ids, or True or False for each")
    index = labels_of(given)
    if getattr(given, "ndim", 1) != 1:
        raise Unclear(f"it has {given.ndim} dimensions; give a list of site ids")  # type: ignore[attr-defined]
    values = [_native(one) for one in given]
    flags = [isinstance(one, bool) for one in values]
    if values and all(flags):
        if index is not None:
            order = order_of(index, ids, "site")
            values = values if order is None else [values[at] for at in order]
        if len(values) != len(ids):
            raise Unclear(
                f"{len(values)} of True and False for {len(ids)} sites; give one for each, or ids"
            )
        return tuple(position for position, on in enumerate(values) if on)
    if any(flags):
        raise Unclear("True or False stand among ids; give ids only, or True or False for each")
    at = {one: position for position, one in enumerate(ids)}
    unknown = [one for one in dict.fromkeys(values) if one not in at]
    if unknown:
        raise Unclear(f"there is no site {_some(unknown)}{_meant(unknown[0], ids)}")
    if not isinstance(given, set | frozenset) and (twice := _twice(values)):
        raise Unclear(
            f"site {_some(twice)} stands twice; give each id once, or True or False for each site"
        )
    return tuple(sorted(at[one] for one in values))


def labels_of(table: Any, axis: str = "index") -> Any:
    """The labels of a pandas object's rows (``index``) or ``columns``; ``None`` for others."""
    if type(table).__module__.partition(".")[0] in ("pandas", "geopandas") and hasattr(
        table, "iloc"
    ):
        return getattr(table, axis, None)
    return None


def is_default(labels: Any) -> bool:
    """Whether labels are the 0, 1, 2, ... that pandas gives where nobody gave any."""
    return type(labels).__name__ == "RangeIndex" and labels.start == 0 and labels.step == 1


def _native(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _twice(values: Sequence[Any]) -> list[Any]:
    seen: set[Any] = set()
    return [one for one in values if one in seen or seen.add(one)]  # type: ignore[func-returns-value]


def _some(values: Sequence[Any], most: int = 3) -> str:
    text = ", ".join(repr(one) for one in values[:most])
    return text + (f" and {len(values) - most} more" if len(values) > most else "")


def _meant(wrong: Any, ids: Ids) -> str:
    """What was meant instead, or what ids look like."""
    same = [one for one in ids if str(one) == str(wrong)]
    close = get_close_matches(str(wrong), [str(one) for one in ids], n=1, cutoff=0.6)
    if same:
        return f" (the id is {same[0]!r})"
    if close:
        return f"; did you mean {next(one for one in ids if str(one) == close[0])!r}?"
    return f"; ids are {_some(ids)}"
