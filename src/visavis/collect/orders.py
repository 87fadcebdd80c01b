"""Order lines to events: lines of one order become Order Completed, Refunded or Cancelled.

Works on whole tables: `collect_lines` holds the good lines in one canonical form (amounts and
quantities positive, the class telling sale from refund), `collect_new` the events made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from visavis.collect.staging import Column
from visavis.core.lang.types import Type
from visavis.core.nouns import Source
from visavis.store.engines.duckdb_names import SQL_TYPES, identifier, text_literal

COMPLETED, REFUNDED, CANCELLED, TEST = range(4)
EVENT_NAMES = ("Order Completed", "Order Refunded", "Order Cancelled", "Test Order")
REQUIRED = {
    "order": "missing-order: the row has no order id",
    "time": "bad-time: the row has no time",
}
_DECIMAL = "DECIMAL(18,6)"
_NO = r"0+([.,]0+)?\s*%?|f|false|n|no|none|-"
LINE_ROLES: Mapping[str, Type] = {
    "product": Type.TEXT,
    "quantity": Type.DECIMAL,
    "price": Type.DECIMAL,
    "amount": Type.DECIMAL,
    "discount": Type.DECIMAL,
    "cost": Type.DECIMAL,
    "category": Type.TEXT,
    "promotion": Type.TEXT,
}
"""Roles of a line; the lake calls the product `l_product_id`, the others by their role."""
ORDER_ROLES: Mapping[str, str] = {
    "payment": "p_payment_method",
    "place": "p_place",
    "currency": "p_currency",
    "channel": "channel",
}
"""Roles of the whole order and their columns in the lake's events."""
REVISION = (
    'coalesce(TRY_CAST("role.revision" AS BIGINT), epoch_ms(TRY_CAST("role.revision" AS '
    "TIMESTAMP)))"
)
"""SQL: the number of a row's revision: a whole number or a time."""
MONEY = ("price", "amount", "discount", "cost")


@dataclass(frozen=True, slots=True)
class Shape:
    """Columns of a source's lines: of the line and of the order, with types; identifier kinds."""

    line: Mapping[str, Type]
    order: Mapping[str, Type]
    kinds: tuple[str, ...]

    @property
    def line_columns(self) -> list[str]:
        return list(self.line)

    @property
    def order_columns(self) -> list[str]:
        return [*self.order, *(f"id.{kind}" for kind in self.kinds)]


def shape_of(columns: Sequence[Column]) -> Shape:
    """The shape that a source's stage columns give."""
    there = {column.key: column.type for column in columns}
    line = {"l_amount": Type.DECIMAL}
    for role, kind in LINE_ROLES.items():
        if f"role.{role}" in there:
            line[line_name(role)] = kind
    line |= {f"l_{k[5:]}": t for k, t in there.items() if k.startswith("line.")}
    order = {name: Type.TEXT for role, name in ORDER_ROLES.items() if f"role.{role}" in there}
    order["p_currency"] = Type.TEXT
    order |= {f"p_{k[6:]}": t for k, t in there.items() if k.startswith("field.")}
    kinds = tuple(k[3:] for k in there if k.startswith("id."))
    return Shape(line, order, kinds)


def line_name(role: str) -> str:
    """The lake's column of a line role."""
    return "l_product_id" if role == "product" else f"l_{role}"


def checked(stage: str, source: Source) -> str:
    """The stage query with the amount filled in and rows without one made bad."""
    there = {*source.roles, *source.constants}
    product = f"CAST(NULL AS {_DECIMAL})"
    if "price" in there:
        quantity = '"role.quantity"' if "quantity" in there else f"CAST(1 AS {_DECIMAL})"
        product = f'TRY_CAST({quantity} * "role.price" AS {_DECIMAL})'
    given = _given(source) if "amount" in there else f"CAST(NULL AS {_DECIMAL})"
    missing = text_literal(
        "missing-amount: the row has no amount that fits, nor quantity and price"
    )
    return (
        f"SELECT * REPLACE (CASE WHEN _reason IS NULL AND _amount IS NULL THEN {missing} "
        f"ELSE _reason END AS _reason) FROM "
        f"(SELECT *, coalesce({given}, {product}) AS _amount FROM ({stage}))"
    )


def _given(source: Source) -> str:
    """SQL of a line's amount; that of an order is shared equally, the rest to the first line."""
    if source.amount_of != "order":
        return '"role.amount"'
    product = '"role.product"' if "product" in source.roles else "1"
    lines = '(PARTITION BY _file, "role.order", _reason IS NULL'
    whole = f'visavis_wide_scaled(max("role.amount") OVER {lines}))'
    count = f"count(*) OVER {lines})"
    first = f"row_number() OVER {lines} ORDER BY {product}) = 1"
    rest = f"CASE WHEN {first} THEN {whole} % {count} ELSE 0 END"
    return f"visavis_unscaled({whole} // {count} + {rest})"


def lines_query(source: Source, columns: Sequence[Column], shape: Shape, currency: str) -> str:
    """The good rows of the stage table in canonical form."""
    there = {column.key for column in columns}
    refunded, returned, cancelled, test = (
        _status(source, there, name) for name in ("refunded", "returned", "cancelled", "test")
    )
    negative = ['"_amount" < 0', returned]
    if "role.quantity" in there:
        negative.append('"role.quantity" < 0')
    kind = (
        f"CASE WHEN {test} THEN {TEST} WHEN {cancelled} THEN {CANCELLED} "
        f"WHEN {' OR '.join(negative)} THEN {REFUNDED} ELSE {COMPLETED} END::TINYINT"
    )
    picked = ["origin", '"role.order" AS order_id', '"role.time" AS ms', f"{kind} AS class"]
    # what never was a sale has no refund either: its lines keep their signs
    signed = " OR ".join(sql for sql in (cancelled, test) if sql != "false")
    for name, kind in shape.line.items():
        picked.append(f"{_typed(_line_value(name, there, signed), kind)} AS {identifier(name)}")
    for name, kind in shape.order.items():
        picked.append(f"{_typed(_order_value(name, there, currency), kind)} AS {identifier(name)}")
    picked += [identifier(f"id.{kind_name}") for kind_name in shape.kinds]
    rows = _rows(there, _listed(source, there))
    query = f"SELECT {', '.join(picked)} FROM {rows} WHERE _reason IS NULL"
    if "role.status" not in there or not source.statuses.get("refunded"):
        return query
    # an order that was paid back whole is both a sale and a refund
    again = (
        f"SELECT * REPLACE ({REFUNDED}::TINYINT AS class) FROM ({query} AND {refunded}) WHERE "
        f"class = {COMPLETED}"
    )
    return f"{query} UNION ALL {again}"


def _rows(there: set[str], listed: str | None) -> str:
    """The stage; with a revision column, of each order only the rows of its latest revision.

    A line without a status has its order's.
    """
    rows = "collect_stage"
    if "role.revision" in there:
        number = f"coalesce({REVISION}, 0)"
        rows = (
            f"(SELECT * FROM collect_stage WHERE _reason IS NULL QUALIFY {number} = "
            f'max({number}) OVER (PARTITION BY "role.order"))'
        )
    if listed is None:
        return rows
    told = (
        f'SELECT "role.order" AS _order, min("role.status") AS _status FROM {rows} WHERE '
        f'_reason IS NULL AND lower("role.status") IN ({listed}) GROUP BY 1'
    )
    return (
        f'(SELECT s.* REPLACE (coalesce("role.status", _status) AS "role.status") FROM {rows} AS s '
        f'LEFT JOIN ({told}) ON _order = "role.order")'
    )


def _listed(source: Source, there: set[str]) -> str | None:
    """SQL list of the statuses that mean something, in lower case; None: there are none."""
    values = [v.strip().lower() for listed in source.statuses.values() for v in listed]
    return ", ".join(map(text_literal, values)) if values and "role.status" in there else None


def _status(source: Source, there: set[str], name: str) -> str:
    values = source.statuses.get(name, ())
    if "role.status" not in there or not values:
        return "false"
    listed = ", ".join(text_literal(value.strip().lower()) for value in values)
    return f"(coalesce(lower(\"role.status\"), '') IN ({listed}))"


def _typed(value: str, kind: Type) -> str:
    """SQL: a stage column as the lake has it; times are milliseconds in the stage."""
    return f"make_timestamp({value} * 1000)" if kind is Type.TIME else value


def _line_value(name: str, there: set[str], signed: str) -> str:
    """SQL of a line's column: positive, but where `signed` holds as given."""

    def positive(value: str) -> str:
        return (
            f"CASE WHEN {signed} THEN {value} ELSE abs({value}) END" if signed else f"abs({value})"
        )

    if name == "l_amount":
        return positive('"_amount"')
    role = "product" if name == "l_product_id" else name[2:]
    if f"role.{role}" not in there:
        return identifier(f"line.{role}")
    value = identifier(f"role.{role}")
    if role == "promotion":
        # a flag or a share of nothing is no promotion
        return f"CASE WHEN NOT regexp_full_match(lower({value}), '{_NO}') THEN {value} END"
    return positive(value) if LINE_ROLES.get(role) is Type.DECIMAL else value


def _order_value(name: str, there: set[str], currency: str) -> str:
    if name == "p_currency":
        given = 'upper("role.currency")' if "role.currency" in there else "NULL"
        return f"coalesce({given}, {text_literal(currency)})"
    for role, column in ORDER_ROLES.items():
        if column == name:
            return identifier(f"role.{role}")
    return identifier(f"field.{name[2:]}")


def grouping(namespace: str, shape: Shape, several_files: bool) -> list[str]:
    """Statements that make `collect_new`, one row an order and class, from `collect_lines`.

    Sums are exact, the time is the earliest line's. Where rows of an order differ in what belongs
    to the whole order, the latest file's smallest value stands, however the rows were split.
    """
    ids = [f"id.{kind}" for kind in shape.kinds]
    split = "SELECT order_id FROM collect_lines GROUP BY order_id HAVING min(origin) <> max(origin)"
    if not several_files:
        split = "SELECT ''::VARCHAR AS order_id WHERE false"
    smallest = [f"min({identifier(c)}) AS {identifier(c)}" for c in shape.order_columns]
    if "l_promotion" in shape.line:
        smallest.append("min(l_promotion) AS p_promotion")
    picked = [*_sums(shape), *smallest]
    latest = [
        *_sums(shape, again=True),
        *(f"arg_max({identifier(c)}, origin) AS {identifier(c)}" for c in shape.order_columns),
    ]
    if "l_promotion" in shape.line:
        latest.append("min(p_promotion) AS p_promotion")
    head = "order_id, class, min(ms) AS ms, max(origin) AS origin"
    per_file = f"SELECT {head}, {', '.join(picked)} FROM collect_lines"
    wide = ", ".join([*_sums(shape, of_a_file=True), *smallest])
    of_a_file = f"SELECT {head}, {wide} FROM collect_lines"
    return [
        f"CREATE OR REPLACE TEMP TABLE collect_split AS {split}",
        f"CREATE OR REPLACE TEMP TABLE collect_grouped AS {per_file} "
        "ANTI JOIN collect_split USING (order_id) GROUP BY order_id, class "
        f"UNION ALL SELECT {head}, {', '.join(latest)} FROM ({of_a_file} "
        "SEMI JOIN collect_split USING (order_id) GROUP BY order_id, class, collect_lines.origin) "
        "GROUP BY order_id, class",
        "CREATE OR REPLACE TEMP TABLE collect_both AS SELECT order_id"
        + "".join(f", min({identifier(c)}) AS {identifier(c)}" for c in ids)
        + (
            f", bool_or(class = {COMPLETED}) AS sale FROM collect_grouped GROUP BY order_id "
            "HAVING count(*) > 1"
        ),
        f"CREATE OR REPLACE TEMP TABLE collect_new AS {_named(namespace, ids)}",
    ]


_SUMS = {"p_revenue": "l_amount", "p_discount": "l_discount"}
_SUMS |= {"p_items": "l_quantity", "p_cost": "l_cost"}


def _sums(shape: Shape, again: bool = False, of_a_file: bool = False) -> list[str]:
    """SQL of an order's sums over its lines, or `again` over the sums of its files.

    A sum that does not fit is null; that `of_a_file` is kept wide, as the whole may fit again.
    """
    kind = "DECIMAL(38,6)" if of_a_file else _DECIMAL
    return [
        f"TRY_CAST(sum({name if again else identifier(column)}) AS {kind}) AS {name}"
        for name, column in _SUMS.items()
        if column in shape.line
    ]


def _named(namespace: str, ids: Sequence[str]) -> str:
    """The groups with their message ids; all events of an order are of the same customer."""
    suffix = (
        f"CASE WHEN class = {REFUNDED} THEN ':refund' WHEN class = {COMPLETED} OR NOT "
        "coalesce(sale, false) "
        f"THEN '' WHEN class = {CANCELLED} THEN ':cancelled' ELSE ':test' END"
    )
    filled = "".join(
        f", coalesce(g.{identifier(c)}, b.{identifier(c)}) AS {identifier(c)}" for c in ids
    )
    dropped = "".join(f", {identifier(c)}" for c in ids)
    return (
        f"SELECT {text_literal(f'{namespace}:')} || g.order_id || {suffix} AS message_id, "
        f"g.* EXCLUDE (order_id{dropped}), g.order_id{filled} "
        "FROM collect_grouped AS g LEFT JOIN collect_both AS b ON b.order_id = g.order_id"
    )


def event_name(column: str = "class") -> str:
    """SQL: the event that a class of lines makes."""
    cases = " ".join(f"WHEN {i} THEN {text_literal(name)}" for i, name in enumerate(EVENT_NAMES))
    return f"CASE {column} {cases} END"


def canonical_order(shape: Shape, table: str) -> str:
    """SQL: the order of an order's lines, the same however they were split over files."""
    first = ["ms", *(c for c in ("l_product_id", "l_amount") if c in shape.line)]
    rest = [c for c in shape.line if c not in first]
    return ", ".join(f"{table}.{identifier(c)}" for c in (*first, *rest))


def typed_null(kind: Type) -> str:
    """SQL: null of a type."""
    return f"CAST(NULL AS {SQL_TYPES[kind]})"
