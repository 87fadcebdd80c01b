"""Events and records: one row, one event; what is known already adds nothing."""

from __future__ import annotations

from pathlib import Path

from kit import Shop, source

from visavis.core.lang.types import Type
from visavis.core.nouns import Field, Lookup


def _field(name: str, kind: Type = Type.TEXT) -> Field:
    return Field(name, kind, name)


def views(tmp_path: Path, **given: object) -> Shop:
    given = {
        "roles": {"time": "at"},
        "identifiers": {"customer_id": "cust", "email": "mail"},
        "fields": (_field("page"),),
        **given,
    }
    return Shop(tmp_path, source("web", "events", "web*.csv", event="Page Seen", **given))  # type: ignore[arg-type]


HEAD = "cust,mail,at,page,secret\n"


def test_rows_are_events_and_repeats_in_a_file_all_count(tmp_path: Path) -> None:
    s = views(tmp_path)
    row = "1,A@B.co,2020-01-02,home,x\n"
    s.write("web1.csv", HEAD + row + row + ",,2020-01-02,home,x\n")
    (summary,) = s.collect()
    assert summary["events"] == 3
    assert summary["dropped_fields"] == {"secret": 3}
    ids = [r[0] for r in s.rows("SELECT message_id FROM events WHERE node IS NOT NULL ORDER BY 1")]
    assert ids[1] == f"{ids[0]}:2"
    assert s.rows("SELECT kind, value FROM nodes ORDER BY 1") == [
        ("customer_id", "1"),
        ("email", "a@b.co"),
    ]
    assert s.rows("SELECT node_a, node_b, rule FROM links") == [(1, 2, "same row")]


def test_what_is_known_already_adds_nothing(tmp_path: Path) -> None:
    s = views(tmp_path)
    row = "1,a@b.co,2020-01-02,home,x\n"
    s.write("web1.csv", HEAD + row)
    s.collect()
    s.write("web1.csv", HEAD + row + "1,,2020-01-03,cart,x\n")
    s.write("web2.csv", HEAD + row)
    (summary,) = s.collect()
    assert (summary["events"], summary["known_already"]) == (1, 1)
    assert s.rows("SELECT p_page FROM events ORDER BY seq") == [("home",), ("cart",)]
    assert s.collect() == []


def test_a_mapped_id_has_one_winner_the_later_revision(tmp_path: Path) -> None:
    s = views(tmp_path, roles={"time": "at", "id": "secret"})
    s.write("web1.csv", HEAD + "1,,2020-01-02,home,m1\n1,,2020-01-02,same,m2\n")
    s.collect()
    s.write("web2.csv", HEAD + "1,,2020-01-05,later,m1\n1,,2020-01-02,same,m2\n")
    s.collect()
    assert s.rows("SELECT message_id, p_page FROM events ORDER BY 1") == [
        ("web:m1", "later"),
        ("web:m2", "same"),
    ]


def test_the_log_orders_by_time_then_message_id_over_all_loads(tmp_path: Path) -> None:
    s = views(tmp_path, roles={"time": "at", "id": "secret"})
    for number, ids in enumerate(("d b", "c", "a e", "bb")):
        rows = "".join(f"1,,2020-01-02,p,{i}\n" for i in ids.split())
        s.write(f"web{number}.csv", HEAD + rows)
        s.collect()
    rows = s.rows("SELECT message_id, seq FROM events ORDER BY seq")
    assert [r[0] for r in rows] == [f"web:{i}" for i in ("a", "b", "bb", "c", "d", "e")]
    assert len({r[1] for r in rows}) == 6


def test_records_are_given_traits_valid_at_every_moment(tmp_path: Path) -> None:
    fields = (_field("city"), _field("age", Type.INTEGER))
    s = Shop(
        tmp_path,
        source(
            "crm",
            "records",
            "crm.csv",
            mode="snapshot",
            identifiers={"customer_id": "id"},
            fields=fields,
        ),
    )
    s.write("crm.csv", "id,city,age\n1,Rome,30\n2,,\n,Oslo,4\n3,Bonn,old\n")
    s.collect()
    assert s.rows(
        "SELECT event, type, CAST(ts AS VARCHAR), p_city, p_age, cleared FROM events ORDER BY seq"
    ) == [
        ("identify", "identify", "0001-01-01 00:00:00", "Rome", 30, None),
        ("identify", "identify", "0001-01-01 00:00:00", None, None, ["city", "age"]),
    ]
    assert s.quarantine() == [("crm.csv", 3, "missing-identifier"), ("crm.csv", 4, "bad-number")]
    assert s.rows("SELECT first_seen FROM sightings") == [(None,), (None,)]
    s.write("crm.csv", "id,city,age\n2,Paris,20\n")
    s.collect()
    assert s.rows("SELECT p_city FROM events") == [("Paris",)]
    assert s.rows("SELECT count(*) FROM sightings") == [(1,)]


def test_columns_of_another_file_join_each_row(tmp_path: Path) -> None:
    s = Shop(
        tmp_path,
        source(
            "mail", "events", "mail.csv", event="Sent", roles={"time": "start"},
            identifiers={"customer_id": "cust"}, fields=(_field("kind"),),
            lookups=(Lookup("campaigns.csv", "camp"),),
        ),
    )  # fmt: skip
    s.write("mail.csv", "cust,camp\n1,7\n2,8\n3,9\n")
    s.write("campaigns.csv", "camp,start,kind\n7,2020-01-02,A\n8,2020-02-02,B\n")
    s.collect()
    assert s.rows("SELECT p_kind, CAST(ts AS DATE)::VARCHAR FROM events ORDER BY seq") == [
        ("A", "2020-01-02"),
        ("B", "2020-02-02"),
    ]
    assert s.quarantine() == [("mail.csv", 3, "bad-time")]
    s.write("campaigns.csv", "camp,start,kind\n7,2020-01-02,C\n8,2020-02-02,B\n")
    s.collect()
    assert s.rows("SELECT p_kind FROM events ORDER BY seq") == [("C",), ("B",)]
