"""Makes a disagreement small before it is shown: fewer events, a shorter expression."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from visavis.core.clock import format_time
from visavis.core.lang.form import Aggregate, Bucket, Node, children
from visavis.core.nouns import Trait
from visavis.testing.agree import Mismatch, Round, narrowed
from visavis.testing.forms import rebuilt
from visavis.testing.histories import Event
from visavis.testing.tables import winners

Ask = Callable[[Round], Mismatch | None]
"""Asks both readers one narrow round and gives a mismatch of it, if there is one."""


def shrink(found: Mismatch, ask: Ask, budget: int = 150) -> Mismatch:
    """A smaller mismatch reached by at most `budget` questions, or the one given."""
    small = ask(narrowed(found.round, found.name, found.history, found.now))
    if small is None:
        return found
    left = budget
    while left > 0:
        for candidate in _smaller(small):
            left -= 1
            better = _try(ask, candidate)
            if better is not None:
                small = better
                break
            if left <= 0:
                break
        else:
            break
    return small


def _try(ask: Ask, candidate: Round) -> Mismatch | None:
    try:
        return ask(candidate)
    except Exception:  # noqa: BLE001 - a smaller form may break a reader in another way
        return None


def _smaller(found: Mismatch) -> Iterator[Round]:
    base = narrowed(found.round, found.name, found.history, found.now)
    for less in _fewer(found.history):
        yield replace(base, histories=[less])
    trait = base.project.traits.get(found.name)
    if trait is None:
        for node in smaller_nodes(base.conditions[found.name]):
            if node.type == base.conditions[found.name].type:
                yield replace(base, conditions={found.name: node})
        return
    for simpler in smaller_traits(trait):
        traits = {**base.project.traits, trait.name: simpler}
        yield replace(base, project=replace(base.project, traits=traits))


def _fewer(history: Sequence[Event]) -> Iterator[Sequence[Event]]:
    half = len(history) // 2
    if half > 1:
        yield history[:half]
        yield history[half:]
    for n in range(len(history)):
        yield [*history[:n], *history[n + 1 :]]


def smaller_traits(trait: Trait) -> Iterator[Trait]:
    """Traits that ask less: without a clause, or with a shorter value."""
    bare = (
        replace(trait, where=None),
        replace(trait, within_ms=None),
        replace(trait, then=None),
        replace(trait, without=None),
    )
    yield from (simpler for simpler in bare if simpler != trait)
    if trait.where is not None:
        for node in smaller_nodes(trait.where):
            if node.type == trait.where.type:
                yield replace(trait, where=node)
    if trait.value is not None:
        for node in smaller_nodes(trait.value):
            yield replace(trait, value=node, type=node.type)


def smaller_nodes(node: Node) -> Iterator[Node]:
    """Parts of an expression, and the expression with one part made smaller, types kept."""
    if not isinstance(node, Aggregate | Bucket):
        yield from children(node)
    if isinstance(node, Aggregate) and node.filter is not None:
        yield replace(node, filter=None)
    for n, child in enumerate(children(node)):
        for less in smaller_nodes(child):
            if less.type == child.type:
                yield with_child(node, n, less)


def with_child(node: Node, n: int, child: Node) -> Node:
    """The node with its n-th part replaced."""
    parts = list(children(node))
    parts[n] = child
    return rebuilt(node, parts)


def describe(found: Mismatch) -> str:
    """The mismatch for a reader of test output: text of the expressions, history, both values."""
    from visavis.core.lang.parse import to_sql

    lines = [f"{found.name} at {format_time(found.now)} ({found.now}) in {_zone(found)}:"]
    lines += [f"  batch {found.batch!r}", f"  live  {found.live!r}"]
    for name, node in found.round.conditions.items():
        lines.append(f"  condition {name}: {to_sql(node)}")
    for trait in found.round.project.traits.values():
        value = to_sql(trait.value) if trait.value is not None else "given"
        lines.append(f"  trait {trait.name} ({trait.type}): {value}")
        lines += [f"    {key}: {text}" for key, text in _clauses(trait)]
    for event in winners(found.history):
        lines.append(f"  event {dict(event)}")
    return "\n".join(lines)


def _zone(found: Mismatch) -> str:
    return found.round.project.time_zone


def _clauses(trait: Trait) -> Iterator[tuple[str, str]]:
    from visavis.core.lang.parse import to_sql

    if trait.event:
        yield "event", f"{trait.event}{' each line' if trait.each else ''}"
    if trait.where is not None:
        yield "where", to_sql(trait.where)
    if trait.within_ms is not None:
        yield "within", f"{trait.within_ms} ms"
    for key, step in (("then", trait.then), ("without", trait.without)):
        if step is not None:
            where = to_sql(step.where) if step.where is not None else None
            yield key, f"{step.event} where {where} within {step.within_ms} ms"
