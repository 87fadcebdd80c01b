"""What users see of a build: the relations of the contract, read only and shut off from files.

Every relation is a view, worked out only as far as a query reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from visavis.core.lang.types import Type
from visavis.core.problems import Problem, ProblemsError
from visavis.store import profile
from visavis.store.builds import Build
from visavis.store.engines.duckdb_names import identifier, text_literal, time_literal
from visavis.store.json_text import members, object_text
from visavis.store.reading_sql import reader_of
from visavis.store.relations import Snapshot, create_view, create_views
from visavis.store.sent import open_outbox
from visavis.store.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 65_536
FILES = ("people", "identifiers", "evidence", "tags", "segment_members", "segment_changes")
SINCE = ("accounts", "account_members", "account_segments", "matches")
"""Relations that older builds lack."""
"""Relations that are files of the build as they stand."""
EMPTY: Mapping[str, str] = {
    "recommendations": "person_id VARCHAR, placement VARCHAR, rank BIGINT, product_id VARCHAR, "
    "score DOUBLE, reason VARCHAR",
}
OF_STATE = ("decisions", "messages")
"""Relations that are read from the state, up to the moment of the query."""
OF_PROFILES = ("completeness", "freshness")
RELATIONS = (
    "events",
    "order_lines",
    "refund_lines",
    "quarantine",
    *FILES,
    *EMPTY,
    *OF_STATE,
    *OF_PROFILES,
)
_ALWAYS = "TIMESTAMP '0001-01-01 00:00:00'"


def snapshot_of(build: Build, lake: Path) -> Snapshot:
    """The lake as the build saw it."""
    manifest = build.manifest
    return Snapshot(
        lake,
        tuple(manifest["loads"]),
        tuple(manifest["dictionary"]),
        {name: Type(kind) for name, kind in manifest["properties"].items()},
        {name: Type(kind) for name, kind in manifest["line_fields"].items()},
        build.table("attributed") if manifest.get("attributed") else None,
    )


def open_views(wh: Warehouse, build: Build, lake_path: Path, sql: str | None = None) -> None:
    """Makes every relation of the contract; costly columns of events only where `sql` has them."""
    lake = snapshot_of(build, lake_path)
    create_views(wh, lake)
    for name in FILES:
        create_view(wh, name, f"SELECT * FROM {_table(build, name)}")
    for name, columns in EMPTY.items():
        wh.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
    create_view(wh, "node_persons", f"SELECT * FROM {_table(build, 'persons')}")
    for name in SINCE:
        if build.table(name).exists():
            create_view(wh, name, f"SELECT * FROM {_table(build, name)}")
    traits = build.manifest.get("profile", [])
    create_view(wh, "completeness", profile.completeness(traits))
    create_view(wh, "freshness", profile.freshness(traits, build.as_of, list(lake.properties)))
    open_outbox(wh, lake_path.parent, sql)
    create_view(wh, "quarantine", _quarantine())
    create_view(wh, "events", _events(build, lake, sql))
    catalogue = {name: Type(kind) for name, kind in build.manifest["catalogue"].items()}
    create_view(wh, "catalogue_products", f"SELECT * FROM {_table(build, 'catalogue')}")
    for name, event in (("order_lines", "Order Completed"), ("refund_lines", "Order Refunded")):
        create_view(wh, name, _lines(build, lake, catalogue, event))


def _table(build: Build, name: str) -> str:
    return f"read_parquet({text_literal(str(build.table(name)))})"


def _quarantine() -> str:
    return (
        'SELECT source, reason, "row", received_at, file, row_number, replayed FROM lake_quarantine'
    )


def _events(build: Build, lake: Snapshot, sql: str | None) -> str:
    """The events up to the build's moment; a column nobody reads costs nothing."""
    reads = reader_of(sql, "events")
    properties = members("e", "p_", lake.properties)
    joins = " LEFT JOIN node_persons AS n ON n.node = e.node" if reads("person_id") else ""
    person = "n.person_id" if joins else "NULL::VARCHAR"
    if reads("properties"):
        joins += f" LEFT JOIN ({_products(lake)}) AS l ON l.seq = e.seq"
        properties.append("'\"products\":[' || l.products || ']'")
    identifiers = "NULL::VARCHAR"
    if reads("identifiers"):
        joins += f" LEFT JOIN ({_identifiers()}) AS i ON i.seq = e.seq"
        identifiers = "coalesce(i.identifiers, '{}')"
    return (
        f"SELECT e.message_id, e.type, e.event, nullif(e.ts, {_ALWAYS}) AS timestamp, "
        f"e.received_at, e.source, e.channel, {person} AS person_id, "
        f"{identifiers} AS identifiers, "
        f"coalesce(e.properties, {object_text(properties)}) AS properties, e.context "
        f"FROM lake_events AS e{joins} WHERE e.ts <= {time_literal(build.as_of)}"
    )


def _products(lake: Snapshot) -> str:
    line = object_text(members("x", "l_", lake.line_fields))
    return (
        f"SELECT x.seq, string_agg({line}, ',' ORDER BY x.line) AS products "
        "FROM lake_lines AS x GROUP BY x.seq"
    )


def _identifiers() -> str:
    """All identifiers of each event as a JSON object kind -> value, or list of values."""
    value = "CASE WHEN count(*) = 1 THEN CAST(to_json(min(n.value)) AS VARCHAR) "
    value += "ELSE CAST(to_json(list(n.value ORDER BY n.value)) AS VARCHAR) END"
    return (
        "SELECT seq, '{' || string_agg(CAST(to_json(kind) AS VARCHAR) || ':' || v, ',' "
        "ORDER BY kind) || '}' AS identifiers FROM ("
        f"SELECT r.seq, n.kind, {value} AS v FROM ("
        "SELECT seq, unnest(coalesce(nodes, [node])) AS node FROM lake_events "
        "WHERE node IS NOT NULL) AS r JOIN lake_nodes AS n USING (node) GROUP BY r.seq, n.kind"
        ") GROUP BY seq"
    )


def _lines(build: Build, lake: Snapshot, catalogue: Mapping[str, Type], event: str) -> str:
    """Lines of one kind of order, each with its item's catalogue fields; its own fields win."""
    own = dict(lake.line_fields)
    columns = []
    for name in dict.fromkeys([*own, *catalogue]):
        line, item = f"x.{identifier('l_' + name)}", f"c.{identifier('c_' + name)}"
        both = f"coalesce({line}, {item})" if name in own and name in catalogue else None
        columns.append(f"{both or (line if name in own else item)} AS {identifier(name)}")
    return (
        f"SELECT x.message_id, n.person_id, nullif(x.ts, {_ALWAYS}) AS timestamp, "
        f"x.line, x.source, {', '.join(columns)} FROM lake_lines AS x "
        "LEFT JOIN node_persons AS n ON n.node = x.node "
        "LEFT JOIN catalogue_products AS c ON c.product_id = x.l_product_id "
        f"WHERE x.event = {text_literal(event)} AND x.ts <= {time_literal(build.as_of)}"
    )


def shut(wh: Warehouse, build: Build, lake: Path) -> None:
    """From here on the connection reads this build and the lake, and no other file."""
    wh.execute(f"SET allowed_directories = [{_folder(build.path)}, {_folder(lake)}]")
    wh.execute("SET enable_external_access = false")
    wh.execute("SET lock_configuration = true")


def _folder(path: Path) -> str:
    return text_literal(f"{path.resolve()}/")


def check_read_only(sql: str) -> None:
    """Raises Problems unless the text is one statement that only reads."""
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise ProblemsError([Problem("bad-query", _sentence(error))]) from error
    allowed = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
    if len(statements) != 1 or statements[0].type not in allowed:
        message = "A query is one SELECT; it can't change anything"
        raise ProblemsError([Problem("bad-query", message)])


def stream(wh: Warehouse, sql: str) -> pa.RecordBatchReader:
    """The answer to a query in batches; a mistake in it becomes a Problem."""
    import duckdb

    try:
        batches: pa.RecordBatchReader = wh.connection.sql(sql).to_arrow_reader(_BATCH)
    except duckdb.Error as error:
        raise ProblemsError([Problem("bad-query", _sentence(error))]) from error
    import pyarrow

    return pyarrow.RecordBatchReader.from_batches(batches.schema, _told(batches))


def _told(batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The batches; what goes wrong in a late one is told like what goes wrong at once."""
    try:
        yield from batches
    except OSError as error:
        # the engine's errors come through Arrow's stream as plain text
        if error.errno is not None:
            raise
        raise ProblemsError([Problem("bad-query", _sentence(error))]) from error


def _sentence(error: Exception) -> str:
    return str(error).strip()
