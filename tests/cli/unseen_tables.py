"""Order tables as many systems export them, each with the truth about its people and money."""

# ruff: noqa: B023, E501, E731

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from unseen_shops import Cell, Line, Truth, rows, shop, truth, with_refunds, write_csv

Case = Callable[[Path], tuple[list[str], Truth]]
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    CASES[make.__name__] = make
    return make


def at(form: str) -> Cell:
    return lambda o, x, n: o.at.strftime(form)


def de(value: Decimal) -> str:
    """1.234,56"""
    return f"{value:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")


def first(cell: Cell) -> Cell:
    return lambda o, x, n: cell(o, x, n) if n == 1 else None


def gross(line: Line) -> Decimal:
    return line.gross


@case
def online_retail(to: Path) -> tuple[list[str], Truth]:
    orders = with_refunds(shop(1, guests=0.2, free=0.03))
    write_csv(to / "Online Sales.csv", rows(orders, {
        "InvoiceNo": lambda o, x, n: f"{'C' if x.quantity < 0 else ''}{o.number}",
        "StockCode": lambda o, x, n: x.product, "Description": lambda o, x, n: f"{x.name} £ café",
        "Quantity": lambda o, x, n: x.quantity, "InvoiceDate": lambda o, x, n: f"{o.at.month}/{o.at.day}/{o.at.year} {o.at.hour}:{o.at:%M}",
        "UnitPrice": lambda o, x, n: x.price, "CustomerID": lambda o, x, n: o.customer,
        "Country": lambda o, x, n: "United Kingdom"}), encoding="cp1252")  # fmt: skip
    return ["Online Sales.csv"], truth(orders)


@case
def marketplace_items(to: Path) -> tuple[list[str], Truth]:
    orders = shop(2, cancelled=0.07)
    write_csv(to / "items.csv", rows(orders, {
        "order_id": lambda o, x, n: f"{o.number * 2654435761 % 2**40:032x}", "order_item_id": lambda o, x, n: n,
        "product_id": lambda o, x, n: f"{int(x.product[1:]) * 40503 % 2**40:032x}", "seller_id": lambda o, x, n: f"{o.number % 7:032x}",
        "order_status": lambda o, x, n: "canceled" if o.status == "cancelled" else ("delivered", "shipped", "invoiced")[o.number % 3],
        "order_purchase_timestamp": at("%Y-%m-%d %H:%M:%S"), "order_approved_at": lambda o, x, n: o.at + timedelta(hours=2),
        "order_estimated_delivery_date": lambda o, x, n: o.at + timedelta(days=20),
        "price": lambda o, x, n: x.amount, "freight_value": lambda o, x, n: "12.69",
        "customer_id": lambda o, x, n: f"{o.number * 7919 % 2**40:032x}",
        "customer_unique_id": lambda o, x, n: f"{o.customer * 104729 % 2**40:032x}", "customer_zip_code_prefix": lambda o, x, n: f"{o.customer % 90000:05d}",
        "customer_city": lambda o, x, n: "são paulo", "customer_state": lambda o, x, n: "SP",
        "payment_type": lambda o, x, n: "credit_card", "payment_installments": lambda o, x, n: 1, "payment_value": lambda o, x, n: o.total}))  # fmt: skip
    return ["items.csv"], truth(orders)


@case
def shopify(to: Path) -> tuple[list[str], Truth]:
    orders = shop(3, cancelled=0.05)
    write_csv(to / "orders_export.csv", rows(orders, {
        "Name": lambda o, x, n: f"#{o.number}", "Email": lambda o, x, n: o.email,
        "Financial Status": first(lambda o, x, n: "voided" if o.status == "cancelled" else "paid"),
        "Paid at": first(at("%Y-%m-%d %H:%M:%S +0200")), "Fulfillment Status": first(lambda o, x, n: "fulfilled"),
        "Accepts Marketing": first(lambda o, x, n: "yes"), "Currency": first(lambda o, x, n: "EUR"),
        "Subtotal": first(lambda o, x, n: o.total), "Shipping": first(lambda o, x, n: "4.90"), "Taxes": first(lambda o, x, n: "1.00"),
        "Total": first(lambda o, x, n: o.total + Decimal("5.90")), "Discount Code": first(lambda o, x, n: o.coupon), "Discount Amount": first(lambda o, x, n: "0.00"),
        "Shipping Method": first(lambda o, x, n: "Standard"), "Created at": at("%Y-%m-%d %H:%M:%S +0200"),
        "Lineitem quantity": lambda o, x, n: x.quantity, "Lineitem name": lambda o, x, n: x.name, "Lineitem price": lambda o, x, n: x.price,
        "Lineitem compare at price": lambda o, x, n: None, "Lineitem sku": lambda o, x, n: x.product, "Lineitem requires shipping": lambda o, x, n: "true",
        "Lineitem fulfillment status": lambda o, x, n: "fulfilled", "Billing Name": first(lambda o, x, n: o.who), "Billing City": first(lambda o, x, n: "Wien"),
        "Billing Country": first(lambda o, x, n: "AT"), "Cancelled at": first(lambda o, x, n: o.at + timedelta(days=1) if o.status == "cancelled" else None),
        "Payment Method": first(lambda o, x, n: o.payment), "Refunded Amount": first(lambda o, x, n: "0.00"), "Vendor": lambda o, x, n: "Brand", "Id": first(lambda o, x, n: 5_000_000_000_000 + o.number),
        "Tags": lambda o, x, n: None, "Risk Level": first(lambda o, x, n: "Low"), "Source": first(lambda o, x, n: "web"), "Lineitem discount": lambda o, x, n: "0.00", "Phone": lambda o, x, n: None}))  # fmt: skip
    return ["orders_export.csv"], truth(orders, who=lambda o: o.email)


@case
def woocommerce(to: Path) -> tuple[list[str], Truth]:
    orders = shop(4, cancelled=0.06)
    write_csv(to / "orders.csv", rows(orders, {
        "Order Number": lambda o, x, n: o.number, "Order Status": lambda o, x, n: "wc-cancelled" if o.status == "cancelled" else "wc-completed",
        "Order Date": at("%Y-%m-%d %H:%M"), "Customer Note": lambda o, x, n: "ring,\n\"twice\"" if o.number % 9 == 0 else None,
        "First Name (Billing)": lambda o, x, n: o.who.split()[0], "Last Name (Billing)": lambda o, x, n: o.who.split()[1],
        "Email (Billing)": lambda o, x, n: o.email, "Phone (Billing)": lambda o, x, n: o.phone,
        "Payment Method Title": lambda o, x, n: o.payment, "Order Total Amount": lambda o, x, n: o.total, "SKU": lambda o, x, n: x.product,
        "Item #": lambda o, x, n: n, "Item Name": lambda o, x, n: x.name, "Quantity (- Refund)": lambda o, x, n: x.quantity,
        "Item Cost": lambda o, x, n: x.price, "Coupon Code": lambda o, x, n: o.coupon}))  # fmt: skip
    return ["orders.csv"], truth(orders, who=lambda o: o.email)


@case
def magento(to: Path) -> tuple[list[str], Truth]:
    orders = shop(5, cancelled=0.06, discounts=0.3)
    write_csv(to / "sales_order_item.csv", rows(orders, {
        "item_id": lambda o, x, n: o.number * 10 + n, "increment_id": lambda o, x, n: f"{o.number:09d}", "status": lambda o, x, n: "canceled" if o.status == "cancelled" else "complete",
        "created_at": at("%Y-%m-%d %H:%M:%S"), "updated_at": lambda o, x, n: o.at + timedelta(days=3), "customer_email": lambda o, x, n: o.email,
        "sku": lambda o, x, n: x.product, "name": lambda o, x, n: x.name, "qty_ordered": lambda o, x, n: f"{x.quantity}.0000", "price": lambda o, x, n: f"{x.price}00",
        "row_total": lambda o, x, n: f"{x.gross}00", "discount_amount": lambda o, x, n: f"{x.discount}00", "grand_total": lambda o, x, n: f"{o.total}00", "base_currency_code": lambda o, x, n: "EUR", "store_name": lambda o, x, n: "Main"}))  # fmt: skip
    loose = truth(orders, who=lambda o: o.email)
    return ["sales_order_item.csv"], loose | {
        "or": truth(orders, who=lambda o: o.email, money=gross)
    }


@case
def amazon(to: Path) -> tuple[list[str], Truth]:
    orders = shop(6, cancelled=0.05, guests=0)
    write_csv(to / "report.txt", rows(orders, {
        "amazon-order-id": lambda o, x, n: f"303-{o.number:07d}-{o.number % 9999999:07d}", "merchant-order-id": lambda o, x, n: None,
        "purchase-date": at("%Y-%m-%dT%H:%M:%S+00:00"), "last-updated-date": lambda o, x, n: (o.at + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "order-status": lambda o, x, n: "Cancelled" if o.status == "cancelled" else "Shipped", "fulfillment-channel": lambda o, x, n: "Amazon", "sales-channel": lambda o, x, n: "Amazon.de",
        "buyer-email": lambda o, x, n: o.email, "product-name": lambda o, x, n: x.name, "sku": lambda o, x, n: x.product, "asin": lambda o, x, n: f"B0{x.product}",
        "quantity": lambda o, x, n: x.quantity, "currency": lambda o, x, n: "EUR", "item-price": lambda o, x, n: x.gross, "item-tax": lambda o, x, n: "0.19",
        "shipping-price": lambda o, x, n: None, "item-promotion-discount": lambda o, x, n: None, "ship-city": lambda o, x, n: "Berlin", "ship-country": lambda o, x, n: "DE"}), delimiter="\t")  # fmt: skip
    return ["report.txt"], truth(orders, who=lambda o: o.email)


@case
def square(to: Path) -> tuple[list[str], Truth]:
    orders = with_refunds(shop(7, guests=0.3, discounts=0.2))
    usd = lambda v: f"${v:,.2f}" if v >= 0 else f"(${-v:,.2f})"
    write_csv(to / "items.csv", rows(orders, {
        "Date": at("%m/%d/%y"), "Time": at("%H:%M:%S"), "Time Zone": lambda o, x, n: "UTC", "Category": lambda o, x, n: x.category, "Item": lambda o, x, n: x.name,
        "Qty": lambda o, x, n: f"{x.quantity}.0", "Price Point Name": lambda o, x, n: "Regular", "SKU": lambda o, x, n: x.product, "Gross Sales": lambda o, x, n: usd(x.gross),
        "Discounts": lambda o, x, n: usd(-x.discount), "Net Sales": lambda o, x, n: usd(x.amount), "Tax": lambda o, x, n: "$0.50", "Transaction ID": lambda o, x, n: f"tx{o.number * 48611 % 10**9}",
        "Payment ID": lambda o, x, n: f"py{o.number * 7919 % 10**9}", "Device Name": lambda o, x, n: "Till 1", "Event Type": lambda o, x, n: "Refund" if x.quantity < 0 else "Payment", "Location": lambda o, x, n: "Main Street",
        "Customer ID": lambda o, x, n: o.customer and f"CU{o.customer}", "Customer Name": lambda o, x, n: o.who}))  # fmt: skip
    return ["items.csv"], truth(orders, currency="EUR")


@case
def german_till(to: Path) -> tuple[list[str], Truth]:
    orders = with_refunds(shop(8, guests=0.1, top=4000))
    write_csv(to / "Verkäufe.csv", rows(orders, {
        "Bonnr.": lambda o, x, n: o.number, "Pos.": lambda o, x, n: n, "Datum": at("%d.%m.%Y"), "Uhrzeit": at("%H:%M"), "Kundennr.": lambda o, x, n: o.customer,
        "Artikelnr.": lambda o, x, n: x.product, "Bezeichnung": lambda o, x, n: f"{x.name} für Süßes", "Menge": lambda o, x, n: x.quantity,
        "Einzelpreis": lambda o, x, n: f"{de(x.price)} €", "Gesamt": lambda o, x, n: f"{de(x.amount)} €", "Zahlart": lambda o, x, n: {"cash": "Bar", "card": "EC-Karte"}.get(o.payment, "PayPal")}),
        delimiter=";", encoding="cp1252", end="\r\n")  # fmt: skip
    return ["Verkäufe.csv"], truth(orders)


@case
def french_accounts(to: Path) -> tuple[list[str], Truth]:
    orders = shop(9, top=4000, cancelled=0.05)
    fr = lambda v: f"{v:,.2f}".replace(",", "\u00a0").replace(".", ",")
    write_csv(to / "ventes.csv", rows(orders, {
        "N° commande": lambda o, x, n: f"CMD-{o.number}", "Date": at("%d/%m/%Y %H:%M"), "Statut": lambda o, x, n: "Annulée" if o.status == "cancelled" else "Livrée",
        "Client": lambda o, x, n: f"C{o.customer}", "Nom": lambda o, x, n: o.who, "Réf": lambda o, x, n: x.product, "Désignation": lambda o, x, n: x.name, "Qté": lambda o, x, n: x.quantity,
        "PU TTC": lambda o, x, n: fr(x.price), "Montant TTC": lambda o, x, n: fr(x.amount), "Mode de règlement": lambda o, x, n: "CB"}), delimiter=";", encoding="latin-1")  # fmt: skip
    return ["ventes.csv"], truth(orders)


@case
def spanish_shop(to: Path) -> tuple[list[str], Truth]:
    orders = shop(10, cancelled=0.05, discounts=0.3)
    write_csv(to / "pedidos.csv", rows(orders, {
        "Fecha": at("%d/%m/%Y"), "Pedido": lambda o, x, n: o.number, "DNI cliente": lambda o, x, n: f"{o.customer}X", "Código": lambda o, x, n: x.product, "Artículo": lambda o, x, n: x.name,
        "Cantidad": lambda o, x, n: x.quantity, "Precio": lambda o, x, n: de(x.price), "Descuento": lambda o, x, n: de(x.discount), "Importe": lambda o, x, n: de(x.amount),
        "Estado": lambda o, x, n: "Cancelado" if o.status == "cancelled" else "Entregado"}), delimiter=";", encoding="utf-8-sig")  # fmt: skip
    return ["pedidos.csv"], truth(orders)


@case
def chinese_gbk(to: Path) -> tuple[list[str], Truth]:
    orders = shop(11, cancelled=0.06, guests=0.05)
    write_csv(to / "订单.csv", rows(orders, {
        "订单号": lambda o, x, n: f"{o.number}88", "会员编号": lambda o, x, n: o.customer, "下单日期": lambda o, x, n: f"{o.at.year}年{o.at.month}月{o.at.day}日",
        "商品编码": lambda o, x, n: x.product, "商品名称": lambda o, x, n: f"红色茶杯{x.product}", "数量": lambda o, x, n: x.quantity, "单价": lambda o, x, n: f"￥{x.price}",
        "金额": lambda o, x, n: f"￥{x.amount}", "订单状态": lambda o, x, n: "已取消" if o.status == "cancelled" else "交易成功", "支付方式": lambda o, x, n: "支付宝"}), encoding="gbk")  # fmt: skip
    return ["订单.csv"], truth(orders)


@case
def chinese_with_clock(to: Path) -> tuple[list[str], Truth]:
    orders = shop(12)
    write_csv(to / "o.csv", rows(orders, {
        "交易流水号": lambda o, x, n: o.number, "会员卡号": lambda o, x, n: f"VIP{o.customer}", "交易时间": lambda o, x, n: o.at.strftime("%Y年%m月%d日 %H:%M:%S"),
        "商品": lambda o, x, n: x.product, "销量": lambda o, x, n: x.quantity, "实收": lambda o, x, n: f"{x.amount}元"}), encoding="gb18030")  # fmt: skip
    return ["o.csv"], truth(orders)


@case
def japanese_sjis(to: Path) -> tuple[list[str], Truth]:
    orders = shop(13, cancelled=0.05)
    yen = lambda v: int(v * 100)
    write_csv(to / "o.csv", rows(orders, {
        "注文番号": lambda o, x, n: o.number, "注文日": at("%Y/%m/%d"), "会員番号": lambda o, x, n: o.customer, "お名前": lambda o, x, n: "山田 太郎",
        "商品番号": lambda o, x, n: x.product, "商品名": lambda o, x, n: "赤いカップ", "個数": lambda o, x, n: x.quantity, "単価": lambda o, x, n: f"{yen(x.price):,}", "小計": lambda o, x, n: f"{yen(x.amount):,}",
        "ステータス": lambda o, x, n: "キャンセル" if o.status == "cancelled" else "発送済み"}), encoding="cp932")  # fmt: skip
    return ["o.csv"], truth(orders, money=lambda x: Decimal(yen(x.amount)))


@case
def utf16_tabs(to: Path) -> tuple[list[str], Truth]:
    orders = shop(14)
    write_csv(to / "o.csv", rows(orders, {
        "Sales Document": lambda o, x, n: f"{o.number:010d}", "Sold-to Party": lambda o, x, n: f"{o.customer:010d}", "Document Date": at("%d.%m.%Y"), "Material": lambda o, x, n: x.product,
        "Order Quantity": lambda o, x, n: f"{x.quantity},000", "Net Value": lambda o, x, n: de(x.amount), "Currency": lambda o, x, n: "EUR"}), delimiter="\t", encoding="utf-16")  # fmt: skip
    return ["o.csv"], truth(orders)


@case
def epoch_milliseconds(to: Path) -> tuple[list[str], Truth]:
    orders = shop(15, currencies=("USD",))
    table = rows(orders, {
        "transactionId": lambda o, x, n: o.number, "visitorid": lambda o, x, n: o.customer, "timestamp": lambda o, x, n: int(o.at.replace(tzinfo=UTC).timestamp() * 1000),
        "itemid": lambda o, x, n: int(x.product[1:]), "qty": lambda o, x, n: x.quantity, "price_usd": lambda o, x, n: float(x.price)})  # fmt: skip
    (to / "o.jsonl").write_text("".join(json.dumps(r) + "\n" for r in table))
    return ["o.jsonl"], truth(orders, currency="USD")


@case
def epoch_seconds(to: Path) -> tuple[list[str], Truth]:
    orders = shop(16, guests=0.05)
    write_csv(to / "o.csv", rows(orders, {
        "order_no": lambda o, x, n: o.number, "uid": lambda o, x, n: o.customer, "created": lambda o, x, n: int(o.at.replace(tzinfo=UTC).timestamp()), "sku": lambda o, x, n: x.product,
        "num": lambda o, x, n: x.quantity, "unit_price": lambda o, x, n: x.price}), delimiter="|")  # fmt: skip
    return ["o.csv"], truth(orders)


@case
def parquet_types(to: Path) -> tuple[list[str], Truth]:
    orders = with_refunds(shop(17, guests=0.1))
    table = rows(orders, {
        "ticket": lambda o, x, n: o.number, "loyalty_id": lambda o, x, n: None if o.customer is None else float(o.customer), "sold_at": lambda o, x, n: o.at, "ean": lambda o, x, n: x.product,
        "units": lambda o, x, n: x.quantity, "turnover": lambda o, x, n: x.amount})  # fmt: skip
    pq.write_table(pa.Table.from_pylist(table), to / "o.parquet")
    return ["o.parquet"], truth(orders)


@case
def nested_json(to: Path) -> tuple[list[str], Truth]:
    orders = shop(18, cancelled=0.05)
    with (to / "orders.jsonl").open("w") as file:
        for o in orders:
            items = [
                {"sku": x.product, "title": x.name, "quantity": x.quantity, "price": str(x.price)}
                for x in o.lines
            ]
            row = {
                "id": o.number,
                "created_at": o.at.isoformat() + "Z",
                "customer": {"id": o.customer, "email": o.email},
                "status": o.status,
                "currency": "EUR",
                "line_items": items,
                "total": str(o.total),
            }
            file.write(json.dumps(row) + "\n")
    return ["orders.jsonl"], truth(orders)


@case
def repeated_totals(to: Path) -> tuple[list[str], Truth]:
    orders = shop(19)
    write_csv(to / "o.csv", rows(orders, {
        "order_id": lambda o, x, n: o.number, "customer_id": lambda o, x, n: o.customer, "order_date": at("%Y-%m-%d"), "product": lambda o, x, n: x.product, "quantity": lambda o, x, n: x.quantity,
        "order_total": lambda o, x, n: o.total}))  # fmt: skip
    return ["o.csv"], truth(orders)


@case
def one_row_per_order(to: Path) -> tuple[list[str], Truth]:
    orders = shop(20, cancelled=0.05)
    write_csv(to / "o.csv", [r for r in rows(orders, {
        "Order": lambda o, x, n: f"W{o.number}" if n == 1 else None, "Customer E-mail": lambda o, x, n: o.email, "Placed": at("%b %d, %Y %I:%M %p"), "Items": lambda o, x, n: len(o.lines), "Subtotal": lambda o, x, n: o.total,
        "Shipping": lambda o, x, n: "4.90", "Tax": lambda o, x, n: round(o.total / 5, 2), "Grand Total": lambda o, x, n: o.total + Decimal("4.90") + round(o.total / 5, 2), "State": lambda o, x, n: "Cancelled" if o.status == "cancelled" else "Complete"}) if r["Order"]])  # fmt: skip
    by = lambda extra: truth(
        [replace(o, lines=(Line("", "", "", 1, o.total + extra(o)),)) for o in orders],
        who=lambda o: o.email,
    )
    return ["o.csv"], by(lambda o: Decimal(0)) | {
        "or": by(lambda o: Decimal("4.90") + round(o.total / 5, 2))
    }


@case
def no_quantity(to: Path) -> tuple[list[str], Truth]:
    orders = shop(21, guests=0.1)
    write_csv(to / "o.csv", rows(orders, {
        "bill_no": lambda o, x, n: o.number, "member": lambda o, x, n: o.customer, "bill_date": at("%d-%b-%Y"), "dish": lambda o, x, n: x.name, "amount": lambda o, x, n: x.amount}))  # fmt: skip
    return ["o.csv"], truth(orders)


@case
def no_money(to: Path) -> tuple[list[str], Truth]:
    orders = shop(22)
    write_csv(to / "o.csv", rows(orders, {
        "Member_number": lambda o, x, n: o.customer, "Date": at("%d-%m-%Y"), "itemDescription": lambda o, x, n: x.name}))  # fmt: skip
    days = {}
    for o in orders:
        days.setdefault((o.customer, o.at.date()), []).append(o)
    merged = [
        replace(
            g[0], lines=tuple(replace(x, quantity=1, price=Decimal(1)) for o in g for x in o.lines)
        )
        for g in days.values()
    ]
    return ["o.csv"], truth(merged, money=gross)


@case
def phone_customers(to: Path) -> tuple[list[str], Truth]:
    orders = shop(23)
    write_csv(to / "o.csv", rows(orders, {
        "Receipt No": lambda o, x, n: f"R-{o.number}", "Mobile": lambda o, x, n: o.phone, "Sold On": at("%d/%m/%Y %I:%M:%S %p"), "Item": lambda o, x, n: x.name, "Pcs": lambda o, x, n: x.quantity, "Rate": lambda o, x, n: x.price, "Value": lambda o, x, n: x.gross}))  # fmt: skip
    return ["o.csv"], truth(orders)


@case
def currencies(to: Path) -> tuple[list[str], Truth]:
    orders = shop(24, currencies=("EUR", "EUR", "EUR", "GBP"))
    write_csv(to / "o.csv", rows(orders, {
        "order": lambda o, x, n: o.number, "client_id": lambda o, x, n: o.customer, "date": at("%Y/%m/%d %H:%M"), "sku": lambda o, x, n: x.product, "qty": lambda o, x, n: x.quantity, "price": lambda o, x, n: x.price, "currency": lambda o, x, n: o.currency}))  # fmt: skip
    return ["o.csv"], truth(orders)


@case
def two_overlapping_files(to: Path) -> tuple[list[str], Truth]:
    orders = shop(25, guests=0.05)
    cells: dict[str, Cell] = {
        "Order ID": lambda o, x, n: o.number,
        "Customer": lambda o, x, n: o.customer,
        "Ordered": at("%m/%d/%Y %H:%M"),
        "SKU": lambda o, x, n: x.product,
        "Units": lambda o, x, n: x.quantity,
        "Unit price": lambda o, x, n: x.price,
    }
    write_csv(to / "q1.csv", rows(orders[:150], cells))
    write_csv(to / "q2.csv", rows(orders[100:], cells))
    return ["q1.csv", "q2.csv"], truth(orders)


@case
def same_orders_two_shapes(to: Path) -> tuple[list[str], Truth]:
    orders = shop(26)
    write_csv(
        to / "shop.csv",
        rows(
            orders,
            {
                "order_id": lambda o, x, n: o.number,
                "customer_id": lambda o, x, n: o.customer,
                "date": at("%Y-%m-%d %H:%M:%S"),
                "product_id": lambda o, x, n: x.product,
                "quantity": lambda o, x, n: x.quantity,
                "price": lambda o, x, n: x.price,
            },
        ),
    )
    write_csv(
        to / "erp.csv",
        rows(
            orders,
            {
                "Auftragsnummer": lambda o, x, n: o.number,
                "Kundennummer": lambda o, x, n: o.customer,
                "Auftragsdatum": at("%d.%m.%Y"),
                "Artikel": lambda o, x, n: x.product,
                "Menge": lambda o, x, n: x.quantity,
                "Betrag": lambda o, x, n: de(x.amount),
            },
        ),
        delimiter=";",
    )
    return ["shop.csv", "erp.csv"], truth(orders)


@case
def swiss(to: Path) -> tuple[list[str], Truth]:
    orders = shop(27, top=5000)
    write_csv(
        to / "o.csv",
        rows(
            orders,
            {
                "Rechnungsnummer": lambda o, x, n: o.number,
                "Debitor": lambda o, x, n: o.customer,
                "Rechnungsdatum": at("%d.%m.%y"),
                "Artikel": lambda o, x, n: x.product,
                "Anzahl": lambda o, x, n: x.quantity,
                "Preis CHF": lambda o, x, n: f"{x.price:,.2f}".replace(",", "'"),
                "Total CHF": lambda o, x, n: f"{x.amount:,.2f}".replace(",", "'"),
            },
        ),
        delimiter=";",
        encoding="utf-8-sig",
    )
    return ["o.csv"], truth(orders)


@case
def excel_serials(to: Path) -> tuple[list[str], Truth]:
    orders = shop(28)
    write_csv(
        to / "o.csv",
        rows(
            orders,
            {
                "Doc": lambda o, x, n: o.number,
                "Cust": lambda o, x, n: o.customer,
                "Invoice Date": lambda o, x, n: round(
                    (o.at - datetime(1899, 12, 30)) / timedelta(days=1), 6
                ),
                "Prod": lambda o, x, n: x.product,
                "Qty": lambda o, x, n: x.quantity,
                "Ext. Price": lambda o, x, n: f"$ {x.gross:,.2f}",
            },
        ),
    )
    return ["o.csv"], truth(orders)


@case
def blank_and_double_headers(to: Path) -> tuple[list[str], Truth]:
    orders = shop(29)
    table = rows(
        orders,
        {
            "a": lambda o, x, n: n,
            " Order No ": lambda o, x, n: o.number,
            "Customer ID": lambda o, x, n: o.customer,
            "Date": at("%Y-%m-%d"),
            "Date2": lambda o, x, n: (o.at + timedelta(days=4)).strftime("%Y-%m-%d"),
            "Product": lambda o, x, n: x.product,
            "Name": lambda o, x, n: x.name,
            "Quantity": lambda o, x, n: x.quantity,
            "Unit Price": lambda o, x, n: x.price,
            "z": lambda o, x, n: None,
        },
    )
    write_csv(
        to / "o.csv",
        table,
        header=[
            "",
            " Order No ",
            "Customer ID",
            "Date",
            "Date",
            "Product",
            "Product",
            "Quantity",
            "Unit Price",
            "",
        ],
        quote_all=True,
        end="\r\n",
    )
    return ["o.csv"], truth(orders)


@case
def wide(to: Path) -> tuple[list[str], Truth]:
    orders = shop(31, cancelled=0.05, discounts=0.2, guests=0.05)
    cells: dict[str, Cell] = {
        f"attr_{i}": (lambda i: lambda o, x, n: (o.number * i + n) % 97)(i) for i in range(20)
    }
    cells |= {
        "ORDER_HDR_ID": lambda o, x, n: o.number,
        "LINE_NBR": lambda o, x, n: n,
        "CUST_ACCT_ID": lambda o, x, n: o.customer,
        "CUST_FIRST_NM": lambda o, x, n: o.who and o.who.split()[0],
        "CUST_AGE": lambda o, x, n: 30 + o.number % 40,
        "ORD_CREATE_DTTM": at("%Y-%m-%d %H:%M:%S.000"),
        "ORD_SHIP_DTTM": lambda o, x, n: o.at + timedelta(days=3),
        "ORD_STAT_CD": lambda o, x, n: "CANCELLED" if o.status == "cancelled" else "SHIPPED",
        "ITEM_SKU": lambda o, x, n: x.product,
        "ITEM_DESC": lambda o, x, n: x.name,
        "ITEM_CATG": lambda o, x, n: x.category,
        "ITEM_WEIGHT": lambda o, x, n: "0.35",
        "QTY_ORD": lambda o, x, n: x.quantity,
        "QTY_SHIP": lambda o, x, n: x.quantity,
        "UNIT_PRC_AMT": lambda o, x, n: x.price,
        "LIST_PRC_AMT": lambda o, x, n: x.price + 3,
        "DISC_AMT": lambda o, x, n: x.discount,
        "NET_LINE_AMT": lambda o, x, n: x.amount,
        "TAX_AMT": lambda o, x, n: round(x.amount / 5, 2),
        "UNIT_COST_AMT": lambda o, x, n: round(x.price / 2, 2),
        "ORD_TOTAL_AMT": lambda o, x, n: o.total,
        "PYMT_TYPE": lambda o, x, n: o.payment,
        "CHNL_CD": lambda o, x, n: o.channel,
    }
    cells |= {
        f"flag_{i}": (lambda i: lambda o, x, n: "Y" if (o.number + i) % 3 else "N")(i)
        for i in range(20)
    }
    write_csv(to / "o.csv", rows(orders, cells))
    return ["o.csv"], truth(orders)


@case
def mixed_returns_in_orders(to: Path) -> tuple[list[str], Truth]:
    orders = [
        replace(o, lines=(*o.lines, replace(o.lines[0], quantity=-1))) if o.number % 8 == 0 else o
        for o in shop(32)
    ]
    write_csv(
        to / "o.csv",
        rows(
            orders,
            {
                "basket": lambda o, x, n: o.number,
                "card_no": lambda o, x, n: f"98{o.customer:08d}",
                "ts": at("%Y-%m-%dT%H:%M:%S"),
                "plu": lambda o, x, n: x.product,
                "pieces": lambda o, x, n: x.quantity,
                "value": lambda o, x, n: x.amount,
            },
        ),
    )
    return ["o.csv"], truth(orders)


@case
def customer_names_only(to: Path) -> tuple[list[str], Truth]:
    orders = shop(33)
    write_csv(
        to / "o.csv",
        rows(
            orders,
            {
                "Order #": lambda o, x, n: o.number,
                "Customer Name": lambda o, x, n: o.who,
                "Order Date": at("%A, %B %d, %Y"),
                "Product": lambda o, x, n: x.name,
                "Qty": lambda o, x, n: x.quantity,
                "Sales": lambda o, x, n: f"{x.amount:,.2f} USD",
            },
        ),
    )
    return ["o.csv"], truth([replace(o, currency="EUR") for o in orders], who=lambda o: o.who)


@case
def dutch_dates_without_padding(to: Path) -> tuple[list[str], Truth]:
    orders = shop(34)
    write_csv(
        to / "o.csv",
        rows(
            orders,
            {
                "Ordernr": lambda o, x, n: o.number,
                "Klant": lambda o, x, n: o.customer,
                "Besteldatum": lambda o, x, n: (
                    f"{o.at.day}-{o.at.month}-{o.at.year} {o.at.hour}:{o.at:%M}"
                ),
                "Artikel": lambda o, x, n: x.product,
                "Aantal": lambda o, x, n: x.quantity,
                "Stukprijs": lambda o, x, n: de(x.price),
            },
        ),
        delimiter=";",
    )
    return ["o.csv"], truth(orders)


@case
def paid_back_by_flag(to: Path) -> tuple[list[str], Truth]:
    orders = shop(35, cancelled=0.08)
    write_csv(
        to / "o.csv",
        rows(
            orders,
            {
                "sale_id": lambda o, x, n: o.number,
                "shopper": lambda o, x, n: f"u{o.customer}",
                "sold": at("%Y%m%d"),
                "article_id": lambda o, x, n: int(x.product[1:]),
                "n_sold": lambda o, x, n: x.quantity,
                "unit_price": lambda o, x, n: x.price,
                "void": lambda o, x, n: "Y" if o.status == "cancelled" else "N",
            },
        ),
    )
    return ["o.csv"], truth(orders)


@case
def offsets_and_fractions(to: Path) -> tuple[list[str], Truth]:
    orders = shop(36)
    zone = timedelta(hours=8)
    write_csv(
        to / "o.csv",
        rows(
            orders,
            {
                "OrderId": lambda o, x, n: o.number,
                "BuyerId": lambda o, x, n: o.customer,
                "OrderTime": lambda o, x, n: (o.at + zone).strftime("%Y-%m-%dT%H:%M:%S.123+08:00"),
                "GoodsId": lambda o, x, n: x.product,
                "GoodsNum": lambda o, x, n: x.quantity,
                "GoodsPrice": lambda o, x, n: x.price,
                "PayAmount": lambda o, x, n: x.gross,
            },
        ),
    )
    return ["o.csv"], truth(orders)


@case
def russian_cp1251(to: Path) -> tuple[list[str], Truth]:
    orders = shop(37, cancelled=0.05)
    write_csv(
        to / "o.csv",
        rows(
            orders,
            {
                "Номер заказа": lambda o, x, n: o.number,
                "Дата заказа": at("%d.%m.%Y %H:%M"),
                "Код клиента": lambda o, x, n: o.customer,
                "Товар": lambda o, x, n: f"Кружка {x.product}",
                "Количество": lambda o, x, n: x.quantity,
                "Цена": lambda o, x, n: str(x.price).replace(".", ","),
                "Статус": lambda o, x, n: "Отменён" if o.status == "cancelled" else "Выполнен",
            },
        ),
        delimiter=";",
        encoding="cp1251",
    )
    return ["o.csv"], truth(orders)


@case
def polish_cp1250(to: Path) -> tuple[list[str], Truth]:
    orders = shop(61, cancelled=0.06)
    write_csv(to / "o.csv", rows(orders, {
        "Numer zamówienia": lambda o, x, n: f"ZAM/{o.number}/2017", "Klient": lambda o, x, n: f"K{o.customer}", "Data zamówienia": at("%d.%m.%Y %H:%M"), "Produkt": lambda o, x, n: x.product, "Nazwa": lambda o, x, n: "Żółta łódź",
        "Ilość": lambda o, x, n: x.quantity, "Cena": lambda o, x, n: f"{de(x.price)} zł", "Wartość": lambda o, x, n: f"{de(x.amount)} zł", "Status": lambda o, x, n: "anulowane" if o.status == "cancelled" else "zrealizowane"}), delimiter=";", encoding="cp1250")  # fmt: skip
    return ["o.csv"], truth(orders)


@case
def brazilian_reais(to: Path) -> tuple[list[str], Truth]:
    orders = shop(62, currencies=("BRL",), top=4000)
    write_csv(to / "o.csv", rows(orders, {
        "id_pedido": lambda o, x, n: o.number, "cpf_cliente": lambda o, x, n: f"{o.customer:011d}", "data_pedido": at("%d/%m/%Y %H:%M"), "produto": lambda o, x, n: x.product,
        "qtde": lambda o, x, n: x.quantity, "valor_unitario": lambda o, x, n: f"R$ {de(x.price)}", "valor_total": lambda o, x, n: f"R$ {de(x.amount)}"}), delimiter=";")  # fmt: skip
    return ["o.csv"], truth(orders, currency="BRL")


@case
def wide_bytes_and_lone_returns(to: Path) -> tuple[list[str], Truth]:
    orders = shop(63)
    write_csv(to / "o.csv", rows(orders, {
        "Bestellnummer": lambda o, x, n: o.number, "Kundennummer": lambda o, x, n: o.customer, "Datum": at("%d.%m.%Y %H:%M"), "Artikel": lambda o, x, n: x.product,
        "Anzahl": lambda o, x, n: x.quantity, "Betrag": lambda o, x, n: de(x.amount)}), delimiter=";", encoding="utf-16-le", end="\r")  # fmt: skip
    return ["o.csv"], truth(orders)


@case
def nested_parquet(to: Path) -> tuple[list[str], Truth]:
    orders = shop(64, guests=0.05)
    table = [
        {
            "order_id": o.number,
            "buyer": {"id": o.customer, "email": o.email},
            "created_at": o.at,
            "items": [
                {"sku": x.product, "qty": x.quantity, "price": float(x.price)} for x in o.lines
            ],
        }
        for o in orders
    ]
    pq.write_table(pa.Table.from_pylist(table), to / "o.parquet")
    return ["o.parquet"], truth(orders)


@case
def a_row_of_totals(to: Path) -> tuple[list[str], Truth]:
    orders = shop(65)
    write_csv(to / "o.csv", rows(orders, {
        "Beleg": lambda o, x, n: o.number, "Kunde": lambda o, x, n: o.customer, "Datum": at("%d.%m.%Y"), "Artikel": lambda o, x, n: x.product,
        "Menge": lambda o, x, n: x.quantity, "Umsatz": lambda o, x, n: de(x.amount)}), delimiter=";")  # fmt: skip
    with (to / "o.csv").open("a") as file:
        file.write(f"Summe;;;;;{de(sum((o.total for o in orders), Decimal(0)))}\n")
    return ["o.csv"], truth(orders)


@case
def numbers_of_goods(to: Path) -> tuple[list[str], Truth]:
    orders = shop(66, cancelled=0.06)
    write_csv(to / "o.csv", rows(orders, {
        "order_sn": lambda o, x, n: o.number, "user_id": lambda o, x, n: o.customer, "pay_time": at("%Y-%m-%d %H:%M:%S"), "goods_id": lambda o, x, n: x.product,
        "goods_num": lambda o, x, n: x.quantity, "goods_price": lambda o, x, n: x.price, "is_cancelled": lambda o, x, n: int(o.status == "cancelled")}))  # fmt: skip
    return ["o.csv"], truth(orders)


@case
def sales_and_returns_by_type(to: Path) -> tuple[list[str], Truth]:
    orders = with_refunds(shop(67))
    write_csv(to / "o.csv", rows(orders, {
        "transaction_id": lambda o, x, n: o.number, "customer_ref": lambda o, x, n: o.customer, "transaction_date": at("%Y-%m-%dT%H:%M:%S"), "sku": lambda o, x, n: x.product,
        "units": lambda o, x, n: abs(x.quantity), "value": lambda o, x, n: abs(x.amount), "transaction_type": lambda o, x, n: "RETURN" if x.quantity < 0 else "SALE"}))  # fmt: skip
    return ["o.csv"], truth(orders)


@case
def a_folder_of_months(to: Path) -> tuple[list[str], Truth]:
    orders = shop(68)
    cells: dict[str, Cell] = {
        "order": lambda o, x, n: o.number, "client": lambda o, x, n: o.customer, "date": at("%Y-%m-%d %H:%M:%S"), "item": lambda o, x, n: x.product,
        "quantity": lambda o, x, n: x.quantity, "amount": lambda o, x, n: x.amount}  # fmt: skip
    folder = to / "exports"
    folder.mkdir()
    for start in range(0, len(orders), 65):
        write_csv(folder / f"{start:03}.csv", rows(orders[start : start + 65], cells))
    (folder / "clients.txt").write_text("name;age\nAnna;30\nBéla;31\n")
    (folder / "logo.png").write_bytes(b"\x89PNG\r\n")
    return ["exports"], truth(orders)
