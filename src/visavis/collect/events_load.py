"""A load of events or records: one row, one event.

A record gives traits of a person; without a time it is valid at every moment, and a person has
one record a source. A row's message id is the mapped id, else a hash of what the row says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from visavis.collect import ranks
from visavis.collect.making import Making, columns_sql
from visavis.collect.nodes import strongest_first
from visavis.collect.staging import Column
from visavis.core.lang.types import TIME_MIN, Type
from visavis.core.nouns import Source
from visavis.store import crash
from visavis.store.engines.duckdb_names import identifier, text_literal

YES = (
    "yes",
    "y",
    "true",
    "t",
    "1",
    "given",
    "granted",
    "subscribed",
    "opt-in",
    "optin",
    "opted in",
    "in",
)
NO = (
    "no",
    "n",
    "false",
    "f",
    "0",
    "withdrawn",
    "denied",
    "refused",
    "unsubscribed",
    "opt-out",
    "optout",
    "opted out",
    "out",
    "revoked",
)
"""What the status of a consent says, in lower case, unless the source has words of its own."""
_CONSENT = ("consents", "suppressions")
_TABLE = "CREATE OR REPLACE TEMP TABLE"
_REQUIRED = {"time": "bad-time: the row has no time", "id": "missing-id: the row has no message id"}
_SAID = ("ms", "event", "channel", "node", "nodes", "type", "properties", "context")
_TYPES = {"identify": "identify", "page": "page", "screen": "screen", "group": "group"}


def load_events(making: Making) -> Mapping[str, Any]:
    """Makes and commits the load; its summary."""
    columns = making.stage(_REQUIRED, lambda sql: _checked(making, sql))
    view = _rows(making, columns)
    making.nothing_dead()
    making.number_nodes([c.key[3:] for c in columns if c.key.startswith("id.")], view)
    making.wh.execute("DROP TABLE IF EXISTS collect_stage")
    one_each(making)
    against_earlier(making)
    making.rank()
    _write(making)
    making.quarantine()
    making.write_identity()
    crash.point("load-made")
    summary = making.commit(
        "SELECT min(epoch_ms(ts)), max(epoch_ms(ts)) FROM collect_events WHERE NOT timeless"
    )
    making.wh.execute("DROP VIEW collect_events")
    making.wh.execute("DROP TABLE collect_new")
    return summary


def _checked(making: Making, stage: str) -> str:
    """Records and consents that name nobody are bad: nothing could ever be done with them."""
    source = making.source
    if source.kind not in ("records", *_CONSENT):
        return stage
    kinds = [identifier(f"id.{kind}") for kind in source.identifiers]
    nobody = f"coalesce({', '.join(kinds)}) IS NULL" if kinds else "true"
    reason = text_literal("missing-identifier: the row names nobody")
    tests = f"WHEN {nobody} THEN {reason} "
    if source.kind == "consents" and "status" in source.roles:
        known = ", ".join(map(text_literal, (*says(source, "yes"), *says(source, "no"))))
        unknown = text_literal("unknown-status: neither a yes nor a no")
        tests += f"WHEN coalesce(lower(\"role.status\"), '') NOT IN ({known}) THEN {unknown} "
    return (
        f"SELECT * REPLACE (CASE WHEN _reason IS NOT NULL THEN _reason {tests}END "
        f"AS _reason) FROM ({stage})"
    )


def says(source: Source, word: Literal["yes", "no"]) -> tuple[str, ...]:
    """The values of a consent's status that mean yes or no, in lower case."""
    own = source.statuses.get(word, YES if word == "yes" else NO)
    return tuple(value.lower() for value in own)


def _event_sql(source: Source) -> str:
    """SQL: the event that a row is, over the columns of `collect_new`."""
    if source.kind == "suppressions":
        return "'Address Suppressed'"
    if source.kind == "consents":
        if "status" not in source.roles:
            word = source.constants.get("status", "yes").lower()
            return "'Consent Withdrawn'" if word in says(source, "no") else "'Consent Given'"
        no = ", ".join(map(text_literal, says(source, "no")))
        return (
            f"CASE WHEN lower(\"role.status\") IN ({no}) THEN 'Consent Withdrawn' "
            "ELSE 'Consent Given' END"
        )
    return text_literal(source.event or "identify")


def _rows(making: Making, columns: Sequence[Column]) -> bool:
    """Makes `collect_new` with message ids; repeats within one file are numbered.

    Says whether it is a view: it is where nobody needs to look at it twice.
    """
    there = {c.key for c in columns}
    timeless = "role.time" not in there
    given = (
        'coalesce(TRY_CAST("role.revision" AS BIGINT), epoch_ms(TRY_CAST("role.revision" AS '
        "TIMESTAMP)), 0)"
    )
    picked = [
        f"{_message_id(making, columns)} AS message_id",
        f"CAST({TIME_MIN} AS BIGINT) AS ms" if timeless else '"role.time" AS ms',
        ('"role.channel"' if "role.channel" in there else "NULL::VARCHAR") + " AS channel",
        (given if "role.revision" in there else "origin") + " AS revision",
        ('"role.received_at"' if "role.received_at" in there else str(making.context.now_ms))
        + "::BIGINT AS received",
    ]
    if making.source.kind in _CONSENT:
        picked.append(f"{_event_sql(making.source)} AS event")
        picked += [f'"role.{r}" AS p_{r}' for r in ("purpose", "reason") if f"role.{r}" in there]
    for column in columns:
        name = identifier(column.key)
        if column.key.startswith("id."):
            picked.append(name)
        elif column.key.startswith("field."):
            value = f"make_timestamp({name} * 1000)" if column.type is Type.TIME else name
            picked.append(f"{value} AS {identifier(f'p_{column.label}')}")
    numbered = "role.id" not in there and not (timeless and making.source.kind == "records")
    made = _TABLE if numbered else "CREATE OR REPLACE TEMP VIEW"
    making.wh.execute("DROP TABLE IF EXISTS collect_new")
    making.wh.execute(
        f"{made} collect_new AS SELECT {', '.join(picked)}, origin FROM collect_stage "
        "WHERE _reason IS NULL"
    )
    if numbered:
        _number_repeats(making)
    return not numbered


def _message_id(making: Making, columns: Sequence[Column]) -> str:
    """SQL: the mapped id, a timeless record's identifier, or a hash of the row's content."""
    source = making.source
    space = text_literal(f"{source.namespace or source.name}:")
    there = {c.key for c in columns}
    if "role.id" in there:
        return f'{space} || "role.id"'
    if source.kind == "records" and "role.time" not in there:
        kinds = strongest_first(source.identifiers, making.context.project.kinds)
        named = [f"{text_literal(f'{k}=')} || {identifier(f'id.{k}')}" for k in kinds]
        return f"{space} || coalesce({', '.join(named)})"
    said = ", ".join(
        f"coalesce(CAST({identifier(c.key)} AS VARCHAR), chr(0))"
        for c in sorted(columns, key=lambda c: c.key)
        if c.key != "role.received_at"
    )
    return f"{space} || substr(md5(concat_ws(chr(31), {said})), 1, 20)"


def _number_repeats(making: Making) -> None:
    """A row that stands n times in one file is n events: ID, ID:2, ID:3, ..."""
    run = making.wh.execute
    run(
        f"{_TABLE} collect_repeats AS SELECT message_id, origin FROM collect_new "
        f"SEMI JOIN ({_maybe('origin, ')}) AS m ON m.h = hash(origin, message_id) "
        "GROUP BY message_id, origin HAVING count(*) > 1"
    )
    if not making.wh.value("SELECT count(*) FROM collect_repeats"):
        return
    number = "row_number() OVER (PARTITION BY message_id, origin)"
    run(
        f"{_TABLE} collect_numbered AS SELECT * EXCLUDE (n) REPLACE (CASE WHEN n > 1 THEN "
        f"message_id || ':' || n ELSE message_id END AS message_id) FROM (SELECT *, {number} AS n "
        "FROM collect_new SEMI JOIN collect_repeats USING (message_id, origin)) UNION ALL "
        "SELECT * FROM collect_new ANTI JOIN collect_repeats USING (message_id, origin)"
    )
    _replace(making, "collect_numbered")


def _maybe(columns: str) -> str:
    """A query for hashes that more than one row has: numbers are cheaper to tell apart."""
    return f"SELECT hash({columns}message_id) AS h FROM collect_new GROUP BY h HAVING count(*) > 1"


def _replace(making: Making, table: str) -> None:
    making.wh.execute("DROP TABLE collect_new")
    making.wh.execute(f"ALTER TABLE {table} RENAME TO collect_new")


def _content(making: Making) -> list[str]:
    """The columns that say what an event says."""
    there = making.wh.columns("collect_new")
    return [c for c in there if c.startswith("p_") or c in _SAID]


def one_each(making: Making) -> None:
    """Of rows with one message id the highest (revision, received, content) stays."""
    run = making.wh.execute
    run(
        f"{_TABLE} collect_repeats AS SELECT message_id FROM collect_new "
        f"SEMI JOIN ({_maybe('')}) AS m ON m.h = hash(message_id) "
        "GROUP BY message_id HAVING count(*) > 1"
    )
    repeats = making.wh.value("SELECT count(*) FROM collect_repeats")
    if not repeats:
        return
    before = making.wh.value("SELECT count(*) FROM collect_new")
    content = ", ".join(identifier(c) for c in _content(making))
    told = f"md5(CAST(({content}, '') AS VARCHAR))"
    if "digest" in making.wh.columns("collect_new"):
        told = "digest"
    run(
        f"{_TABLE} collect_single AS SELECT * FROM collect_new ANTI JOIN collect_repeats "
        "USING (message_id) UNION ALL SELECT * FROM collect_new SEMI JOIN collect_repeats "
        "USING (message_id) QUALIFY row_number() OVER (PARTITION BY message_id "
        f"ORDER BY revision DESC, received DESC, {told} DESC) = 1"
    )
    _replace(making, "collect_single")
    making.counts["repeated"] = before - making.wh.value("SELECT count(*) FROM collect_new")


def against_earlier(making: Making) -> None:
    """Drops what earlier loads say already; what says more than theirs replaces it."""
    content = _content(making)
    lake = making.context.lake
    files = lake.files("events", making.own)
    if not files or not _hits(making):
        return
    query = ranks.alive(lake, making.own, "events", _as_earlier(making, content, files))
    run = making.wh.execute
    run(
        f"{_TABLE} collect_met AS SELECT * FROM ({query}) SEMI JOIN collect_hits "
        "USING (load_id, old_seq)"
    )
    same = " AND ".join(
        f"n.{identifier(c)} IS NOT DISTINCT FROM m.{identifier(c)}" for c in content
    )
    run(
        f"{_TABLE} collect_old AS SELECT n.message_id FROM collect_new AS n "
        f"JOIN collect_met AS m USING (message_id) WHERE ({same}) "
        "OR (m.revision, m.received) > (n.revision, n.received)"
    )
    before = making.wh.value("SELECT count(*) FROM collect_new")
    run("DELETE FROM collect_new WHERE message_id IN (SELECT message_id FROM collect_old)")
    making.counts["known_already"] = before - making.wh.value("SELECT count(*) FROM collect_new")
    run(
        "INSERT INTO collect_dead SELECT load_id, old_seq FROM collect_met "
        "SEMI JOIN collect_new USING (message_id)"
    )


def _as_earlier(making: Making, content: Sequence[str], files: Sequence[Path]) -> str:
    """The columns of a new row as the earlier files have them; null where none has one."""
    schema = f"SELECT DISTINCT name FROM parquet_schema({ranks.listed(files)})"
    present = {r[0] for r in making.wh.rows(schema)}
    kinds = making.wh.columns("collect_new")
    picked = ["message_id", "revision", "epoch_ms(received_at) AS received"]
    for name in content:
        if name == "ms":
            picked.append("epoch_ms(ts) AS ms")
        else:
            held = identifier(name) if name in present else f"NULL::{kinds[name]}"
            picked.append(f"{held} AS {identifier(name)}")
    return ", ".join(picked)


def _hits(making: Making) -> int:
    """Makes `collect_hits`: earlier rows with the message id of a new one; how many.

    Ids are read alone first, and where they tell the time, of that time only.
    """
    where = "true"
    if "id" not in making.source.roles:
        ((low, high),) = making.wh.rows("SELECT min(ms), max(ms) FROM collect_new")
        if low is None:
            return 0
        where = f"ts BETWEEN make_timestamp({low} * 1000) AND make_timestamp({high} * 1000)"
    query = ranks.alive(making.context.lake, making.own, "events", "message_id", where)
    making.wh.execute(
        f"{_TABLE} collect_hits AS SELECT load_id, old_seq FROM ({query}) "
        "SEMI JOIN (SELECT message_id FROM collect_new) USING (message_id)"
    )
    return int(making.wh.value("SELECT count(*) FROM collect_hits"))


def _write(making: Making) -> None:
    source = making.source
    there = [c for c in making.wh.columns("collect_new") if c.startswith("p_")]
    own = ["event"] if source.kind in _CONSENT else []
    making.wh.execute("DROP TABLE IF EXISTS collect_events")
    making.wh.execute(
        "CREATE OR REPLACE TEMP VIEW collect_events AS SELECT make_timestamp(ms * 1000) AS ts, "
        f"node, nodes, ms = {TIME_MIN} AS timeless FROM collect_new"
    )
    event = "track" if own else source.event or "identify"
    kind = text_literal(_TYPES.get(event, "track"))
    name = "event" if own else f"{text_literal(event)} AS event"
    # sorted while narrow; what is the same in every row joins afterwards
    making.counts["events"] = making.write(
        "events",
        f"SELECT seq, message_id, {kind} AS type, {name}, make_timestamp(ms * 1000) AS ts, "
        f"make_timestamp(received * 1000) AS received_at, {text_literal(source.name)} AS source, "
        f"channel, node, nodes, revision, {_cleared(event, there)} AS cleared, "
        "NULL::BOOLEAN AS void, NULL::VARCHAR AS properties, NULL::VARCHAR AS context"
        f"{columns_sql(there)} FROM (SELECT * EXCLUDE (origin) FROM "
        f"({ranks.seq_of_new(making.wh)}) ORDER BY {'event, ' if own else ''}node, seq)",
    )


def _cleared(event: str, columns: Sequence[str]) -> str:
    """SQL: the given traits that a row says to be nothing."""
    if event != "identify" or not columns:
        return "NULL::VARCHAR[]"
    nulls = ", ".join(
        f"CASE WHEN {identifier(c)} IS NULL THEN {text_literal(c[2:])} END" for c in columns
    )
    listed = f"list_filter([{nulls}], lambda x: x IS NOT NULL)"
    return f"CASE WHEN len({listed}) > 0 THEN {listed} END"
