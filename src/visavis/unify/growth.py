"""How much who is who has grown between two answers: people who became one, and who came apart.

Both answers are queries with the columns node, person, person_id, as `node_persons`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visavis.store.warehouse import Warehouse

NO_GROWTH: Mapping[str, Any] = {"joined": 0, "into": 0, "apart": 0, "share": 0.0, "largest": []}
"""What `growth` says where nothing changed."""
_LARGEST = 5
_MOVED = (
    "CREATE OR REPLACE TEMP TABLE growth_moved AS SELECT node, o.person AS was, n.person AS now "
    "FROM ({before}) AS o LEFT JOIN ({after}) AS n USING (node) "
    "WHERE o.person IS DISTINCT FROM n.person"
)
# of the people that anybody moved to, all who were somebody before
_JOINED = (
    "CREATE OR REPLACE TEMP TABLE growth_joined AS SELECT n.person AS now, o.person AS was, "
    "any_value(n.person_id) AS person_id, any_value(o.person_id) AS was_id "
    "FROM ({after}) AS n JOIN ({before}) AS o USING (node) "
    "WHERE n.person IN (SELECT now FROM growth_moved) GROUP BY n.person, o.person "
    "QUALIFY count(*) OVER (PARTITION BY n.person) > 1"
)
_APART = (
    "SELECT count(*) FROM (SELECT o.person FROM ({before}) AS o LEFT JOIN ({after}) AS n "
    "USING (node) WHERE o.person IN (SELECT was FROM growth_moved) GROUP BY o.person "
    "HAVING count(DISTINCT coalesce(n.person, -1)) > 1)"
)


def growth(wh: Warehouse, before: str, after: str) -> dict[str, Any]:
    """`joined` people of before are now one with another, `into` so many; `apart` people of before
    are now several, or lost an identifier; `share` is joined by all before. `largest`: the people
    that most became, with some of their former ids."""
    queries = {"before": before, "after": after}
    wh.execute(_MOVED.format(**queries))
    if not wh.value("SELECT count(*) FROM growth_moved"):
        return dict(NO_GROWTH)
    wh.execute(_JOINED.format(**queries))
    joined, into = wh.rows("SELECT count(DISTINCT was), count(DISTINCT now) FROM growth_joined")[0]
    people = wh.value(f"SELECT count(DISTINCT person) FROM ({before})")
    return {
        "joined": joined,
        "into": into,
        "apart": wh.value(_APART.format(**queries)),
        "share": round(joined / people, 6),
        "largest": wh.arrow(
            "SELECT person_id, count(*) AS people, list_slice(list(was_id ORDER BY was_id), 1, 5) "
            "AS former FROM growth_joined GROUP BY 1 ORDER BY 2 DESC, 1 "
            f"LIMIT {_LARGEST}"
        ).to_pylist(),
    }
