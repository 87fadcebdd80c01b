"""What may stand in a file: shapes of keys, each with what it holds and what it is for.

One table per kind of definition (see keys.py) checks the files and prints the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Holds(StrEnum):
    """What a key's value is; the text is how the reference calls it."""

    TEXT = "text"
    INTEGER = "whole number"
    SHARE = "share from 0 to 1"
    BOOLEAN = "true or false"
    CHOICE = "one of"
    DURATION = "duration"
    DATE = "date"
    MOMENT = "time"
    EXPIRY = "date or duration"
    ZONE = "time zone"
    CURRENCY = "currency"
    EXPRESSION = "expression"
    TEXTS = "list of texts"
    TEXT_MAP = "names with texts"
    TEMPLATE_MAP = "names with templates"
    COLUMN_MAP = "names with columns"
    TEXTS_MAP = "names with lists of texts"
    CONTENT = "name, text or keys"
    SECTION = "keys"
    SECTIONS = "list of keys"
    NAMED = "names with keys"
    ANY = "anything"


@dataclass(frozen=True, slots=True)
class Shape:
    """A set of keys. A bare value stands for the key `short`, where there is one.

    `alone`: a file has the keys themselves and no names of definitions above them.
    """

    noun: str
    keys: tuple[Key, ...]
    short: str | None = None
    alone: bool = False

    def key(self, name: str) -> Key | None:
        """The key of that name."""
        return next((key for key in self.keys if key.name == name), None)


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `of` is the shape below it, `names` the names allowed in a TEXT_MAP or TEXTS_MAP.

    `least` and `most` bound a whole number.
    """

    name: str
    holds: Holds
    doc: str
    required: bool = False
    choices: tuple[str, ...] = ()
    of: Shape | None = None
    names: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
