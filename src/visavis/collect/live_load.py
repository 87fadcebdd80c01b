"""The live tail to the lake: frames become ordinary loads of the source `live`, each once.

A load and the number of the last frame in it are committed together, so a repeated flush goes on
where the last one ended. Loads made under another definition are made anew from their own rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa

from visavis.collect import events_load, ranks
from visavis.collect.behaviour import ROBOT
from visavis.collect.calls import Bad, Event, event_of
from visavis.collect.closing import rate_tables
from visavis.collect.context import Context, plain
from visavis.collect.kept import any_json
from visavis.collect.live_columns import Placed, Tables, tables_of
from visavis.collect.live_names import LIVE
from visavis.collect.live_values import NO_RATE, Names, names_of
from visavis.collect.making import Making, columns_sql
from visavis.collect.namespaces import real
from visavis.collect.nodes import sightings_query
from visavis.collect.payloads import events_of
from visavis.collect.rates import make_rates, rates_of
from visavis.collect.rows import Rows, Table
from visavis.core.nouns import Source
from visavis.core.problems import Place
from visavis.store import crash
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.state import FileMark, Load
from visavis.store.tail import frames_after

SOURCE = LIVE
THROUGH = "tail"
"""Name of the state's fact: the last frame that the lake has."""
_CHUNK_EVENTS = 200_000
_CHUNK_BYTES = 256 * 1024**2
_VERSION = 1
MOST_KEPT = 64 * 1024
"""A call in quarantine is larger than on the wire: it says what its request said, too."""


def flush(context: Context) -> list[Mapping[str, Any]]:
    """Takes every acknowledged frame into the lake; a summary for each load."""
    definition, names = definition_of(context), wanted_names(context)
    summaries = _anew(context, names, definition)
    through = int(context.state.fact(THROUGH) or 0)
    for calls, first, last in _chunks(context, through):
        with context.progress.step("load live"):
            mark = FileMark(f"tail:{first}-{last}", 0, 0, "", len(calls))
            tables = tables_of(calls, names, context.project.kinds)
            summaries.append(load(context, tables, definition, [mark], {THROUGH: last}))
    return summaries


def wanted_names(context: Context) -> Names:
    """What the project wants of live events, with the rates that are loaded."""
    files = [str(p) for p in context.lake.files("costs", context.loads())]
    make_rates(context.wh, files, context.project.currency)
    return names_of(context.project, rates_of(context.wh))


def definition_of(context: Context) -> str:
    """Changes when live loads have to be made anew: what is promoted, kinds of identifiers."""
    from hashlib import sha256

    project = context.project
    parts = [
        _VERSION,
        sorted((n, str(t)) for of in project.properties.values() for n, t in of.items()),
        sorted((n, str(t)) for n, t in project.line_fields.items()),
        plain([project.kinds[k] for k in sorted(project.kinds)]),
        project.currency,
    ]
    return sha256(repr(parts).encode()).hexdigest()[:32]


def _chunks(context: Context, through: int) -> Iterator[tuple[list[Placed], int, int]]:
    """The calls of the frames after `through`, a load's worth at a time, with its frames."""
    calls: list[Placed] = []
    first = last = size = 0
    for frame in frames_after(context.lake.state, through):
        first = first or frame.number
        last = frame.number
        place = f"live:{frame.number}"
        found = events_of(frame.number, frame.received_ms, frame.head, frame.body)
        calls += [(place, i, call) for i, call in enumerate(found, 1)]
        size += len(frame.body)
        if len(calls) >= _CHUNK_EVENTS or size >= _CHUNK_BYTES:
            yield calls, first, last
            calls, first, size = [], 0, 0
    if first:
        yield calls, first, last


def load(
    context: Context,
    tables: Tables,
    definition: str,
    marks: Sequence[FileMark],
    facts: Mapping[str, Any],
    ended: Sequence[Load] = (),
) -> Mapping[str, Any]:
    """Makes and commits one load of live events; its summary."""
    source = _source(context)
    rows = Rows({}, [], Table("collect_new", {}, []))
    making = Making(context, source, definition, rows, marks, ended, facts=dict(facts))
    wh = context.wh
    wh.register("live_events", tables.events)
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_new AS SELECT *, 0::BIGINT AS revision "
        "FROM live_events"
    )
    making.counts["rows"] = tables.events.num_rows + len(tables.bad)
    making.nothing_dead()
    making.number_nodes(tables.kinds)
    events_load.one_each(making)
    events_load.against_earlier(making)
    making.rank()
    _write(making, tables)
    _quarantine(making, tables.bad)
    _identity(making)
    crash.point("load-made")
    return making.commit("SELECT min(epoch_ms(ts)), max(epoch_ms(ts)) FROM collect_events")


def _source(context: Context) -> Source:
    own = context.project.sources.get(SOURCE)
    return own or Source(SOURCE, "events", "", Place("visavis.yml"), roles={"id": "messageId"})


def _write(making: Making, tables: Tables) -> None:
    wh = making.wh
    there = wh.columns("collect_new")
    properties = [c for c in there if c.startswith("p_")]
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_events AS SELECT seq, row, message_id, type, event, "
        "make_timestamp(ms * 1000) AS ts, make_timestamp(received * 1000) AS received_at, "
        f"{text_literal(SOURCE)} AS source, channel, node, nodes, revision, cleared, "
        "free OR bot IS NOT NULL AS void, properties, context"
        f"{columns_sql(properties)}, given, bot, false AS timeless FROM ({ranks.seq_of_new(wh)})"
    )
    wh.execute("DROP TABLE collect_new")
    making.counts["events"] = making.write(
        "events",
        "SELECT * EXCLUDE (timeless, row) FROM collect_events ORDER BY event, node, seq",
    )
    bots = wh.value("SELECT count(*) FROM collect_events WHERE bot IS NOT NULL")
    if bots:
        making.counts["bots"] = bots
        making.write(
            "bots",
            "SELECT node, min(ts) AS since FROM collect_events WHERE node IS NOT NULL "
            f"AND bot = {text_literal(ROBOT)} GROUP BY node ORDER BY node",
        )
    if tables.lines is None:
        return
    wh.register("live_lines", tables.lines)
    line = columns_sql([c for c in tables.lines.column_names if c.startswith("l_")], "l")
    making.counts["lines"] = making.write(
        "lines",
        "SELECT e.seq, l.line, e.event, e.ts, e.node, e.message_id, e.source, e.void"
        f"{line}, e.ts AS line_ts, 0::BIGINT AS origin FROM live_lines AS l "
        "JOIN collect_events AS e USING (row) ORDER BY event, node, seq, line",
    )


def _quarantine(making: Making, bad: Sequence[tuple[str, int, Bad]]) -> None:
    making.counts["quarantined"] = len(bad)
    if not bad:
        return
    if any(b.reason == NO_RATE for _, _, b in bad):
        making.counts["rates"] = rate_tables(making.context)
    table = pa.table(
        {
            "reason": pa.array([b.reason for _, _, b in bad], pa.string()),
            "file": pa.array([place for place, _, _ in bad], pa.string()),
            "row_number": pa.array([n for _, n, _ in bad], pa.int64()),
            "row": pa.array([b.row for _, _, b in bad], pa.string()),
            "received": pa.array([b.received * 1000 for _, _, b in bad], pa.timestamp("us")),
        }
    )
    making.wh.register("live_bad", table)
    making.write(
        "quarantine",
        f"SELECT {text_literal(SOURCE)} AS source, reason, file, row_number, row, "
        "received AS received_at, false AS replayed, NULL::VARCHAR AS closed FROM live_bad "
        "ORDER BY file, row_number",
    )


def _identity(making: Making) -> None:
    making.write("nodes", "SELECT node, kind, value FROM collect_nodes ORDER BY node")
    making.write(
        "links",
        "SELECT node AS node_a, other AS node_b, rule, "
        f"{text_literal(SOURCE)} AS source, min(ts) AS first_seen, max(ts) AS last_seen FROM ("
        "SELECT node, unnest(nodes) AS other, ts, "
        "CASE type WHEN 'alias' THEN 'alias' ELSE 'same row' END AS rule "
        "FROM collect_events WHERE nodes IS NOT NULL) WHERE other <> node GROUP BY ALL "
        "ORDER BY ALL",
    )
    making.write("sightings", sightings_query())
    making.write(
        "overlay",
        "SELECT load_id, seq, new_seq FROM collect_moved UNION ALL "
        "SELECT load_id, seq, NULL FROM collect_dead ORDER BY load_id, seq",
    )


def _anew(context: Context, names: Names, definition: str) -> list[Mapping[str, Any]]:
    """Makes loads of another definition anew, from the rows that they hold."""
    summaries = []
    for old in context.loads(SOURCE):
        if old.definition == definition:
            continue
        tables = tables_of(_rows_of(context, old), names, context.project.kinds)
        summaries.append(load(context, tables, definition, old.files, {}, [old]))
    return summaries


def _rows_of(context: Context, load: Load) -> Iterator[Placed]:
    """The calls that a load was made of: its rows that count, and its quarantine."""
    return chain(_events_of(context, load), _bad_of(context, load))


def _events_of(context: Context, load: Load) -> Iterable[Placed]:
    # what another source told better is made anew too: that source may go
    ranks.prior_views(context.wh, context.lake, real(context.loads()))
    columns = (
        "message_id, type, event, epoch_ms(ts) AS ms, epoch_ms(received_at) AS received, channel, "
        "given, properties, context, bot"
    )
    query = ranks.alive(context.lake, [load], "events", columns)
    for row in context.wh.rows(f"SELECT * FROM ({query})") if query else ():
        (_, message_id, kind, event, ms, received, channel, given, properties, shown, bot, *_) = row
        ids = [(k, v) for k, v in any_json(given.encode())]
        values = any_json(properties.encode())
        context_text = shown if bot is None else None
        yield (
            "",
            0,
            Event(message_id, kind, event, ms, received, channel, ids, values, context_text, bot),
        )


_UNREAD = ("too-large", "too-deep", "bad-encoding", "bad-json", "bad-event")
"""Reasons that no other definition can change."""


def read_again(file: str, number: int, reason: str, row: str, received: int) -> Event | Bad:
    """What a row in quarantine is now: an event, or bad for the same or another reason."""
    if reason.startswith(_UNREAD):
        return Bad(reason, row, received)
    return event_of(row.encode(), received, None, "", None, f"{file}:{number}", MOST_KEPT)


def _bad_of(context: Context, load: Load) -> Iterable[Placed]:
    files = context.lake.files("quarantine", [load])
    for file, number, reason, row, received in (
        context.wh.rows(
            "SELECT file, row_number, reason, row, epoch_ms(received_at) FROM "
            f"read_parquet({ranks.listed(files)}) WHERE NOT replayed"
        )
        if files
        else ()
    ):
        yield file, number, read_again(file, number, reason, row, received)
