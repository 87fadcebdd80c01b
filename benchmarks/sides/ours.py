"""The traits of everybody from the lake to people.parquet, as `visavis build` does it.

As on the other sides the libraries are there before the clock starts: visavis loads them late.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb  # noqa: F401
import sqlglot  # noqa: F401
import yaml  # noqa: F401

from visavis.core.clock import parse_time, zone
from visavis.flow.portions import base_in_portions, drop_base
from visavis.flow.projects import load_project, open_warehouse
from visavis.flow.relations import make_relations, snapshot
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.lake import Lake
from visavis.store.relations import create_view
from visavis.understand.batch import compute_people


def main(root: Path, persons: Path, target: Path, as_of: str) -> None:
    """Prints the seconds from the first look at the project to the written file."""
    before = time.perf_counter()
    project = load_project(root)
    with open_warehouse(project) as wh:
        lake = Lake(root / project.state)
        loads = sorted(path.name for path in lake.path.iterdir())
        snapshot(wh, project, lake, loads, loads)
        create_view(
            wh,
            "persons",
            f"SELECT person, person_id FROM read_parquet({text_literal(str(persons))}) "
            "WHERE node = person",
        )
        make_relations(wh, project, merged=False)
        moment = parse_time(as_of, zone(project.time_zone))
        base = base_in_portions(wh, project, moment, merged=False)
        compute_people(wh, project, moment, None, "people_traits", base)
        drop_base(wh)
        names = "".join(f", t.{identifier(name)}" for name in project.traits)
        wh.write_parquet(
            f"SELECT p.person_id{names} FROM persons AS p JOIN people_traits AS t USING (person) "
            "ORDER BY p.person_id",
            target,
        )
    print(time.perf_counter() - before)


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:4]), sys.argv[4])
