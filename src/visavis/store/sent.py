"""Decisions and messages of the state as relations, each with the person who holds it now."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visavis.store.engines.duckdb_names import identifier
from visavis.store.outbox import Outbox
from visavis.store.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

_MESSAGES = (
    "SELECT message_id, campaign, occasion, channel, purpose, "
    "CASE address_kind WHEN 'kept out' THEN NULL ELSE address END AS address, "
    "address_kind, kind, value, decision_id, parts, status, reason, planned_at, due_at, "
    "changed_at FROM messages"
)
_DECISIONS = (
    "SELECT decision_id, placement, kind, value, at, build_id, held_out, choices, candidates "
    "FROM decisions"
)
_SENDS = (
    "SELECT message_id, campaign, kind, value, status, reason, purpose, planned_at, changed_at "
    "FROM messages"
)
_ARMS = "SELECT experiment, kind, value, arm, at AS since, share FROM arms"
_REASONS = "SELECT kind, value, at AS made_at, candidates FROM decisions"
_MS = ("planned_at", "due_at", "changed_at", "at", "since", "made_at")


def open_outbox(wh: Warehouse, state: Path, sql: str | None) -> None:
    """Makes `messages` and `decisions`, with rows only where `sql` names them.

    A message belongs to whoever holds its address now, a decision to whoever holds its identifier.
    """
    with Outbox(state) as outbox:
        for name, query in (("messages", _MESSAGES), ("decisions", _DECISIONS)):
            if sql is None or name in sql.lower():
                wh.register(f"{name}_rows", _table(outbox, query))
            else:
                _make_empty(wh, f"{name}_rows", outbox, query)
    person = "n.kind = m.{kind} AND n.value = m.{value}"
    # a view would be read after the files of the state are shut off
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE messages AS SELECT m.message_id, p.person_id, m.channel, "
        "m.address, m.campaign, m.occasion, m.purpose, m.parts AS content, m.status, "
        "nullif(m.reason, '') AS reason, m.decision_id, m.planned_at, m.due_at, "
        "m.changed_at AS timestamp FROM messages_rows AS m LEFT JOIN lake_nodes AS n ON "
        "n.kind = CASE m.address_kind WHEN 'kept out' THEN m.kind ELSE m.address_kind END AND "
        "n.value = CASE m.address_kind WHEN 'kept out' THEN m.value ELSE m.address END "
        "LEFT JOIN node_persons AS p ON p.node = n.node"
    )
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE decisions AS SELECT m.decision_id, p.person_id, m.placement, "
        "m.at AS timestamp, m.choices, m.held_out = 1 AS held_out, m.candidates AS reasons, "
        "m.build_id FROM decisions_rows AS m "
        f"LEFT JOIN lake_nodes AS n ON {person.format(kind='kind', value='value')} "
        "LEFT JOIN node_persons AS p ON p.node = n.node"
    )


def open_effects(wh: Warehouse, state: Path) -> None:
    """Makes `outbox_sends`, `outbox_arms` and `outbox_reasons`, each with the person it is about.

    The reasons are of each person and campaign the last that was decided, none where it was chosen.
    """
    with Outbox(state) as outbox:
        for name, query in (("sends", _SENDS), ("arms", _ARMS), ("reasons", _REASONS)):
            wh.register(f"{name}_rows", _table(outbox, query))
    person = (
        "SELECT p.person_id, m.* FROM {rows} AS m JOIN lake_nodes AS n "
        "ON n.kind = m.kind AND n.value = m.value JOIN node_persons AS p ON p.node = n.node"
    )
    for name in ("sends", "arms"):
        wh.execute(
            f"CREATE OR REPLACE TEMP TABLE outbox_{name} AS {person.format(rows=f'{name}_rows')}"
        )
    candidates = '\'[{"offer":"VARCHAR","fell":"VARCHAR"}]\''
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE outbox_reasons AS "
        "SELECT person_id, c.offer AS campaign, arg_max(coalesce(c.fell, ''), made_at) AS reason "
        f"FROM (SELECT r.person_id, r.made_at, unnest(from_json(r.candidates, {candidates})) AS c "
        f"FROM ({person.format(rows='reasons_rows')}) AS r) GROUP BY ALL"
    )


def _make_empty(wh: Warehouse, name: str, outbox: Outbox, query: str) -> None:
    """The table without rows, by the warehouse itself: Arrow of Python's values loads pandas."""
    with closing(outbox.db.execute(f"{query} LIMIT 0")) as cursor:
        kinds = dict.fromkeys(_MS, "TIMESTAMP_MS") | {"held_out": "BIGINT", "share": "DOUBLE"}
        names = [column[0] for column in cursor.description]
    columns = ", ".join(f"{identifier(n)} {kinds.get(n, 'VARCHAR')}" for n in names)
    wh.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")


def _table(outbox: Outbox, query: str) -> pa.Table:
    import pyarrow as pa

    kinds = {"held_out": pa.int64(), "share": pa.float64()}
    with closing(outbox.db.execute(query)) as cursor:
        names = [column[0] for column in cursor.description]
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    arrays: dict[str, pa.Array[Any]] = {}
    for name, values in zip(names, columns, strict=True):
        if name in _MS:
            arrays[name] = pa.array(values, pa.int64()).cast(pa.timestamp("ms"))
        else:
            arrays[name] = pa.array(values, kinds.get(name, pa.string()))
    return pa.table(arrays)
