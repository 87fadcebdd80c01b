"""One record now: cleaned, prepared, keyed and compared in Python as the batch does in SQL.

tests/unify/test_live_matching.py holds both equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from unicodedata import category, normalize

from visavis.core.text import lower, nfc
from visavis.unify.matching.columns import NARROW, NOTHING, WIDE
from visavis.unify.matching.levels import Prepared
from visavis.unify.matching.similar import damerau, jaro, jaro_winkler

_SPACE = re.compile(r"[\s\u00a0]+", re.ASCII)
_NARROWED = str.maketrans(WIDE, NARROW)
_EMPTY = frozenset(("", *NOTHING))


@dataclass(frozen=True, slots=True)
class Value:
    """A prepared value: the text, the same in one byte a character, its words."""

    text: str | None
    bytes: str | None
    words: tuple[str, ...] = ()


def cleaned(raw: str | None) -> str | None:
    """columns.clean_sql of one value."""
    if raw is None:
        return None
    text = lower(nfc(raw.translate(_NARROWED)))
    if not text.isascii():
        kept = (c for c in normalize("NFD", text) if category(c) != "Mn")
        text = normalize("NFC", "".join(kept))
    text = _SPACE.sub(" ", text).strip(" ")
    return None if text in _EMPTY else text


def prepared(item: Prepared, raw: str | None) -> Value:
    """levels.prepared_sql of one value."""
    text = cleaned(raw)
    column = item.column
    if text is not None and column.date_format is not None:
        text = _date(text, column.date_format)
    elif text is not None and column.kind == "code":
        text = re.sub("[^0-9a-z]", "", text) or None
    if text is None:
        return Value(None, None)
    words: tuple[str, ...] = ()
    if column.kind == "text":
        words = _words(text, column.han > 0.5)
    return Value(text, text if column.ascii_only else one_byte(text), words)


def _date(text: str, form: str) -> str:
    try:
        return datetime.strptime(text, form).date().isoformat()
    except ValueError:
        return text


def one_byte(text: str) -> str:
    """levels.one_byte of one value."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if ord(c) < 128 else chr(33 + ord(c) % 94) for c in text)


def _words(text: str, han: bool) -> tuple[str, ...]:
    if han:
        bare = text.replace(" ", "")
        return tuple(sorted({bare[i : i + 2] for i in range(len(bare) - 1)}))
    return tuple(sorted({w for w in re.split("[^0-9a-z]+", text) if w}))


def keys(item: Prepared, text: str | None) -> list[str | None]:
    """The keys of blocking.keys_of for one value, in that order."""
    if text is None:
        return [None] * 4
    kind, han = item.column.kind, item.column.han > 0.5
    if kind == "name":
        if han:
            return [text, text[1:] or None]
        return [text, text[:3] if len(text) > 3 else None, text[-3:] if len(text) > 4 else None]
    if kind == "date":
        return [text, text[:7], text[5:10], text[:4]]
    if kind == "email":
        return [text, text.split("@")[0], text[:5]]
    if kind == "code":
        half = max(int(item.column.length / 2), 3)
        return [text, text[:half], text[-half:]]
    if kind == "text":
        if han:
            return [text, text[:6], text[-6:]]
        split = text.split(" ")
        return [text, " ".join(sorted(split)[:2]), split[0], split[-1]]
    return [text]


Row = Mapping[int, Value]


def level(item: Prepared, followers: Sequence[Prepared], new: Row, old: Row) -> int:
    """The level of levels.compare for one pair; -1 where nothing is known."""
    a, b = new[item.number], old[item.number]
    missing = a.text is None or b.text is None
    if missing and all(_unknown(new, old, f) for f in followers):
        return -1
    tests = _tests(item, new, old)
    for at, test in enumerate(tests):
        if not missing and test(a, b):
            return at
        if at == 1 and item.partner is not None and missing and test(a, b):
            return at
    at = len(tests)
    for follower in followers:
        x, y = new[follower.number].text, old[follower.number].text
        equal = x is not None and x == y
        if equal:
            return at if missing else at + 1
        at += 2
    return at


def _unknown(new: Row, old: Row, item: Prepared) -> bool:
    return new[item.number].text is None or old[item.number].text is None


Test = Callable[[Value, Value], bool]


def _tests(item: Prepared, new: Row, old: Row) -> list[Test]:
    tests: list[Test] = [lambda a, b: a.text == b.text]
    if item.partner is not None:
        x, y = new[item.partner].text, old[item.partner].text
        tests.append(
            lambda a, b: (a.text is not None and a.text == y) or (x is not None and x == b.text)
        )
    return tests + _near(item)


def _within(edits: int, least: float) -> Test:
    return lambda a, b: (
        abs(len(a.bytes or "") - len(b.bytes or "")) <= edits
        and jaro(a.bytes or "", b.bytes or "") >= least
        and damerau(a.bytes or "", b.bytes or "") <= edits
    )


def _winkler(least: float) -> Test:
    return lambda a, b: jaro_winkler(a.bytes or "", b.bytes or "") >= least


def _either(one: Test, two: Test) -> Test:
    return lambda a, b: one(a, b) or two(a, b)


def _same(start: int, end: int | None) -> Test:
    return lambda a, b: (a.bytes or "")[start:end] == (b.bytes or "")[start:end]


def _shared(least: float) -> Test:
    def test(a: Value, b: Value) -> bool:
        fewest = max(min(len(a.words), len(b.words)), 1)
        return len(set(a.words) & set(b.words)) / fewest >= least

    return test


def _turned(a: Value, b: Value) -> bool:
    x, y = a.bytes or "", b.bytes or ""
    return x[:5] == y[:5] and x[5:7] == y[8:10] and x[8:10] == y[5:7]


def _initial(a: Value, b: Value) -> bool:
    x, y = a.bytes or "", b.bytes or ""
    return (len(x) <= 2 or len(y) <= 2) and x[:1] == y[:1]


def _user(a: Value, b: Value) -> bool:
    return (a.text or "").split("@")[0] == (b.text or "").split("@")[0]


def _similar_user(a: Value, b: Value) -> bool:
    return jaro_winkler((a.bytes or "").split("@")[0], (b.bytes or "").split("@")[0]) >= 0.9


def _long(least: int, then: Test, both: bool) -> Test:
    def test(a: Value, b: Value) -> bool:
        x, y = len(a.bytes or ""), len(b.bytes or "")
        return (min(x, y) if both else x) >= least and then(a, b)

    return test


def _near(item: Prepared) -> list[Test]:
    column = item.column
    match column.kind:
        case "date":
            return [_either(_within(1, 0.85), _turned), _either(_within(2, 0.85), _same(4, 10)),
                    _same(0, 4)]  # fmt: skip
        case "email":
            return [_within(1, 0.85), _user, _within(2, 0.85), _similar_user]
        case "code":
            return [_within(1, 0.65), _within(2, 0.65)][: 2 if column.length >= 6 else 1]
        case "number":
            return [_within(1, 0.65)] if column.length >= 2.5 else []
        case "text":
            return [lambda a, b: a.words == b.words, _within(2, 0.85),
                    _either(_shared(0.75), _winkler(0.92)),
                    _either(_shared(0.5), _winkler(0.85))]  # fmt: skip
        case "name" if column.han > 0.5:
            return [_long(3, _within(1, 0.65), both=True), _long(2, _same(1, None), both=False),
                    lambda a, b: (a.text or "")[0] == (b.text or "")[0]]  # fmt: skip
        case "name":
            return [_long(4, _within(1, 0.75), both=False), _winkler(0.9), _initial, _winkler(0.8)]
    return []
