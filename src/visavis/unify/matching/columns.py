"""What the columns of a table of people hold, told from their values alone.

A column's kind decides how two of its values are compared; its counts decide whether it is worth
comparing at all, and whether equal values are rare enough to look for pairs by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.warehouse import Warehouse

Kind = Literal["name", "text", "date", "email", "code", "number", "category", "id", "empty"]
"""name: one or two words; text: several words; code: long digits or mixed; number: short digits;
category: few values; id: a number of the record itself; empty: nothing to compare."""

NOTHING = (
    "null", "none", "nan", "nil", "n/a", "na", "#n/a", "unknown", "undefined", "missing", "-",
    "--", "?", ".", "<na>", "nat", "无", "未知", "不详", "空",
)  # fmt: skip
"""Texts that stand for no value, in lower case."""

_DATE_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d",
                 "%Y年%m月%d日", "%Y.%m.%d", "%d %b %Y", "%d %B %Y", "%B %d, %Y", "%d%m%Y",
                 "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")  # fmt: skip
_SAMPLE = 5_000
WIDE = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000"
NARROW = "".join(chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)) + " "
_HAN = "[\u3400-\u9fff\U00020000-\U0002ffff]"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: counts over its cleaned values; shares are of the rows that have a value.

    `numbered` is the share of values with a digit in them.
    """

    name: str
    kind: Kind
    rows: int
    filled: int
    distinct: int
    length: float
    words: float
    han: float = 0.0
    ascii_only: bool = True
    date_format: str | None = None
    numbered: float = 0.0

    @property
    def filled_share(self) -> float:
        """Share of the rows that have a value."""
        return self.filled / max(self.rows, 1)


def clean_sql(column: str) -> str:
    """SQL: a value as it is compared: trimmed, NFC, narrow, lower case, without accents; or null.

    Accents are told apart by nobody who types a name from hearing; ideographs stay as they are.
    """
    given = f"CAST({column} AS VARCHAR)"
    text = f"translate({given}, {text_literal(WIDE)}, {text_literal(NARROW)})"
    text = f"strip_accents(lower(nfc_normalize({text})))"
    text = rf"trim(regexp_replace({text}, '[\s\x{{a0}}]+', ' ', 'g'))"
    plain = f"regexp_full_match({given}, '[!-~]+( [!-~]+)*')"
    text = f"CASE WHEN {plain} THEN lower({given}) ELSE {text} END"
    nothing = ", ".join(text_literal(word) for word in ("", *NOTHING))
    return f"CASE WHEN {text} NOT IN ({nothing}) THEN {text} END"


def make_clean(wh: Warehouse, source: str, names: Sequence[str], target: str) -> None:
    """Makes the table `target`: `_row` (0, 1, ...), `_file` and the cleaned columns by name."""
    listed = "".join(f", {clean_sql(identifier(name))} AS {identifier(name)}" for name in names)
    made = f"CREATE OR REPLACE TEMP TABLE {target} AS"
    wh.execute(f"{made} SELECT _row, _file{listed} FROM {source}")


def describe(wh: Warehouse, table: str, names: Sequence[str]) -> list[Column]:
    """The columns of a cleaned table; what its values look like is told from some of them."""
    take_sample(wh, table, "columns_sample", _SAMPLE, 0)
    whole = _asked(wh, table, names, _WHOLE)
    looks = _asked(wh, "columns_sample", names, _LOOKS)
    rows = {name: {**whole[name], **looks[name]} for name in names}
    dated = [name for name in names if _perhaps_date(rows[name])]
    dates = _asked(wh, "columns_sample", dated, _DATES)
    return [_column(wh, table, name, rows[name] | dates.get(name, {})) for name in names]


def take_sample(wh: Warehouse, table: str, sample: str, most: int, seed: int) -> int:
    """Makes the table `sample` of at most so many rows of another; how many they are."""
    rows = int(wh.value(f"SELECT count(*) FROM {table}"))
    some = f" ORDER BY hash(_row + {seed}), _row LIMIT {most}" if rows > most else ""
    wh.execute(f"CREATE OR REPLACE TEMP TABLE {sample} AS SELECT * FROM {table}{some}")
    return min(rows, most)


_WHOLE = {
    "n": "count(*)",
    "filled": "count({v})",
    "different": "count(DISTINCT {v})",
    "plain": "count(*) FILTER (regexp_full_match({v}, '[ -~]*'))",
    "numbered": "count(*) FILTER (regexp_matches({v}, '[0-9]'))",
}
_LOOKS = {
    "seen": "count({v})",
    "length": "avg(length({v}))",
    "words": "avg(length({v}) - length(replace({v}, ' ', '')) + 1)",
    "han": f"count(*) FILTER (regexp_matches({{v}}, {text_literal(_HAN)}))",
    "email": "count(*) FILTER (regexp_full_match({v}, '[^@ ]+@[^@ ]+'))",
    "digits": "count(*) FILTER (regexp_full_match({v}, '[+(]?[0-9][0-9 ().+/-]*'))",
    "has_digit": "count(*) FILTER (regexp_matches({v}, '[0-9]'))",
    "digit_count": "avg(length(regexp_replace({v}, '[^0-9]', '', 'g')))",
}
_DATES = {  # bare digits are dates only where people of today were born
    f"d{i}": f"count(*) FILTER (year(try_strptime({{v}}, {text_literal(form)})) "
    f"BETWEEN {1850 if form.replace('%', '').isalpha() else 1000} AND 2100)"
    for i, form in enumerate(_DATE_FORMATS)
}


def _asked(
    wh: Warehouse, table: str, names: Sequence[str], what: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Aggregates of every column in one pass; `{v}` stands for the column."""
    if not names:
        return {}
    listed = ", ".join(
        f"{asked.format(v=identifier(name))} AS a{i}_{key}"
        for i, name in enumerate(names)
        for key, asked in what.items()
    )
    row = wh.arrow(f"SELECT {listed} FROM {table}").to_pylist()[0]
    return {name: {key: row[f"a{i}_{key}"] for key in what} for i, name in enumerate(names)}


def _perhaps_date(row: Mapping[str, Any]) -> bool:
    digits = row["digit_count"] or 0
    return bool(row["has_digit"] >= 0.8 * row["seen"] > 0 and 3 <= digits <= 20)


def _column(wh: Warehouse, table: str, name: str, row: dict[str, Any]) -> Column:
    filled, rows, seen = int(row["filled"]), int(row["n"]), int(row["seen"])
    date = _date_format(row, seen)
    kind: Kind
    if row["different"] <= 1 or filled < max(3, rows // 200):
        kind = "empty"
    elif _is_record_id(wh, table, name, row):
        kind = "id"
    else:
        kind = "date" if date is not None else _kind(row, seen)
    return Column(
        name, kind, rows, filled, int(row["different"]), float(row["length"] or 0),
        float(row["words"] or 0), row["han"] / max(seen, 1), row["plain"] == filled,
        date if kind == "date" else None, row["has_digit"] / max(seen, 1),
    )  # fmt: skip


def _date_format(row: dict[str, Any], filled: int) -> str | None:
    counts = [int(row.get(f"d{i}", 0)) for i in range(len(_DATE_FORMATS))]
    best = max(range(len(counts)), key=lambda i: counts[i])
    return _DATE_FORMATS[best] if filled and counts[best] >= 0.8 * filled else None


def _kind(row: dict[str, Any], seen: int) -> Kind:
    if row["email"] >= 0.7 * seen:
        return "email"
    few = row["different"] <= max(12, min(60, 0.003 * row["filled"]))
    if few and row["different"] < 0.1 * row["filled"]:
        return "category"
    if row["digits"] >= 0.7 * seen:
        return "code" if row["digit_count"] > 4.5 else "number"
    if row["has_digit"] >= 0.7 * seen and row["words"] < 1.6 and row["han"] < 0.3 * seen:
        return "code" if row["length"] > 4.5 else "number"
    if row["han"] > 0.5 * seen:
        return "name" if row["length"] <= 4.5 and row["has_digit"] < 0.05 * seen else "text"
    long = row["words"] >= 1.8 or row["length"] > 18 or row["has_digit"] > 0.2 * seen
    return "text" if long else "name"


def _is_record_id(wh: Warehouse, table: str, name: str, row: dict[str, Any]) -> bool:
    """Different in every row of its file, and either dense numbers or one pattern with digits."""
    if row["filled"] < row["n"] or row["numbered"] < row["n"]:
        return False
    value = identifier(name)
    if row["n"] > wh.value(f"SELECT count(DISTINCT ({value}, _file)) FROM {table}"):
        return False
    dense = wh.rows(
        f"SELECT max(hi - lo + 1 <= 3 * n) FROM (SELECT _file, max(TRY_CAST({value} AS BIGINT)) "
        f"AS hi, min(TRY_CAST({value} AS BIGINT)) AS lo, count(TRY_CAST({value} AS BIGINT)) AS n "
        f"FROM {table} GROUP BY _file HAVING count(TRY_CAST({value} AS BIGINT)) = count(*))"
    )[0][0]
    if dense:
        return True
    shapes = wh.value(
        f"SELECT count(DISTINCT regexp_replace({value}, '[0-9a-f]+', '0', 'g')) FROM {table}"
    )
    letters = wh.value(f"SELECT count(*) FROM {table} WHERE regexp_matches({value}, '[a-z_-]')")
    hexadecimal = row["length"] >= 20 and shapes <= 3
    return bool(letters == row["n"] and (shapes <= 4 or hexadecimal) and row["words"] <= 1)
