"""What refers to what, in which order it must be read, and where it goes in circles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

Ref = tuple[str, str]
"""("trait" or "segment", name)."""

_IN_SEGMENT = re.compile(r"\bin_segment\s*\(\s*'((?:[^']|'')*)'\s*\)", re.IGNORECASE)
_NO_NAMES = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")


def references(text: str, traits: Iterable[str]) -> frozenset[Ref]:
    """The traits and segments that an expression names; it need not be a sound one."""
    segments = {("segment", name) for name in _IN_SEGMENT.findall(text)}
    words = set(_NAME.findall(_NO_NAMES.sub(" ", text)))
    return frozenset(segments | {("trait", name) for name in words.intersection(traits)})


def cycles(graph: Mapping[Ref, frozenset[Ref]]) -> Iterator[tuple[Ref, ...]]:
    """Each circle once, as the way round it, from its smallest member on."""
    left = {node: refs & graph.keys() for node, refs in graph.items()}
    while True:
        try:
            TopologicalSorter({n: sorted(left[n]) for n in sorted(left)}).prepare()
            return
        except CycleError as error:
            way: list[Ref] = list(error.args[1])[:-1]
            way.reverse()  # graphlib goes from what is needed to what needs it
            first = way.index(min(way))
            circle = tuple(way[first:] + way[:first])
            yield _forward(circle, left)
            left[circle[0]] -= set(circle)


def _forward(circle: tuple[Ref, ...], graph: Mapping[Ref, frozenset[Ref]]) -> tuple[Ref, ...]:
    """The circle in the direction "needs", whichever way it was found."""
    if len(circle) > 2 and circle[1] not in graph[circle[0]]:
        return (circle[0], *reversed(circle[1:]))
    return circle


def ordered(graph: Mapping[Ref, frozenset[Ref]]) -> list[Ref]:
    """Every node after all it refers to, else as given; what is on a circle is left out."""
    done: dict[Ref, bool] = {}
    result: list[Ref] = []
    for root in graph:
        _visit(root, graph, done, result)
    return result


def _visit(
    root: Ref, graph: Mapping[Ref, frozenset[Ref]], done: dict[Ref, bool], result: list[Ref]
) -> None:
    stack: list[tuple[Ref, Iterator[Ref]]] = []
    if root not in done:
        done[root] = False
        stack.append((root, iter(sorted(graph[root] & graph.keys()))))
    while stack:
        node, needs = stack[-1]
        for need in needs:
            if need not in done:
                done[need] = False
                stack.append((need, iter(sorted(graph[need] & graph.keys()))))
                break
        else:
            stack.pop()
            done[node] = True
            result.append(node)
