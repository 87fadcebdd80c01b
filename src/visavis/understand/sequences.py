"""`then` and `without` in SQL: which events are kept by what did or did not follow them."""

from __future__ import annotations

from visavis.core.nouns import Project, Step
from visavis.store.engines.duckdb_names import text_literal, time_literal
from visavis.store.engines.duckdb_sql import Names, expression
from visavis.understand.reading import Reading, Stream


def sequence(project: Project, stream: Stream, as_of_ms: int) -> str:
    """The seq of each event A of a stream that its `then` and `without` keep.

    Only the next B and the next C after A matter: an earlier B is never worse than a later one.
    """
    then, without = stream.then, stream.without
    events = sorted({stream.event, *(s.event for s in (then, without) if s)})
    listed = ", ".join(text_literal(event) for event in events)
    columns = ["e.seq", "e.ts", f"e.event = {text_literal(stream.event)} AS is_a"]
    for step, letter in ((then, "b"), (without, "c")):
        if step:
            hit = _hit(project, step, as_of_ms)
            columns.append(f"min(CASE WHEN {hit} THEN e.seq END) OVER later AS {letter}_seq")
            columns.append(f"min(CASE WHEN {hit} THEN e.ts END) OVER later AS {letter}_ts")
    return (
        f"SELECT seq FROM (SELECT {', '.join(columns)} FROM ev e"
        f" WHERE e.event IN ({listed}) AND e.ts <= {time_literal(as_of_ms)}"
        " WINDOW later AS (PARTITION BY e.person ORDER BY e.seq"
        " ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING))"
        f" WHERE is_a AND {_holds(then, without, as_of_ms)}"
    )


def _hit(project: Project, step: Step, as_of_ms: int) -> str:
    event = f"e.event = {text_literal(step.event)}"
    if step.where is None:
        return event
    reading = Reading(project, Stream(step.event, False, None, None), ())
    names = Names(now=time_literal(as_of_ms), column=reading.column)
    return f"{event} AND {expression(step.where, names)}"


def _holds(then: Step | None, without: Step | None, as_of_ms: int) -> str:
    if then:
        holds = "b_seq IS NOT NULL"
        if then.within_ms is not None:
            holds += f" AND epoch_ms(b_ts) - epoch_ms(ts) <= {then.within_ms}"
        return f"{holds} AND (c_seq IS NULL OR c_seq >= b_seq)" if without else holds
    if without is None or without.within_ms is None:
        return "c_seq IS NULL"
    passed = f"epoch_ms(ts) <= {as_of_ms - without.within_ms}"
    return f"{passed} AND (c_ts IS NULL OR epoch_ms(c_ts) - epoch_ms(ts) > {without.within_ms})"
