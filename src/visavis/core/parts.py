"""Long columns worked on in parts.

What a part makes on the way stays in the processor's cache and touches no fresh memory, which
costs more than most arithmetic; and processors work side by side where NumPy lets them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

PART = 1 << 17
"""Rows at a time."""
Ints = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]
_T = TypeVar("_T")
_S = TypeVar("_S", bound=np.generic)


def width(size: int) -> np.dtype[np.integer[Any]]:
    """The smallest of the usual types for positions among `size`."""
    return np.dtype(np.int32 if size <= np.iinfo(np.int32).max else np.int64)


def parts(count: int) -> list[slice]:
    """`count` rows in slices of PART, the last one shorter."""
    return [slice(start, min(start + PART, count)) for start in range(0, count, PART)]


def each(count: int, work: Callable[[slice], _T]) -> list[_T]:
    """What `work` says of each part of `count` rows, in order.

    Parts run side by side, so each may write to its own rows alone.
    """
    slices = parts(count)
    if len(slices) < 2:
        return [work(part) for part in slices]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, slices))


def take(table: npt.NDArray[_S], at: Ints) -> npt.NDArray[_S]:
    """The values at these positions."""
    found = np.empty(len(at), dtype=table.dtype)

    def work(part: slice) -> None:
        found[part] = table[at[part]]

    each(len(at), work)
    return found


def where(count: int, test: Callable[[slice], Mask]) -> Ints:
    """The rows for which the test of their part holds."""
    kind = width(count)
    found = each(count, lambda part: (np.flatnonzero(test(part)) + part.start).astype(kind))
    return np.concatenate([np.empty(0, dtype=kind), *found])


def tally(values: Ints, size: int) -> Ints:
    """How often each number below `size` is there."""
    found = np.zeros(size, dtype=width(len(values)))
    one = found.dtype.type(1)  # of another type it takes twenty times as long
    for part in parts(len(values)):
        np.add.at(found, values[part].astype(np.intp), one)
    return found


def lower(least: Ints, at: Ints, values: Ints) -> None:
    """Sets each of `least` to the smallest of itself and its values."""
    for part in parts(len(at)):
        held = values[part].astype(least.dtype, copy=False)
        np.minimum.at(least, at[part].astype(np.intp), held)
