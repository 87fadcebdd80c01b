"""One new record against everybody, in milliseconds: an index over a finished matching.

Finds by the same rules, compares by the same levels and weighs by the same fit as the batch. The
prepared records stay in memory as Arrow, the keys of each rule as sorted 64-bit hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from visavis.store.warehouse import Warehouse
from visavis.unify.matching.blocking import Rule, keys_of
from visavis.unify.matching.levels import Prepared
from visavis.unify.matching.match import Matched
from visavis.unify.matching.one import Value, keys, level, prepared
from visavis.unify.matching.propose import PREPARED
from visavis.unify.matching.refine import weights
from visavis.unify.matching.train import Pairs

MOST_CANDIDATES = 24
"""So many records are compared with a new one at most: those that the most rules find."""
MOST_OF_A_KEY = 300
_APART = "\x1f"


@dataclass(frozen=True, slots=True)
class Found:
    """A record (its row) that a new one matches; `weight` is log2 odds, `why` the levels."""

    row: int
    weight: float
    why: tuple[str, ...]


class Index:
    """Made of a matching whose prepared table is still in the warehouse."""

    def __init__(self, wh: Warehouse, matched: Matched) -> None:
        self._matched = matched
        self._items = {item.column.name: item for item in matched.proposal.items}
        self._comparisons = [
            (self._items[c.columns[0]], [self._items[n] for n in c.columns[1:]], c)
            for c in matched.proposal.comparisons
        ]
        table = wh.arrow(f"SELECT * FROM {PREPARED} ORDER BY _row").combine_chunks()
        self._table = table.drop_columns(["_row"])
        self._rules = [(_sides(rule, self._items), *_hashes(wh, rule)) for rule in _rules(matched)]

    def find(self, record: Mapping[str, str | None], least: float | None = None) -> list[Found]:
        """The records that match one of raw values by column, the likeliest first.

        `least` is the match weight from which a record counts (default: the matching's threshold).
        """
        limit = self._matched.threshold if least is None else least
        new = {i.number: prepared(i, record.get(name)) for name, i in self._items.items()}
        pairs = self.compare(new, self.candidates(new))
        if not len(pairs.b):
            return []
        weight = weights(self._matched.fit, pairs)
        order = np.lexsort((pairs.b, -weight))
        return [
            Found(int(pairs.b[i]), float(weight[i]), self._why(pairs.levels[i].tolist()))
            for i in order.tolist()
            if weight[i] >= limit
        ]

    def candidates(self, new: Mapping[int, Value]) -> npt.NDArray[np.int64]:
        """The rows that share a key with the record; if many, those that share the most."""
        of = {i.number: keys(i, new[i.number].text) for i in self._items.values()}
        found = []
        for sides, hashes, rows in self._rules:
            texts = [of[number][at] for number, at in sides]
            if None not in texts:
                found.append(_rows_of(hashes, rows, _hash([str(text) for text in texts])))
        if not found:
            return np.empty(0, dtype=np.int64)
        rows, times = np.unique(np.concatenate(found), return_counts=True)
        best = np.argsort(-times, kind="stable")[:MOST_CANDIDATES]
        return np.sort(rows[best])

    def compare(self, new: Mapping[int, Value], rows: npt.NDArray[np.int64]) -> Pairs:
        """The record compared with those of these rows; -1 stands for it."""
        held = self._table.take(rows).to_pylist()
        n = len(self._comparisons)
        levels = np.empty((len(held), n), dtype=np.int8)
        share = np.zeros((len(held), n), dtype=np.float32)
        for at, row in enumerate(held):
            old = {item.number: _value(item, row) for item in self._items.values()}
            for i, (item, followers, comparison) in enumerate(self._comparisons):
                levels[at, i] = level(item, followers, new, old)
                if levels[at, i] == 0 and comparison.levels[0].frequency:
                    share[at, i] = row[f"r{item.number}"]
        return Pairs(np.full(len(rows), -1, dtype=np.int64), rows, levels, share)

    def _why(self, levels: Sequence[int]) -> tuple[str, ...]:
        told = []
        for (_, _, comparison), at in zip(self._comparisons, levels, strict=True):
            labels = [*(lv.label for lv in comparison.levels), "different"]
            told.append(f"{comparison.name}: {'missing' if at < 0 else labels[at]}")
        return tuple(told)


def _rules(matched: Matched) -> Sequence[Rule]:
    return matched.proposal.rules


def _value(item: Prepared, row: Mapping[str, Any]) -> Value:
    text = row[item.value]
    words = row[item.words] if item.column.kind == "text" else None
    return Value(text, row[item.bytes], tuple(words or ()))


def _sides(rule: Rule, items: Mapping[str, Prepared]) -> list[tuple[int, int]]:
    """Of each key the column's number and the key's place among those of the column."""
    return [(items[key.column].number, keys_of(items[key.column]).index(key)) for key in rule.keys]


def _hash(texts: Sequence[str]) -> int:
    digest = hashlib.md5(_APART.join(texts).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little")


def _hashes(wh: Warehouse, rule: Rule) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """The hashed keys of a rule in order, and the row of each."""
    parts = [key.of("s") for key in rule.keys]
    known = " AND ".join(f"{part} IS NOT NULL" for part in parts)
    table = wh.arrow(
        f"SELECT md5_number_lower(concat_ws(chr(31), {', '.join(parts)})) AS h, _row "
        f"FROM {PREPARED} AS s WHERE {known}"
    )
    hashes = table["h"].to_numpy().astype(np.uint64)
    rows = table["_row"].to_numpy().astype(np.int64)
    order = np.lexsort((rows, hashes))
    return hashes[order], rows[order]


def _rows_of(
    hashes: npt.NDArray[np.uint64], rows: npt.NDArray[np.int64], key: int
) -> npt.NDArray[np.int64]:
    """The rows of a key; of a very common one only the first."""
    start = int(np.searchsorted(hashes, np.uint64(key), "left"))
    end = int(np.searchsorted(hashes, np.uint64(key), "right"))
    return rows[start : min(end, start + MOST_OF_A_KEY)]
