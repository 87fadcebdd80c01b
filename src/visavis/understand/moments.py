"""The moments of a switch as SQL: a list of timestamps made of the values that hold at the time."""

from __future__ import annotations

from collections.abc import Sequence

from visavis.core.lang.form import Bucket, Literal, Node
from visavis.core.lang.types import SCALE, Type
from visavis.store.engines.duckdb_sql import Names, expression
from visavis.understand.switches import Switch

_FARTHEST = {"days": 4_000_000, "years": 12_000, "hours": 100_000_000, "anniversary": 367}
"""Beyond so many units nothing can happen between the years 1 and 9999."""
YEARS_OF_BIRTHDAYS = 40
"""How many years back the days of an anniversary are looked at while nothing else changes."""


def moments(switch: Switch, names: Names) -> str:
    """SQL of a list of moments at which the comparison may change; nulls among them mean nothing.

    Reads the columns `began` and `ended`, between which the switch's own values stand still.
    """
    start = expression(switch.start, names)
    if switch.unit == "moment":
        moved = expression(_later(switch.start, switch.shift_ms), names)
        return f"[{moved}, {moved} + to_milliseconds(1)]"
    if switch.unit == "hours":
        return _list([_after_hours(start, n) for n in _counts(switch, names)])
    day = f"visavis_date({start})" if switch.start.type is Type.TIME else start
    if switch.unit == "date":
        return f"[visavis_midnight({day}), visavis_midnight({day} + 1)]"
    if switch.unit == "anniversary":
        return _anniversaries(day, _counts(switch, names))
    moved_days = {
        "days": "{day} + CAST({n} AS INTEGER)",
        "years": "visavis_in_year({day}, year({day}) + {n})",
    }[switch.unit]
    return _list(
        [f"visavis_midnight({moved_days.format(day=day, n=n)})" for n in _counts(switch, names)]
    )


def _list(items: Sequence[str]) -> str:
    return f"[{', '.join(items)}]"


def _later(start: Node, ms: int) -> Node:
    from visavis.core.lang.form import Call

    return Call(Type.TIME, "+", (start, Literal(Type.INTERVAL, ms))) if ms else start


def _counts(switch: Switch, names: Names) -> list[str]:
    """The whole numbers of units at which the comparison may change, as SQL."""
    level, limit = switch.level, _FARTHEST[switch.unit]
    if level is None:
        raise TypeError("a switch of units has a level")
    if isinstance(level, Bucket):
        cuts = names.fits.get(level.fit, ())
        levels: list[Node] = [Literal(level.arg.type, cut) for cut in cuts]
    else:
        levels = [level]
    return [count for node in levels for count in _whole(node, switch, limit, names)]


def _whole(level: Node, switch: Switch, limit: int, names: Names) -> list[str]:
    """The numbers at which a count passes one level: its ceiling, or the next above its floor."""
    sides = {">": [1], "<=": [1], "<": [0], ">=": [0]}.get(switch.sign, [0, 1])
    if switch.unit == "anniversary":
        # days count down to it, so the side on which a day falls is the other one
        sides = [-1, 0, 1]
    if isinstance(level, Literal) and isinstance(level.value, int):
        parts = SCALE if level.type is Type.DECIMAL else 1
        low, high = -(-level.value // parts), level.value // parts
        found = {high + side if side == 1 else low + side for side in sides}
        return [str(n) for n in sorted(found) if abs(n) <= limit]
    sql = expression(level, names)
    if level.type is Type.INTEGER:
        whole = [f"{sql} + {side}" for side in sides]
    else:
        whole = [f"{'floor' if side == 1 else 'ceil'}({sql}) + {side}" for side in sides]
    tested = f"abs({sql}) < {limit}"
    return [f"CASE WHEN {tested} THEN CAST({n} AS BIGINT) END" for n in whole]


def _after_hours(start: str, n: str) -> str:
    # hours are cut off towards zero, so before the start an hour begins a millisecond late
    ms = f"CASE WHEN {n} > 0 THEN {n} * 3600000 ELSE ({n} - 1) * 3600000 + 1 END"
    return f"({start} + to_milliseconds({ms}))"


def _anniversaries(day: str, counts: Sequence[str]) -> str:
    first = f"greatest(year(began), year(ended) - {YEARS_OF_BIRTHDAYS})"
    days = [f"visavis_in_year({day}, y) - CAST({n} AS INTEGER)" for n in counts]
    days.append(f"visavis_in_year({day}, y) + 1")
    midnights = ", ".join(f"visavis_midnight({d})" for d in days)
    return f"flatten(list_transform(range({first}, year(ended) + 2), lambda y: [{midnights}]))"
