"""References, dependency order and cycles."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from visavis.project.order import Ref, cycles, ordered, references

NODES: list[Ref] = [("trait", name) for name in "abcdef"]
GRAPHS = st.fixed_dictionaries({n: st.frozensets(st.sampled_from(NODES)) for n in NODES})


def test_references_leave_texts_and_comments_out() -> None:
    text = "a + case when b = 'c' then d end -- e\n /* f */ and in_segment('s')"
    assert references(text, "abcdef") == {
        ("trait", "a"),
        ("trait", "b"),
        ("trait", "d"),
        ("segment", "s"),
    }


@given(GRAPHS)
def test_every_cycle_is_a_way_round(graph: dict[Ref, frozenset[Ref]]) -> None:
    for circle in cycles(graph):
        for here, there in zip(circle, (*circle[1:], circle[0]), strict=True):
            assert there in graph[here]


@given(GRAPHS)
def test_without_a_cycle_all_come_after_what_they_need(graph: dict[Ref, frozenset[Ref]]) -> None:
    order = ordered(graph)
    assert sorted(order) == sorted(graph)
    if not list(cycles(graph)):
        at = {node: i for i, node in enumerate(order)}
        assert all(at[need] < at[node] for node in graph for need in graph[node])
