"""Every role of forty differently shaped tables is guessed right."""

from __future__ import annotations

import time

import pytest
from order_shapes import SHAPES
from order_tables import Shape

from visavis.collect.guess import ROLES, Column, guess
from visavis.collect.guess_names import name_score


def columns_of(shape: Shape, seed: int = 1) -> list[Column]:
    return [Column(name, values) for name, values in shape.table(seed).items()]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.name)
def test_every_role_is_right(shape: Shape, seed: int) -> None:
    found = guess(columns_of(shape, seed)).columns
    wrong = {
        role: (found.get(role), shape.truth.get(role))
        for role in found.keys() | shape.truth.keys()
        if found.get(role) != shape.truth.get(role) and role not in shape.loose
    }
    assert wrong == {}


DATES = [
    (["2018-01-05", "2018-12-31"], "iso"),
    (["2018-01-05T10:00:00Z", "2018-12-31T10:00:00.5+02:00"], "iso"),
    (["5/1/2018", "13/1/2018"], "%d/%m/%Y"),
    (["1/5/2018 8:26", "1/13/2018 18:05"], "%m/%d/%Y %H:%M"),
    (["1/5/2018 8:26:30 AM", "1/13/2018 6:05:00 PM"], "%m/%d/%Y %I:%M:%S %p"),
    (["05.01.18", "31.01.18"], "%d.%m.%y"),
    (["2018/01/05", "2018/01/31"], "%Y/%m/%d"),
    (["20180105", "20181231"], "%Y%m%d"),
    (["20180105103000", "20181231235959"], "%Y%m%d%H%M%S"),
    (["43105", "43106.5"], "excel"),
    (["1515146400", "1515232800"], "unix"),
    (["1515146400000", "1515232800000"], "unix_ms"),
    (["5 Jan 2018", "31 Dec 2018"], "%d %b %Y"),
    (["Jan 05, 2018", "Dec 31, 2018"], "%b %d, %Y"),
    (["2018-01-05", "5.1.2018", "13/01/2018", "5 Jan 2018"], "mixed"),
    (["abc", "2018-01-05"], None),
    (["12.50", "13.75"], None),
    (["123456", "7"], None),
]


@pytest.mark.parametrize(("values", "form"), DATES, ids=lambda v: str(v)[:30])
def test_how_dates_are_written(values: list[str], form: str | None) -> None:
    dates = Column("when", values * 5).dates
    assert (dates.form if dates else None) == form


def test_day_or_month_first_is_told_by_the_order_of_rows() -> None:
    days = [f"12/{day}/2010" for day in range(1, 10)]
    dates = Column("when", days).dates
    assert dates is not None
    assert (dates.form, dates.sure, dates.proven) == ("%m/%d/%Y", True, False)
    assert dates.swapped().form == "%d/%m/%Y"


NUMBERS = [
    (["1.50", "1,234.50", "-3"], ".", [1.5, 1234.5, -3]),
    (["1,50", "1.234,50", "-3"], ",", [1.5, 1234.5, -3]),
    (["€ 1,50", "12,00 €"], ",", [1.5, 12]),
    (["$1.50", "($2.00)", "3.00-"], ".", [1.5, -2, -3]),
    (["1'234.50", "2'000"], ".", [1234.5, 2000]),
    (["1 234,50", "2,5"], ",", [1234.5, 2.5]),
    (["1,234", "5,678"], ".", [1234, 5678]),
    (["12%", "5%"], ".", [12, 5]),
    (["1.5e3", "2E-1"], ".", [1500, 0.2]),
]


@pytest.mark.parametrize(("values", "mark", "numbers"), NUMBERS, ids=lambda v: str(v)[:30])
def test_how_numbers_are_written(values: list[str], mark: str, numbers: list[float]) -> None:
    column = Column("n", values)
    assert column.decimal_mark == mark
    assert column.numbers == numbers


NAMES = [
    ("Kundennummer", "customer"), ("customerId", "customer"), ("CUST_KEY", "customer"),
    ("id_cliente", "customer"), ("会员编号", "customer"), ("Bestellnr.", "order"),
    ("order-number", "order"), ("numero_de_commande", "order"), ("order_customer_id", "customer"),
    ("customer_order_no", "order"), ("Lineitem sku", "product"), ("artikelnummer", "product"),
    ("order_purchase_timestamp", "time"), ("paid_at", "time"), ("Fecha de Compra", "time"),
    ("Stückpreis", "price"), ("prix_unitaire_ht", "price"), ("total_price", "amount"),
    ("Gesamtbetrag", "amount"), ("net_sales", "amount"), ("实付金额", "amount"),
    ("anzahl", "quantity"), ("qty_ordered", "quantity"), ("discount_code", "promotion"),
    ("discount_amount", "discount"), ("Gutscheincode", "promotion"), ("zahlungsart", "payment"),
    ("store_id", "place"), ("shipping_city", "place"), ("Verkaufskanal", "channel"),
    ("order_status", "status"), ("unit_cost", "cost"), ("Warengruppe", "category"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "role"), NAMES)
def test_names_of_many_languages(name: str, role: str) -> None:
    scores = {r: name_score(name, r) for r in ROLES}
    assert max(scores, key=lambda r: scores[r]) == role
    assert scores[role] >= 0.3


NO_ROLE = (
    "border brand corporate reordered ship_date birth_date customer_name order_item_id weight tax"
)


@pytest.mark.parametrize("name", NO_ROLE.split())
def test_names_that_only_look_like_a_role(name: str) -> None:
    assert max(name_score(name, r) for r in ROLES) < 0.5


def test_given_stands_above_the_guess() -> None:
    table = {"a": ["1", "2"], "customer": ["x", "y"], "date": ["2018-01-01", "2018-01-02"]}
    columns = [Column(name, values) for name, values in table.items()]
    found = guess(columns, {"customer": "a", "order": "", "product": "customer"})
    assert found.columns["customer"] == "a"
    assert found.columns["product"] == "customer"
    assert "order" not in found.columns
    assert {c.role: c.confidence for c in found.choices}["customer"] == 1.0


def test_statuses_are_told_in_many_languages() -> None:
    words = ["geliefert", "storniert", "annulé", "remboursé", "Test order", "已取消", "completed"]
    table = {
        "order": [str(i) for i in range(70)],
        "customer": [f"c{i % 9}" for i in range(70)],
        "date": [f"2018-01-{i % 28 + 1:02d}" for i in range(70)],
        "status": words * 10,
    }
    found = guess([Column(name, values) for name, values in table.items()])
    assert found.statuses == {
        "cancelled": ("annulé", "storniert", "已取消"),
        "refunded": ("remboursé",),
        "test": ("Test order",),
    }


def test_a_few_bad_cells_do_not_hide_a_role() -> None:
    shape = SHAPES[0]
    table = shape.table()
    for name in ("Quantity", "UnitPrice"):
        table[name][3] = "many"
    found = guess([Column(name, values) for name, values in table.items()]).columns
    assert found["quantity"] == "Quantity"
    assert found["price"] == "UnitPrice"


def test_the_same_sample_gives_the_same_guess() -> None:
    assert guess(columns_of(SHAPES[1])) == guess(columns_of(SHAPES[1]))


def test_ten_thousand_rows_take_seconds() -> None:
    columns = [Column(n, v) for n, v in SHAPES[24].table(1, 3500).items()]
    began = time.process_time()
    guess(columns)
    assert time.process_time() - began < 8
