"""A build on top of another says what one made from nothing says, whatever came between."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from shopfolder import everything, orders, run, shop

from visavis.core.clock import format_time
from visavis.flow import again
from visavis.store import builds

TRAITS = """\
traits:
  orders: {event: Order Completed, value: count()}
  revenue: {event: Order Completed, value: sum(revenue)}
  first_order_at: {event: Order Completed, value: min(timestamp)}
  last_order_at: {event: Order Completed, value: max(timestamp)}
  days_away: days_since(last_order_at)
  favourite: {event: Order Completed, each: products, value: mode(category)}
  items: {event: Order Completed, each: products, value: count(distinct product_id)}
  orders_30d: {event: Order Completed, within: 30 days, value: count()}
  quick: {event: Order Completed, then: {event: Order Completed, within: 5 days}, value: count()}
  silent:
    event: Order Completed
    without: {event: Order Completed, within: 9 days}
    value: count()
  tier: bucket(revenue, 3)
  ratio: orders_30d / orders
"""
SEGMENTS = """\
segments:
  regulars: orders >= 3
  tea: favourite = 'tea'
  top: tier = 3
  away: days_away > 10
  busy: orders_30d > 2
  silent: silent > 0
  quick: quick > 1 and in_segment('tea')
"""
START = 1_704_067_200_000
DAY = 86_400_000


def some_orders(rng: Random, count: int) -> list[str]:
    """Orders of a few people over 80 days; some share addresses, some numbers come again."""
    found = []
    for _ in range(count):
        number, who = rng.randrange(40), rng.randrange(9)
        moment = format_time(START + rng.randrange(80 * 24) * 3_600_000)[:-1]
        mail = rng.choice(["", "", f"m{who % 4}@x.co", f"M{who}@x.co"])
        customer = "" if rng.random() < 0.05 else f"c{who}"
        product = rng.choice(["T1", "C1", "N1"])
        found.append(
            f"{number},{customer},{mail},{moment},{product},{rng.randrange(1, 4000) / 100}"
        )
    return found


def project(root: Path) -> Path:
    return shop(root, (), traits_traits_yml=TRAITS, segments_segments_yml=SEGMENTS)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(n, marks=pytest.mark.long) for n in (2, 3))])
def test_on_top_of_another_is_as_from_nothing(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "_MOST", 2.0)
    rng = Random(seed)
    root = project(tmp_path / "root")
    reused = 0
    for step in range(4):
        if step != 2:
            orders(root, step, some_orders(rng, rng.choice([1, 4, 12])))
        moment = START + rng.choice([30, 60, 60, 81]) * DAY + rng.randrange(3) * 3_600_000
        run(root, as_of=format_time(moment))
        build = builds.published(root / ".visavis")
        assert build is not None
        reused += build.manifest["changed"] is not None
        fresh = project(tmp_path / f"fresh{step}")
        (fresh / ".visavis").mkdir()
        (fresh / ".visavis/key").write_bytes((root / ".visavis/key").read_bytes())
        for name in range(step + 1):
            source = root / "data" / f"orders{name}.csv"
            if source.exists():
                (fresh / "data" / source.name).write_bytes(source.read_bytes())
        run(fresh, as_of=format_time(moment))
        assert everything(root) == everything(fresh), f"seed {seed}, step {step}"
    assert reused


def test_a_small_load_takes_over_what_did_not_change(tmp_path: Path) -> None:
    root = project(tmp_path)
    orders(root, 1, [f"{n},c{n},,2024-01-0{n}T10:00:00,T1,5" for n in range(1, 9)])
    run(root, as_of="2024-03-01T00:00:00Z")
    orders(root, 2, ["99,c3,,2024-02-20T10:00:00,C1,5"])
    run(root, as_of="2024-03-01T00:00:00Z")
    build = builds.published(root / ".visavis")
    assert build is not None
    assert build.manifest["changed"] == 1
    (root / "segments/segments.yml").write_text("segments: {regulars: orders >= 4}\n")
    run(root, as_of="2024-03-01T00:00:00Z")
    build = builds.published(root / ".visavis")
    assert build is not None
    assert build.manifest["changed"] is None
