"""Accounts in a build: members, account traits and account segments, after everything of people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from visavis.core.clock import to_datetime
from visavis.core.nouns import Project
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.warehouse import Warehouse
from visavis.understand import batch as traits
from visavis.unify import accounts

FILES = ("accounts", "account_members", "account_segments")


def write_accounts(wh: Warehouse, project: Project, as_of_ms: int, folder: Path) -> int:
    """Writes the tables of accounts; how many accounts there are.

    Comes last in a build: the relations `ev`, `li` and `persons` are those of accounts afterwards.
    """
    moment = to_datetime(as_of_ms).replace(tzinfo=None)
    properties = list(dict.fromkeys(n for of in project.properties.values() for n in of))
    found = accounts.find_accounts(wh, project.kinds, moment, accounts.ROLE in properties)
    wh.write_parquet(accounts.MEMBERS, folder / "account_members.parquet")
    names = "".join(f", t.{identifier(name)}" for name in project.account_traits)
    if found and project.account_traits:
        accounts.account_relations(wh, properties, project.line_fields)
    else:
        wh.execute("CREATE OR REPLACE TEMP TABLE persons AS SELECT account AS person, account_id "
                   "AS person_id, first_seen FROM accounts_seen")  # fmt: skip
    own = replace(project, traits=project.account_traits, segments={}, tags={})
    fits = traits.compute_people(wh, own, as_of_ms, None, "account_traits")
    wh.write_parquet(
        f"SELECT p.person_id AS account_id{names} FROM persons AS p "
        "JOIN account_traits AS t USING (person) ORDER BY 1",
        folder / "accounts.parquet",
    )
    parts = [
        f"SELECT {text_literal(name)} AS segment, person FROM account_traits WHERE "
        + traits.condition_sql(wh, own, segment.condition, as_of_ms, fits)
        for name, segment in project.account_segments.items()
    ]
    members = " UNION ALL ".join(parts) or "SELECT '' AS segment, 0 AS person WHERE false"
    wh.write_parquet(
        f"SELECT segment, person_id AS account_id FROM ({members}) JOIN persons USING (person) "
        "ORDER BY ALL",
        folder / "account_segments.parquet",
    )
    return found
