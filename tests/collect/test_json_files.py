"""JSON files: an object a line, one array, nested values, an order with its lines inside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit import Shop, source

from visavis.core.problems import ProblemsError

ROLES = {
    "customer": "customer.id", "email": "customer.mail", "order": "no", "time": "at",
    "product": "items.sku", "price": "items.price", "quantity": "items.count",
}  # fmt: skip
ORDERS = [
    {
        "no": "A", "at": "2020-01-02T10:00:00Z", "customer": {"id": 1, "mail": "a@x.example"},
        "items": [{"sku": "x", "price": 2.5, "count": 2}, {"sku": "y", "price": 1, "count": 1}],
        "taxes": [{"rate": 19}],
    },
    {
        "no": "B", "at": "2020-01-03T10:00:00Z", "customer": {"id": 2, "mail": None},
        "items": [{"sku": "商品", "price": "3.00", "count": 3}],
    },
]  # fmt: skip


def shop(tmp_path: Path, name: str, text: str) -> Shop:
    s = Shop(tmp_path, source(origin=name, roles=ROLES))
    s.write(name, text)
    return s


def revenue(s: Shop) -> dict[str, float]:
    return {m.removeprefix("shop:"): r for m, _, r, _ in s.orders()}


@pytest.mark.parametrize("form", ["lines", "array", "pretty", "gz-free bom"])
def test_an_order_with_its_lines_inside(tmp_path: Path, form: str) -> None:
    lines = "\n".join(json.dumps(order, ensure_ascii=False) for order in ORDERS)
    text = {
        "lines": lines,
        "array": json.dumps(ORDERS),
        "pretty": json.dumps(ORDERS, indent=2, ensure_ascii=False),
        "gz-free bom": "\ufeff" + lines,
    }[form]
    s = shop(tmp_path, "o.json", text)
    (summary,) = s.collect()
    assert (summary["rows"], summary["quarantined"]) == (3, 0)
    assert revenue(s) == {"A": 6.0, "B": 9.0}
    assert {p for (p,) in s.rows("SELECT l_product_id FROM lines")} == {"x", "y", "商品"}


def test_bad_elements_and_lines_go_to_quarantine_each_by_its_own_number(tmp_path: Path) -> None:
    bad = {**ORDERS[0], "items": [{"sku": "x", "price": "?", "count": 1}, ORDERS[0]["items"][1]]}  # type: ignore[index]
    text = "\n".join([json.dumps(bad), "{broken", json.dumps(ORDERS[1]), '"text"'])
    s = shop(tmp_path, "o.jsonl", text)
    s.collect()
    assert revenue(s) == {"A": 1.0, "B": 9.0}
    assert [reason for _, _, reason in s.quarantine()].count("bad-row") == 2
    numbers = [number for _, number, _ in s.quarantine()]
    assert len(set(numbers)) == len(numbers) == 3


def test_a_cut_array_is_kept_aside_line_by_line(tmp_path: Path) -> None:
    text = json.dumps(ORDERS, indent=1)[:-40]
    s = Shop(tmp_path, source(origin="o.json", roles={"order": "no", "time": "at"}))
    s.write("o.json", text)
    with pytest.raises(ProblemsError, match="missing-column"):
        s.collect()


def test_a_nested_name_that_no_object_has(tmp_path: Path) -> None:
    s = Shop(tmp_path, source(origin="o.jsonl", roles={**ROLES, "category": "items.group"}))
    s.write("o.jsonl", json.dumps(ORDERS[0]))
    with pytest.raises(ProblemsError, match=r"items\.group"):
        s.collect()


def test_a_key_with_a_dot_is_a_column_of_its_own(tmp_path: Path) -> None:
    roles = {"customer": "c.id", "order": "no", "time": "at", "amount": "sum"}
    s = Shop(tmp_path, source(origin="o.jsonl", roles=roles))
    s.write("o.jsonl", '{"c.id": "7", "no": "A", "at": "2020-01-02", "sum": "3"}')
    s.collect()
    assert revenue(s) == {"A": 3.0}
