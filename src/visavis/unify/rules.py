"""Who is who, the rules: ids of identifiers and people, and which evidence joins them.

Pure values in, pure values out; nothing here depends on the order in which evidence arrived.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from visavis.core.nouns import IdentifierKind

SEPARATOR = "\x1f"
ID_LENGTH = 32
ALWAYS = -(2**63)
"""`first_seen` of an identifier that a record without a time names: it holds at every moment."""
_BLOCK = 64
_DEFAULT = IdentifierKind("")

Name = tuple[str, str]
"""An identifier as (kind, value)."""

# classes of evidence, the strongest first; guards and manual joins slot in here
SAME_ROW = 50
MATCHED = 90
CLASSES: Mapping[str, int] = {
    "joined by hand": 0,
    "same value": 10,
    "hash of": 10,
    "alias": 20,
    "same row": SAME_ROW,
    "match": MATCHED,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """An identifier as the evidence knows it; `first_seen` in UTC ms, ALWAYS without a time."""

    kind: str
    value: str
    first_seen: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A reason to believe that identifiers `a` and `b`, each (kind, value), are one person.

    `priority` is that of the weaker kind; the smaller, the stronger.
    """

    a: Name
    b: Name
    rule: str
    priority: int
    first_seen: int
    rank: tuple[int, int, int, Name, Name] = field(init=False, compare=False, repr=False)
    """Strong evidence first, never by when last seen, so that no later event reorders it."""

    def __post_init__(self) -> None:
        low, high = (self.a, self.b) if self.a <= self.b else (self.b, self.a)
        strength = CLASSES.get(self.rule, SAME_ROW)
        object.__setattr__(self, "rank", (strength, self.priority, self.first_seen, low, high))

    def order(self) -> tuple[int, int, int, Name, Name]:
        """The place of the edge among all: the smaller, the stronger."""
        return self.rank


def pid_maker(key: bytes) -> Callable[[str, str], str]:
    """The function (kind, value) -> pid of one project key, with the key's work done once.

    A pid is the first 32 hex digits of HMAC-SHA256(key, kind + U+001F + value).
    """
    # a copy of a prepared hash is twice as fast as a new HMAC, and a build makes millions
    inner, outer = map(hashlib.sha256, pid_blocks(key))

    def make(kind: str, value: str) -> str:
        message, digest = inner.copy(), outer.copy()
        message.update(f"{kind}{SEPARATOR}{value}".encode())
        digest.update(message.digest())
        return digest.hexdigest()[:ID_LENGTH]

    return make


def pid_blocks(key: bytes) -> tuple[bytes, bytes]:
    """The blocks that the inner and the outer hash of an HMAC begin with (RFC 2104)."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def pid_sql(kind: str, value: str) -> str:
    """SQL: the pid of an identifier in two columns; the parameters $1 and $2 are pid_blocks."""
    message = f"encode({kind} || chr({ord(SEPARATOR)}) || {value})"
    return f"left(sha256($2::BLOB || unhex(sha256($1::BLOB || {message}))), {ID_LENGTH})"


def pid(key: bytes, kind: str, value: str) -> str:
    """The id this identifier gives to a person: 32 hex digits that tell nothing without the key."""
    return pid_maker(key)(kind, value)


def choice_order(
    seen: Seen, kinds: Mapping[str, IdentifierKind]
) -> tuple[bool, int, int, str, str]:
    """Which identifier names a person: unique kinds, earliest seen, priority, value."""
    kind = kinds.get(seen.kind, _DEFAULT)
    return (not kind.unique, seen.first_seen, kind.priority, seen.value, seen.kind)


def choose(members: Iterable[Seen], kinds: Mapping[str, IdentifierKind]) -> Seen:
    """The identifier whose pid is the id of the person who has all these."""
    return min(members, key=lambda seen: choice_order(seen, kinds))
