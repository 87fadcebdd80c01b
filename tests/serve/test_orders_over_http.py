"""An order told by browser, server and file counts once; foreign money; what waits comes back."""

from __future__ import annotations

import csv
import io
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from live import Server, built, command, events, key, project, rows

from visavis.store.history_file import FILE

RATES = """\
sources:
  rates:
    kind: rates
    from: rates.csv
    map: {currency: currency, rate: rate, valid_from: since}
"""
ORDERS = """\
sources:
  nightly:
    from: orders.csv
    namespace: live
    trust: %d
    map: {customer: customer, order: id, time: at, amount: amount, product: sku}
"""
HEAD = "customer,id,at,sku,amount\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return keyed(project(tmp_path / "shop"))


def keyed(root: Path) -> Path:
    key(root)
    key(root, "sk", "secret")
    return root


def order(message_id: str, number: str, revenue: Any = 10, **more: Any) -> dict[str, Any]:
    lines = [{"product_id": "p", "quantity": 1}]
    said = {"order_id": number, "revenue": revenue, "products": lines, **more.pop("properties", {})}
    return {
        "type": "track", "event": more.pop("event", "Order Completed"), "messageId": message_id,
        "properties": said, **more,
    }  # fmt: skip


def traits(server: Server, **name: str) -> dict[str, Any]:
    answer = server.http.get("/v1/profile", params=name, auth=("sk", ""))
    found: dict[str, Any] = answer.json()["traits"] if answer.status_code == 200 else {}
    return found


def money(server: Server, **name: str) -> tuple[int, float]:
    found = traits(server, **name)
    return found["orders"], float(found["revenue"] or 0)


def picked_up(server: Server, shop: Path) -> None:
    """Waits until the service answers from the published build."""
    end = time.monotonic() + 60
    newest = max((shop / ".visavis/builds").iterdir())
    while time.monotonic() < end and not (newest / FILE).exists():
        server.http.get("/health")
    assert (newest / FILE).exists()


def test_browser_and_server_tell_an_order_once(shop: Path) -> None:
    with Server(shop) as server:
        server.post("/v1/identify", {"userId": "u1", "anonymousId": "a1", "messageId": "i"})
        server.post("/v1/track", order("browser", "A", 11, anonymousId="a1"))
        assert money(server, user_id="u1") == (1, 11)
        server.post("/v1/track", order("server", "A", 10, userId="u1"))
        server.post("/v1/track", order("thanks-page-again", "A", 12, anonymousId="a2"))
        server.post("/v1/track", order("other", "B", 1, userId="u1"))
        live = [money(server, user_id="u1"), money(server, anonymous_id="a2")]
        assert live == [(1, 1), (1, 12)]
        built(shop)
        assert events(shop) == ["browser", "i", "other", "server", "thanks-page-again"]
        kept = "select message_id from order_lines order by 1"
        assert rows(shop, kept) == [("other",), ("thanks-page-again",)]
        server.kill()
    with Server(shop) as server:
        assert [money(server, user_id="u1"), money(server, anonymous_id="a2")] == live
        # told once more after the build, by the server: it is u1's again, and nobody else's
        server.post("/v1/track", order("server-late", "A", 10, userId="u1"))
        after = [money(server, user_id="u1"), money(server, anonymous_id="a2")]
        assert after == [(2, 11), (0, 0)]
        # what was seen together stays seen, also where the order is told better elsewhere
        assert traits(server, anonymous_id="a1") == traits(server, user_id="u1")
        built(shop)
        assert rows(shop, kept) == [("other",), ("server-late",)]
        server.kill()
    with Server(shop) as server:
        assert [money(server, user_id="u1"), money(server, anonymous_id="a2")] == after
        assert traits(server, anonymous_id="a1") == traits(server, user_id="u1")


@pytest.mark.parametrize(("trust", "wins"), [(60, "file"), (40, "live")])
def test_a_nightly_file_tells_it_too(tmp_path: Path, trust: int, wins: str) -> None:
    root = keyed(project(tmp_path / "shop", sources__n_yml=ORDERS % trust))
    (root / "orders.csv").write_text(
        f"{HEAD}c1,A,2024-06-01,p,20\nc1,A,2024-06-01,q,5\nc1,B,2024-06-02,p,7\n"
    )
    with Server(root) as server:
        server.post("/v1/track", order("m1", "A", 24.5, userId="u1"))
        server.post("/v1/track", order("m2", "C", 3, userId="u1"))
        built(root)
        file, live = {"live:A", "live:B", "m1", "m2"}, {"live:B", "m1", "m2"}
        assert set(events(root)) == (file if wins == "file" else live)
        expected = (1, 3) if wins == "file" else (2, 27.5)
        server.kill()
    with Server(root) as server:
        assert money(server, user_id="u1") == expected
        assert money(server, customer_id="c1") == ((2, 32) if wins == "file" else (1, 7))
        server.post("/v1/track", order("m3", "B", 8, userId="u2"))
        # no word of a less trusted source counts, and a better one counts at once
        assert traits(server, user_id="u2")["orders"] == (0 if wins == "file" else 1)
        before = money(server, customer_id="c1") if wins == "file" else None
        assert before in (None, (2, 32))
    built(root)
    assert ("live:B" in events(root)) == (wins == "file")
    # when the file is gone, what came live counts again
    (root / "sources/n.yml").unlink()
    built(root)
    assert set(events(root)) == {"m1", "m2", "m3"}


def test_refunds_one_by_one_all_count(shop: Path) -> None:
    with Server(shop) as server:
        server.post("/v1/track", order("o", "A", 30, userId="u1"))
        for n in (1, 2):
            server.post("/v1/track", order(f"r{n}", "A", 5, event="Order Refunded", userId="u1"))
    built(shop)
    assert events(shop) == ["o", "r1", "r2"]


def test_retries_count_once_over_restarts_and_builds(shop: Path) -> None:
    body = {"batch": [order("m1", "A", 10, userId="u1"), order("m2", "B", 5, userId="u1")]}
    for round_ in range(3):
        with Server(shop) as server:
            for _ in range(2):
                assert server.post("/v1/batch", body).status_code == 200
            assert money(server, user_id="u1") == (2, 15)
            server.kill()
        if round_:
            assert built(shop)["events"] == 2
    assert events(shop) == ["m1", "m2"]


def test_foreign_money_by_the_rate_of_its_day(tmp_path: Path) -> None:
    root, new = (keyed(project(tmp_path / n, sources__r_yml=RATES)) for n in ("shop", "new"))
    for folder in (root, new):
        text = "currency,rate,since\nUSD,0.5,2024-01-01\nUSD,0.9,2024-06-01\n"
        (folder / "rates.csv").write_text(text)
    built(root)
    lines = [{"product_id": "p", "quantity": 3, "price": 1.111111}]
    told = [
        order("m1", "A", None, userId="u1", timestamp="2024-05-31T23:59:59Z",
              properties={"currency": "usd", "products": lines}),
        order("m2", "B", 10, userId="u1", timestamp="2024-06-01T00:00:00Z",
              properties={"currency": "USD"}),
        order("m3", "C", 7, userId="u1", properties={"currency": "EUR"}),
        order("m4", "D", 1000, userId="u1", properties={"currency": "JPY"}),
        order("m5", "E", 1000, userId="u1", timestamp="2023-12-31T12:00:00Z",
              properties={"currency": "USD"}),
    ]  # fmt: skip
    first = (3, 1.666667 + 9 + 7)
    with Server(new) as server:  # before the first build
        for one in told:
            server.post("/v1/track", one)
        assert money(server, user_id="u1") == first
    with Server(root) as server:
        for one in told:
            assert server.post("/v1/track", one).status_code == 200
        assert money(server, user_id="u1") == first
        assert built(root)["quarantined"] == 2
        assert rows(root, "select revenue from people")[0][0] == Decimal("17.666667")
        shown = "select amount, price from order_lines where message_id = 'm1'"
        assert rows(root, shown) == [(Decimal("1.666667"), Decimal("0.555556"))]
        server.kill()
    # the missing rate comes: the order that waited is in the next build, once
    with (root / "rates.csv").open("a") as file:
        file.write("JPY,0.006,2020-01-01\n")
    assert built(root)["quarantined"] == 1
    assert built(root)["quarantined"] == 1
    assert rows(root, "select orders, revenue from people") == [(4, Decimal("23.666667"))]
    with Server(root) as server:
        assert money(server, user_id="u1") == (4, 23.666667)


def quarantine(root: Path, *words: str) -> list[dict[str, str]]:
    done = command(root, "quarantine", *words)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_what_is_in_quarantine_is_repaired_and_comes_back(shop: Path) -> None:
    bad = [
        order("money", "A", "a lot", userId="u1", anonymousId="a1"),
        {"type": "track", "messageId": "nameless", "userId": "u1"},
        {"type": "track", "event": "Product Viewed", "messageId": "when", "timestamp": "noon",
         "userId": "u1", "context": {"device": {"id": "d1"}}},
        17, "text", None, [],
    ]  # fmt: skip
    with Server(shop) as server:
        server.post("/v1/batch", {"batch": [order("good", "B", 1, userId="u1"), *bad]})
        server.post("/v1/batch", {"batch": bad[:1]})
    assert built(shop)["quarantined"] == len(bad) + 1
    listed = command(shop, "quarantine", "list", "--source", "live", "--json")
    assert '"missing-event' in listed.stdout
    found = quarantine(shop, "export", "--source", "live")
    assert {row["messageId"] for row in found} >= {"money", "nameless", "when"}
    for row in found:
        row["properties"] = row["properties"].replace('"a lot"', "2.5")
        row["timestamp"] = row["timestamp"].replace("noon", "2024-06-01T12:00:00Z")
    with (shop / "fixed.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    for _ in range(2):
        done = command(shop, "quarantine", "replay", str(shop / "fixed.csv"))
        assert done.returncode == 0, done.stderr
    assert built(shop)["quarantined"] == 5
    assert events(shop) == ["good", "money", "when"]
    told = "select orders, revenue, views from people where orders > 0"
    assert rows(shop, told) == [(2, Decimal("3.5"), 1)]
    ids = rows(shop, "select kind, value from identifiers order by 1")
    assert ids == [("anonymous_id", "a1"), ("device_id", "d1"), ("user_id", "u1")]


def test_another_definition_takes_in_what_waited(shop: Path) -> None:
    with Server(shop) as server:
        dollars = {"currency": "USD"}
        server.post("/v1/track", order("m1", "A", 4, userId="u1", properties=dollars))
        server.post("/v1/track", order("m2", "B", 5, userId="u1", properties={"currency": "EUR"}))
        assert money(server, user_id="u1") == (1, 5)
    assert built(shop)["quarantined"] == 1
    (shop / "visavis.yml").write_text("name: Shop\ntime_zone: UTC\ncurrency: USD\n")
    assert built(shop)["quarantined"] == 1
    assert rows(shop, "select orders, revenue from people") == [(1, Decimal(4))]
    (reason,) = rows(shop, "select reason from quarantine where not replayed")
    assert reason[0].startswith("no-rate")
