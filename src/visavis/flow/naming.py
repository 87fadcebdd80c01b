"""The identifiers of a live event as they are filed: normal, none that is nobody's, by strength."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from visavis.core.decisions import Identifier
from visavis.core.identifiers import normal_value, squeezed
from visavis.core.nouns import IdentifierKind

LONGEST = 1024


@dataclass(frozen=True, slots=True)
class _Rule:
    """One kind's rule, ready to be asked for every event; the smallest strength is strongest."""

    strength: tuple[bool, int, str]
    words: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, name: str, kind: IdentifierKind) -> _Rule:
        blocked = kind.blocked
        return cls(
            (not kind.unique, kind.priority, name),
            frozenset(squeezed(b) for b in blocked if not b.startswith("^")),
            tuple(re.compile(b) for b in blocked if b.startswith("^")),
        )

    def blocks(self, value: str) -> bool:
        """Whether a normal value is nobody's: blocked texts ignore case and white space,
        ^...$ is a pattern."""
        if len(value) > LONGEST or (self.words and squeezed(value) in self.words):
            return True
        return any(pattern.fullmatch(value) for pattern in self.patterns)


class Naming:
    """What a project's identifier kinds say of the identifiers of an event."""

    def __init__(self, kinds: Mapping[str, IdentifierKind]) -> None:
        self._rules = {name: _Rule.of(name, kind) for name, kind in kinds.items()}
        self._plain = IdentifierKind("")
        self._remembered = lru_cache(maxsize=16_384)(self._of)

    def of(self, given: Iterable[Identifier]) -> tuple[Identifier, ...]:
        """The usable identifiers in normal form, the strongest first."""
        return self._remembered(tuple(given))

    def blocks(self, name: Identifier) -> bool:
        """Whether a normal identifier is nobody's."""
        rule = self._rules.get(name[0])
        return rule is not None and rule.blocks(name[1])

    def _of(self, given: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
        found: dict[Identifier, tuple[bool, int, str]] = {}
        rules = self._rules
        for kind, value in given:
            rule = rules.get(kind) or _Rule.of(kind, self._plain)
            normal = normal_value(kind, value)
            if normal and not rule.blocks(normal):
                found[kind, normal] = rule.strength
        return tuple(found) if len(found) < 2 else tuple(sorted(found, key=found.__getitem__))
