"""A costly column is left out only where no reading of it is possible."""

from __future__ import annotations

import pytest

from visavis.store.reading_sql import reader_of

READS = (
    "select * from events",
    "from events",
    "from events select message_id, person_id",
    "select e from events e",
    "select to_json(events) from events",
    "select count(*), person_id from events group by 2",
    "with x as (from events) select count(*) from x",
    "select * exclude (source) from events",
    "select columns('p.*') from events",
    "summarize events",
    "select count(*) from events natural join people",
    "select count(*) from people join events using (person_id)",
    "select a.* from events a",
    "not sql at all ( events",
)
READS_NOT = (
    "select count(*) from events",
    "select event, count(*) from events where timestamp > '2024-01-01' group by event",
    "select count(*) from people",
    "select e.event from events as e limit 3",
)


@pytest.mark.parametrize("sql", READS)
def test_may_read(sql: str) -> None:
    assert reader_of(sql, "events")("person_id")


@pytest.mark.parametrize("sql", READS_NOT)
def test_does_not_read(sql: str) -> None:
    assert not reader_of(sql, "events")("person_id")
