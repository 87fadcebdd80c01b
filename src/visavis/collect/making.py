"""Makes one load from raw files: stage, events, lines, nodes, quarantine, then commits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from visavis.collect import nodes, orders, ranks
from visavis.collect.context import Context
from visavis.collect.reading import Raw
from visavis.collect.staging import Column, Stage, check_columns, columns_of
from visavis.core.clock import to_datetime
from visavis.core.nouns import Source
from visavis.store import crash
from visavis.store.engines.duckdb_names import identifier, text_literal, time_literal
from visavis.store.state import FileMark, Load


class LoadMaker:
    """One load of one source. `ended` are loads that it replaces."""

    def __init__(
        self,
        context: Context,
        source: Source,
        definition: str,
        raw: Raw,
        marks: Sequence[FileMark],
        ended: Sequence[Load],
    ) -> None:
        self.context = context
        self.wh = context.wh
        self.source = source
        self.definition = definition
        self.raw = raw
        self.marks = marks
        self.ended = ended
        number = context.state.next_number()
        self.load_id = f"{number:06d}-{source.name}"
        gone = {load.load_id for load in ended}
        self.prior = [load for load in context.loads() if load.load_id not in gone]
        self.counts: dict[str, Any] = {}

    def make(self) -> Mapping[str, Any]:
        draft = self.context.lake.draft()
        self._orders(draft)
        return self._commit(draft)

    # stage

    def _stage(self, required: Mapping[str, str]) -> tuple[Stage, list[Column]]:
        columns = columns_of(self.source, required)
        check_columns(self.source, self.raw, columns)
        zone = self.context.zone(self.source)
        return Stage(self.wh, self.source, zone, self.context.now_ms, columns), columns

    def _orders(self, draft: Path) -> None:
        stage, columns = self._stage(orders.REQUIRED)
        kinds = self.raw.columns
        raw_sql = self.raw.select(stage.raw_names())
        if any(kind == "VARCHAR" for kind in (kinds[n] for n in stage.raw_names())):
            self.wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_raw AS {raw_sql}")
            raw_sql = "SELECT * FROM collect_raw"
        stage.decide(raw_sql, kinds, {})
        query = orders.checked(stage.query(raw_sql, kinds), columns)
        self.wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_stage AS {query}")
        crash.point("load-staged")
        ((rows, bad),) = self.wh.rows("SELECT count(*), count(_reason) FROM collect_stage")
        self.counts |= {"rows": rows, "quarantined": bad}
        shape = orders.shape_of(columns)
        currency = self.source.currency or self.context.project.currency
        lines = orders.lines_query(self.source, columns, shape, currency)
        self.wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_lines AS {lines}")
        self.wh.execute("DROP TABLE IF EXISTS collect_stage")
        namespace = self.source.namespace or self.source.name
        self.wh.execute(
            f"CREATE OR REPLACE TEMP TABLE collect_new AS {orders.events_query(namespace, shape)}"
        )
        self._rank_and_number(shape.kinds)
        self._write_orders(draft, shape)

    def _rank_and_number(self, kinds: Sequence[str]) -> None:
        self.wh.execute(
            "CREATE OR REPLACE TEMP TABLE collect_dead AS "
            "SELECT NULL::VARCHAR AS load_id, NULL::BIGINT AS seq WHERE false"
        )
        ranks.prior_views(self.wh, self.context.lake, self.prior)
        ranks.rank(self.wh, self.context.lake, self.prior)
        names = nodes.strongest_first(kinds, self.context.project.kinds)
        known = self.context.lake.files("nodes", self.prior)
        nodes.number(self.wh, names, self.context.project.kinds, [str(p) for p in known])
        query = nodes.with_nodes(ranks.seq_of_new(), names)
        self.wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_numbered AS {query}")

    def _write_orders(self, draft: Path, shape: orders.Shape) -> None:
        name = orders.event_name()
        currency = 'p_currency'
        channel = "channel" if "channel" in shape.order else "NULL::VARCHAR AS channel"
        skip = {"channel"}
        numbers = [c for c in ("p_revenue", "p_discount", "p_items", "p_cost") if self._has(c)]
        props = [*numbers, *(c for c in shape.order if c not in skip)]
        if "l_promotion" in shape.line:
            props.append("p_promotion")
        picked = ", ".join(identifier(c) for c in props)
        self.wh.execute(
            "CREATE OR REPLACE TEMP TABLE collect_events AS SELECT seq, message_id, 'track' AS type, "
            f"{name} AS event, make_timestamp(ms * 1000) AS ts, "
            f"{time_literal(self.context.now_ms)} AS received_at, "
            f"{text_literal(self.source.name)} AS source, {channel}, "
            f"CASE WHEN class <> {orders.TEST} THEN node END AS node, "
            f"CASE WHEN class <> {orders.TEST} THEN nodes END AS nodes, "
            f"{self._revision()} AS revision, NULL::VARCHAR[] AS cleared, "
            f"coalesce(p_revenue = 0, true) OR class = {orders.TEST} AS void, "
            f"NULL::VARCHAR AS properties, NULL::VARCHAR AS context, order_id AS p_order_id, {picked}, "
            "class, false AS timeless FROM collect_numbered"
        )
        del currency
        self._write(draft, "events", "SELECT * EXCLUDE (class, timeless) FROM collect_events ORDER BY event, seq")
        line = ", ".join(f"l.{identifier(c)}" for c in shape.line)
        query = (
            "SELECT e.seq, CAST(row_number() OVER (PARTITION BY e.seq ORDER BY "
            f"{orders.canonical_order(shape).replace('line_ms', 'l.ms', 1).replace(chr(34)+'l.ms'+chr(34), 'l.ms')}) - 1 AS INTEGER) AS line, "
            f"e.event, e.ts, e.node, e.message_id, e.source, e.void, {line}, "
            "make_timestamp(l.ms * 1000) AS line_ts, l._file AS file "
            "FROM collect_lines AS l JOIN collect_events AS e ON e.p_order_id = l.order_id AND e.class = l.class"
        )
        self._write(draft, "lines", f"SELECT * FROM ({query}) ORDER BY event, seq, line")
        self._write_identity(draft)

    def _has(self, column: str) -> bool:
        return column in self.wh.columns("collect_new")

    def _revision(self) -> str:
        number = int(self.load_id.split("-")[0])
        return f"{number << 20} + _file"

    def _write_identity(self, draft: Path) -> None:
        self._write(draft, "nodes", "SELECT node, kind, value FROM collect_nodes ORDER BY node")
        self._write(draft, "links", nodes.links_query(self.source.name))
        self._write(draft, "sightings", nodes.sightings_query())
        self._write(draft, "overlay", "SELECT * FROM collect_moved UNION ALL SELECT load_id, seq, NULL FROM collect_dead")

    def _write(self, draft: Path, name: str, query: str) -> int:
        rows = self.wh.write_parquet(query, draft / f"{name}.parquet")
        if not rows:
            (draft / f"{name}.parquet").unlink()
        crash.point(f"load-{name}")
        self.counts[name] = rows
        return rows

    def _commit(self, draft: Path) -> Mapping[str, Any]:
        ((low, high),) = self.wh.rows(
            "SELECT min(epoch_ms(ts)), max(epoch_ms(ts)) FROM collect_events WHERE NOT timeless"
        )
        load = Load(
            self.load_id, self.source.name, self.definition, self.context.now_ms,
            tuple(self.marks), self.counts, low, high,
        )  # fmt: skip
        ended = [x.load_id for x in self.ended]
        self.context.lake.publish(draft, self.load_id, lambda: self.context.state.commit(load, ended))
        return {"load_id": self.load_id, "source": self.source.name, **self.counts}


__all__ = ["LoadMaker", "to_datetime"]
