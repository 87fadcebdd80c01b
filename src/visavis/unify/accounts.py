"""People and companies: who belongs to which account, in which role.

An account is told by an identifier of a kind with `account: true` (account_id of `group` calls and
of sources). It joins nobody and is nobody's identifier: everybody seen together with it belongs to
it. An account's events are those that name it, and of its members' other events all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from visavis.core.nouns import IdentifierKind
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.relations import create_view
from visavis.store.warehouse import Warehouse

ROLE = "role"
NO_MEMBERS = (
    "SELECT NULL::VARCHAR AS account_id, NULL::VARCHAR AS person_id, NULL::VARCHAR AS role, "
    "NULL::TIMESTAMP AS first_seen, NULL::TIMESTAMP AS last_seen WHERE false"
)
_EVENT = "seq, ts, type, message_id, source, channel, cleared"
_LINE = "seq, line, ts, event, source"


def account_kinds(kinds: Mapping[str, IdentifierKind]) -> list[str]:
    """The kinds that tell accounts, not people."""
    return sorted(kind.name for kind in kinds.values() if kind.account)


def no_accounts(kinds: Mapping[str, IdentifierKind]) -> str:
    """SQL of a condition on `n.kind`: an identifier of a person."""
    listed = ", ".join(text_literal(name) for name in account_kinds(kinds))
    return f"n.kind NOT IN ({listed})" if listed else "true"


def find_accounts(
    wh: Warehouse, kinds: Mapping[str, IdentifierKind], moment: datetime, has_role: bool
) -> int:
    """Makes `accounts_seen` (account, account_id, first_seen) and `account_members` (account,
    person, role, first_seen, last_seen) as of a moment; how many accounts there are.

    Reads `lake_nodes`, `lake_sightings`, `lake_links`, `lake_events` and `node_persons`. A role is
    the latest that a group call or a record gave.
    """
    names = ", ".join(text_literal(name) for name in account_kinds(kinds)) or "''"
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE accounts_seen AS SELECT n.node AS account, "
        "n.value AS account_id, CASE WHEN NOT bool_or(s.first_seen IS NULL) "
        "THEN min(s.first_seen) END AS first_seen FROM lake_nodes AS n "
        f"JOIN lake_sightings AS s USING (node) WHERE n.kind IN ({names}) "
        "AND (s.first_seen IS NULL OR s.first_seen <= $1) GROUP BY ALL",
        [moment],
    )
    ends = " UNION ALL ".join(
        f"SELECT {a} AS account, {b} AS node, first_seen, last_seen FROM lake_links "
        "WHERE first_seen IS NULL OR first_seen <= $1"
        for a, b in (("node_a", "node_b"), ("node_b", "node_a"))
    )
    roles = "SELECT NULL::BIGINT AS account, NULL::BIGINT AS person, NULL::VARCHAR AS role"
    if has_role:
        roles = (
            "SELECT a.account, p.person, arg_max(e.p_role, e.seq) AS role FROM (SELECT seq, "
            "p_role, unnest(nodes) AS node FROM lake_events WHERE nodes IS NOT NULL AND "
            "p_role IS NOT NULL AND event IN ('group', 'identify') AND ts <= $1) AS e "
            "JOIN accounts_seen AS a ON a.account = e.node "
            "JOIN (SELECT seq, unnest(nodes) AS node FROM lake_events WHERE nodes IS NOT NULL "
            "AND p_role IS NOT NULL AND event IN ('group', 'identify') AND ts <= $1) AS o "
            "ON o.seq = e.seq JOIN node_persons AS p ON p.node = o.node GROUP BY ALL"
        )
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE account_members AS SELECT l.account, p.person, "
        "any_value(r.role) AS role, min(l.first_seen) AS first_seen, "
        f"least(max(l.last_seen), $1::TIMESTAMP) AS last_seen FROM ({ends}) AS l "
        "JOIN accounts_seen AS a ON a.account = l.account "
        "JOIN node_persons AS p ON p.node = l.node "
        f"LEFT JOIN ({roles}) AS r ON r.account = l.account AND r.person = p.person "
        "GROUP BY l.account, p.person",
        [moment],
    )
    return int(wh.value("SELECT count(*) FROM accounts_seen"))


MEMBERS = (
    "SELECT a.account_id, p.person_id, m.role, m.first_seen, m.last_seen "
    "FROM account_members AS m JOIN accounts_seen AS a USING (account) "
    "JOIN (SELECT DISTINCT person, person_id FROM node_persons) AS p USING (person) "
    "ORDER BY a.account_id, p.person_id"
)


def account_relations(wh: Warehouse, properties: Iterable[str], line_fields: Iterable[str]) -> None:
    """Makes `ev`, `li` and `persons` over again, with accounts in the place of people.

    What a group call or a record of the account itself gives stands in the stream `identify`; what
    its members say of themselves does not.
    """
    named = (
        "SELECT DISTINCT seq, node AS account FROM (SELECT seq, unnest(coalesce(nodes, [node])) "
        "AS node FROM lake_events WHERE node IS NOT NULL) SEMI JOIN accounts_seen "
        "ON account = node"
    )
    wh.execute(f"CREATE OR REPLACE TEMP TABLE account_events AS {named}")
    wh.execute(
        "INSERT INTO account_events SELECT e.seq, m.account FROM lake_events AS e "
        "JOIN node_persons AS n ON n.node = e.node JOIN account_members AS m "
        "ON m.person = n.person ANTI JOIN account_events AS a ON a.seq = e.seq"
    )
    own = "e.node IN (SELECT account FROM accounts_seen)"
    event = (
        "CASE WHEN e.event = 'group' THEN 'identify' "
        f"WHEN e.event = 'identify' AND NOT {own} THEN 'identify of a member' "
        "ELSE e.event END AS event"
    )
    for name, table, columns, more in (
        ("ev", "lake_events", [*_EVENT.split(", "), *(f"p_{n}" for n in properties)], f", {event}"),
        ("li", "lake_lines", [*_LINE.split(", "), *(f"l_{n}" for n in line_fields)], ""),
    ):
        taken = ", ".join(f"e.{identifier(column)}" for column in columns)
        create_view(
            wh,
            name,
            f"SELECT {taken}{more}, a.account AS person FROM {table} AS e "
            "JOIN account_events AS a ON a.seq = e.seq WHERE e.void IS NOT TRUE",
        )
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE persons AS SELECT account AS person, "
        "account_id AS person_id, first_seen FROM accounts_seen ORDER BY account"
    )
