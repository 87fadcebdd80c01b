"""Words in column names: what each means, in the languages shops keep their books in.

A name is cut into known words ("kundennummer", "InvoiceNo", "fecha_de_pedido") and becomes the
sequence of their meanings.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from importlib import resources

import yaml

_FILE = "guess_words.yml"
_SHORT = 2
_GAP, _TAIL = 2, 3


@lru_cache(maxsize=1)
def _lists() -> dict[str, dict[str, str]]:
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    lists: dict[str, dict[str, str]] = yaml.safe_load(text)
    return lists


def value_words(kind: str) -> tuple[str, ...]:
    """The words, or beginnings of words, that values of a kind are made of; _ is a blank."""
    return tuple(word.replace("_", " ") for word in _lists()["values"][kind].split())


def _words() -> dict[str, tuple[str, ...]]:
    words: dict[str, tuple[str, ...]] = {}
    for meaning, text in _lists()["names"].items():
        for word in text.split():
            key = fold(word)
            if meaning not in words.get(key, ()):
                words[key] = (*words.get(key, ()), meaning)
    return words


def fold(text: str) -> str:
    """Lower case without accents, for comparing names."""
    text = unicodedata.normalize("NFKD", text.replace("ß", "ss").lower())
    return "".join(c for c in text if not unicodedata.combining(c))


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue"})


def folds(text: str) -> tuple[str, ...]:
    """Folded both ways: "ü" as u and as ue."""
    return tuple({fold(text), fold(text.translate(_UMLAUTS))})


def _tokens(name: str) -> list[str]:
    name = re.sub(r"(?i)\bn[°º]|№", " nr ", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", name)
    best = max(folds(name), key=lambda s: (_known(s), len(s), s))
    return re.findall(r"[^\W\d_]+|#", best)


def _known(text: str) -> int:
    return sum(len(t) for t in re.findall(r"[^\W\d_]+", text) if _cut(t) is not None)


@lru_cache(maxsize=4096)
def _cut(token: str) -> tuple[str, ...] | None:
    """The known words a token is made of; None if it isn't."""
    best = _search(token, 0)
    return best[1] if best else None


def _search(token: str, start: int) -> tuple[int, tuple[str, ...]] | None:
    """(letters left out, words) of the best way to read token[start:]."""
    found: list[tuple[int, int, tuple[str, ...]]] = []
    for end in range(len(token), start, -1):
        word = token[start:end]
        if word not in WORDS or (_tiny(word) and word != token and start == 0):
            continue
        rest = len(token) - end
        tail = 0 if _tiny(word) else max(0, min(_TAIL, len(word) - 2))
        if rest <= tail:
            found.append((rest, 1, (word,)))
        for gap in range(_GAP + 1):
            if end + gap < len(token) and (further := _search(token, end + gap)):
                found.append((gap + further[0], 1 + len(further[1]), (word, *further[1])))
    if not found:
        return None
    left, _, words = min(found)
    return left, words


def _tiny(word: str) -> bool:
    return len(word) <= _SHORT and word.isascii()


WORDS = _words()
"""Folded word -> its meanings."""


@lru_cache(maxsize=4096)
def meanings(name: str) -> tuple[str, ...]:
    """The meanings of a column name's words in order; words it doesn't know are left out."""
    found: list[str] = []
    for token in _tokens(name):
        for word in _cut(token) or ():
            found.extend(m for m in WORDS[word] if m != "stop")
    return tuple(found)
