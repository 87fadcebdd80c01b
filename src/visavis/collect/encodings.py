"""How a text file is encoded, as its bytes show.

A byte order mark decides, then valid UTF-8, then mostly valid UTF-8 (a few bytes are broken), then
double bytes of the east; of the encodings of one byte the one whose letters are one language's.
"""

from __future__ import annotations

import codecs
from collections import Counter
from pathlib import Path

from visavis.collect.files import chunks, open_bytes

_MOST = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def detect_encoding(path: Path) -> tuple[str, bool]:
    """The text encoding that the bytes show, and whether every byte fits it."""
    with open_bytes(path) as file:
        head = file.read(4096)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, True
    if wide := _wide(head):
        return wide, True
    bad, good, sample = _utf8_faults(path)
    if not bad:
        return "utf-8", True
    if good >= 4 * bad:
        return "utf-8", False
    return _chinese(sample) or _eastern(sample) or _western(sample), True


def _wide(head: bytes) -> str | None:
    """UTF-16 without its mark: many of its characters have a zero byte, on one side."""
    first, second = head[::2].count(0), head[1::2].count(0)
    if max(first, second) * 10 < len(head) or min(first, second) * 10 > max(first, second):
        return None
    return "utf-16-be" if first > second else "utf-16-le"


def _utf8_faults(path: Path) -> tuple[int, int, bytes]:
    """Broken places, whole multi-byte characters, and bytes around the first broken place."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    bad = good = 0
    sample = b""
    with open_bytes(path) as file:
        for chunk in chunks(file):
            text = decoder.decode(chunk)
            if text.isascii():
                continue
            faults = text.count("\ufffd")
            if faults and len(sample) < _MOST:
                sample += chunk
            bad += faults
            good += sum(1 for c in text if c > "\x7f") - faults if bad else 1
    tail = decoder.decode(b"", final=True)
    return bad + len(tail), good, sample


def _chinese(sample: bytes) -> str | None:
    """A Chinese encoding, where high bytes come in pairs that are its common characters."""
    lone = i = 0
    pairs: Counter[tuple[int, int]] = Counter()
    while i < len(sample) - 1:
        lead, trail = sample[i], sample[i + 1]
        if lead < 0x80:
            i += 1
        elif trail >= 0xA1 and lead >= 0xA1:
            pairs[lead, trail] += 1
            i += 2
        else:
            lone += 1
            if 0xA4 <= lead <= 0xC6 and 0x40 <= trail <= 0x7E:
                pairs[lead, trail] += 1
                i += 1
            i += 1
    high = sum(n for (_, trail), n in pairs.items() if trail >= 0xA1)
    big5 = sum(n for (lead, _), n in pairs.items() if 0xA4 <= lead <= 0xC6)
    if high >= 5 and big5 >= 0.95 * (high + lone) and 10 * lone >= high >= lone / 2:
        return "cp950"
    leads = {lead for lead, trail in pairs if trail >= 0xA1}
    if len(pairs) >= 8 and leads and min(leads) >= 0xB0 and max(leads) <= 0xC8:
        return None  # all of Hangul lies there, of Chinese the first half only
    simple = sum(
        n
        for (lead, trail), n in pairs.items()
        if trail >= 0xA1 and (0xA1 <= lead <= 0xA3 or 0xB0 <= lead <= 0xD7)
    )
    return "gb18030" if high > lone and simple * 10 >= high * 7 else None


_EASTERN = ("cp932", "euc_jp", "euc_kr", "cp1251", "koi8_r", "cp1253", "cp1255")
_RIVALS = (*_EASTERN, "gb18030", "cp1252", "cp1250")


def _eastern(sample: bytes) -> str | None:
    """A Japanese, Korean, Cyrillic, Greek or Hebrew encoding that the bytes read best in."""
    from charset_normalizer import from_bytes

    text = b"\n".join(line for line in sample[:_MOST].splitlines() if not line.isascii())
    best = from_bytes(text[:100_000], cp_isolation=list(_RIVALS)).best()
    return best.encoding if best and best.encoding in _EASTERN else None


_WEST = ("äöüß", "àâçèéêëîïôùûœæ", "áéíñóúüªº", "àáâãçéêíóôõúªº", "àèéìòù", "åäöæøé", "áðéíóúýþæö")
_MIDDLE = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîșțşţ", "čćđšž")
_ALPHABETS = {"cp1252": _WEST, "cp1250": _MIDDLE, "iso8859_2": _MIDDLE, "cp1254": ("âçğıîöşüûİ",)}
"""Encoding -> the letters beyond ASCII of each language that is written in it."""


def _western(sample: bytes) -> str:
    """Of the encodings of one byte, the western one unless another reads clearly better."""
    scores = {name: _one_language(sample, name) for name in _ALPHABETS}
    best = max(_ALPHABETS, key=lambda name: scores[name])
    if scores[best] >= 0.95 and scores[best] > scores["cp1252"] + 0.05:
        return best
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _one_language(sample: bytes, encoding: str) -> float:
    """The largest share of the letters beyond ASCII that one language has in this reading."""
    read = Counter(c for c in sample.decode(encoding, "replace").lower() if c > "\x7f")
    for sign in "\u00a0€£§°“”„‚‘’–—…\u0307":
        del read[sign]
    total = read.total()
    shares = (sum(read[c] for c in letters) for letters in _ALPHABETS[encoding])
    return max(shares, default=0) / total if total else 0.0
