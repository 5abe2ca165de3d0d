"""Ids of customers and sites, and values given for them.

Customers and sites are named by their ids, in inputs and results. Without ids
they are the positions 0, 1, 2, ... of rows and columns.

    values of a vector   one number for all, a sequence in the order of the ids, or a pandas Series
                         or mapping, whose labels are the ids and are matched, in any order
    a choice of sites    ids, or True and False for every site (a sequence or a pandas Series)

A Series with pandas' default index is read by position only if none of its labels is an id.
Ambiguous input is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = tuple[Any, ...]


class UnclearIds(ValueError):
    """Values or ids that do not identify a customer or site; the text states what would."""


def resolve_ids(values_given: Any, labels: Any, size: int, noun: str) -> Ids:
    """The ids of ``size`` customers or sites: those given, else a table's labels, else positions.

    Args:
        values_given: Ids as given, or nothing.
        labels: The labels of a table's rows or columns; None if it has none.
        size: Number of customers or sites.
        noun: ``"customer"`` or ``"site"``, for messages.

    Raises:
        UnclearIds: If the number of ids is wrong or an id is repeated.
    """
    ids = (
        tuple(_to_python(each) for each in values_given)
        if values_given is not None and len(values_given)
        else ()
    )
    if not ids:
        ids = tuple(range(size)) if labels is None else tuple(_to_python(each) for each in labels)
    if len(ids) != size:
        raise UnclearIds(f"there must be one id for each {noun}: {len(ids)} ids, {size} {noun}s")
    twice = _duplicates(ids)
    if twice:
        raise UnclearIds(f"{noun} ids must differ: {_list_some(twice)} stand(s) twice")
    return ids


def match_labels(labels: Any, ids: Ids, noun: str) -> NDArray[np.int64] | None:
    """The position of each id among the labels of a table; None where both are in the same order.

    Raises:
        UnclearIds: If the labels are neither the ids nor a default index without any.
    """
    label_list = [_to_python(each) for each in labels]
    if tuple(label_list) == ids:
        return None
    known = set(ids)
    if len(label_list) == len(ids) and not _duplicates(label_list) and set(label_list) == known:
        position_of = {label: position for position, label in enumerate(label_list)}
        return np.array([position_of[each] for each in ids], np.int64)
    if is_default_index(labels) and len(label_list) == len(ids) and not known & set(label_list):
        return None
    missing, extra = (
        [each for each in ids if each not in label_list],
        [each for each in label_list if each not in known],
    )
    wrong = f"lacks {_list_some(missing)}" if missing else ""
    wrong += (" and " if wrong and extra else "") + (f"has {_list_some(extra)}" if extra else "")
    raise UnclearIds(
        f"its labels are not the {noun} ids ({wrong or 'a label stands twice'}); label it with the "
        "ids, or give a plain array in their order"
    )


def values_by_id(values_given: Any, ids: Ids, noun: str) -> NDArray[np.float64]:
    """One number for each id, (ids,); see the module's text.

    Raises:
        UnclearIds: If the values are not numbers or do not match the ids.
    """
    size = len(ids)
    if isinstance(values_given, Mapping):
        import pandas as pd

        values_given = pd.Series(dict(values_given), dtype=object)
    index = pandas_labels(values_given)
    try:
        values = as_numbers(values_given)
    except (TypeError, ValueError):
        raise UnclearIds("it is not all numbers; give numbers") from None
    if values.ndim == 0:
        return np.full(size, float(values))
    if values.ndim > 1 or (len(values) != size and index is None):
        shape = " x ".join(map(str, values.shape))
        raise UnclearIds(f"{shape} values for {size} {noun}s; give one number, or one for each")
    order = None if index is None else match_labels(index, ids, noun)
    return np.array(values if order is None else values[order])


def chosen_positions(values_given: Any, ids: Ids) -> tuple[int, ...]:
    """The positions of the chosen sites, ascending; see the module's text.

    Raises:
        UnclearIds: If it is unclear which sites are meant.
    """
    if values_given is None:
        return ()
    if isinstance(values_given, str | bytes | Mapping) or not isinstance(values_given, Iterable):
        raise UnclearIds(
            f"{values_given!r} is no list; give a list of site ids, or True or False for each"
        )
    index = pandas_labels(values_given)
    if (dimensions := getattr(values_given, "ndim", 1)) != 1:
        raise UnclearIds(f"it has {dimensions} dimensions; give a list of site ids")
    values = [_to_python(each) for each in values_given]
    flags = [isinstance(each, bool) for each in values]
    if values and all(flags):
        if index is not None:
            order = match_labels(index, ids, "site")
            values = values if order is None else [values[position] for position in order]
        if len(values) != len(ids):
            raise UnclearIds(
                f"{len(values)} of True and False for {len(ids)} sites; give one for each, or ids"
            )
        return tuple(position for position, on in enumerate(values) if on)
    if any(flags):
        raise UnclearIds("True or False stand among ids; give ids only, or True or False for each")
    position_of = {each: position for position, each in enumerate(ids)}
    unknown = [each for each in dict.fromkeys(values) if each not in position_of]
    if unknown:
        raise UnclearIds(f"there is no site {_list_some(unknown)}{_suggestion(unknown[0], ids)}")
    if not isinstance(values_given, set | frozenset) and (twice := _duplicates(values)):
        raise UnclearIds(
            f"site {_list_some(twice)} stands twice; give each id once, or True or False for each "
            "site"
        )
    return tuple(sorted(position_of[each] for each in values))


def as_numbers(values_given: Any) -> NDArray[np.float64]:
    """An array of numbers; NaN where pandas has no value.

    Raises:
        ValueError: If it holds dates, spans of time, complex numbers or text that is no number.
    """
    if pandas_labels(values_given) is not None:
        import pandas as pd

        kinds = pd.DataFrame(values_given).dtypes
        if any(pd.api.types.is_datetime64_any_dtype(kind) for kind in kinds):
            raise ValueError("dates are no numbers")
        if any(getattr(kind, "kind", "") in "mMc" for kind in kinds):
            raise ValueError("spans of time and complex numbers are no numbers")
        return np.asarray(values_given.to_numpy(dtype=np.float64, na_value=np.nan))
    if getattr(np.asarray(values_given).dtype, "kind", "") in "mMc":
        raise ValueError("dates, spans of time and complex numbers are no numbers")
    return np.asarray(values_given, dtype=np.float64)


def pandas_labels(table: Any, axis: str = "index") -> Any:
    """The labels of a pandas object's rows (``index``) or ``columns``; None for other objects."""
    if type(table).__module__.partition(".")[0] in ("pandas", "geopandas") and hasattr(
        table, "iloc"
    ):
        return getattr(table, axis, None)
    return None


def is_default_index(labels: Any) -> bool:
    """Whether labels are the default index 0, 1, 2, ... of pandas."""
    return type(labels).__name__ == "RangeIndex" and labels.start == 0 and labels.step == 1


def _to_python(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _duplicates(values: Sequence[Any]) -> list[Any]:
    seen: set[Any] = set()
    duplicates = []
    for each in values:
        if each in seen:
            duplicates.append(each)
        seen.add(each)
    return duplicates


def _list_some(values: Sequence[Any], max_listed: int = 3) -> str:
    text = ", ".join(repr(each) for each in values[:max_listed])
    return text + (f" and {len(values) - max_listed} more" if len(values) > max_listed else "")


def _suggestion(wrong: Any, ids: Ids) -> str:
    """A hint at the id that was probably meant, or at what ids look like."""
    same = [each for each in ids if str(each) == str(wrong)]
    close = get_close_matches(str(wrong), [str(each) for each in ids], n=1, cutoff=0.6)
    if same:
        return f" (the id is {same[0]!r})"
    if close:
        return f"; did you mean {next(each for each in ids if str(each) == close[0])!r}?"
    return f"; ids are {_list_some(ids)}"
