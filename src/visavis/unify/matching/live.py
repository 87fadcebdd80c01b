"""One new record against everybody, in milliseconds: an index over a finished matching.

Finds by the same rules, compares by the same levels and weighs by the same fit as the batch. The
prepared records are an Arrow table, the keys of each rule sorted 32-bit hashes with their rows;
both can lie in files that are mapped, not read in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from visavis.store.warehouse import Warehouse
from visavis.unify.matching.blocking import Rule, keys_of
from visavis.unify.matching.kept import Kept, fit_for
from visavis.unify.matching.levels import Prepared
from visavis.unify.matching.match import Matched
from visavis.unify.matching.one import Value, keys, level, prepared
from visavis.unify.matching.propose import PREPARED, Proposal
from visavis.unify.matching.refine import Fit, weights
from visavis.unify.matching.train import Pairs

MOST_CANDIDATES = 24
"""So many records are compared with a new one at most: those that the most rules find."""
MOST_OF_A_KEY = 300
_APART = "\x1f"
_WHOLE = 2**32
_NAMES = ("kind", "value")
Keys = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Found:
    """A record (its row) that a new one matches; `weight` is log2 odds, `why` the levels."""

    row: int
    weight: float
    why: tuple[str, ...]


class Index:
    """Everybody that a matching knows: `records` by row, and per rule its sorted keys."""

    def __init__(
        self,
        proposal: Proposal,
        fit: Fit,
        threshold: float,
        records: pa.Table,
        keys: Sequence[Keys],
    ) -> None:
        self.fit, self.threshold, self.records = fit, threshold, records
        self._items = {item.column.name: item for item in proposal.items}
        self._comparisons = [
            (self._items[c.columns[0]], [self._items[n] for n in c.columns[1:]], c)
            for c in proposal.comparisons
        ]
        self._prepared = [name for name in records.column_names if name not in _NAMES]
        self._rules = [
            (_sides(rule, self._items), held)
            for rule, held in zip(proposal.rules, keys, strict=True)
        ]

    @classmethod
    def of(cls, wh: Warehouse, matched: Matched, names: pa.Table | None = None) -> Index:
        """Of a matching whose prepared table is still in the warehouse; `names` (kind, value) are
        the identifiers of its records by row."""
        proposal = matched.proposal
        records = wh.arrow(f"SELECT * FROM {PREPARED} ORDER BY _row").combine_chunks()
        records = records.drop_columns(["_row"])
        if names is not None:
            for name in _NAMES:
                records = records.append_column(name, names[name].combine_chunks())
        keys = [_keys(wh, rule) for rule in proposal.rules]
        return cls(proposal, matched.fit, matched.threshold, records, keys)

    @classmethod
    def read(cls, folder: Path, name: str, kept: Kept, threshold: float) -> Index:
        """What `write` wrote under this name of a matching by this fit."""
        with pa.memory_map(str(folder / f"{name}.arrow")) as file:
            records = pa.ipc.open_file(file).read_all()
        keys = [
            np.load(folder / f"{name}-{i}.npy", mmap_mode="r")
            for i in range(len(kept.proposal.rules))
        ]
        return cls(kept.proposal, fit_for(kept, records.num_rows), threshold, records, keys)

    def write(self, folder: Path, name: str) -> None:
        """Writes the files that `read` maps."""
        with (
            pa.OSFile(str(folder / f"{name}.arrow"), "wb") as file,
            pa.ipc.new_file(file, self.records.schema) as out,
        ):
            out.write_table(self.records)
        for i, (_, held) in enumerate(self._rules):
            np.save(folder / f"{name}-{i}.npy", held)

    def named(self, row: int) -> tuple[str, str]:
        """The identifier (kind, value) of a record."""
        kind, value = (self.records[name][row].as_py() for name in _NAMES)
        return str(kind), str(value)

    def find(self, record: Mapping[str, str | None], least: float | None = None) -> list[Found]:
        """The records that match one of raw values by column, the likeliest first.

        `least` is the match weight from which a record counts (default: the matching's threshold).
        """
        limit = self.threshold if least is None else least
        new = {i.number: prepared(i, record.get(name)) for name, i in self._items.items()}
        pairs = self.compare(new, self.candidates(new))
        if not len(pairs.b):
            return []
        weight = weights(self.fit, pairs)
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
        for sides, held in self._rules:
            texts = [of[number][at] for number, at in sides]
            if None not in texts:
                found.append(_rows_of(held, _hash([str(text) for text in texts])))
        if not found:
            return np.empty(0, dtype=np.int64)
        rows, times = np.unique(np.concatenate(found), return_counts=True)
        best = np.argsort(-times, kind="stable")[:MOST_CANDIDATES]
        return np.sort(rows[best])

    def compare(self, new: Mapping[int, Value], rows: npt.NDArray[np.int64]) -> Pairs:
        """The record compared with those of these rows; -1 stands for it."""
        held = self.records.select(self._prepared).take(rows).to_pylist()
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


def _value(item: Prepared, row: Mapping[str, Any]) -> Value:
    text = row[item.value]
    words = row[item.words] if item.column.kind == "text" else None
    return Value(text, row[item.bytes], tuple(words or ()))


def _sides(rule: Rule, items: Mapping[str, Prepared]) -> list[tuple[int, int]]:
    """Of each key the column's number and the key's place among those of the column."""
    return [(items[key.column].number, keys_of(items[key.column]).index(key)) for key in rule.keys]


def _hash(texts: Sequence[str]) -> int:
    digest = hashlib.md5(_APART.join(texts).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:12], "little")


def _keys(wh: Warehouse, rule: Rule) -> Keys:
    """The hashed keys of a rule in order, and below them the row of each."""
    parts = [key.of("s") for key in rule.keys]
    known = " AND ".join(f"{part} IS NOT NULL" for part in parts)
    hashed = f"md5_number_lower(concat_ws(chr(31), {', '.join(parts)}))"
    table = wh.arrow(
        f"SELECT ({hashed} % {_WHOLE})::UINTEGER AS h, _row::UINTEGER AS n "
        f"FROM {PREPARED} AS s WHERE {known}"
    )
    hashes, rows = (np.asarray(table[name].to_numpy(), dtype=np.uint32) for name in "hn")
    order = np.lexsort((rows, hashes))
    return np.stack([hashes[order], rows[order]])


def _rows_of(keys: Keys, key: int) -> npt.NDArray[np.int64]:
    """The rows of a key; of a very common one only the first."""
    start, end = (int(np.searchsorted(keys[0], np.uint32(key), side)) for side in ("left", "right"))
    return keys[1, start : min(end, start + MOST_OF_A_KEY)].astype(np.int64)
