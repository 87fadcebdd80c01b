"""From a folder to a published build and its answers, through the flow functions."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from shopfolder import FIRST, SECOND, at, everything, orders, rows, run, shop

from visavis.core.problems import ProblemsError
from visavis.flow import ask
from visavis.flow.portions import base_in_portions
from visavis.store import builds


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that was built; nobody changes it."""
    root = shop(tmp_path_factory.mktemp("built"))
    run(root)
    return root


def test_a_first_build_says_who_people_are(tmp_path: Path) -> None:
    made = run(shop(tmp_path))
    assert made["events"] == 4
    assert made["people"] == 2
    assert made["quarantined"] == 0
    assert made["segments"] == {"regulars": 1, "away": 0}
    assert made["as_of"] == "2024-04-01T00:00:00Z"
    people = rows(
        tmp_path,
        "select i.value, orders, revenue, favourite, days_away, orders_30d, spending "
        "from people join identifiers i using (person_id) where kind = 'customer_id' order by 1",
    )
    assert people == [
        ("ann", 2, Decimal("22.75"), "tea", 31, 0, 2),
        ("bob", 1, Decimal("20"), "coffee", 87, 0, 1),
    ]


def test_identifiers_of_one_row_belong_together(tmp_path: Path) -> None:
    run(shop(tmp_path))
    found = rows(tmp_path, "select kind_a, value_a, kind_b, value_b, rule, source from evidence")
    assert found == [("customer_id", "ann", "email", "ann@x.co", "same row", "shop")]
    orders(tmp_path, 2, SECOND)
    made = run(tmp_path)
    # cat and dan gave the same address: it joins neither to the other, and is nobody's
    assert made["people"] == 4
    ids = rows(
        tmp_path,
        "select list(value order by value) from identifiers group by person_id order by 1",
    )
    assert ids == [(["ann", "ann@x.co"],), (["bob"],), (["cat"],), (["dan"],)]


def test_guests_make_nobody_and_count_for_the_brand(built: Path) -> None:
    ((brand, people),) = rows(
        built, "select sum(amount), (select sum(revenue) from people) from order_lines"
    )
    assert (brand, people) == (Decimal("45.75"), Decimal("42.75"))
    assert rows(built, "select person_id, identifiers from events where message_id = 'shop:3'") \
        == [(None, "{}")]  # fmt: skip


def test_the_same_inputs_give_the_published_build_back(tmp_path: Path) -> None:
    first = run(shop(tmp_path), as_of="2024-03-01T12:00:00Z")
    assert run(tmp_path, as_of="2024-03-01T12:00:00Z", now="2025-01-01T00:00:00Z") == first
    other = run(tmp_path, as_of="2024-03-02T12:00:00Z")
    assert other["build_id"] != first["build_id"]
    (tmp_path / "segments/segments.yml").write_text("segments: {regulars: orders >= 1}\n")
    assert run(tmp_path, as_of="2024-03-02T12:00:00Z")["segments"] == {"regulars": 2}


def test_a_build_of_now_holds_until_the_clock_changes_something(tmp_path: Path) -> None:
    first = run(shop(tmp_path), now="2024-03-31T08:00:00Z")
    assert run(tmp_path, now="2024-03-31T09:00:00Z") == first
    # the last order leaves the window of 30 days, and a tag of 30 days comes off
    second = run(tmp_path, now="2024-03-31T10:00:00Z")
    assert second["build_id"] != first["build_id"]
    assert rows(tmp_path, "select max(orders_30d) from people") == [(0,)]
    assert rows(tmp_path, "select count(*) from tags where tag = 'fresh'") == [(0,)]
    assert run(tmp_path, now="2024-03-31T23:59:00Z") == second
    assert run(tmp_path, now="2024-04-01T00:00:00Z")["build_id"] != second["build_id"]


def test_a_past_moment_sees_only_what_was(tmp_path: Path) -> None:
    orders(shop(tmp_path), 2, SECOND)
    late = run(tmp_path)
    past = run(tmp_path, as_of="2024-01-31T00:00:00Z")
    assert late["events"] == 7
    assert (past["events"], past["people"]) == (3, 2)
    # the same as a shop that has nothing later
    other = shop(tmp_path / "other")
    (other / ".visavis").mkdir()
    (other / ".visavis/key").write_text((tmp_path / ".visavis/key").read_text())
    run(other, as_of="2024-01-31T00:00:00Z")
    assert everything(other) == everything(tmp_path)


def test_the_order_of_loads_changes_nothing(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    orders(shop(one), 2, SECOND)
    run(one)
    shop(two, SECOND)
    (two / ".visavis").mkdir()
    (two / ".visavis/key").write_text((one / ".visavis/key").read_text())
    run(two, as_of="2024-04-01T00:00:00Z")
    orders(two, 2, ("4,ann,ANN@x.co,2024-03-01T10:00:00,T1,7.25",))
    run(two)
    from shopfolder import FIRST

    orders(two, 3, FIRST[:-1])
    run(two)
    assert everything(one) == everything(two)


def test_who_came_and_went_is_recorded_once(tmp_path: Path) -> None:
    run(shop(tmp_path), now="2024-03-02T00:00:00Z")
    assert rows(tmp_path, "select count(*) from segment_changes") == [(0,)]
    orders(tmp_path, 2, SECOND)
    run(tmp_path, now="2024-04-05T00:00:00Z")
    changes = rows(tmp_path, "select segment, change, timestamp from segment_changes order by all")
    assert [c[:2] for c in changes] == [("regulars", "entered")]
    later = run(tmp_path, now="2024-07-20T00:00:00Z")
    entered = rows(
        tmp_path,
        "select event, timestamp, json_extract_string(properties, '$.segment'), count(*), "
        "count(person_id) from events where source = 'visavis' group by all",
    )
    assert [(e, s, n, p) for e, _, s, n, p in entered] == [("Segment Entered", "regulars", 1, 1)]
    assert later["segments"]["away"] == 4
    # recorded entries that nothing reads are no reason to build again
    assert run(tmp_path, now="2024-07-20T00:00:00Z") == later
    loads = builds.published(tmp_path / ".visavis")
    assert loads is not None
    assert len(set(loads.manifest["loads"])) == 3


def test_a_build_of_the_past_records_no_entries(tmp_path: Path) -> None:
    run(shop(tmp_path), as_of="2024-01-31T00:00:00Z")
    made = run(tmp_path, as_of="2024-03-31T00:00:00Z")
    assert rows(tmp_path, "select count(*) from segment_changes") == [(1,)]
    again = run(tmp_path, as_of="2024-03-30T00:00:00Z")
    assert again["events"] == made["events"] == 4


def test_since_when(tmp_path: Path) -> None:
    run(shop(tmp_path), now="2024-06-15T00:00:00Z")
    found = rows(tmp_path, "select segment, since from segment_members order by all")
    # 91 days after 5 January, and after 1 March: at midnight of the project's zone
    assert [(s, t.isoformat()) for s, t in found] == [
        ("away", "2024-04-05T00:00:00"),
        ("away", "2024-05-31T00:00:00"),
        ("regulars", "2024-03-01T10:00:00"),
    ]
    tags = rows(tmp_path, "select tag, weight, since from tags order by all")
    assert [t[:2] for t in tags] == [("taste", Decimal(2)), ("taste/tea", Decimal(2))]


def test_catalogue_changes_are_seen_without_a_new_order(tmp_path: Path) -> None:
    first = run(shop(tmp_path))
    (tmp_path / "data/products.csv").write_text("sku,kind,shelf\nT1,herbs,3\nC1,coffee,x\n")
    second = run(tmp_path)
    assert second["build_id"] != first["build_id"]
    assert rows(tmp_path, "select distinct category, shelf from order_lines order by 1") == [
        ("coffee", None),
        ("herbs", 3),
    ]
    assert rows(tmp_path, "select count(*) from people where favourite = 'herbs'") == [(1,)]


def test_questions(tmp_path: Path) -> None:
    shop(tmp_path)
    with pytest.raises(ProblemsError) as none:
        ask.count(tmp_path, "orders > 1")
    assert none.value.problems[0].code == "not-built"
    run(tmp_path)
    assert ask.count(tmp_path, "orders >= 2") == 1
    assert ask.count(tmp_path, "in_segment('regulars') or favourite = 'coffee'") == 2
    assert ask.count(tmp_path, "orders >= 2", at("2024-02-01T00:00:00Z")) == 0
    assert ask.count(tmp_path, "orders >= 1", at("2024-01-02T00:00:00Z")) == 1
    with pytest.raises(ProblemsError) as wrong:
        ask.count(tmp_path, "ordres > 1")
    (problem,) = wrong.value.problems
    assert problem.code == "unknown-name"
    assert str(problem.place) == "<condition>:1:1"
    with ask.people(tmp_path, segment="regulars", columns=["orders"]) as batches:
        table = batches.read_all()
    assert table.column_names == ["person_id", "orders"]
    assert table["orders"].to_pylist() == [2]
    with ask.people(tmp_path, where="orders = 1") as batches:
        assert batches.read_all().column_names == [
            "person_id", "orders", "revenue", "last_order_at", "days_away", "favourite",
            "orders_30d", "spending",
        ]  # fmt: skip


@pytest.mark.parametrize(
    "sql",
    [
        "drop table people",
        "select 1; select 2",
        "create table x as select 1",
        "copy (select 1) to '/tmp/x.csv'",
        "set memory_limit = '1GB'",
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('visavis.yml')",
        "attach 'x.db'",
        "insert into decisions values (1)",
        "selec 1",
        "",
        "select case when range = 900000 then error('late') end from range(1000000)",
    ],
)
def test_a_query_only_reads_the_build(built: Path, sql: str) -> None:
    with pytest.raises(ProblemsError) as refused, ask.query(built, sql) as batches:
        batches.read_all()
    assert refused.value.problems[0].code == "bad-query"


def test_every_relation_of_the_contract_is_there(built: Path) -> None:
    expected = {
        "events": "message_id type event timestamp received_at source channel person_id "
        "identifiers properties context",
        "order_lines": "message_id person_id timestamp product_id quantity price amount discount "
        "category shelf",
        "quarantine": "source reason row received_at",
        "identifiers": "person_id kind value first_seen last_seen",
        "evidence": "kind_a value_a kind_b value_b rule source first_seen last_seen",
        "tags": "person_id tag weight since",
        "segment_members": "segment person_id since",
        "recommendations": "person_id placement rank product_id score reason",
    }
    for name, columns in expected.items():
        with ask.query(built, f"select * from {name}") as batches:
            assert set(columns.split()) <= set(batches.schema.names), name
    for name in ("decisions", "messages"):
        assert rows(built, f"select * from {name}") == []


def test_events_carry_their_properties_and_lines(built: Path) -> None:
    ((identifiers, properties),) = rows(
        built, "select identifiers, properties from events where message_id = 'shop:1'"
    )
    assert json.loads(identifiers) == {"customer_id": "ann", "email": "ann@x.co"}
    held = json.loads(properties)
    assert (held["revenue"], held["currency"]) == (15.5, "EUR")
    assert sorted((p["product_id"], p["amount"]) for p in held["products"]) == [
        ("C1", 5.5),
        ("T1", 10),
    ]


def test_a_mistake_in_the_project_leaves_the_build(tmp_path: Path) -> None:
    run(shop(tmp_path))
    (tmp_path / "traits/traits.yml").write_text("traits: {orders: {value: nonsense}}\n")
    with pytest.raises(ProblemsError):
        run(tmp_path)
    # the published definitions answer, not the folder's
    assert ask.count(tmp_path, "orders >= 2") == 1


def test_old_builds_are_pruned(tmp_path: Path) -> None:
    settings = "name: Shop\nkeep_builds: 2\n"
    shop(tmp_path, visavis_yml=settings)
    for day in range(10, 15):
        run(tmp_path, as_of=f"2024-03-{day}T00:00:00Z")
    assert len(builds.listed(tmp_path / ".visavis")) == 2


def test_since_when_is_stepped_where_sql_cannot_tell(tmp_path: Path) -> None:
    traits = """\
traits:
  orders: {event: Order Completed, value: count()}
  last_order_at: {event: Order Completed, value: max(timestamp)}
  days_away: days_since(last_order_at)
  favourite: {event: Order Completed, each: products, value: mode(category)}
  silent:
    event: Order Completed
    without: {event: Order Completed, within: 20 days}
    value: count()
"""
    segments = "segments: {silent: silent > 0, new: orders < 2}\n"
    shop(tmp_path, traits_traits_yml=traits, segments_segments_yml=segments)
    run(tmp_path, now="2024-03-25T00:00:00Z")
    found = rows(
        tmp_path,
        "select segment, value, since from segment_members join identifiers using (person_id) "
        "where kind = 'customer_id' order by all",
    )
    assert [(s, v, t.isoformat()) for s, v, t in found] == [
        ("new", "bob", "2024-01-05T10:00:00"),
        # nothing followed ann's first order within 20 days, nor her second
        ("silent", "ann", "2024-01-21T10:00:00"),
        ("silent", "bob", "2024-01-25T10:00:00"),
    ]


def test_a_second_build_opens_no_file_of_the_brand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(shop(tmp_path), as_of="2024-04-01T00:00:00Z")
    read: list[int] = []
    monkeypatch.setattr(
        "visavis.collect.files.ByteCounter.add", lambda _, amount: read.append(amount)
    )
    assert run(tmp_path, as_of="2024-04-01T00:00:00Z") == first
    assert read == []
    added = orders(tmp_path, 2, SECOND)
    run(tmp_path, as_of="2024-04-01T00:00:00Z")
    # once for its fingerprint, once for its rows
    assert sum(read) <= 2 * added.stat().st_size


def test_people_a_portion_at_a_time_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nameless = [row.replace("ann@x.co", "").replace("ANN@x.co", "") for row in FIRST]
    whole, portions = (shop(tmp_path / name, nameless) for name in ("whole", "portions"))
    run(whole)
    taken: list[str | None] = []

    def base(*args: Any) -> str | None:
        taken.append(base_in_portions(*args, portion=1))
        return taken[-1]

    monkeypatch.setattr("visavis.flow.making.base_in_portions", base)
    run(portions)
    assert taken == ["SELECT * FROM people_base"]
    names = "orders, revenue, last_order_at, days_away, favourite, orders_30d, spending"
    sql = f"select {names} from people order by all"
    assert rows(portions, sql) == rows(whole, sql)
    assert len(rows(whole, sql)) == 2
