"""Given traits: which of the values that sources gave counts, and which lost.

A row that gives the property sets a value or clears it (null). A clear takes back all that was
given before; of the values since then the trait's rule chooses one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from visavis.core.lang.form import Value
from visavis.core.lang.history import IDENTIFY
from visavis.core.lang.reader_rows import Rows
from visavis.core.lang.reader_run import Run
from visavis.core.nouns import Trait

USUAL_TRUST = 50
"""Trust of a source that no file declares."""


def given(trait: Trait) -> Callable[[Run], Value]:
    """The value of a given trait; it holds until the next row that sets or clears it."""
    name = trait.given or trait.name

    def value(run: Run) -> Value:
        rows = run.events(IDENTIFY)
        column = rows.property(name, "property")
        for i in range(rows.visible, rows.size):
            if _sets(rows, column, name, i):
                run.until = min(run.until, rows.time(i))
                break
        row = chosen_row(rows, trait)
        return None if row is None else column[row]

    return value


def chosen_row(rows: Rows, trait: Trait) -> int | None:
    """The row that the trait's value, or null, comes from."""
    name = trait.given or trait.name
    if trait.resolve == "latest":
        column = rows.property(name, "property")
        for i in range(rows.visible - 1, -1, -1):
            if _sets(rows, column, name, i):
                return i
        return None
    kept = [i for i in setting_rows(rows, name)[1] if i is not None]
    return max(kept, key=_order(rows, trait, kept)) if kept else None


def setting_rows(rows: Rows, name: str) -> tuple[list[int], list[int]]:
    """All visible rows that set or clear a property, and those that set it since the last clear."""
    column = rows.property(name, "property")
    every = [i for i in range(rows.visible) if _sets(rows, column, name, i)]
    cleared = max((i for i in every if column[i] is None), default=-1)
    return every, [i for i in every if i > cleared]


def _order(rows: Rows, trait: Trait, kept: Sequence[int]) -> Callable[[int], Any]:
    """Larger is better; ties by the later row."""
    column = rows.property(trait.given or trait.name, "property")
    match trait.resolve:
        case "first":
            return lambda i: -i
        case "trusted":
            trust, source = dict(trait.trust), rows.property("source", "property")
            return lambda i: (trust.get(str(source[i]), USUAL_TRUST), i)
        case "frequent":
            times = Counter(column[i] for i in kept)
            return lambda i: (times[column[i]], i)
        case _:
            return lambda i: (len(str(column[i])), i)


def _sets(rows: Rows, column: Sequence[Value], name: str, row: int) -> bool:
    cleared = rows.stream.cleared
    return column[row] is not None or (cleared is not None and name in (cleared[row] or ()))
