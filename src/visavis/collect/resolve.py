"""One order told by several files or loads of a source: which of its lines count.

Each file's lines of an order are one contribution. In the order of the files: equal lines count
once, disjoint lines are joined, partial overlap is a correction by the later file, and a newer
version of the same file takes the place of the older one.

`collect_lines` comes in with the new files' lines and goes out with what counts; orders that
stay as they are leave it. `collect_dead` gets the earlier events that are replaced.
"""

from __future__ import annotations

from collections.abc import Mapping

from visavis.collect import nodes, orders, ranks
from visavis.collect.making import Making, columns_sql
from visavis.collect.orders import MONEY, Shape
from visavis.core.nouns import IdentifierKind
from visavis.store.engines.duckdb_names import identifier, text_literal

_KEPT = "CREATE OR REPLACE TEMP TABLE"


class Resolver:
    """Folds the contributions of contested orders. `paths` maps each origin to its file."""

    def __init__(self, making: Making, shape: Shape, paths: Mapping[int, str]) -> None:
        self.wh = making.wh
        self.lake = making.context.lake
        self.own = making.own
        self.dictionary = making.context.state.loads(active_only=False)
        self.shape = shape
        self.paths = paths
        self.kinds = making.context.project.kinds

    def resolve(self, files: int) -> tuple[int, list[str]]:
        """Does it, for `files` new files; how many orders were corrected, and some of their ids."""
        if not self._contested(files):
            return 0, []
        self._gather()
        steps = self._contributions()
        for step in range(1, steps + 1):
            self._step(step)
        return self._finish()

    def _contested(self, files: int) -> int:
        """Makes `fold_orders`: orders that more than one file tells."""
        parts = []
        if files > 1:
            parts.append(
                "SELECT order_id FROM collect_lines GROUP BY order_id HAVING min(origin) "
                "<> max(origin)"
            )
        before = ranks.alive(self.lake, self.own, "events", "p_order_id AS order_id")
        if before:
            parts.append(
                f"SELECT DISTINCT order_id FROM ({before}) "
                "SEMI JOIN (SELECT DISTINCT order_id FROM collect_lines) USING (order_id)"
            )
        if not parts:
            return 0
        self.wh.execute(f"{_KEPT} fold_orders AS {' UNION '.join(parts)}")
        return int(self.wh.value("SELECT count(*) FROM fold_orders"))

    def _gather(self) -> None:
        """Makes `fold_lines`: all contributions of those orders, line by line, hashed."""
        names = [*self.shape.line_columns, *self.shape.order_columns]
        listed = ", ".join(identifier(name) for name in names)
        new = (
            f"SELECT origin, order_id, ms, class, {listed}, true AS is_new FROM collect_lines "
            "SEMI JOIN fold_orders USING (order_id)"
        )
        new = self._normal(new)
        self._prior_events()
        old = self._prior_lines()
        both = f"{new} UNION ALL {old}" if old else new
        sale = f"class = {orders.REFUNDED}"
        line = ", ".join(identifier(name) for name in self.shape.line_columns)
        self.wh.execute(
            f"{_KEPT} fold_lines AS SELECT *, hash({sale}, ms, {line}) AS h FROM ({both})"
        )
        paths = ", ".join(
            f"({origin}, {text_literal(path)})" for origin, path in self.paths.items()
        )
        self.wh.execute(f"{_KEPT} fold_paths AS SELECT * FROM (VALUES {paths}) AS v(origin, path)")

    def _normal(self, query: str) -> str:
        """The identifiers as the dictionary has them, so that old and new compare."""
        changed = []
        for kind in self.shape.kinds:
            column = identifier(f"id.{kind}")
            value = nodes.normal(column, kind)
            nobody = nodes.blocked(value, self.kinds.get(kind, IdentifierKind(kind)))
            changed.append(f"CASE WHEN NOT {nobody} THEN {value} END AS {column}")
        return f"SELECT * REPLACE ({', '.join(changed)}) FROM ({query})" if changed else query

    def _prior_events(self) -> None:
        """Makes `fold_events`: the living events of those orders, with identifiers as values."""
        present = self._columns("events")
        picked = [
            identifier(c) if c in present else f"{orders.typed_null(t)} AS {identifier(c)}"
            for c, t in self.shape.order.items()
        ]
        listed = ", ".join(
            ["p_order_id AS order_id", "event", "node", "nodes", "message_id", *picked]
        )
        query = ranks.alive(self.lake, self.own, "events", listed)
        none = (
            "SELECT NULL::VARCHAR AS load_id, NULL::BIGINT AS old_seq, NULL::VARCHAR AS "
            "order_id WHERE false"
        )
        source = (
            f"SELECT * FROM ({query}) SEMI JOIN fold_orders USING (order_id)" if query else none
        )
        self.wh.execute(f"{_KEPT} fold_events AS {source}")
        if query:
            self._name_nodes()

    def _name_nodes(self) -> None:
        """Adds to `fold_events` the value of each kind of identifier that the event has."""
        files = self.lake.files("nodes", self.dictionary)
        known = (
            "SELECT NULL::BIGINT AS node, NULL::VARCHAR AS kind, NULL::VARCHAR AS value WHERE false"
        )
        if files:
            known = f"SELECT DISTINCT node, kind, value FROM read_parquet({ranks.listed(files)})"
        values = "".join(
            f", min(d.value) FILTER (WHERE d.kind = {text_literal(kind)}) AS "
            f"{identifier(f'id.{kind}')}"
            for kind in self.shape.kinds
        )
        self.wh.execute(
            f"{_KEPT} fold_events AS SELECT "
            f"e.*{columns_sql([f'id.{k}' for k in self.shape.kinds], 'v')} "
            f"FROM fold_events AS e LEFT JOIN (SELECT load_id, old_seq{values} FROM "
            "(SELECT load_id, old_seq, unnest(coalesce(nodes, [node])) AS node FROM fold_events) "
            f"JOIN ({known}) AS d USING (node) GROUP BY load_id, old_seq) AS v USING "
            "(load_id, old_seq)"
        )

    def _columns(self, name: str) -> set[str]:
        files = self.lake.files(name, self.own)
        if not files:
            return set()
        return {
            r[0]
            for r in self.wh.rows(
                f"SELECT DISTINCT name FROM parquet_schema({ranks.listed(files)})"
            )
        }

    def _prior_lines(self) -> str | None:
        files = self.lake.files("lines", self.own)
        if not files:
            return None
        present = self._columns("lines")
        picked = []
        for column, kind in self.shape.line.items():
            value = f"l.{identifier(column)}" if column in present else orders.typed_null(kind)
            if column[2:] in MONEY and f"given_{column[2:]}" in present:
                value = f"coalesce(l.{identifier(f'given_{column[2:]}')}, {value})"
            picked.append(f"{value} AS {identifier(column)}")
        picked += [f"e.{identifier(column)}" for column in self.shape.order]
        picked += [
            f"{self._value_of(kind)} AS {identifier(f'id.{kind}')}" for kind in self.shape.kinds
        ]
        classes = " ".join(
            f"WHEN {text_literal(name)} THEN {i}" for i, name in enumerate(orders.EVENT_NAMES)
        )
        return (
            f"SELECT l.origin, e.order_id, epoch_ms(l.line_ts) AS ms, "
            f"CAST(CASE e.event {classes} END AS TINYINT) AS class, {', '.join(picked)}, "
            "false AS is_new "
            f"FROM (SELECT *, parse_path(filename)[-2] AS load_id FROM read_parquet("
            f"{ranks.listed(files)}, filename = true, union_by_name = true)) AS l "
            "JOIN fold_events AS e ON e.load_id = l.load_id AND e.old_seq = l.seq"
        )

    def _value_of(self, kind: str) -> str:
        """SQL: the value of the identifier of a kind among an event's nodes."""
        return f"e.{identifier(f'id.{kind}')}"

    def _contributions(self) -> int:
        """Makes `fold_parts`, one row a contribution; the most new ones that an order has."""
        order = ", ".join(
            f"min({identifier(c)}) FILTER (WHERE class <> {orders.TEST})" if c.startswith("id.")
            else f"min({identifier(c)})"
            for c in self.shape.order_columns
        )  # fmt: skip
        self.wh.execute(
            f"{_KEPT} fold_parts AS SELECT order_id, origin, any_value(path) AS path, "
            "bool_or(is_new) AS is_new, sum(n) AS n, sum(sig) AS sig, sum(full_sig) AS "
            "full_sig FROM ("
            "SELECT order_id, origin, bool_or(is_new) AS is_new, count(*) AS n, "
            f"sum(h::HUGEINT) AS sig, hash(class, {order})::HUGEINT AS full_sig "
            "FROM fold_lines GROUP BY order_id, origin, class) "
            "JOIN fold_paths USING (origin) GROUP BY order_id, origin"
        )
        self.wh.execute(
            f"{_KEPT} fold_new AS SELECT *, row_number() OVER (PARTITION BY order_id ORDER "
            "BY origin) "
            "AS step FROM fold_parts WHERE is_new"
        )
        self.wh.execute(f"{_KEPT} fold_alive AS SELECT * FROM fold_parts WHERE NOT is_new")
        self.wh.execute(f"{_KEPT} fold_corrected(order_id VARCHAR)")
        self.wh.execute(
            f"{_KEPT} fold_hashes AS SELECT DISTINCT order_id, origin, h FROM fold_lines"
        )
        return int(self.wh.value("SELECT coalesce(max(step), 0) FROM fold_new"))

    def _step(self, step: int) -> None:
        """Lets the next contribution of each order meet those that count so far."""
        run = self.wh.execute
        run(f"{_KEPT} fold_k AS SELECT * FROM fold_new WHERE step = {step}")
        # the same file's older version, then any other contribution that says the very same
        run(
            f"{_KEPT} fold_same AS SELECT k.order_id, a.origin, "
            "a.n = k.n AND a.sig = k.sig AS lines, a.full_sig = k.full_sig AS whole "
            "FROM fold_k AS k JOIN fold_alive AS a USING (order_id) "
            "WHERE split_part(a.path, '#', 1) = k.path OR (a.n = k.n AND a.sig = k.sig)"
        )
        run(
            "DELETE FROM fold_k WHERE order_id IN (SELECT order_id FROM fold_same WHERE "
            "lines AND whole)"
        )
        run("DELETE FROM fold_same WHERE order_id NOT IN (SELECT order_id FROM fold_k)")
        run("INSERT INTO fold_corrected SELECT order_id FROM fold_same WHERE NOT lines")
        self._kill("fold_same")
        rest = "(SELECT order_id, sum(n) AS n, sum(sig) AS sig FROM fold_alive GROUP BY order_id)"
        run(
            f"{_KEPT} fold_met AS SELECT k.order_id, k.n = r.n AND k.sig = r.sig AS lines "
            f"FROM fold_k AS k JOIN {rest} AS r USING (order_id) WHERE EXISTS ("
            "SELECT 1 FROM fold_hashes AS x JOIN fold_hashes AS y USING (order_id, h) "
            "JOIN fold_alive AS a ON a.order_id = y.order_id AND a.origin = y.origin "
            "WHERE x.order_id = k.order_id AND x.origin = k.origin)"
        )
        run("INSERT INTO fold_corrected SELECT order_id FROM fold_met WHERE NOT lines")
        run("DELETE FROM fold_alive WHERE order_id IN (SELECT order_id FROM fold_met)")
        run("INSERT INTO fold_alive SELECT * EXCLUDE (step) FROM fold_k")

    def _kill(self, table: str) -> None:
        self.wh.execute(
            f"DELETE FROM fold_alive USING {table} AS s "
            "WHERE fold_alive.order_id = s.order_id AND fold_alive.origin = s.origin"
        )

    def _finish(self) -> tuple[int, list[str]]:
        run = self.wh.execute
        run(
            f"{_KEPT} fold_changed AS SELECT order_id FROM fold_alive WHERE is_new UNION "
            "SELECT order_id FROM fold_parts WHERE NOT is_new AND (order_id, origin) NOT IN "
            "(SELECT (order_id, origin) FROM fold_alive)"
        )
        listed = ", ".join(
            identifier(c) for c in (*self.shape.line_columns, *self.shape.order_columns)
        )
        run(
            f"{_KEPT} collect_lines AS SELECT origin, order_id, ms, class, {listed} FROM "
            "collect_lines "
            "ANTI JOIN fold_orders USING (order_id) UNION ALL SELECT origin, order_id, "
            f"ms, class, {listed} "
            "FROM fold_lines SEMI JOIN fold_changed USING (order_id) SEMI JOIN fold_alive "
            "USING (order_id, origin)"
        )
        run(
            "INSERT INTO collect_dead SELECT load_id, old_seq FROM fold_events "
            "SEMI JOIN fold_changed USING (order_id)"
        )
        corrected = [
            str(row[0])
            for row in self.wh.rows(
                "SELECT DISTINCT order_id FROM fold_corrected SEMI JOIN fold_changed "
                "USING (order_id) "
                "ORDER BY order_id"
            )
        ]
        return len(corrected), corrected[:100]
