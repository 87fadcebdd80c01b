"""What the invented brand is made of: names in Latin and Chinese script, cities, goods, words."""

from __future__ import annotations

from typing import NamedTuple


def _words(text: str, between: str | None = None) -> tuple[str, ...]:
    return tuple(text.split(between))


FIRST = _words(
    """
    Anna Ben Clara David Emma Felix Greta Henry Ida Jonas Klara Leo Maria Noah Olga Paul
    Quentin Rosa Simon Thea Ulrich Vera Willem Xenia Yusuf Zoe Ana Björn Chloé Diego
    Élodie François Gül Hélène Iñigo Jürgen Käthe Loïc Mbali Nils
    """
)
LAST = _words(
    """
    Albers Bauer Carter Dietz Evans Fischer Garcia Huber Ivanova Jansen Keller Lang
    Meyer Novak Olsen Peters Quint Richter Schmidt Taylor Ulmer Vogel Weber Young
    Zimmermann Müller Özdemir Dupont Rossi Silva O'Brien Krüger Nguyen Moreau Lefèvre
    Sánchez Köhler Brandt Hoffmann Park
    """
)
HAN_LAST = _words(
    """
    王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 林 高 罗
    """
)
PINYIN_LAST = _words(
    """
    wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo
    """
)
HAN_FIRST = _words(
    """
    小明 美玲 志强 丽华 建国 秀英 晓东 文静 海燕 子涵 思远 雨桐 家豪 欣怡 浩然 梦瑶
    """
)
PINYIN_FIRST = _words(
    """
    xiaoming meiling zhiqiang lihua jianguo xiuying xiaodong wenjing haiyan zihan siyuan
    yutong jiahao xinyi haoran mengyao
    """
)
STREETS = _words(
    "Lindenweg|Hauptstraße|Rue des Lilas|High Street|Mill Lane|Gartenstraße|南京西路|中山北路|"
    "Station Road|Am Markt",
    "|",
)


class City(NamedTuple):
    """Where people live; `weight` is the share of households."""

    name: str
    country: str
    zone: str
    language: str
    weight: float


CITIES = (
    City("Berlin", "DE", "Europe/Berlin", "de", 0.24),
    City("Hamburg", "DE", "Europe/Berlin", "de", 0.16),
    City("Wien", "AT", "Europe/Vienna", "de", 0.12),
    City("Paris", "FR", "Europe/Paris", "fr", 0.10),
    City("London", "GB", "Europe/London", "en", 0.12),
    City("New York", "US", "America/New_York", "en", 0.08),
    City("上海", "CN", "Asia/Shanghai", "zh", 0.10),
    City("台北", "TW", "Asia/Taipei", "zh", 0.05),
    City("Singapore", "SG", "Asia/Singapore", "en", 0.03),
)
DOMAINS = ("mail.example", "post.example", "brief.example", "inbox.example", "correo.example")
TYPO_DOMAINS = ("mial.example", "post.exmaple", "breif.example", "inbx.example", "coreo.example")
"""The domains, as they are mistyped."""
STORES = ("Berlin Mitte", "Berlin Steglitz", "Hamburg Altona", "München", "Köln", "Leipzig")

CATEGORIES = {
    "Dresses": ("连衣裙", 79),
    "Shirts": ("衬衫", 49),
    "Knitwear": ("针织衫", 69),
    "Trousers": ("长裤", 59),
    "Coats": ("大衣", 189),
    "Shoes": ("鞋", 119),
    "Bags": ("包", 99),
    "Accessories": ("配饰", 25),
}
"""Category -> its Chinese name and its middle price."""
GOODS = 400

REVIEWS = {
    "de": (
        "Sitzt schlecht, nach einer Wäsche eingelaufen.",
        "Ganz in Ordnung, Farbe etwas anders als im Bild.",
        "Wunderschön, ich trage es jeden Tag.",
    ),
    "en": (
        "Fell apart after a week, very disappointed.",
        "Okay for the price, runs a bit small.",
        "Love it, fits perfectly and feels great.",
    ),
    "fr": (
        "Déçue, la couture a lâché au bout de deux jours.",
        "Correct, mais la taille est un peu petite.",
        "Magnifique, je le recommande.",
    ),
    "zh": (
        "质量太差了，穿一次就开线，很失望。",
        "还可以，尺码偏小，颜色和图片有点不一样。",
        "非常喜欢，面料舒服，版型很好，会再买！",
    ),
}
"""By language: what the disappointed, the indifferent and the delighted write."""
TOPICS = ("delivery", "return", "size", "payment", "voucher")
CHATS = {
    "de": ("Wo bleibt mein Paket?", "Wie schicke ich etwas zurück?", "Fällt es klein aus?",
           "Ich kann nicht bezahlen.", "Mein Gutschein geht nicht."),
    "en": ("Where is my parcel?", "How do I send something back?", "Does it run small?",
           "I can't pay.", "My voucher does not work."),
    "fr": ("Où est mon colis ?", "Comment retourner un article ?", "Ça taille petit ?",
           "Je ne peux pas payer.", "Mon bon ne marche pas."),
    "zh": ("我的包裹到哪里了？", "怎么退货？", "尺码偏小吗？", "付款失败了。", "优惠券用不了。"),
}  # fmt: skip
"""By language: the question about each topic."""

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
PHONE_APP = "Visavis-Fashion/4.2 (iPhone; iOS 19.1)"
TABLET = (
    "Mozilla/5.0 (iPad; CPU OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.1 Mobile/15E148 Safari/604.1"
)
KIOSK = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36 StoreKiosk/2"
)
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
SCANNER = "Mozilla/5.0 (compatible; LinkScanner/1.0; security gateway)"
AGENTS = (BROWSER, PHONE_APP, TABLET, KIOSK, CRAWLER)
NOBODYS = ("null", "undefined", "anonymous", "00000000-0000-0000-0000-000000000000")
"""What broken clients send instead of an id."""
