"""Raw columns to typed values, as SQL expressions over whole columns: text, numbers, moments.

An expression is null where the cell is empty and also where it can't be read; the caller tells
the two apart by `filled`. How a text column writes numbers and dates is decided once per column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from visavis.collect.money_signs import SIGN, WORD
from visavis.core.clock import Zone
from visavis.core.lang.types import Type
from visavis.store.engines.duckdb_names import text_literal

DECIMAL = "DECIMAL(18,6)"
_SPACE = "' \t\r\n\u00a0\u3000\ufeff'"
_EMPTY = "('', 'null', 'NULL', 'Null', 'none', 'None', 'NaN', 'nan', 'N/A', 'n/a', '\\N', 'NaT')"
_FLOATS = ("DOUBLE", "FLOAT", "REAL")
_WHOLE = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
)

OFFSET = r":\d{2}(?:[.,]\d+)?\s*(?:Z|z|UTC|[+-]\d{2}(?::?\d{2})?)$"
ISO = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]|$)"
SLASHED = r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}(\D|$)"

EXCEL = "excel"
"""The time_format of spreadsheets' serial numbers."""
Order = Literal["dmy", "mdy"]
Mark = Literal[".", ","]


@dataclass(frozen=True, slots=True)
class Habit:
    """How a text column writes its values, as declared or as its content shows.

    `mark` is the decimal mark, None when the content leaves it open; `plain`: every number reads
    as it stands. `order` is the order of day and month, None when open; `iso`: every time is
    ISO 8601 without offset. `floats`: ids were written as 17850.0.
    """

    mark: Mark | None = "."
    plain: bool = True
    order: Order | None = None
    iso: bool = True
    floats: bool = False
    time_format: str | None = None


PLAIN = Habit()


def is_text(kind: str) -> bool:
    """Whether a raw column holds text."""
    return kind.startswith(("VARCHAR", "ENUM"))


def trimmed(raw: str) -> str:
    """SQL: the cell without white space around it."""
    return f"CASE WHEN {_bare_ascii(raw)} THEN {raw} ELSE trim({raw}, {_SPACE}) END"


def _bare_ascii(raw: str) -> str:
    """SQL: whether the cell is ASCII without blanks around it; true for most, and cheap to tell.

    Trimming a set of signs beyond ASCII costs ten times as much.
    """
    return f"strlen({raw}) = length({raw}) AND {raw} > '!' AND right({raw}, 1) > ' '"


def _normal(raw: str) -> str:
    return f"nullif(nfc_normalize(trim({raw}, {_SPACE})), '')"


def filled(raw: str, kind: str) -> str:
    """SQL: whether the cell holds anything."""
    if is_text(kind):
        return f"({trimmed(raw)} NOT IN {_EMPTY})"
    if kind in _FLOATS:
        return f"({raw} IS NOT NULL AND NOT isnan({raw}))"
    return f"({raw} IS NOT NULL)"


def text(raw: str, kind: str, habit: Habit = PLAIN) -> str:
    """SQL: the cell as trimmed NFC text, null when empty."""
    if is_text(kind):
        value = f"CASE WHEN {_bare_ascii(raw)} THEN {raw} ELSE {_normal(raw)} END"
        return f"regexp_replace({value}, '\\.0+$', '')" if habit.floats else value
    if kind in _FLOATS:
        whole = f"CAST(CAST({raw} AS BIGINT) AS VARCHAR)"
        plain = f"{raw} = trunc({raw}) AND abs({raw}) < 1e15"
        return (
            f"CASE WHEN {plain} THEN {whole} WHEN NOT isnan({raw}) THEN CAST({raw} AS VARCHAR) END"
        )
    return f"CAST({raw} AS VARCHAR)"


def decimal(raw: str, kind: str, habit: Habit = PLAIN) -> str:
    """SQL: the cell as DECIMAL(18,6), null when it is no number or does not fit."""
    if not is_text(kind):
        return f"TRY_CAST({raw} AS {DECIMAL})" if kind != "BOOLEAN" else f"CAST(NULL AS {DECIMAL})"
    return f"TRY_CAST({number_text(raw, habit)} AS {DECIMAL})"


def number_text(raw: str, habit: Habit) -> str:
    """SQL: the number in a text cell in plain notation, null when there is none."""
    if habit.plain:
        return f"nullif({trimmed(raw)}, '')"
    bare = _bare(raw)
    if habit.mark == ",":
        shape = r"[+-]?(\d+|\d{1,3}(\.\d{3})+)?(,\d+)?"
        plain = f"replace(replace({bare}, '.', ''), ',', '.')"
        return f"CASE WHEN regexp_full_match({bare}, '{shape}') THEN {plain} END"
    shape = r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?([eE][+-]?\d+)?"
    if habit.mark is None:
        # the mark is open: what reads the same either way is taken, '1,234' is not
        shape = r"[+-]?(\d+|\d{1,3}(,\d{3}){2,}|\d{1,3}(,\d{3})+(?:\.\d+))?(\.\d*)?([eE][+-]?\d+)?"
    return f"CASE WHEN regexp_full_match({bare}, '{shape}') THEN replace({bare}, ',', '') END"


def _bare(raw: str) -> str:
    """The cell without currency signs, blanks and apostrophes; (5) and 5- are -5, 5.- is 5."""
    blanks = r"[\s\x{00a0}\x{202f}\x{2009}''’]"
    words = rf"^(?:{WORD})\.?\s*|\s*(?:{WORD})\.?$|^[A-Za-z]{{2,3}}\.?\s|\s?[A-Za-z]{{3}}$"
    signs = f"{words}|{blanks}|{SIGN}|[.,][-–—]+$"
    bare = f"replace(regexp_replace({trimmed(raw)}, '{signs}', '', 'g'), '−', '-')"
    return f"regexp_replace({bare}, '^\\((.+)\\)$|^([^-]+)-$', '-\\1\\2')"


def integer(raw: str, kind: str, habit: Habit = PLAIN) -> str:
    """SQL: the cell as BIGINT, null when it isn't a whole number."""
    if kind in _WHOLE:
        return f"TRY_CAST({raw} AS BIGINT)"
    value = decimal(raw, kind, habit)
    whole = f"CASE WHEN {value} = trunc({value}) THEN CAST({value} AS BIGINT) END"
    return f"coalesce(TRY_CAST({raw} AS BIGINT), {whole})" if is_text(kind) else whole


def boolean(raw: str, kind: str) -> str:
    """SQL: the cell as BOOLEAN; yes/no, y/n, t/f, 1/0 are understood."""
    if kind == "BOOLEAN":
        return raw
    word = f"lower(trim(CAST({raw} AS VARCHAR)))"
    yes, no = "('true','t','yes','y','1','1.0','x')", "('false','f','no','n','0','0.0')"
    return f"CASE WHEN {word} IN {yes} THEN true WHEN {word} IN {no} THEN false END"


def clock(raw: str, kind: str, habit: Habit = PLAIN) -> tuple[str, str]:
    """SQL: the microseconds since 1970 that the cell shows, and whether that is UTC already.

    What is not UTC is a reading of the source's zone; `to_utc` tells the moment.
    """
    if kind.startswith("TIMESTAMP WITH"):
        return f"epoch_us({raw})", "true"
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return f"epoch_us(CAST({raw} AS TIMESTAMP))", "false"
    if kind in _WHOLE or kind in _FLOATS or kind.startswith("DECIMAL"):
        number = f"TRY_CAST({raw} AS BIGINT)"
        return _from_number(number), f"({number} NOT BETWEEN 19000101 AND 21001231)"
    if not is_text(kind):
        return "CAST(NULL AS BIGINT)", "true"
    local = f"epoch_us({local_time(raw, habit)})"
    if habit.iso:
        return local, "false"
    cell = trimmed(raw)
    exact = f"(regexp_matches({cell}, '{OFFSET}') AND regexp_matches({cell}, '^\\d{{4}}-'))"
    # the engine reads +02:00, but no +0200 after a blank
    spelled = f"regexp_replace({cell}, '\\s*([+-]\\d{{2}}):?(\\d{{2}})$', '\\1:\\2')"
    spelled = f"CASE WHEN {exact} THEN replace({spelled}, ',', '.') END"
    moment = f"epoch_us(TRY_CAST({spelled} AS TIMESTAMPTZ))"
    count = f"regexp_full_match({cell}, '\\d{{9,19}}')"
    digits = f"regexp_full_match({cell}, '\\d{{8,19}}')"
    number = f"TRY_CAST(CASE WHEN {digits} THEN {cell} END AS BIGINT)"
    shown = f"CASE WHEN {exact} THEN {moment} ELSE coalesce({local}, {_from_number(number)}) END"
    return shown, f"({exact} OR {count})"


def date(raw: str, kind: str, habit: Habit = PLAIN) -> str:
    """SQL: the calendar date that the cell shows."""
    if kind == "DATE":
        return raw
    if is_text(kind) and habit.iso:
        return f"CAST({local_time(raw, habit)} AS DATE)"
    return f"CAST(make_timestamp({clock(raw, kind, habit)[0]}) AS DATE)"


def local_time(raw: str, habit: Habit) -> str:
    """SQL: what a text cell shows on the clock, as TIMESTAMP."""
    cell = trimmed(raw)
    iso = f"CASE WHEN regexp_matches({cell}, '{ISO}') THEN TRY_CAST({cell} AS TIMESTAMP) END"
    if habit.iso:
        return iso
    tried = [iso]
    if habit.time_format == EXCEL:
        tried.append(_serial(cell))
    elif habit.time_format:
        tried.append(f"try_strptime({cell}, {text_literal(habit.time_format)})")
    tried.append(_named_month(cell))
    if not habit.time_format:
        tried.append(_slashed(cell, habit.order))
    return f"coalesce({', '.join(tried)})"


def _serial(cell: str) -> str:
    """Days since 1899-12-30, as spreadsheets count, to the second."""
    days = f"CASE WHEN regexp_full_match({cell}, '\\d{{1,6}}([.,]\\d+)?') THEN {cell} END"
    seconds = f"round(CAST(replace({days}, ',', '.') AS DOUBLE) * 86400)"
    return f"TIMESTAMP '1899-12-30' + to_seconds(CAST({seconds} AS BIGINT))"


_CLOCKS = (
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    " %I:%M %p",
    " %I:%M:%S %p",
    "T%H:%M:%S",
    ", %H:%M",
)


def _formats(dates: tuple[str, ...]) -> str:
    return "[" + ", ".join(text_literal(d + c) for d in dates for c in _CLOCKS) + "]"


def _named_month(cell: str) -> str:
    dates = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%Y", "%d-%b-%y")
    worded = f"CASE WHEN regexp_matches({cell}, '[A-Za-z]{{3}}') THEN {cell} END"
    return f"try_strptime({worded}, {_formats(dates)})"


def _slashed(cell: str, order: Order | None) -> str:
    """Dates like 5/1/2018; without a known order only those that read one way."""
    head = f"regexp_extract({cell}, '^[0-9/.-]+')"
    same = f"replace(replace({head}, '-', '/'), '.', '/') || substr({cell}, length({head}) + 1)"
    cell = f"CASE WHEN regexp_matches({cell}, '{SLASHED}') THEN {same} END"
    day = f"try_strptime({cell}, {_formats(('%d/%m/%Y', '%d/%m/%y'))})"
    month = f"try_strptime({cell}, {_formats(('%m/%d/%Y', '%m/%d/%y'))})"
    if order is not None:
        return day if order == "dmy" else month
    both = f"{day} IS NOT NULL AND {month} IS NOT NULL AND {day} <> {month}"
    return f"CASE WHEN NOT ({both}) THEN coalesce({day}, {month}) END"


def floor_ms(microseconds: str) -> str:
    """SQL: whole milliseconds, cut off towards the past."""
    return f"(({microseconds}) - ((({microseconds}) % 1000) + 1000) % 1000) // 1000"


def _from_number(number: str) -> str:
    """20180131 is a date; else seconds, milli-, micro- or nanoseconds since 1970, by size."""
    digits = f"CAST({number} AS VARCHAR)"
    dated = f"CASE WHEN {number} BETWEEN 19000101 AND 21001231 THEN {digits} END"
    since = (
        f"CASE WHEN {number} BETWEEN 19000101 AND 21001231 THEN NULL "
        f"WHEN abs({number}) < 100000000000 THEN {number} * 1000000 "
        f"WHEN abs({number}) < 100000000000000 THEN {number} * 1000 "
        f"WHEN abs({number}) < 100000000000000000 THEN {number} ELSE {number} // 1000 END"
    )
    return f"coalesce(epoch_us(try_strptime({dated}, '%Y%m%d')), {since})"


def to_utc(local_ms: str, zone: Zone) -> str:
    """SQL: the UTC moment of a local reading: ambiguous = the first, skipped = moved forward."""
    turns = [
        at + max(zone.offsets[i], zone.offsets[i + 1]) for i, at in enumerate(zone.transitions)
    ]
    if not any(zone.offsets):
        return local_ms
    return f"({local_ms}) - ({_offset(local_ms, turns, zone.offsets, 0, len(turns))})"


def _offset(local: str, turns: list[int], offsets: tuple[int, ...], low: int, high: int) -> str:
    if len(set(offsets[low : high + 1])) == 1:
        return str(offsets[low])
    middle = (low + high) // 2
    before = _offset(local, turns, offsets, low, middle)
    after = _offset(local, turns, offsets, middle + 1, high)
    return f"CASE WHEN {local} < {turns[middle]} THEN {before} ELSE {after} END"


def value(raw: str, kind: str, target: Type, habit: Habit = PLAIN) -> str:
    """SQL: the cell as a value of a type of the language, times excepted (`clock`)."""
    match target:
        case Type.TEXT:
            return text(raw, kind, habit)
        case Type.DECIMAL:
            return decimal(raw, kind, habit)
        case Type.INTEGER:
            return integer(raw, kind, habit)
        case Type.BOOLEAN:
            return boolean(raw, kind)
        case Type.DATE:
            return date(raw, kind, habit)
        case Type.FLOAT:
            return f"TRY_CAST({raw} AS DOUBLE)"
    raise TypeError(f"no column of type {target}")
