"""Law: an order is the same however its lines were split; loading again changes nothing."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "collect"))

from kit import AMOUNT, Shop, source

Line = tuple[str, str, str, str]
HEAD = "cust,ord,at,sku,amount,st\n"
_lines = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.sampled_from(["2020-01-02", "2020-01-02 10:00", "2020-01-03"]),
        st.sampled_from("xyz"),
        st.sampled_from(["1", "2.5", "-1", "0"]),
    ),
    min_size=1,
    max_size=10,
    unique=True,
)


def _csv(lines: list[Line]) -> str:
    status = {"A": "ok", "B": "void", "C": "ok"}
    return HEAD + "".join(f"{o.lower()},{o},{t},{p},{a},{status[o]}\n" for o, t, p, a in lines)


def _shop(folder: str) -> Shop:
    roles = {**AMOUNT, "status": "st"}
    return Shop(
        Path(folder), source(origin="*.csv", roles=roles, statuses={"cancelled": ("void",)})
    )


def _seen(s: Shop) -> list[Any]:
    """The orders as a build sees them, but for the numbers that tell nothing."""
    return s.rows(
        "SELECT e.message_id, e.event, e.ts, e.void, e.p_revenue, n.value, l.line, l.l_product_id, "
        "l.l_amount FROM events AS e JOIN lines AS l USING (seq) LEFT JOIN nodes AS n ON "
        "n.node = e.node "
        "ORDER BY e.seq, l.line"
    )


def _order_of_log(s: Shop) -> list[Any]:
    return s.rows("SELECT message_id FROM events ORDER BY seq")


# an example takes most of a second, so a failing one is shown as found, not shrunk
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(_lines, st.lists(st.integers(0, 2), min_size=10, max_size=10), st.sets(st.integers(0, 2)))
def test_any_split_over_files_and_loads_gives_the_same_orders(
    lines: list[Line], where: list[int], loads: set[int]
) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as many:
        whole, split = _shop(one), _shop(many)
        whole.write("all.csv", _csv(lines))
        whole.collect()
        for number in range(3):
            part = [line for line, at in zip(lines, where, strict=False) if at == number]
            split.write(f"part{number}.csv", _csv(part))
            if number in loads:
                split.collect()
        split.collect()
        expected = _seen(whole)
        assert _seen(split) == expected
        assert _order_of_log(split) == sorted(_order_of_log(whole), key=_order_of_log(whole).index)
        split.write(
            "again.csv", _csv([line for line, at in zip(lines, where, strict=False) if at == 1])
        )
        split.collect()
        assert _seen(split) == expected
        assert split.collect() == []
