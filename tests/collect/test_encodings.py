"""How a file is encoded is told by its bytes alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis.collect.encodings import detect_encoding
from visavis.collect.money_signs import currency_of

SAMPLES = {
    "cp1252": [
        "Verkäufe;Süßes;Größe;Müller;Straße\nKöln;Weiß",
        "Numéro;Qté;Désignation;Noël;cœur;5 €",
        "Artículo;Descripción;niño;Año;pingüino",
        "Descrição;Situação;Preço;João;Não",
        "Antal;Belopp;Kött;Älg;Åland",
        "Béla;Chloé;Dörte;Émile;François;Nuñez;Sørensen;Weiß;£ café",
    ],
    "cp1250": [
        "Ilość;Wartość;Żółta łódź\nKowalski Łukasz;Gdańsk",
        "Číslo objednávky;Množství;Příliš žluťoučký kůň",
        "Rendelésszám;Vevő;Összeg;Győr;Szűcs",
    ],
    "iso8859_2": ["Żółta łódź;Ilość;Wartość\nGdańsk;Łukasz"],
    "cp1254": ["Sipariş No;Müşteri;Ürün;Teslim edildi;İptal edildi;Işık"],
    "cp1251": ["Номер заказа;Клиент;Товар;Количество"],
    "cp1253": ["Αριθμός παραγγελίας;Πελάτης;Ποσότητα"],
    "gb18030": ["订单编号,客户编号,日期,商品名称,数量,单价\n红色茶杯,绿茶礼盒组合"],
    "cp950": ["訂單編號,客戶編號,日期,商品名稱,數量,單價\n紅色茶杯,綠茶禮盒組合"],
    "euc_kr": ["주문번호,상품,수량,고객,가격"],
    "cp932": ["注文番号,商品名,赤いカップ,キャンセル,山田 太郎"],
    "utf-16-le": ["Bestellung;Kunde\n1;2", "订单编号;客户编号\n1;2;20240101"],
    "utf-16-be": ["Bestellung;Kunde\n1;2"],
    "utf-8": ["Größe;Ilość;订单"],
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_encoding_is_told(name: str, tmp_path: Path) -> None:
    for text in SAMPLES[name]:
        (tmp_path / "o.csv").write_bytes(f"{text}\n".encode(name) * 25)
        assert detect_encoding(tmp_path / "o.csv") == (name, True), text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("R$ 12,50", "BRL"), ("12,50 zł", "PLN"), ("US$5", "USD"), ("€ 5", "EUR"),
        ("5,00 Kč", "CZK"), ("kr 5", None), ("RM12", None), ("RM 12", "MYR"), ("5", None),
        ("Fritz", None),
    ],
)  # fmt: skip
def test_a_currency_is_told_by_its_sign(text: str, code: str | None) -> None:
    assert currency_of(text) == code
