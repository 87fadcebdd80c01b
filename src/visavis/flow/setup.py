"""`init`: a project from a shipped template, or from bare tables of order lines."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from visavis.collect.guess import ROLES, Guess, guess
from visavis.core.clock import zone, zone_names
from visavis.core.problems import Place, Problem, ProblemsError, nearest
from visavis.flow.order_files import Refused, asked
from visavis.flow.samples import Sample, day_first, read_sample
from visavis.flow.setup_text import identity_text, main_text, orders_text
from visavis.project.currencies import CURRENCIES
from visavis.project.templates import template_files, template_names

__all__ = ["ROLES", "Proposal", "Table", "init", "init_orders", "propose"]
_PEOPLE = ("customer", "email", "phone")
_ORDERS = "sources/orders.yml"


@dataclass(frozen=True, slots=True)
class Table:
    """Files of one shape, which become one source; `order` tells orders apart.

    `patterns` name all of its files and no others, as far as they were given by patterns.
    """

    name: str
    samples: tuple[Sample, ...]
    guess: Guess
    order: tuple[str, ...]
    namespace: str
    patterns: Mapping[Path, str] = field(default_factory=dict)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the table."""
        return tuple(s.path for s in self.samples)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What `init --orders` found: to be looked at before anything is written."""

    tables: tuple[Table, ...]
    notes: tuple[str, ...]

    @property
    def currency(self) -> str | None:
        """The currency that most tables are in, where they tell."""
        told = Counter(t.guess.currency for t in self.tables if t.guess.currency)
        return told.most_common(1)[0][0] if told else None

    def rows(self) -> list[dict[str, object]]:
        """One row a role: role, column, how sure it is, why, and an example."""
        rows: list[dict[str, object]] = []
        for table in self.tables:
            first: dict[str, object] = {"source": table.name} if len(self.tables) > 1 else {}
            examples = {c.name: next(iter(c.filled), "") for c in table.samples[0].columns}
            for choice in table.guess.choices:
                rows.append(
                    first
                    | {
                        "role": choice.role,
                        "column": " + ".join((choice.column, *choice.also)),
                        "sure": f"{choice.confidence:.0%}",
                        "because": choice.reason,
                        "example": examples.get(choice.column, "")[:40],
                    }
                )
        return rows


def init(directory: Path, template: str, time_zone: str, currency: str | None) -> list[str]:
    """Writes a template's files into a new project; returns their relative paths."""
    texts = _template(template)
    texts["visavis.yml"] = main_text(
        texts["visavis.yml"], directory.resolve().name, _zone(time_zone), _currency(currency)
    )
    return _write(directory, texts)


def propose(files: Sequence[Path], given: Mapping[str, str]) -> Proposal:
    """Looks at the files and guesses what their columns are; `given` stands above the guess.

    A file may also be a folder or a pattern: what isn't order lines among theirs is left out, and
    told. Files with the same columns become one source. Raises ProblemsError for other tables that
    can't be order lines, FileNotFoundError for what is no file.
    """
    wanted = asked(files)
    patterns = {one.path: one.pattern for one in wanted if one.pattern is not None}
    refused = Refused(patterns)
    samples: list[Sample] = []
    for one in wanted:
        with refused.told(one.path):
            samples.append(read_sample(one.path))
    _check_given(samples, given)
    notes: list[str] = []
    tables: list[Table] = []
    for group in _alike(samples):
        with refused.told(*(s.path for s in group)):
            name = f"orders_{len(tables) + 1}" if tables else "orders"
            tables.append(_table(name, group, given, notes))
    refused.settle(bool(tables))
    told = [*refused.notes(), *notes]
    named = [replace(t, patterns=_whole(t, patterns)) for t in _one_namespace(tables, told)]
    return Proposal(tuple(named), tuple(dict.fromkeys(told)))


def _alike(samples: Sequence[Sample]) -> Iterable[list[Sample]]:
    groups: dict[object, list[Sample]] = {}
    for sample in samples:
        key = (sample.names, sample.encoding, sample.delimiter, sample.skip_lines)
        groups.setdefault(key, []).append(sample)
    return groups.values()


def _whole(table: Table, patterns: Mapping[Path, str]) -> dict[Path, str]:
    """The patterns whose files are all in this table: what they will name later is, too."""
    others = {pattern for path, pattern in patterns.items() if path not in table.files}
    return {p: patterns[p] for p in table.files if p in patterns and patterns[p] not in others}


def _check_given(samples: Sequence[Sample], given: Mapping[str, str]) -> None:
    if not samples:
        return
    known = {name for sample in samples for name in sample.names}
    problems = [
        Problem(
            "missing-column",
            f"No file has the column '{column}' that --map gives the role '{role}'.",
            Place(str(samples[0].path)),
            nearest(column, known),
        )
        for role, column in given.items()
        if column and column not in known
    ]
    if problems:
        raise ProblemsError(problems)


def _table(
    name: str, samples: Sequence[Sample], given: Mapping[str, str], notes: list[str]
) -> Table:
    largest = max(samples, key=lambda s: len(s.columns[0].texts))
    mine = {role: column for role, column in given.items() if not column or column in largest.names}
    found = guess(largest.columns, mine)
    _check_guess(found, largest, given)
    found = _settle_dates(found, samples, notes)
    notes.extend(found.notes)
    if len(found.currencies) > 1:
        others = ", ".join(found.currencies[1:])
        notes.append(
            f"Orders in {others} go to quarantine until a source of kind rates says what they are "
            f"worth in {found.currency}."
        )
    if not {"amount", "price"} & found.columns.keys():
        notes.append(
            "No column is money: each piece counts as 1, so revenue is a number of pieces."
        )
    return Table(name, tuple(samples), found, _order_columns(found), name)


def _settle_dates(found: Guess, samples: Sequence[Sample], notes: list[str]) -> Guess:
    """Where the first rows leave open whether days or months come first, all rows are asked."""
    dates, column = found.dates, found.columns["time"]
    if dates is not None and dates.form == "mixed":
        notes.append(
            f"The dates in '{column}' are written in several ways; rows whose day and month "
            "can't be told go to quarantine."
        )
    if dates is None or dates.proven:
        return found
    told = day_first(samples, column)
    if told is not None:
        as_written = dates.form.index("%d") < dates.form.index("%m")
        right = replace(dates, proven=True) if told == as_written else dates.swapped()
        return replace(found, dates=right)
    order = "day-month" if dates.form.index("%d") < dates.form.index("%m") else "month-day"
    why = "their order suggests it" if dates.sure else "nothing shows which"
    notes.append(
        f"The dates in '{column}' are read as {order}-year; {why}. If that is wrong, change "
        f"time_format in {_ORDERS}."
    )
    return found


def _check_guess(found: Guess, sample: Sample, given: Mapping[str, str]) -> None:
    problems = []
    place = Place(str(sample.path))
    there = f"Its columns are {', '.join(sample.names[:30])}."
    if "time" not in found.columns:
        message = f"No column of '{sample.path.name}' holds the time of the order."
        hint = f"Say which with --map time=COLUMN. {there}"
        problems.append(Problem("no-time", message, place, hint))
    guests_only = given.get("customer") == ""
    if not guests_only and not set(_PEOPLE) & found.columns.keys():
        message = f"No column of '{sample.path.name}' tells who ordered."
        hint = (
            f"Say which with --map customer=COLUMN, or --map customer= if all are guests. {there}"
        )
        problems.append(Problem("no-customer", message, place, hint))
    if problems:
        raise ProblemsError(problems)


def _order_columns(found: Guess) -> tuple[str, ...]:
    """The order id; without one, who and when (or who and the order's own number) together."""
    columns = found.columns
    for choice in found.choices:
        if choice.role == "order":
            return (*choice.also, choice.column)
    who = next((columns[role] for role in _PEOPLE if role in columns), None)
    return tuple(c for c in (who, columns["time"]) if c is not None)


def _one_namespace(tables: Sequence[Table], notes: list[str]) -> list[Table]:
    """Tables that share order numbers tell of the same orders."""
    if len(tables) < 2:
        return list(tables)
    ids = [_order_ids(t) for t in tables]
    shared = [
        t if i == 0 or not _overlap(ids[0], ids[i]) else replace(t, namespace=tables[0].name)
        for i, t in enumerate(tables)
    ]
    if len({t.namespace for t in shared}) < len(shared):
        notes.append("Tables that share order numbers are taken to tell of the same orders.")
    return shared


def _order_ids(table: Table) -> set[str]:
    if len(table.order) != 1:
        return set()
    return {
        text
        for s in table.samples
        for c in s.columns
        if c.name == table.order[0]
        for text in c.filled
    }


def _overlap(one: set[str], other: set[str]) -> bool:
    return len(one & other) > 0.02 * max(1, min(len(one), len(other)))


def init_orders(
    directory: Path, proposal: Proposal, template: str, time_zone: str, currency: str | None
) -> list[str]:
    """Writes the project that was proposed; returns the relative paths of its files."""
    texts = _template(template)
    code = _currency(currency) or _currency(proposal.currency)
    name = directory.resolve().name
    texts["visavis.yml"] = main_text(texts["visavis.yml"], name, _zone(time_zone), code)
    nobody = sorted({v for t in proposal.tables for v in t.guess.nobody})
    if "identity.yml" in texts:
        texts["identity.yml"] = identity_text(texts["identity.yml"], nobody)
    texts[_ORDERS] = orders_text(proposal.tables, directory)
    return _write(directory, texts)


def _template(name: str) -> dict[str, str]:
    names = template_names()
    if name not in names:
        message = f"There is no template '{name}'."
        raise ProblemsError([Problem("unknown-template", message, hint=nearest(name, names))])
    return template_files(name)


def _zone(name: str) -> str:
    try:
        return zone(name).name
    except KeyError as error:
        message = f"There is no time zone '{name}'."
        hint = nearest(name, zone_names())
        raise ProblemsError([Problem("bad-time-zone", message, hint=hint)]) from error


def _currency(code: str | None) -> str | None:
    if code is None:
        return None
    if code.upper() not in CURRENCIES:
        message = f"'{code}' is no currency code of ISO 4217."
        hint = nearest(code.upper(), CURRENCIES) or "Write three letters, like EUR."
        raise ProblemsError([Problem("bad-currency", message, hint=hint)])
    return code.upper()


def _write(directory: Path, texts: Mapping[str, str]) -> list[str]:
    """Writes all files, or none where one would be overwritten."""
    there = [name for name in texts if (directory / name).exists()]
    if there:
        message = f"'{there[0]}' is already in {directory}."
        hint = "Choose an empty folder; init never writes over a file."
        raise ProblemsError([Problem("file-exists", message, Place(there[0]), hint)])
    for name, text in sorted(texts.items()):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    _ignore_state(directory)
    return sorted(texts)


def _ignore_state(directory: Path) -> None:
    """The state holds customers' data and a key: neither belongs in git."""
    path = directory / ".gitignore"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if not any(re.fullmatch(r"/?\.visavis/?", line.strip()) for line in lines):
        text = os.linesep.join([*lines, ".visavis/", ""])
        path.write_text(text, encoding="utf-8")
