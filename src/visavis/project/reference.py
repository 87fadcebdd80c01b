"""The reference of project files, printed from the tables that check them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from visavis.core.event_table import FAMILIES
from visavis.core.vocabulary import BUILT_IN, EVENTS, LINE_FIELDS
from visavis.project.identity import BLOCKED, DEFAULTS
from visavis.project.keys import EXPECT, FILES, LATER, PROJECT, TEST_EVENT
from visavis.project.keys_in import REQUIRED_ROLES, ROLES
from visavis.project.names import RESERVED
from visavis.project.settings import DEFAULTS as SETTINGS
from visavis.project.shape import Holds, Key, Shape

_INTRO = """# The files of a project

Printed from the tables that check the files. Unknown keys are Problems. Values are read as text
first, so `no`, `012` and `2018-01-01` mean what they say; anchors, aliases and tags of YAML are not
read.

- An *expression* is of the language in [functions.md](functions.md). In a trait with an event it
  names properties of that event, built-in ones (below) and, with `each: products`, fields of the
  line and of its item in the catalogue; elsewhere it names traits. All can name settings.
- A *duration* is a number and a unit: second, minute, hour, day, week; or short, as in `15m`,
  `12h`, `90d`, `2w`. A day is 24 hours.
- A *time* is ISO 8601; without an offset it is in the project's zone. A *date* is year-month-day.
- A definition whose only key is the one marked *short* may be written as `name: value`.
"""


_EVENTS_THERE = "The events known without being declared are in [events.md](events.md).\n"


def reference() -> str:
    """The whole page, as Markdown."""
    parts = [_INTRO, *_shape("visavis.yml", PROJECT), _settings()]
    told: list[Shape] = []
    for folder, key, shape in FILES:
        where = folder if "." in folder else f"{folder}/*.yml"
        parts.extend(_shape(f"{where}: {key}", shape))
        parts.extend(_below((k.of for k in shape.keys if k.of), told))
    parts.extend(_below((EXPECT, TEST_EVENT), told))
    parts.append("Other keys of a test event are its properties.\n")
    parts.append(f"Folders kept with the project and not read yet: {', '.join(LATER)}.\n")
    parts.extend((_roles(), _kinds(), _EVENTS_THERE, _names()))
    return "\n".join(parts)


def _shape(title: str, shape: Shape) -> Iterator[str]:
    yield f"## {title}\n"
    yield _table(shape)


def _below(shapes: Iterable[Shape], told: list[Shape]) -> Iterator[str]:
    for shape in shapes:
        if shape not in told:
            told.append(shape)
            yield f"### One {shape.noun}\n"
            yield _table(shape)


def _table(shape: Shape) -> str:
    rows = [_row(key, shape) for key in shape.keys]
    return "\n".join(["| key | takes | |", "|---|---|---|", *rows, ""])


def _row(key: Key, shape: Shape) -> str:
    takes = ", ".join(f"`{c}`" for c in key.choices) if key.holds is Holds.CHOICE else key.holds
    if key.names and key.name not in ("map", "constants"):
        takes = f"{takes}: {', '.join(f'`{name}`' for name in key.names)}"
    marks = [mark for mark, on in (("required", key.required), ("short", key.name == shape.short))
             if on]  # fmt: skip
    note = f" *({', '.join(marks)})*" if marks else ""
    return f"| `{key.name}` | {takes} | {key.doc}{note} |"


def _settings() -> str:
    known = ", ".join(f"`{name}` {literal.value}" for name, literal in SETTINGS.items())
    return f"Settings that are there without being written: {known}.\n"


def _roles() -> str:
    lines = ["## Roles of a source's `map` and `constants`\n", "| kind | roles |", "|---|---|"]
    for kind, roles in ROLES.items():
        marked = (f"**{r}** ({t})" if r in REQUIRED_ROLES[kind] else f"{r} ({t})"
                  for r, t in roles.items())  # fmt: skip
        lines.append(f"| {kind} | {', '.join(marked)} |")
    lines.append("\nBold ones are required; orders also need an amount or a price.\n")
    return "\n".join(lines)


def _kinds() -> str:
    lines = ["## Identifier kinds that every project has\n",
             "| kind | unique | priority | limit | shared after |",
             "|---|---|---|---|---|"]  # fmt: skip
    for kind in DEFAULTS.values():
        unique = "yes" if kind.unique else ""
        limit = "" if kind.limit is None else kind.limit
        shared = "" if kind.shared_after is None else kind.shared_after
        lines.append(f"| {kind.name} | {unique} | {kind.priority} | {limit} | {shared} |")
    blocked = ", ".join(f"`{value}`" for value in BLOCKED if value)
    lines.append(f"\nNobody's, whatever their case: no text at all, {blocked}.\n")
    return "\n".join(lines)


_EVENTS = """# The events that every project knows

Printed from the table in the code. Send them from any channel under these names and definitions can
use them without declaring anything; any other event and property can be declared. A property has
one type wherever it appears, text where none is told. Which channel an event came from is its
`channel`. Events that name nobody (weather, stock, news) are kept and belong to no person.

"""


def event_reference() -> str:
    """The page of events, as Markdown."""
    lines = [_EVENTS + "## Of every event\n", f"{_typed(BUILT_IN.items())}\n"]
    lines.append(f"One of an event's `products`: {_typed(LINE_FIELDS.items())}\n")
    for channel, rows in FAMILIES.items():
        lines += [f"## {channel}\n", "| event | says | properties |", "|---|---|---|"]
        lines += [
            f"| {event} | {row.meaning} | {_typed(EVENTS[event].items())} |"
            for event, row in rows.items()
        ]
        lines.append("")
    return "\n".join(lines)


def _typed(properties: Iterable[tuple[str, object]]) -> str:
    """Names, with the type of those that are not text."""
    named = (name if str(kind) == "text" else f"{name} ({kind})" for name, kind in properties)
    return ", ".join(named)


def _names() -> str:
    words = ", ".join(sorted(RESERVED))
    return f"## Words that can't be the name of a trait, a segment or a field\n\n{words}.\n"
