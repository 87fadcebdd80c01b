"""Given and computed traits of many people a portion at a time, so that memory stays small."""

from __future__ import annotations

from visavis.core.clock import zone
from visavis.core.nouns import Project
from visavis.flow.relations import make_relations
from visavis.store.warehouse import Warehouse
from visavis.understand.batch import base_query

PORTION = 250_000
"""People at a time: whose groups are held in memory together."""
_TABLE = "people_base"
_PORTION = "persons_portion"


def base_in_portions(
    wh: Warehouse, project: Project, as_of_ms: int, merged: bool, portion: int = PORTION
) -> str | None:
    """A query for everybody's given and computed traits; None where one pass does as well.

    Events lie by node in the lake's files, so that each portion reads only its own; where people
    were merged it would read them all, and one pass is better. `ev`, `li`, `persons` must be there.
    """
    people = int(wh.value("SELECT count(*) FROM persons"))
    if merged or people < 2 * portion:
        return None
    wh.use_zone(zone(project.time_zone))
    traits = [t for t in project.traits.values() if t.kind in ("given", "computed")]
    for number, (first, last) in enumerate(_ranges(wh, people // portion)):
        where = f"BETWEEN {first} AND {last}"
        make_relations(wh, project, merged, where)
        # a table and not a view: its size tells the engine which side of a join to keep
        wh.execute(
            f"CREATE OR REPLACE TEMP TABLE {_PORTION} AS SELECT * FROM persons WHERE person {where}"
        )
        query = base_query(project, traits, as_of_ms, _PORTION)
        into = "INSERT INTO" if number else "CREATE OR REPLACE TEMP TABLE"
        wh.execute(f"{into} {_TABLE} {'' if number else 'AS '}{query}")
    wh.execute(f"DROP TABLE {_PORTION}")
    make_relations(wh, project, merged)
    return f"SELECT * FROM {_TABLE}"


def drop_base(wh: Warehouse) -> None:
    """Gives the memory back once the traits are made."""
    wh.execute(f"DROP TABLE IF EXISTS {_TABLE}")


def _ranges(wh: Warehouse, count: int) -> list[tuple[int, int]]:
    """The first and last person of as many portions of equal size."""
    rows = wh.rows(
        f"SELECT min(person), max(person) FROM (SELECT person, ntile({count}) OVER "
        "(ORDER BY person) AS portion FROM persons) GROUP BY portion ORDER BY portion"
    )
    return [(int(first), int(last)) for first, last in rows]
