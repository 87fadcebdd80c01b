"""What stays as it was for people without new events: traits and conditions that stand still."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from visavis.core.lang.form import (
    Bucket,
    Call,
    Node,
    Now,
    Value,
    children,
    reads_now,
    trait_names,
    walk,
)
from visavis.core.nouns import Project, Trait

_BY_DAY = frozenset(
    ["date", "days_between", "years_between", "days_to_anniversary", "year", "quarter"]
) | {"month", "week", "day", "day_of_year", "day_of_week"}
"""Functions whose value moves only with the calendar date of a moment."""


def moves_by_day(node: Node) -> bool:
    """Whether every `now` in a form stands where only its date matters."""
    if isinstance(node, Now):
        return False
    by_day = isinstance(node, Call) and node.function in _BY_DAY
    return all((by_day and isinstance(part, Now)) or moves_by_day(part) for part in children(node))


@dataclass(frozen=True, slots=True)
class Step:
    """From one build to the next: whether the moment, or its date, is the same; and the fits."""

    same_moment: bool
    same_date: bool
    before: Mapping[str, Sequence[Value]]
    after: Mapping[str, Sequence[Value]]

    def trait(self, trait: Trait) -> bool:
        """Whether a given or computed trait of a person without new events is what it was."""
        if trait.kind not in ("given", "computed"):
            return False
        if self.same_moment:
            return True
        wheres = [step.where for step in (trait.then, trait.without) if step]
        parts = [node for node in (trait.value, trait.where, *wheres) if node is not None]
        waits = trait.without is not None and trait.without.within_ms is not None
        return trait.within_ms is None and not waits and not any(map(reads_now, parts))

    def condition(self, node: Node, project: Project) -> bool:
        """Whether a condition has been what it was all the time between the builds."""
        traits = list(_below(node, project))
        forms = [node, *(t.value for t in traits if t.kind == "derived" and t.value is not None)]
        if not all(self.trait(t) for t in traits if t.kind in ("given", "computed")):
            return False
        if any(t.kind == "predicted" for t in traits):
            return False
        by_clock = self.same_moment or all(
            not reads_now(form) or (self.same_date and moves_by_day(form)) for form in forms
        )
        return by_clock and all(self._fit(b) for form in forms for b in walk(form))

    def _fit(self, node: Node) -> bool:
        if not isinstance(node, Bucket):
            return True
        return list(self.before.get(node.fit, ())) == list(self.after.get(node.fit, ()))


def _below(node: Node, project: Project) -> Iterator[Trait]:
    """Every trait that a form rests on, directly or through derived ones."""
    todo: list[str] = sorted(trait_names(node))
    done: Collection[str] = set()
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done = {*done, name}
        trait = project.traits[name]
        yield trait
        if trait.kind == "derived" and trait.value is not None:
            todo += sorted(trait_names(trait.value))
