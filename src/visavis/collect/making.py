"""One load in the making: what all kinds of sources share, from raw rows to the committed load.

The rows pass through tables named `collect_...` in the warehouse; the files go to a draft that
counts only once it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from visavis.collect import nodes, ranks
from visavis.collect.clean import Habit
from visavis.collect.context import Context
from visavis.collect.erasing import drop_erased
from visavis.collect.namespaces import real
from visavis.collect.rows import Rows
from visavis.collect.staging import Column, Stage, check_columns, columns_of
from visavis.core.nouns import Source
from visavis.store import crash
from visavis.store.engines.duckdb_names import identifier, text_literal, time_literal
from visavis.store.state import FileMark, Load

FILES_SHIFT = 1 << 20
WITHDRAWN = "withdrawn"
"""Name of the state's fact: loads with rows that a later one replaced (see `withdrawn`)."""
Wrap = Callable[[str], str]


@dataclass
class Making:
    """One load of one source. `ended` are loads that it replaces.

    `origin` of a row is the load's number shifted by FILES_SHIFT plus the file's number in it.
    """

    context: Context
    source: Source
    definition: str
    rows: Rows
    marks: Sequence[FileMark]
    ended: Sequence[Load] = ()
    counts: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    keep_bad: bool = True
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.wh = self.context.wh
        self.number = self.context.state.next_number()
        self.load_id = f"{self.number:06d}-{self.source.name}"
        gone = {load.load_id for load in self.ended}
        loads = real(self.context.loads())
        self.prior = [load for load in loads if load.load_id not in gone]
        self.own = [load for load in self.prior if load.source == self.source.name]
        self.draft = self.context.lake.draft()
        self.names = [mark.path for mark in self.marks]

    # rows in

    def stage(self, required: Mapping[str, str], wrap: Wrap = lambda sql: sql) -> list[Column]:
        """Makes `collect_stage` of all rows, good and bad, with `origin`; returns its columns.

        `wrap` may turn the stage query into one with further reasons.
        """
        columns = columns_of(self.source, required)
        check_columns(self.source, self.rows, columns)
        stage = Stage(
            self.wh, self.source, self.context.zone(self.source), self.context.now_ms, columns,
            faulty=self.rows.faulty,
        )  # fmt: skip
        kinds = self.rows.columns
        raw = self._held(self.rows.select(stage.raw_names()), [kinds[n] for n in stage.raw_names()])
        stage.decide(raw, kinds, self._habits())
        origin = f"{self.number * FILES_SHIFT} + _file AS origin"
        self.wh.execute(
            f"CREATE OR REPLACE TEMP TABLE collect_stage AS SELECT * EXCLUDE (_file), {origin} "
            f"FROM ({wrap(stage.query(raw, kinds))})"
        )
        self.wh.execute("DROP TABLE IF EXISTS collect_raw")
        crash.point("load-staged")
        numbered = stage.query(self.rows.with_json("collect_gaps"), kinds, ["_row", "_json"])
        self._bad_rows = wrap(numbered)
        self._count(columns, stage)
        return columns

    def _held(self, query: str, kinds: Sequence[str]) -> str:
        """Text is read into a table first: it is looked at more than once."""
        if not any(kind.startswith("VARCHAR") for kind in kinds) or not self.rows.costly:
            return query
        self.wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_raw AS {query}")
        return "SELECT * FROM collect_raw"

    def _habits(self) -> dict[str, Habit]:
        for load in reversed(self.own):
            if "habits" in load.counts:
                return {key: Habit(**value) for key, value in load.counts["habits"].items()}
        return {}

    def _count(self, columns: Sequence[Column], stage: Stage) -> None:
        found = self.wh.rows(
            "SELECT origin, count(*), count(_reason) FROM collect_stage GROUP BY origin"
        )
        per_file = {int(o) % FILES_SHIFT: int(n) for o, n, _ in found}
        self.marks = [
            FileMark(m.path, m.size, m.mtime_ns, m.sha256, per_file.get(i, 0))
            for i, m in enumerate(self.marks, 1)
        ]
        mapped = set(stage.raw_names())
        dropped = [name for name in self.rows.columns if name not in mapped]
        rows = sum(per_file.values())
        self.bad = sum(int(bad) for _, _, bad in found)
        self.counts["rows"] = rows
        self.counts["dropped_fields"] = dict.fromkeys(dropped, rows)
        for key, rule in stage.warnings.items():
            failed = f'SELECT count_if("{key}" AND _reason IS NULL) FROM collect_stage'
            self.counts.setdefault("warnings", {})[rule.name] = self.wh.value(failed)
        habits = {k: asdict(h) for k, h in stage.habits.items() if h != Habit()}
        if habits:
            self.counts["habits"] = habits

    # quarantine

    def quarantine(self, left_out: Sequence[tuple[str, str]] = ()) -> None:
        """Writes the bad rows: of the stage, rejects, and of orders `left_out`.

        These are tables with an `order_id`, each with the reason.
        """
        reason = "_reason"
        for table, why in left_out:
            orders = f'"role.order" IN (SELECT order_id FROM {table})'
            reason = f"coalesce({reason}, CASE WHEN {orders} THEN {text_literal(why)} END)"
        parts = []
        if self.bad or left_out:
            self._count_gaps()
            query = self._bad_rows
            parts.append(
                f"SELECT {reason} AS reason, _file, _row, _json FROM ({query}) WHERE "
                f"({reason}) IS NOT NULL"
            )
        if self.rows.rejects:
            parts.append(f"SELECT reason, _file, _row, row AS _json FROM ({self.rows.rejects})")
        if not parts:
            self.counts["quarantined"] = 0
            return
        files = ", ".join(text_literal(name) for name in self.names)
        moment = time_literal(self.context.now_ms)
        count = self.write(
            "quarantine",
            f"SELECT {text_literal(self.source.name)} AS source, reason, [{files}][_file] AS file, "
            f"CAST(_row AS BIGINT) AS row_number, CAST(_json AS VARCHAR) AS row, "
            f"{moment} AS received_at, false AS replayed, NULL::VARCHAR AS closed "
            f"FROM ({' UNION ALL '.join(parts)}) ORDER BY file, row_number",
        )
        self.counts["quarantined"] = count

    def _count_gaps(self) -> None:
        """Makes `collect_gaps`: for rows counted without the rejects, how many came before."""
        rejects = (
            self.rows.rejects or "SELECT NULL::INTEGER AS _file, NULL::BIGINT AS _row WHERE false"
        )
        self.wh.execute(
            "CREATE OR REPLACE TEMP TABLE collect_gaps AS SELECT _file, _row - j AS "
            "after, max(j) AS j FROM ("
            "SELECT _file, _row, row_number() OVER (PARTITION BY _file ORDER BY _row) AS j "
            f"FROM ({rejects})) GROUP BY _file, after"
        )

    # identifiers and places in the log

    def number_nodes(self, kinds: Sequence[str], view: bool = False) -> None:
        """Turns the `id.*` columns of `collect_new` (a table, or a view) into `node` and `nodes`.

        Afterwards it is a table.
        """
        names = nodes.strongest_first(kinds, self.context.project.kinds)
        everything = self.context.state.loads(active_only=False)
        known = [str(p) for p in self.context.lake.files("nodes", everything)]
        nodes.number(self.wh, names, self.context.project.kinds, known)
        query = nodes.with_nodes("SELECT * FROM collect_new", names)
        self.wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_noded AS {query}")
        self.wh.execute("ALTER TABLE collect_noded RENAME TO collect_noded_")
        self.wh.execute(f"DROP {'VIEW' if view else 'TABLE'} collect_new")
        self.wh.execute("ALTER TABLE collect_noded_ RENAME TO collect_new")
        drop_erased(self)

    def rank(self) -> None:
        """Settles the `seq` of `collect_new`; `collect_dead` names rows that it replaces."""
        ranks.rank(self.wh, self.context.lake, self.prior)

    def nothing_dead(self) -> None:
        """Starts with no earlier row replaced, and with the lake's overlay at hand."""
        ranks.prior_views(self.wh, self.context.lake, self.prior)
        self.wh.execute(
            "CREATE OR REPLACE TEMP TABLE collect_dead AS "
            "SELECT NULL::VARCHAR AS load_id, NULL::BIGINT AS seq WHERE false"
        )

    # out

    def write_identity(self) -> None:
        """Writes what `collect_events` says of identifiers, and the overlay."""
        self.write("nodes", "SELECT node, kind, value FROM collect_nodes ORDER BY node")
        self.write("links", nodes.links_query(self.source.name))
        self.write("sightings", nodes.sightings_query())
        self.write(
            "overlay",
            "SELECT load_id, seq, new_seq FROM collect_moved UNION ALL "
            "SELECT load_id, seq, NULL FROM collect_dead ORDER BY load_id, seq",
        )

    def write(self, name: str, query: str) -> int:
        """Writes one of the load's files; one without rows is left out."""
        path = self.draft / f"{name}.parquet"
        # otherwise what is sorted may be written out of order
        self.wh.execute("SET preserve_insertion_order = true")
        rows = self.wh.write_parquet(query, path)
        self.wh.execute("SET preserve_insertion_order = false")
        if not rows:
            path.unlink()
        crash.point(f"load-{name}")
        return rows

    def commit(self, span: str | None = None) -> Mapping[str, Any]:
        """Publishes the load; `span` is a query for its first and last moment (ms).

        A load of rows that all stay bad is not kept when `keep_bad` is false.
        """
        if not self.keep_bad and not self.counts.get("events") and not self.counts.get("costs"):
            return {"source": self.source.name, **self.counts}
        low, high = self.wh.rows(span)[0] if span else (None, None)
        self.counts["bytes_read"] = self.context.counter.bytes
        load = Load(
            self.load_id, self.source.name, self.definition, self.context.now_ms,
            tuple(self.marks), self.counts, low, high,
        )  # fmt: skip
        ended = [x.load_id for x in self.ended]
        if span:
            self._note_withdrawn()
        state = self.context.state
        self.context.lake.publish(
            self.draft, self.load_id, lambda: state.commit(load, ended, self.facts)
        )
        return {"load_id": self.load_id, "source": self.source.name, **self.counts}

    def _note_withdrawn(self) -> None:
        rows = self.wh.rows("SELECT DISTINCT load_id FROM collect_dead ORDER BY 1")
        if rows:
            before = self.context.state.fact(WITHDRAWN) or []
            self.facts[WITHDRAWN] = sorted({*before, *(row[0] for row in rows)})


def paths_of(loads: Sequence[Load]) -> dict[int, str]:
    """Origin of a row -> path of its file, over these loads."""
    return {
        int(load.load_id.split("-")[0]) * FILES_SHIFT + i: mark.path
        for load in loads
        for i, mark in enumerate(load.files, 1)
    }


def columns_sql(names: Sequence[str], table: str = "") -> str:
    """Quoted column names, each with a comma before it."""
    head = f"{table}." if table else ""
    return "".join(f", {head}{identifier(name)}" for name in names)
