"""Which pairs are looked at: rules chosen from the data, with a bound on the pairs they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from visavis.store.warehouse import Warehouse
from visavis.unify.matching.columns import take_sample
from visavis.unify.matching.levels import Prepared

_SAMPLE = 60_000
_MOST_RULES = 24
_LEAST_RULES = 3
_TRAINING_RULES = 3

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Key:
    """An expression over the prepared table by which records are grouped; `{}` is the alias."""

    column: str
    expression: str
    whole: bool

    def of(self, alias: str) -> str:
        """The expression for one side."""
        return self.expression.format(a=f"{alias}.")


@dataclass(frozen=True, slots=True)
class Rule:
    """Records equal in every key are a pair to look at; `pairs` is the estimate."""

    keys: tuple[Key, ...]
    pairs: float

    @property
    def sql(self) -> str:
        """The join condition."""
        return " AND ".join(f"{key.of('l')} = {key.of('r')}" for key in self.keys)

    @property
    def label(self) -> str:
        """The rule in words: its columns, those of which only a part is looked at in brackets."""
        return " and ".join(k.column if k.whole else f"[{k.column}]" for k in self.keys)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the rule looks at."""
        return frozenset(key.column for key in self.keys)


def keys_of(item: Prepared) -> list[Key]:
    """Ways to group records by one column, the whole value first."""
    value, name = f"{{a}}c{item.number}", item.column.name
    ways = [value]
    match item.column.kind:
        case "name" if item.column.han > 0.5:
            ways += [f"nullif({value}[2:], '')"]
        case "name":
            ways += [f"CASE WHEN length({value}) > 3 THEN {value}[1:3] END",
                     f"CASE WHEN length({value}) > 4 THEN {value}[-3:] END"]  # fmt: skip
        case "date":
            ways += [f"{value}[1:7]", f"{value}[6:10]", f"{value}[1:4]"]
        case "email":
            ways += [f"split_part({value}, '@', 1)", f"{value}[1:5]"]
        case "code":
            half = max(int(item.column.length / 2), 3)
            ways += [f"{value}[1:{half}]", f"{value}[-{half}:]"]
        case "text" if item.column.han > 0.5:
            ways += [f"{value}[1:6]", f"{value}[-6:]"]
        case "text":
            split = f"string_split({value}, ' ')"
            ways += [
                f"array_to_string(list_sort({split})[1:2], ' ')",
                f"{split}[1]",
                f"{split}[-1]",
            ]
    return [Key(name, way, way == value) for way in ways]


def choose_rules(
    wh: Warehouse,
    table: str,
    items: Sequence[Prepared],
    rows: int,
    budgets: Sequence[float],
    seed: int,
) -> tuple[list[Rule], list[Rule]]:
    """The rules for finding pairs and those for training, from the rarest keys to the commonest.

    `budgets` are numbers of pairs; a greater one is taken only where a smaller one leaves hardly
    a rule, or none without certain columns, as in a table with hundreds of records of each
    person: whoever's values there are missing or wrong would be in no pair.
    """
    ways = [key for item in items for key in keys_of(item)]
    if not ways:
        return [], []
    sampled = take_sample(wh, table, "blocking_sample", _SAMPLE, seed)
    codes = _codes(wh, ways)
    scale = (rows / max(sampled, 1)) ** 2
    singles = [Rule((key,), _pairs((key,), codes) * scale) for key in ways]
    singles = sorted((r for r in singles if r.pairs > 0), key=lambda r: (r.pairs, r.sql))
    chosen: list[Rule] = []
    training: list[Rule] = []
    for most in budgets:
        chosen = _take(singles, [], most / 2, most / 6)
        left = [rule for rule in singles if rule not in chosen]
        doubles = _doubles(left, rows * (rows - 1) / 2, most)[: 3 * _MOST_RULES]
        checked = [Rule(rule.keys, _pairs(rule.keys, codes) * scale) for rule in doubles]
        checked.sort(key=lambda r: (r.pairs, r.sql))
        chosen = _take(checked, chosen, most, most / 6)
        training = _for_training(singles, checked, rows, most)
        if len(chosen) >= min(_LEAST_RULES, len(items)) and not _needed_by_all(chosen, items):
            break
    return chosen, training


def _needed_by_all(rules: Sequence[Rule], items: Sequence[Prepared]) -> bool:
    """Whether every rule looks at one of two certain columns, though there are more; of two
    columns, at one."""
    columns = sorted({column for rule in rules for column in rule.columns})
    some = combinations(columns, min(2, len(items) - 1))
    return any(all(rule.columns & {*few} for rule in rules) for few in some if few)


def _codes(wh: Warehouse, ways: Sequence[Key]) -> dict[Key, Ints]:
    """Per key a whole number for each of its values in the sample; -1 null."""
    listed = ", ".join(f"{key.of('s')} AS k{i}" for i, key in enumerate(ways))
    table = wh.arrow(f"SELECT {listed} FROM blocking_sample AS s")
    found = {}
    for key, column in zip(ways, table.columns, strict=True):
        codes = column.combine_chunks().dictionary_encode().indices.fill_null(-1)
        found[key] = codes.to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def _pairs(keys: Sequence[Key], codes: Mapping[Key, Ints]) -> float:
    """How many pairs of records of the sample are equal in every key."""
    groups = codes[keys[0]]
    for key in keys[1:]:
        more = codes[key]
        size = int(more.max(initial=0)) + 1
        groups = np.where((groups >= 0) & (more >= 0), groups * size + more, -1)
    counts = np.unique(groups[groups >= 0], return_counts=True)[1].astype(float)
    return float(np.sum(counts * (counts - 1) / 2))


def blocked(wh: Warehouse, table: str, rules: Sequence[Rule]) -> str:
    """Makes `matching_pairs`: each pair (a, b), a < b, of records that a rule finds, once."""
    made = []
    for i, rule in enumerate(rules):
        keys = [key.of("s") for key in rule.keys]
        known = " AND ".join(f"{key} IS NOT NULL" for key in keys)
        made.append(f"CASE WHEN {known} THEN hash({', '.join(keys)}) END AS h{i}")
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE matching_keys AS "
        f"SELECT CAST(_row AS INTEGER) AS n, {', '.join(made)} FROM {table} AS s"
    )
    found = " UNION ".join(
        "SELECT l.n AS a, r.n AS b FROM matching_keys AS l JOIN matching_keys AS r "
        f"ON l.h{i} = r.h{i} AND l.n < r.n"
        for i in range(len(rules))
    )
    wh.execute(f"CREATE OR REPLACE TEMP TABLE matching_pairs AS {found}")
    return "matching_pairs"


def _take(rules: Sequence[Rule], before: Sequence[Rule], total: float, each: float) -> list[Rule]:
    taken = list(before)
    used = sum(rule.pairs for rule in taken)
    for rule in rules:
        if rule.pairs <= each and used + rule.pairs <= total and len(taken) < _MOST_RULES:
            taken.append(rule)
            used += rule.pairs
    return taken


def _doubles(left: Sequence[Rule], everything: float, most_pairs: float) -> list[Rule]:
    """Pairs of keys that are too common alone, by what chance makes of them together."""
    found = []
    for i, a in enumerate(left):
        for b in left[i + 1 :]:
            if a.columns.isdisjoint(b.columns):
                guess = a.pairs * b.pairs / max(everything, 1)
                if guess <= most_pairs:
                    found.append(Rule(a.keys + b.keys, guess))
    return sorted(found, key=lambda r: (r.pairs, r.sql))


def _for_training(
    singles: Sequence[Rule], doubles: Sequence[Rule], rows: int, most_pairs: float
) -> list[Rule]:
    """A few rules of whole values on different columns, rare enough that matches stand out."""
    usual = [r for r in (*singles, *doubles) if 0.01 * rows < r.pairs <= most_pairs]
    rare = [r for r in usual if r.pairs <= max(20.0 * rows, 20_000.0)]
    taken: list[Rule] = []
    for rule in rare or usual:
        whole = all(key.whole for key in rule.keys)
        if whole and all(rule.columns.isdisjoint(other.columns) for other in taken):
            taken.append(rule)
    return taken[:_TRAINING_RULES]
