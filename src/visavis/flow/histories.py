"""Makes the published history of a build: once, beside the build, for the live reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visavis.collect.live_names import LIVE, ORDER_KEYS
from visavis.collect.namespaces import order_key
from visavis.collect.rates import make_rates, rates_of
from visavis.core.lang.history import IDENTIFY
from visavis.core.lang.needs import Needs, needs
from visavis.core.lang.types import TIME_MIN, Type
from visavis.core.nouns import Project
from visavis.flow.consents import words_of
from visavis.flow.history_who import owner, persons, write_evidence
from visavis.flow.persons import open_lake
from visavis.flow.published import Published, open_warehouse
from visavis.flow.relations import catalogue_fields
from visavis.store.engines.duckdb_names import held, identifier, text_literal
from visavis.store.history_file import (
    FILE,
    EventShape,
    HistoryWriter,
    Past,
    encode,
    is_made,
    unfinished,
)
from visavis.store.relations import create_views
from visavis.store.views import snapshot_of
from visavis.store.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 500_000
Numbers = npt.NDArray[np.int64]


def history_path(at: Published) -> Path:
    """Where the published history of a build is, once it is made."""
    return at.build.path / FILE


def write_history(at: Published, project: Project) -> Path:
    """Makes the history of a build unless it is there; another process may do the same."""
    import os

    target = history_path(at)
    if is_made(at.build.path):
        return target
    writer = HistoryWriter(at.build.path / unfinished(os.getpid()))
    with open_warehouse(project) as wh:
        open_lake(wh, at)
        # events of shared identifiers lie under these: whose they are is told when they are read
        create_views(wh, replace(snapshot_of(at.build, at.lake.path), attributed=None))
        _People(wh, at, project, writer).write()
    writer.finish(target)
    return target


class _People:
    """Writes one build's history."""

    def __init__(
        self, wh: Warehouse, at: Published, project: Project, writer: HistoryWriter
    ) -> None:
        self.wh, self.at, self.project, self.writer = wh, at, project, writer

    def write(self) -> None:
        """All tables of the file."""
        needed = needs(self.project)
        shapes = [_shape(event, need) for event, need in needed.items()]
        for number, shape in enumerate(shapes):
            self._event(number, shape)
        self._who()
        self._items()
        manifest = self.at.build.manifest
        self.writer.meta(
            {
                "events": [shape.as_json() for shape in shapes],
                "build_id": self.at.build.id,
                "as_of": self.at.build.as_of,
                "loads": manifest["loads"],
                "definition_hash": manifest["definition_hash"],
                "rates": self._rates(),
            }
        )
        self.writer.rows("sizes", 2, list(manifest["segments"].items()))

    def _rates(self) -> list[tuple[str, int, int]]:
        """What the build knew foreign currencies to be worth."""
        folders = (self.at.lake.folder(load) for load in self.at.build.manifest["loads"])
        files = [str(path) for f in folders if (path := f / "costs.parquet").exists()]
        make_rates(self.wh, files, self.project.currency)
        return rates_of(self.wh)

    def _table(self, name: str) -> str:
        return f"read_parquet({text_literal(str(self.at.build.table(name)))})"

    def _who(self) -> None:
        """Identifiers and links of the whole lake, and who held them at the build's moment."""
        rows = self.wh.rows(
            f"SELECT {owner('n.node')}, n.node, n.kind, n.value, epoch_ms(s.first_seen), "
            "epoch_ms(s.last_seen), epoch_ms(b.since) "
            "FROM lake_nodes AS n JOIN (SELECT node, "
            "CASE WHEN NOT bool_or(first_seen IS NULL) THEN min(first_seen) END AS first_seen, "
            "max(last_seen) AS last_seen FROM lake_sightings GROUP BY node) AS s USING (node) "
            "LEFT JOIN node_persons AS p USING (node) LEFT JOIN "
            "(SELECT node, min(since) AS since FROM lake_bots GROUP BY node) AS b USING (node) "
            "ORDER BY 1, 2"
        )
        self.writer.rows("nodes", 7, rows)
        self.writer.rows("identifiers", 3, ((row[2], row[3], row[0]) for row in rows))
        write_evidence(self.wh, self.at, self.project, self.writer)
        self.writer.rows("persons", 3, self.wh.rows(persons(self.at, self.project)))
        self.writer.rows(
            "members",
            2,
            self.wh.rows(
                f"SELECT p.person, m.segment FROM {self._table('segment_members')} AS m JOIN "
                "(SELECT DISTINCT person, person_id FROM node_persons) AS p USING (person_id)"
            ),
        )
        self._words()
        self._logins()
        self._orders()

    def _orders(self) -> None:
        """The orders that may be told again live, by the key that says so."""
        shared = [s.name for s in self.project.sources.values() if s.namespace == LIVE]
        sources = ", ".join(map(text_literal, (LIVE, *shared)))
        events = ", ".join(map(text_literal, ORDER_KEYS))
        self.writer.rows(
            "orders",
            5,
            self.wh.rows(
                f"SELECT CASE source WHEN {text_literal(LIVE)} "
                f"THEN {order_key('event', 'p_order_id')} ELSE message_id END, message_id, source, "
                f"epoch_ms(ts), node FROM lake_events WHERE event IN ({events}) "
                f"AND source IN ({sources}) AND p_order_id IS NOT NULL "
                "AND coalesce(context NOT LIKE '{\"bot\":%', true)"
            ),
        )

    def _logins(self) -> None:
        """Who was logged in on what: every login on what is nobody's, else each one's first; and
        what events without a unique identifier name beside their strongest."""
        unique = ", ".join(text_literal(k.name) for k in self.project.kinds.values() if k.unique)
        self.wh.execute(
            "CREATE OR REPLACE TEMP TABLE history_parts AS SELECT e.seq, e.ts, e.message_id, "
            f"e.node, unnest(e.nodes) AS other, n.kind IN ({unique}) AS login "
            "FROM lake_events AS e JOIN lake_nodes AS n ON n.node = e.node "
            "WHERE e.nodes IS NOT NULL"
        )
        # at whatever moment it is or becomes nobody's
        nobodys = (
            "other IN (SELECT node FROM lake_nodes ANTI JOIN node_persons USING (node) UNION ALL "
            "SELECT other FROM history_parts WHERE login AND other <> node GROUP BY other "
            "HAVING count(DISTINCT node) > 1)"
        )
        self.writer.rows(
            "logins",
            4,
            self.wh.rows(
                "SELECT other, epoch_ms(ts), message_id, node FROM history_parts "
                f"WHERE login AND other <> node AND {nobodys} UNION ALL "
                "SELECT other, epoch_ms(min(ts)), arg_min(message_id, seq), node "
                f"FROM history_parts WHERE login AND other <> node AND NOT ({nobodys}) "
                "GROUP BY other, node"
            ),
        )
        self.writer.rows(
            "named",
            3,
            self.wh.rows(
                "SELECT h.node, h.message_id, string_agg(n.kind || chr(31) || n.value, chr(30)) "
                "FROM history_parts AS h JOIN lake_nodes AS n ON n.node = h.other "
                "WHERE NOT h.login AND h.other <> h.node GROUP BY h.node, h.message_id"
            ),
        )
        self.wh.execute("DROP TABLE history_parts")

    def _words(self) -> None:
        everybody = "(SELECT DISTINCT person FROM node_persons)"
        said = words_of(self.wh, self.project, everybody, ())
        self.writer.rows(
            "words",
            8,
            (
                (person, w.at_ms, w.says, *w.address, w.channel, w.purpose, w.message_id)
                for person, words in said.items()
                for w in words
            ),
        )

    def _items(self) -> None:
        fields = catalogue_fields(self.project)
        columns = ", ".join(
            f"{held(identifier('c_' + n), k)} AS {identifier(n)}" for n, k in fields.items()
        )
        query = (
            f"SELECT product_id{', ' + columns if columns else ''} FROM {self._table('catalogue')}"
        )
        for batch in self.wh.connection.sql(query).to_arrow_reader(_BATCH):
            rows = batch.to_pylist()
            self.writer.rows("items", 2, ((row.pop("product_id"), json.dumps(row)) for row in rows))

    # events

    def _event(self, number: int, shape: EventShape) -> None:
        name = text_literal(shape.event)
        chosen = f"event = {name} AND node IS NOT NULL AND void IS NOT TRUE"
        columns = ", ".join(
            ["seq", f"coalesce(epoch_ms(ts), {TIME_MIN}) AS ts", "message_id", *_columns(shape)]
        )
        self.wh.execute(
            f"CREATE OR REPLACE TEMP TABLE history_events AS SELECT {owner('e.node')} AS owner, "
            f"e.node, {columns} FROM (FROM lake_events WHERE {chosen}) AS e "
            "LEFT JOIN node_persons AS p USING (node)"
        )
        lines: _Lines | None = None
        if shape.lines is not None:
            lines = _Lines(self._lines(shape, chosen))
        reader = self.wh.connection.sql(
            "SELECT * FROM history_events ORDER BY owner, node, seq"
        ).to_arrow_reader(_BATCH)
        for part in _whole_owners(reader):
            self.writer.rows("streams", 4, _bodies(number, shape, part, lines))
        self.wh.execute("DROP TABLE history_events")

    def _lines(self, shape: EventShape, chosen: str) -> pa.Table:
        columns = ", ".join(
            f"{held(identifier('l_' + n), k)} AS {identifier(n)}" for n, k in shape.lines or ()
        )
        return self.wh.arrow(
            f"SELECT node, seq, {columns} FROM lake_lines WHERE {chosen} ORDER BY node, seq, line"
        )


def _bodies(
    number: int, shape: EventShape, part: pa.Table, lines: _Lines | None
) -> Iterator[tuple[int, int, int, bytes]]:
    """Owner, node, number of the event and the encoded events of each identifier."""
    owners, nodes = _ints(part["owner"]), _ints(part["node"])
    starts = np.flatnonzero(np.r_[True, nodes[1:] != nodes[:-1]])
    ends = np.r_[starts[1:], len(nodes)]
    moments = _ints(part["ts"]).tolist()
    ids = [str(text) for text in part["message_id"].to_pylist()]
    columns = [part[name].to_pylist() for name, _ in shape.columns]
    own = lines.of(_ints(part["seq"])) if lines is not None else _no_lines
    for a, b in zip(starts.tolist(), ends.tolist(), strict=True):
        node = int(nodes[a])
        past = Past(node, number, moments[a:b], ids[a:b], [c[a:b] for c in columns], *own(a, b))
        yield int(owners[a]), node, number, encode(past)


_Own = tuple[list[int], list[list[Any]]]
"""Of some events' lines each one's event, by its row, and the columns."""


def _no_lines(first: int, end: int) -> _Own:
    return [], []


class _Lines:
    """The lines of one event name, found by the events' places in the log."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table.take(np.argsort(_ints(table["seq"]), kind="stable"))
        self._seq = _ints(self._table["seq"])

    def of(self, seqs: Numbers) -> Callable[[int, int], _Own]:
        """Gives the lines of any of these events that stand together, from a first to an end."""
        first = np.searchsorted(self._seq, seqs, side="left")
        last = np.searchsorted(self._seq, seqs, side="right")
        begins = np.r_[0, np.cumsum(last - first)].tolist()
        events = np.repeat(np.arange(len(seqs), dtype=np.int64), last - first)
        taken = self._table.take(_spans(first, last))
        columns = [taken[name].to_pylist() for name in taken.column_names[2:]]

        def own(first: int, end: int) -> _Own:
            lines = slice(begins[first], begins[end])
            return (events[lines] - first).tolist(), [column[lines] for column in columns]

        return own


def _spans(first: Numbers, last: Numbers) -> Numbers:
    """All numbers of the half-open spans, one span after the other."""
    sizes = last - first
    if not sizes.sum():
        return np.empty(0, dtype=np.int64)
    starts = np.repeat(first - np.r_[0, np.cumsum(sizes)[:-1]], sizes)
    return np.asarray(starts + np.arange(sizes.sum()), dtype=np.int64)


def _shape(event: str, need: Needs) -> EventShape:
    columns = dict(need.columns)
    if event == IDENTIFY:
        columns["cleared"] = Type.TEXT
    lines = tuple(need.lines.items()) if need.has_lines else None
    return EventShape(event, tuple(columns.items()), lines)


def _columns(shape: EventShape) -> list[str]:
    found = []
    for name, kind in shape.columns:
        if name == "cleared":
            found.append("CASE WHEN len(cleared) > 0 THEN cleared END AS cleared")
        elif name in ("type", "source", "channel"):
            found.append(identifier(name))
        else:
            found.append(f"{held(identifier('p_' + name), kind)} AS {identifier(name)}")
    return found


def _ints(column: pa.ChunkedArray[Any]) -> Numbers:
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _whole_owners(reader: Any) -> Iterator[pa.Table]:
    """The rows in parts that never cut an owner's events in two."""
    import pyarrow as pa

    held_back: list[pa.RecordBatch] = []
    for batch in reader:
        owners = batch.column("owner")
        if not batch.num_rows:
            continue
        last = owners[-1].as_py()
        cut = int(np.searchsorted(owners.to_numpy(), last))
        if cut:
            yield pa.Table.from_batches([*held_back, batch.slice(0, cut)])
            held_back = [batch.slice(cut)]
        else:
            held_back.append(batch)
    if held_back:
        yield pa.Table.from_batches(held_back)
