"""Invented records of people with the truth, for tests of matching: typos, gaps, swapped names."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta

Record = dict[str, str | None]
_FIRST = [
    "james",
    "mary",
    "robert",
    "patricia",
    "john",
    "jennifer",
    "michael",
    "linda",
    "david",
    "elizabeth",
    "william",
    "barbara",
    "richard",
    "susan",
    "joseph",
    "jessica",
    "thomas",
    "sarah",
    "charles",
    "karen",
    "hannah",
    "lillian",
    "addison",
    "aubrey",
    "ellie",
    "stella",
    "zoe",
]
_LAST = [
    "smith",
    "johnson",
    "williams",
    "brown",
    "jones",
    "garcia",
    "miller",
    "davis",
    "rodriguez",
    "hill",
    "martinez",
    "hernandez",
    "lopez",
    "gonzalez",
    "wilson",
    "anderson",
    "thomas",
    "taylor",
    "moore",
    "jackson",
    "müller",
    "schröder",
    "weiß",
    "köhler",
    "nguyen",
    "patel",
]
_TOWNS = [(f"{10000 + 37 * i}", f"{name}{end}") for i, (name, end) in enumerate(
    (a, b) for a in ("spring", "green", "fair", "clay", "mill") for b in ("field", "ton")
)]  # fmt: skip
_STREETS = ("oak st", "elm st", "lake rd", "mill lane", "high street", "park avenue", "hill road")
_FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
_GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰涛明超兰霞平刚桂文建国华志玉春梅红小晓雪丹琳宇浩然子涵"
_ROADS = ("中山路", "人民路", "解放路", "建设路", "和平路", "文化路", "学院路", "长江路")
_CITIES = ("北京市海淀区", "上海市徐汇区", "广州市天河区", "杭州市西湖区", "成都市武侯区")


def typo(draw: random.Random, text: str, alphabet: str) -> str:
    """One character changed, lost, doubled or turned with its neighbour."""
    at = draw.randrange(len(text))
    kind = draw.randrange(4)
    if kind == 0:
        return text[:at] + draw.choice(alphabet) + text[at + 1 :]
    if kind == 1 and len(text) > 2:
        return text[:at] + text[at + 1 :]
    if kind == 2:
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]


def western(people: int, seed: int, gaps: float = 0.1, most: int = 4) -> list[Record]:
    """Names, birth dates, addresses and e-mails; `whole` repeats the two names."""

    def one(draw: random.Random) -> Record:
        first, last = draw.choice(_FIRST), draw.choice(_LAST) + draw.choice(("", "", "son", "er"))
        code, town = draw.choice(_TOWNS)
        return {
            "vorname": first,
            "nachname": last,
            "geboren": str(date(1940, 1, 1) + timedelta(draw.randrange(24000))),
            "strasse": f"{draw.randrange(1, 999)} {draw.choice(('oak', 'elm', 'lake'))} st",
            "plz": code,
            "ort": town,
            "mail": f"{first}.{last}{draw.randrange(100)}@example.org",
        }

    def dirty(draw: random.Random, record: Record) -> None:
        if draw.random() < 0.1:
            record["vorname"], record["nachname"] = record["nachname"], record["vorname"]

    records = _duplicated(people, seed, gaps, most, one, dirty, "abcdefghijklmnopqrstuvwxyz")
    for record in records:
        record["name"] = " ".join(filter(None, (record["vorname"], record["nachname"]))) or None
    return records


def chinese(people: int, seed: int, gaps: float = 0.1, most: int = 4) -> list[Record]:
    """Names and addresses in Chinese script."""

    def one(draw: random.Random) -> Record:
        name = draw.choice(_FAMILY) + "".join(
            draw.choice(_GIVEN) for _ in range(draw.choice((1, 2, 2)))
        )
        road = f"{draw.choice(_CITIES)}{draw.choice(_ROADS)}"
        return {
            "姓名": name,
            "出生日期": str(date(1950, 1, 1) + timedelta(draw.randrange(20000))),
            "电话": "13" + "".join(draw.choice("0123456789") for _ in range(9)),
            "地址": f"{road}{draw.randrange(1, 999)}号{draw.randrange(101, 2999)}室",
        }

    def dirty(draw: random.Random, record: Record) -> None:
        if draw.random() < 0.3 and record["地址"]:
            record["地址"] = record["地址"].replace("市", "").replace("号", "-")

    return _duplicated(people, seed, gaps, most, one, dirty, _GIVEN)


def households(homes: int, seed: int, phones: bool = True) -> list[Record]:
    """Families at one address and telephone, without dates of birth or e-mails."""

    def home(draw: random.Random, size: int) -> list[Record]:
        code, town = draw.choice(_TOWNS)
        last = draw.choice(_LAST) + draw.choice(("", "", "son", "er", "man", "ton", "ley"))
        shared = {
            "nachname": last,
            "strasse": f"{draw.randrange(1, 199)} {draw.choice(_STREETS)}",
            "plz": code,
            "ort": town,
        } | ({"telefon": _digits(draw, "0", 9)} if phones else {})
        firsts = draw.sample(_FIRST, size)
        own = draw.choice(_LAST)
        return [
            {"vorname": first, **shared}
            | ({"nachname": own} if i == 1 and draw.random() < 0.15 else {})
            for i, first in enumerate(firsts)
        ]

    return _at_home(homes, seed, home, "abcdefghijklmnopqrstuvwxyz")


def chinese_households(homes: int, seed: int, phones: bool = True) -> list[Record]:
    """The same in Chinese script: husband and wife each keep their family name."""

    def home(draw: random.Random, size: int) -> list[Record]:
        shared: Record = {
            "地址": f"{draw.choice(_CITIES)}{draw.choice(_ROADS)}{draw.randrange(1, 999)}号"
            f"{draw.randrange(101, 2999)}室"
        }
        if phones:
            shared["电话"] = _digits(draw, "0", 10)
        family, other = draw.sample(_FAMILY, 2)
        given = ["".join(draw.choices(_GIVEN, k=draw.choice((1, 2, 2)))) for _ in range(size)]
        return [
            {"姓名": (other if i == 1 else family) + name, **shared} for i, name in enumerate(given)
        ]

    return _at_home(homes, seed, home, _GIVEN)


def _digits(draw: random.Random, head: str, count: int) -> str:
    return head + "".join(draw.choices("0123456789", k=count))


def _at_home(
    homes: int,
    seed: int,
    home: Callable[[random.Random, int], list[Record]],
    alphabet: str,
) -> list[Record]:
    """One to five people of a home, one to three records of each."""
    draw = random.Random(seed)
    records: list[Record] = []
    for at in range(homes):
        for i, clean in enumerate(home(draw, draw.choices((1, 2, 3, 4, 5), (6, 5, 4, 3, 1))[0])):
            for copy in range(draw.randint(1, 3)):
                records.append({**_copied(draw, clean, copy, alphabet), "person": f"{at}-{i}"})
    draw.shuffle(records)
    return records


def _copied(draw: random.Random, clean: Record, copy: int, alphabet: str) -> Record:
    record = dict(clean)
    for name, value in clean.items():
        if copy and value and draw.random() < 0.1:
            digits = value.isdigit()
            record[name] = typo(draw, value, "0123456789" if digits else alphabet)
        if draw.random() < 0.05:
            record[name] = None
    return record


def _duplicated(
    people: int,
    seed: int,
    gaps: float,
    most: int,
    one: Callable[[random.Random], Record],
    dirty: Callable[[random.Random, Record], None],
    alphabet: str,
) -> list[Record]:
    draw = random.Random(seed)
    records: list[Record] = []
    for person in range(people):
        clean = one(draw)
        for copy in range(draw.randint(1, most)):
            record = dict(clean)
            if copy:
                for name, value in clean.items():
                    digits = str(value).replace("-", "").isdigit()
                    if value and draw.random() < 0.12:
                        record[name] = typo(draw, value, "0123456789" if digits else alphabet)
                dirty(draw, record)
            for name in record:
                if draw.random() < gaps:
                    record[name] = None
            records.append({**record, "person": str(person)})
    draw.shuffle(records)
    return [{"nr": f"K-{i:06d}", **record} for i, record in enumerate(records)]
