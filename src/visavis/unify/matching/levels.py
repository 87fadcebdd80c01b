"""How two values of one kind are compared: levels from equal to different, as SQL conditions.

Prepared columns: `c0`, `c1`, ... hold the cleaned values, `f0`, ... the same with every character
in one byte (DuckDB's edit distances count bytes), `t0`, ... the words (or pairs of ideographs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.unify.matching.columns import Column, Kind


@dataclass(frozen=True, slots=True)
class Level:
    """A condition on `x_l` and `x_r` columns; `frequency` names the column whose rare values
    weigh more when they are equal."""

    label: str
    condition: str
    frequency: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Columns compared as one: pairs take the first level whose condition is true.

    In a column of people's names two values at level `others` or beyond are those of two people.
    """

    name: str
    columns: tuple[str, ...]
    missing: str
    levels: tuple[Level, ...]
    kind: Kind = "name"
    others: int | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A column with its number in the prepared table; `partner` is one it is swapped with."""

    column: Column
    number: int
    partner: int | None = None

    @property
    def value(self) -> str:
        """The prepared column of cleaned values."""
        return f"c{self.number}"

    @property
    def bytes(self) -> str:
        """The prepared column that edit distances read."""
        return f"c{self.number}" if self.column.ascii_only else f"f{self.number}"

    @property
    def words(self) -> str:
        """The prepared column of words."""
        return f"t{self.number}"


def prepared_sql(item: Prepared) -> list[str]:
    """SQL: the prepared columns of one column of the cleaned table."""
    value = identifier(item.column.name)
    form = item.column.date_format
    if form is not None:
        parsed = f"try_strptime({value}, {text_literal(form)})"
        value = f"coalesce(strftime({parsed}, '%Y-%m-%d'), {value})"
    elif item.column.kind == "code":
        value = f"nullif(regexp_replace({value}, '[^0-9a-z]', '', 'g'), '')"
    # of the other records; a new one may be the only other
    others = f"greatest(count({value}) OVER (PARTITION BY {value}) - 1, 0.5)"
    share = f"{others} / greatest(count({value}) OVER () - 1, 1)"
    made = [f"{value} AS c{item.number}", f"CAST({share} AS FLOAT) AS r{item.number}"]
    if not item.column.ascii_only:
        made.append(f"{one_byte(value)} AS f{item.number}")
    if item.column.kind == "text":
        made.append(f"{_words(value, item.column.han > 0.5)} AS t{item.number}")
    return made


def one_byte(value: str) -> str:
    """SQL: a text with every character beyond ASCII replaced by one of 94, by its code point."""
    letter = "CASE WHEN ord(x) < 128 THEN x ELSE chr(CAST(33 + ord(x) % 94 AS INTEGER)) END"
    coded = f"array_to_string(list_transform(string_split({value}, ''), lambda x: {letter}), '')"
    return f"CASE WHEN regexp_full_match({value}, '[ -~]*') THEN {value} ELSE {coded} END"


def _words(value: str, han: bool) -> str:
    if han:
        bare = f"replace({value}, ' ', '')"
        pairs = f"list_transform(range(1, length({bare})), lambda i: substring({bare}, i, 2))"
        return f"list_sort(list_distinct({pairs}))"
    return (
        f"list_sort(list_distinct(list_filter(regexp_split_to_array({value}, '[^0-9a-z]+'), "
        "lambda x: x <> '')))"
    )


def compare(item: Prepared, followers: Sequence[Prepared] = ()) -> Comparison:
    """The comparison of a column; `followers` are columns that it determines and that count only
    where it tells nothing."""
    missing = _missing(item)
    levels = list(_levels(item))
    others = _others(item.column, len(levels))
    for other in followers:
        label = f"{other.column.name} equal"
        levels.append(
            Level(f"{label}, {item.column.name} missing", f"{missing} AND {_equal(other)}")
        )
        levels.append(Level(label, _equal(other)))
    for other in followers:
        missing = f"{missing} AND {_missing(other)}"
    names = tuple(i.column.name for i in (item, *followers))
    return Comparison(item.column.name, names, missing, tuple(levels), item.column.kind, others)


def _others(column: Column, levels: int) -> int | None:
    """Where a name is another's: past all levels, of a full name already where half of it is."""
    if column.kind == "name":
        return levels - 1 if column.han > 0.5 else levels
    full = column.kind == "text" and column.han <= 0.5 and column.numbered < 0.05
    return levels - 1 if full and column.words < 4 else None


def _missing(item: Prepared) -> str:
    return f"({item.value}_l IS NULL OR {item.value}_r IS NULL)"


def _equal(item: Prepared) -> str:
    return f"{item.value}_l = {item.value}_r"


def _levels(item: Prepared) -> list[Level]:
    first = [Level("equal", _equal(item), item.value)]
    swapped = []
    if item.partner is not None:
        other = f"c{item.partner}"
        crossed = f"({item.value}_l = {other}_r OR {other}_l = {item.value}_r)"
        swapped = [Level("equal to the other column", crossed)]
    return first + swapped + _near(item)


def _near(item: Prepared) -> list[Level]:
    a, b = f"{item.bytes}_l", f"{item.bytes}_r"
    match item.column.kind:
        case "date":
            return _dates(a, b)
        case "email":
            return _emails(item, a, b)
        case "code":
            return _edits(a, b, 2 if item.column.length >= 6 else 1)
        case "number":
            return _edits(a, b, 1) if item.column.length >= 2.5 else []
        case "text":
            return _texts(item, a, b)
        case "name":
            return _han_names(item, a, b) if item.column.han > 0.5 else _names(a, b)
        case _:
            return []


def _within(a: str, b: str, edits: int, least: float) -> str:
    """At most so many edits; asked only where Jaro's similarity, 50 times as fast, is enough.

    A CASE, for the engine tries the sides of an AND in an order of its own.
    """
    far = f"abs(length({a}) - length({b})) > {edits} OR jaro_similarity({a}, {b}) < {least}"
    return f"(CASE WHEN {far} THEN FALSE ELSE damerau_levenshtein({a}, {b}) <= {edits} END)"


def _either(quick: str, slow: str) -> str:
    return f"(CASE WHEN {quick} THEN TRUE ELSE {slow} END)"


def _edits(a: str, b: str, most: int) -> list[Level]:
    return [Level(f"{n} edit{'s' * (n > 1)}", _within(a, b, n, 0.65)) for n in range(1, most + 1)]


def _dates(a: str, b: str) -> list[Level]:
    turned = f"({a}[1:5] = {b}[1:5] AND {a}[6:7] = {b}[9:10] AND {a}[9:10] = {b}[6:7])"
    return [
        Level("one digit differs or day and month turned",
              _either(turned, _within(a, b, 1, 0.85))),
        Level("two digits differ or same day of another year",
              _either(f"{a}[5:10] = {b}[5:10]", _within(a, b, 2, 0.85))),
        Level("same year", f"{a}[1:4] = {b}[1:4]"),
    ]  # fmt: skip


def _emails(item: Prepared, a: str, b: str) -> list[Level]:
    user = f"split_part({item.value}_l, '@', 1) = split_part({item.value}_r, '@', 1)"
    near = f"jaro_winkler_similarity(split_part({a}, '@', 1), split_part({b}, '@', 1))"
    return [
        Level("one edit", _within(a, b, 1, 0.85)),
        Level("same name at another provider", user),
        Level("two edits", _within(a, b, 2, 0.85)),
        Level("similar name", f"{near} >= 0.9"),
    ]


def _names(a: str, b: str) -> list[Level]:
    short = f"(length({a}) <= 2 OR length({b}) <= 2)"
    return [
        Level("one edit", f"(length({a}) > 3 AND {_within(a, b, 1, 0.75)})"),
        Level("very similar", f"jaro_winkler_similarity({a}, {b}) >= 0.9"),
        Level("initial", f"({short} AND {a}[1] = {b}[1])"),
        Level("similar", f"jaro_winkler_similarity({a}, {b}) >= 0.8"),
    ]


def _han_names(item: Prepared, a: str, b: str) -> list[Level]:
    long = f"least(length({a}), length({b})) >= 3"
    return [
        Level("one of three characters differs", f"({long} AND {_within(a, b, 1, 0.65)})"),
        Level("the given name is equal", f"(length({a}) >= 2 AND {a}[2:] = {b}[2:])"),
        Level("the family name is equal", f"{item.value}_l[1] = {item.value}_r[1]"),
    ]  # fmt: skip


def _texts(item: Prepared, a: str, b: str) -> list[Level]:
    x, y = f"{item.words}_l", f"{item.words}_r"
    shared = f"len(list_intersect({x}, {y})) / greatest(least(len({x}), len({y})), 1)"
    close = f"jaro_winkler_similarity({a}, {b})"
    return [
        Level("same words", f"{x} = {y}"),
        Level("two edits", _within(a, b, 2, 0.85)),
        Level("very similar", _either(f"{close} >= 0.92", f"{shared} >= 0.75")),
        Level("similar", _either(f"{close} >= 0.85", f"{shared} >= 0.5")),
    ]
