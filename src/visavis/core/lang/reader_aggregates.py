"""Aggregates as closures: take the values of the selected rows, reduce them, and say until when."""

from __future__ import annotations

from typing import Any

from visavis.core.clock import Zone
from visavis.core.lang.form import Aggregate, Node, Property
from visavis.core.lang.reader_filters import Compiles
from visavis.core.lang.reader_reducers import Reducer, mean_gap, reducer
from visavis.core.lang.reader_rows import Column, column, once
from visavis.core.lang.reader_run import Run, Scalar
from visavis.core.lang.reader_select import Select


def aggregate(node: Aggregate, select: Select, compiler: Compiles) -> Scalar:
    """The closure of an aggregate over the selected rows."""
    if node.function == "mean_gap":
        return _mean_gap(select, compiler.zone)
    if not node.args:
        return _size(select)
    argument = node.args[0]
    if node.function in (*_FIRST, *_LAST) and _is_timestamp(argument):
        return _edge(select, node.function in _FIRST)
    key, read = compiler.key(argument), column(argument, compiler.zone)
    if not isinstance(argument, Property):
        read = once(key, read)
    return _reduced(select, key, read, reducer(node))


def _size(select: Select) -> Scalar:
    slot, make = select.slot, select.make

    def size(run: Run) -> int:
        selection = run.selections[slot] or make(run)
        if selection.until < run.until:
            run.until = selection.until
        return selection.size()

    return size


def _mean_gap(select: Select, zone: Zone) -> Scalar:
    slot, make = select.slot, select.make

    def gap(run: Run) -> int | None:
        selection = run.selections[slot] or make(run)
        run.until = min(run.until, selection.until)
        first, last = selection.first(), selection.last()
        if first is None or last is None:
            return None
        days = zone.date_of(selection.rows.time(last)) - zone.date_of(selection.rows.time(first))
        return mean_gap(days, selection.size())

    return gap


_FIRST, _LAST = ("min", "first"), ("max", "last")


def _is_timestamp(node: Node) -> bool:
    return isinstance(node, Property) and (node.name, node.scope) == ("timestamp", "event")


def _edge(select: Select, first: bool) -> Scalar:
    """The first or last moment: rows stand in the order of time."""

    slot, make = select.slot, select.make

    def edge(run: Run) -> int | None:
        selection = run.selections[slot] or make(run)
        if selection.until < run.until:
            run.until = selection.until
        row = selection.first() if first else selection.last()
        return None if row is None else selection.rows.time(row)

    return edge


def _reduced(select: Select, key: int, read: Column, reduce: Reducer) -> Scalar:
    slot, make = select.slot, select.make

    def aggregate(run: Run) -> Any:
        selection = run.selections[slot] or make(run)
        if selection.until < run.until:
            run.until = selection.until
        return reduce(selection.take(key, read))

    return aggregate
