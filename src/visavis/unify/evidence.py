"""Who is who of a file of evidence: Parquet in, Parquet out, without a project.

The file is read twice, so that no more of its texts are held than each identifier once: first as
hashes, by which the identifiers are numbered, and then for the texts of each at its first place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from visavis.core.nouns import IdentifierKind
from visavis.core.parts import Ints, Mask, lower, take, width
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.numbering import Hashes, halves_sql, numbered, salt
from visavis.store.warehouse import Warehouse, connect
from visavis.unify.batch import NOBODY, Identifiers, Links, People, who_is_who
from visavis.unify.hand import blocked_sql
from visavis.unify.rules import ALWAYS, SEPARATOR

_RULE = "same row"
_ROW = "file_row_number"
_NEVER = np.iinfo(np.int64).max
_TEXTS = ("kind_a", "value_a", "kind_b", "value_b")


def identify_file(
    source: Path,
    target: Path,
    kinds: Mapping[str, IdentifierKind],
    memory_limit: str | None = None,
    spill: Path | None = None,
) -> People:
    """Reads evidence and writes who is who, with the guards of these kinds.

    `source` has a row for each time that two identifiers were seen together: kind_a, value_a,
    kind_b, value_b (texts in their normal form) and first_ms (UTC ms; null: it always held).
    Rows in which one of the texts is null are no evidence. `target` gets each identifier once:
    kind, value and person, a number that is the same for all of one person; null where it is
    nobody's, as it is blocked or shared. `memory_limit` and `spill` are of the engine that reads.
    """
    with connect(memory_limit, spill) as wh:
        file = _File.read(wh, source)
        node, first = numbered(file.hashes)
        file.hashes = np.empty((0, 2), dtype=np.uint64)  # the largest of all: no longer needed
        names = _names(wh, file, node, first)
        ends = node[: len(file.first_ms)], node[len(file.first_ms) :]
        first_seen = np.full(len(names), _NEVER)
        for end in ends:
            lower(first_seen, end, file.first_ms)
        own = np.asarray(names["node"].to_numpy())
        seen = names.append_column("first_seen", pa.array(take(first_seen, own)))
        visible = _not_blocked(wh, seen, kinds)
    rule = np.zeros(len(file.first_ms), dtype=np.int8)
    links = Links(*ends, [_RULE], rule, file.first_ms)
    people = who_is_who(Identifiers.from_table(visible), links, kinds)
    person = np.full(len(names), NOBODY, dtype=np.int64)
    person[people.node] = people.person
    person = take(person, own)
    told = pa.array(person, mask=person == NOBODY)
    written = names.select(["kind", "value"]).append_column("person", told)
    coded: Any = ["kind"]  # of the stubs it is a bool
    pq.write_table(written, target, compression="zstd", use_dictionary=coded)
    return people


@dataclass
class _File:
    """Evidence as numbers. Rows come in any order, so each is known by its place in the file."""

    source: str
    index: Ints | None
    """Of each row of the file where it stands among those that are evidence; None: all are."""
    hashes: Hashes
    """Of all first identifiers and then of all second ones."""
    first_ms: Ints

    @classmethod
    def read(cls, wh: Warehouse, path: Path) -> _File:
        count = pq.read_metadata(path).num_rows
        filled = " AND ".join(f"{name} IS NOT NULL" for name in _TEXTS)
        source = f"FROM read_parquet({text_literal(str(path))}) WHERE {filled}"
        hashes = np.zeros((2, count, 2), dtype=np.uint64)
        first_ms = np.zeros(count, dtype=np.int64)
        there = np.zeros(count, dtype=bool)
        columns = [_ROW, f"coalesce(first_ms, {ALWAYS}) AS first_ms"]
        for x in "ab":
            halves = halves_sql(f"kind_{x} || chr({ord(SEPARATOR)}) || value_{x}", "$1")
            columns += [f"{half} AS half_{x}{i}" for i, half in enumerate(halves)]
        for batch in wh.batches(f"SELECT {', '.join(columns)} {source}", [salt()]):
            row = batch[_ROW].to_numpy()
            there[row], first_ms[row] = True, batch["first_ms"].to_numpy()
            for side, x in zip(hashes, "ab", strict=True):
                for i in (0, 1):
                    side[row, i] = batch[f"half_{x}{i}"].to_numpy()
        if there.all():
            return cls(source, None, hashes.reshape(-1, 2), first_ms)
        kept = hashes[:, there].reshape(-1, 2)
        return cls(source, np.cumsum(there, dtype=width(count)) - 1, kept, first_ms[there])


def _names(wh: Warehouse, file: _File, node: Ints, first: Mask) -> pa.Table:
    """Number, kind and value of each identifier, found where it stands for the first time."""
    sides = list(zip("ab", node.reshape(2, -1), first.reshape(2, -1), strict=True))
    found: list[pa.RecordBatch] = []
    for batch in wh.batches(f"SELECT {_ROW}, {', '.join(_TEXTS)} {file.source}"):
        row = batch[_ROW].to_numpy()
        at = row if file.index is None else file.index[row]
        for x, number, here in sides:
            wanted = here[at]
            kind, value = (batch[f"{n}_{x}"].filter(pa.array(wanted)) for n in ("kind", "value"))
            columns = [pa.array(number[at[wanted]]), kind.dictionary_encode(), value]
            found.append(pa.record_batch(columns, names=["node", "kind", "value"]))
    kind_type = pa.dictionary(pa.int32(), pa.string())
    types = {"node": pa.from_numpy_dtype(node.dtype), "kind": kind_type, "value": pa.string()}
    return pa.Table.from_batches(found, pa.schema(types))


def _not_blocked(wh: Warehouse, seen: pa.Table, kinds: Mapping[str, IdentifierKind]) -> pa.Table:
    wh.register("seen_names", seen)
    test = blocked_sql("CAST(kind AS VARCHAR)", "value", kinds)
    blocked = wh.arrow(f"SELECT node FROM seen_names WHERE {test}")["node"].to_numpy()
    if not len(blocked):
        return seen
    own = np.asarray(seen["node"].to_numpy())
    return seen.filter(pa.array(~np.isin(own, blocked)))
