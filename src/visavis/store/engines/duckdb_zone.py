"""A zone's offset table as SQL: lists by stretches of time, so that a lookup is a short expression.

A lookup written as nested CASEs holds its argument once per transition, and arguments hold
lookups: the engine would plan for minutes where it computes for milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from visavis.core.clock import Zone
from visavis.core.lang.types import DAY_MS

STRETCH_OF_TIME, STRETCH_OF_DAYS = 43, 7
"""Lengths of stretches as powers of two, 102 days of microseconds and 128 days: clocks are mostly
changed once in so long, and a shift of bits costs a tenth of a division."""


def zone_statements(zone: Zone) -> list[str]:
    """Statements that define, for this zone, `visavis_local(t)`, the local clock as a TIMESTAMP,
    `visavis_date(t)`, its date, and `visavis_midnight(d)`, the first moment of a local date.
    """
    days, shifts = _midnights(zone)
    turns = [turn * 1000 for turn in zone.transitions]
    offset = _Steps("offset", STRETCH_OF_TIME, turns, zone.offsets)
    midnight = _Steps("midnight", STRETCH_OF_DAYS, days, shifts)
    number = "CAST(d - DATE '1970-01-01' AS BIGINT)"
    return [
        *offset.statements(),
        *midnight.statements(),
        _macro(f"visavis_local(t) AS {offset.moved('t', 'epoch_us(t)')}"),
        _macro(f"visavis_date(t) AS CAST({offset.moved('t', 'epoch_us(t)')} AS DATE)"),
        _macro(f"visavis_midnight(d) AS CAST({midnight.moved('d', number)} AS TIMESTAMP)"),
    ]


def _macro(text: str) -> str:
    return f"CREATE OR REPLACE TEMP MACRO {text}"


class _Steps:
    """A whole number by a whole number x: shifts[i] from turns[i - 1] on, as session variables.

    Entry i of `visavis_NAME_start` holds at the start of the i-th stretch of x; the n-th change
    within it comes at `visavis_NAME_turn_n` and adds `visavis_NAME_by_n`.
    """

    def __init__(self, name: str, bits: int, turns: Sequence[int], shifts: Sequence[int]) -> None:
        self._name, self._bits, self._constant = f"visavis_{name}", bits, shifts[0]
        self._lists: dict[str, list[int]] = {}
        self._first = self._size = self._most = 0
        if turns:
            self._fill(turns, shifts)

    def _fill(self, turns: Sequence[int], shifts: Sequence[int]) -> None:
        within: dict[int, list[int]] = {}
        for i, turn in enumerate(turns):
            within.setdefault(turn >> self._bits, []).append(i)
        # one stretch more on either side stands for all time before and after
        self._first = min(within) - 1
        self._size = max(within) + 2 - self._first
        self._most = max(len(found) for found in within.values())
        held, starts = shifts[0], []
        for stretch in range(self._first, self._first + self._size):
            starts.append(held)
            found = within.get(stretch, [])
            for n in range(self._most):
                turn, by = 0, 0
                if n < len(found):
                    turn, by = turns[found[n]], shifts[found[n] + 1] - held
                    held += by
                self._lists.setdefault(f"turn_{n}", []).append(turn)
                self._lists.setdefault(f"by_{n}", []).append(by)
        self._lists["start"] = starts

    def statements(self) -> list[str]:
        """Sets the variables."""
        return [
            f"SET VARIABLE {self._name}_{key} = {values}::BIGINT[]"
            for key, values in self._lists.items()
        ]

    def moved(self, base: str, x: str) -> str:
        """`base` later by the shift at x."""
        if not self._lists:
            return f"{base} + to_milliseconds({self._constant})" if self._constant else base
        at = f"[greatest(1, least({self._size}, ({x} >> {self._bits}) - {self._first - 1}))]"
        terms = [self._variable("start") + at]
        for n in range(self._most):
            turn, by = self._variable(f"turn_{n}") + at, self._variable(f"by_{n}") + at
            terms.append(f"CASE WHEN {x} >= {turn} THEN {by} ELSE 0 END")
        return f"{base} + to_milliseconds({' + '.join(terms)})"

    def _variable(self, key: str) -> str:
        return f"getvariable('{self._name}_{key}')"


def _midnights(zone: Zone) -> tuple[list[int], list[int]]:
    """Days from which on midnight (UTC) is so many ms after the day's number times 24 h."""
    first = zone.transitions[0] // DAY_MS - 3 if zone.transitions else 0
    days: list[int] = []
    shifts = [zone.midnight(first) - first * DAY_MS]
    # away from a transition the offset stands still
    near = {turn // DAY_MS + n for turn in zone.transitions for n in range(-2, 4)}
    for day in sorted(near):
        shift = zone.midnight(day) - day * DAY_MS
        if shift != shifts[-1]:
            days.append(day)
            shifts.append(shift)
    return days, shifts
