"""Guesses what each column of a table of order lines is, by name, type and content.

A pure function of a sample of the table: the same sample gives the same mapping, with how sure it
is and why. What the user says stands above every guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from visavis.collect.guess_arithmetic import Setting
from visavis.collect.guess_dates import Dates
from visavis.collect.guess_meanings import currencies_of, nobody_of, statuses_of
from visavis.collect.guess_money import money
from visavis.collect.guess_names import ROLES, name_score
from visavis.collect.guess_scores import (
    about_something_else,
    as_written,
    content,
    counts_products,
    looks_counted,
    mostly_same,
    name_needed,
    possible,
)
from visavis.collect.guess_structure import (
    Groups,
    customer_by_structure,
    days,
    is_line_number,
    is_row_number,
    like_id,
    one_to_one,
    order_by_structure,
    product_by_structure,
    returning,
    shared_order_numbers,
)
from visavis.collect.guess_values import Column

__all__ = ["ROLES", "Choice", "Column", "Guess", "guess"]
_SURE = 0.5


@dataclass(frozen=True, slots=True)
class Choice:
    """A role and the column taken for it; `confidence` from 0 to 1.

    `also` are further columns: amounts are added up, ids put together.
    """

    role: str
    column: str
    confidence: float
    reason: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guess:
    """The mapping in the order of the roles, and how the table is written.

    `thousands`: some figures read either way, like 1,234. `per_order`: the amount is
    the whole order's and stands on its lines.
    `dates` tells how the time column is; `currency` is the code that the amounts are in, where
    the table shows it; `statuses` what the values of the status column mean; `nobody` the values
    that stand for guests; `notes` is what the user should know.
    """

    choices: tuple[Choice, ...]
    notes: tuple[str, ...] = ()
    dates: Dates | None = None
    decimal_mark: str = "."
    thousands: bool = False
    per_order: bool = False
    currency: str | None = None
    currencies: tuple[str, ...] = ()
    statuses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nobody: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, str]:
        """role -> column."""
        return {c.role: c.column for c in self.choices}


def guess(columns: Sequence[Column], given: Mapping[str, str] | None = None) -> Guess:
    """The roles of the columns of a table. `given` (role -> column) is taken as it is.

    An empty column in `given` takes the role away.
    """
    return _Guesser(columns, given or {}).guess()


class _Guesser:
    """One table's guess in the making: roles are taken one after the other, the surest first."""

    def __init__(self, columns: Sequence[Column], given: Mapping[str, str]) -> None:
        self.columns = [c for c in columns if c.filled]
        _settle_marks(self.columns)
        self.notes: list[str] = []
        self.taken: dict[str, tuple[Column, float, str]] = {}
        self.also: dict[str, tuple[Column, ...]] = {}
        self.per_order = False
        self.never = {role for role, name in given.items() if not name}
        by_name = {c.name: c for c in columns}
        for role, name in given.items():
            if name:
                self.taken[role] = (by_name[name], 1.0, "given")

    def guess(self) -> Guess:
        self._by_pattern("email", lambda c: c.email_share)
        self._by_pattern("currency", lambda c: c.currency_share)
        self._time()
        self._ids()
        self._money()
        self._by_pattern("phone", lambda c: c.phone_share)
        for role in ("status", "payment", "channel", "promotion", "place", "category", "cost"):
            self._words(role)
        return self._result()

    def _free(self) -> list[Column]:
        used = {id(column) for column, _, _ in self.taken.values()}
        used |= {id(column) for columns in self.also.values() for column in columns}
        return [c for c in self.columns if id(c) not in used]

    def _open(self, role: str) -> bool:
        return role not in self.taken and role not in self.never

    def _take(self, role: str, column: Column, confidence: float, reason: str) -> None:
        self.taken[role] = (column, round(min(confidence, 0.99), 2), reason)

    def _column(self, role: str) -> Column | None:
        return self.taken[role][0] if role in self.taken else None

    def _by_pattern(self, role: str, share: object) -> None:
        """email, phone and currency: the values must look like it."""
        if not self._open(role):
            return
        scored = []
        for column in self._free():
            fits = share(column)  # type: ignore[operator]
            named = name_score(column.name, role)
            enough = 0.5 if named >= _SURE else 0.9
            # long numbers look like phones, so those need the name as well
            if fits >= enough and (named >= _SURE or role != "phone"):
                scored.append((named + fits, column))
        if scored:
            score, column = max(scored, key=lambda s: s[0])
            named = name_score(column.name, role) >= _SURE
            reason = f"the values look like it{' and so does the name' if named else ''}"
            self._take(role, column, 0.6 + score / 5, reason)

    def _time(self) -> None:
        if not self._open("time"):
            return
        scored = []
        for column in self._free():
            dates, named = column.dates, name_score(column.name, "time")
            if dates is None or column.share < 0.5:
                continue
            if named < name_needed(column, dates) or about_something_else(column):
                continue
            score = named + (0.15 if dates.has_time else 0.0) + 0.3 * column.share
            scored.append((score, column, named))
        if scored:
            _, column, named = max(scored, key=lambda s: s[0])
            reason = f"dates written {as_written(column)}"
            self._take("time", column, 0.6 + 0.35 * named, reason)

    def _ids(self) -> None:
        """order, customer and product, each by name first, then by how the values go together."""
        self._named_id("order")
        self._named_id("customer")
        if self._open("order"):
            customer = self._column("customer") or self._column("email")
            found = order_by_structure(self._id_like(), customer, self._column("time"))
            if found:
                self._take("order", found[0], 0.6, found[1])
        if self._open("customer") and "email" not in self.taken:
            order, time = self._column("order"), self._column("time")
            ids = self._id_like("customer")
            found = customer_by_structure(ids, order) if order else returning(ids, time)
            if found:
                self._take("customer", found[0], 0.55, found[1])
        self._check_order()
        self._named_id("product")
        if self._open("product"):
            customer = self._column("customer") or self._column("email")
            found = product_by_structure(self._id_like(), self._column("order"), customer)
            if found:
                self._take("product", found[0], 0.55, found[1])

    def _id_like(self, role: str = "order") -> list[Column]:
        others = [r for r in ROLES if r not in (role, "order", "customer", "product")]
        words = [r for r in others if r not in _NUMBERS]
        return [
            c
            for c in self._free()
            if like_id(c)
            and not is_row_number(c)
            and not (c.numeric and looks_counted(c))
            # what is no number is no figure, whatever it is called
            and max(name_score(c.name, r) for r in (words if c.padded or not c.numeric else others))
            < _SURE
            and not about_something_else(c)
        ]

    def _named_id(self, role: str) -> None:
        if not self._open(role):
            return
        scored = []
        for column in self._free():
            named = name_score(column.name, role)
            if named >= 0.3 and like_id(column) and (column.dates is None or named > 0.8):
                scored.append((named * self._content_fits(role, column), column))
        if not scored:
            return
        score, column = max(scored, key=lambda s: s[0])
        if score >= 0.3:
            self._take(role, column, score, "by its name")
            if role == "customer" and score < _SURE:
                self.notes.append(
                    f"'{column.name}' is a name rather than an id: people of one name become one."
                )

    def _content_fits(self, role: str, column: Column) -> float:
        """Below 1 where the values speak against the name."""
        if role == "order":
            return 0.5 if mostly_same(column) else 1.0
        order = self._column("order")
        if role == "product":
            unique = column.distinct > 0.98 * len(column.filled) and len(column.filled) >= 50
            counted = order is not None and is_line_number(column, Groups(order.texts))
            return 0.2 if unique or counted else 1.0
        if order is None:
            return 1.0
        same = Groups(order.texts).constant(column.texts)
        fits = 1.0 if same is None or same > 0.6 else 0.5
        # an id made anew for each order tells nobody apart, if there is another
        return fits * (0.7 if one_to_one(column, order) else 1.0)

    def _check_order(self) -> None:
        """Order numbers that start again with each customer don't tell orders apart."""
        order, customer = self._column("order"), self._column("customer")
        if order is None or self.taken["order"][2] == "given":
            return
        if customer is None or not shared_order_numbers(order, customer):
            return
        del self.taken["order"]
        self.notes.append(f"'{order.name}' alone can't tell orders apart: customers share it.")
        both = [f"{c} {o}" if o else None for c, o in zip(customer.texts, order.texts, strict=True)]
        same = Groups(both).constant(days(self._column("time")))
        if same is not None and same >= 0.97:
            self._take("order", order, 0.6, "counts the orders of each customer")
            self.also["order"] = (customer,)

    def _money(self) -> None:
        roles = ("quantity", "price", "amount", "discount")
        taken = {r: self.taken[r][0] for r in roles if r in self.taken}
        setting = Setting(self._column("order"), self._column("product"), taken)
        pool = [*self._free(), *taken.values()]
        numbers = [c for c in pool if c in taken.values() or self._may_count(c)]
        told = money(numbers, setting)
        for role, (column, confidence, reason) in told.found.items():
            if self._open(role):
                self._take(role, column, confidence, reason)
                self.also |= {role: told.also[role]} if role in told.also else {}
        self.notes.extend(told.notes)
        self.per_order = told.per_order and "amount" in self.taken
        if self.per_order:
            self.notes.append(
                f"'{self.taken['amount'][0].name}' is of the whole order and counts once: its "
                "lines share it equally."
            )

    def _may_count(self, column: Column) -> bool:
        order = self._column("order")
        claimed = max(name_score(column.name, r) for r in ("customer", "order", "product", "phone"))
        if self._column("product") and counts_products(column):
            claimed = 0.0
        named = max(name_score(column.name, r) for r in ("quantity", "price", "amount")) >= _SURE
        if column.padded or claimed >= _SURE or (is_row_number(column) and not named):
            return False
        dated = column.dates is not None and name_score(column.name, "time") >= 0.4
        counted = order is not None and is_line_number(column, Groups(order.texts))
        return not dated and not (counted and not named)

    def _words(self, role: str) -> None:
        """Roles whose values are few words; the cost is a number."""
        if not self._open(role):
            return
        scored = []
        for column in self._free():
            named, fits = name_score(column.name, role), content(role, column)
            score = named + 0.4 * fits if named >= 0.25 else 0.75 * fits
            if score >= _SURE and possible(role, column):
                scored.append((score, column, named >= 0.25))
        if scored:
            score, column, named = max(scored, key=lambda s: s[0])
            self._take(role, column, score, "by its name" if named else "by its values")

    def _result(self) -> Guess:
        time = self._column("time")
        self._add_notes(time)
        choices = [
            Choice(role, self.taken[role][0].name, *self.taken[role][1:], self._further(role))
            for role in ROLES
            if role in self.taken
        ]
        figures = [c for r in _FIGURES if (c := self._column(r))]
        commas = sum(c.decimal_mark == "," for c in figures)
        currencies = currencies_of(self._column("currency"), figures, self.columns)
        return Guess(
            tuple(choices),
            tuple(self.notes),
            time.dates if time else None,
            "," if commas > len(figures) / 2 else ".",
            any(c.mark_open for c in figures),
            self.per_order,
            currencies[0] if currencies else None,
            currencies,
            statuses_of(self._column("status")),
            nobody_of(self._column("customer")),
        )

    def _further(self, role: str) -> tuple[str, ...]:
        return tuple(c.name for c in self.also.get(role, ()))

    def _add_notes(self, time: Column | None) -> None:
        if "order" not in self.taken and time is not None:
            self.notes.append(
                "No column tells orders apart: what one customer buys at the same "
                f"{'time' if time.dates and time.dates.has_time else 'date'} is one order."
            )


_NUMBERS = ("quantity", "price", "amount", "discount", "cost")
_FIGURES = ("amount", "price", "discount", "cost")


def _settle_marks(columns: Sequence[Column]) -> None:
    """Figures that read either way are written like the others of the table."""
    told = [c for c in columns if c.numeric and not c.mark_open and c.integer_share < 1]
    if told and all(c.decimal_mark == "," for c in told):
        for column in columns:
            if column.mark_open:
                column.decimal_mark = ","
