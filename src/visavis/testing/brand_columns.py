"""Columns of the brand's files: money, times, and texts where there are some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from visavis.testing.brand_people import NONE, Array

Column = Any
"""An array of Arrow."""


def money(cents: Array) -> Column:
    """Decimals with two places."""
    low = cents.astype(np.int64)
    whole = np.stack([low, np.where(low < 0, -1, 0)], axis=1).astype("<i8")
    buffers = [None, pa.py_buffer(whole.tobytes())]
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(low), buffers)


def times(moments: Array) -> Column:
    """UTC timestamps of ms; NONE is null."""
    return pa.array(moments, pa.timestamp("ms", tz="UTC"), mask=moments == NONE)


def iso(moments: Array, suffix: str = "Z") -> Column:
    """Written out to the second."""
    texts = np.datetime_as_string((moments // 1000).astype("datetime64[s]"))
    return pa.array([t + suffix for t in texts.tolist()], pa.string())


def pick(values: Sequence[str | None], at: Array) -> Column:
    """The texts at these places; null at NONE."""
    if len(values) == 0:
        return pa.nulls(len(at), pa.string())
    return pa.array(values, pa.string()).take(pa.array(at, pa.int64(), mask=at == NONE))


def table(columns: Mapping[str, object]) -> pa.Table:
    """A table of columns; plain lists are texts."""
    made = {
        name: pa.array(column, pa.string()) if isinstance(column, list) else column
        for name, column in columns.items()
    }
    return pa.table(made)
