"""A source under its threshold can't feed a condition used for sending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from visavis.collect.register import register
from visavis.core.lang.form import Node, trait_names
from visavis.core.nouns import Project, Source, Trait
from visavis.core.progress import Progress
from visavis.store.lake import Lake
from visavis.store.state import State
from visavis.store.warehouse import Warehouse

SENDING = "sending"
OFFER = "offer "
"""What the names of offers begin with in the answer; segments go by their plain names."""
_MADE = {
    "orders": ("Order Completed", "Order Refunded", "Order Cancelled", "identify"),
    "records": ("identify",),
}


def withheld(
    project: Project, lake: Lake, state: State, wh: Warehouse, moment_ms: int, progress: Progress
) -> dict[str, list[str]]:
    """Segment marked `use: sending`, or offer, -> the sources it rests on that score under their
    threshold.

    Such a segment keeps its members for analysis; nothing may be sent by it. Each is noted. Costs
    nothing where no source has a threshold.
    """
    if not any(source.threshold for source in project.sources.values()):
        return {}
    rows = register(project, lake, state, wh, moment_ms)
    scores = {str(row["source"]): row["score"] for row in rows if row["below"]}
    found = {name: bad for name, bad in _resting(project, scores).items() if bad}
    for name, sources in found.items():
        told = ", ".join(
            f"{s} (scores {scores[s]}, needs {project.sources[s].threshold})" for s in sources
        )
        what = name if name.startswith(OFFER) else f"segment '{name}'"
        progress.note(f"Nothing may be sent by the {what}: it rests on {told}.")
    return found


def _resting(project: Project, below: Iterable[str]) -> dict[str, list[str]]:
    weak = [project.sources[name] for name in below]
    conditions = {n: s.condition for n, s in project.segments.items() if s.use == SENDING}
    conditions |= {f"{OFFER}{n}": o.eligible for n, o in project.offers.items() if o.channel}
    return {
        name: sorted(s.name for s in weak if feeds(project, s, condition))
        for name, condition in conditions.items()
    }


def feeds(project: Project, source: Source, condition: Node) -> bool:
    """Whether a value that the condition reads, however indirectly, may come from the source."""
    made = _MADE.get(source.kind, (source.event,))
    return any(
        _reads(trait, source, made) for trait in _all_traits(project.traits, condition).values()
    )


def _all_traits(traits: Mapping[str, Trait], node: Node) -> dict[str, Trait]:
    found: dict[str, Trait] = {}
    waiting = list(trait_names(node))
    while waiting:
        name = waiting.pop()
        if name in traits and name not in found:
            trait = found[name] = traits[name]
            waiting += trait_names(trait.value) if trait.value and trait.kind == "derived" else ()
    return found


def _reads(trait: Trait, source: Source, made: Iterable[str | None]) -> bool:
    if trait.kind == "given":
        return any(field.name == trait.given for field in source.fields) and "identify" in made
    events = [trait.event, *(step.event for step in (trait.then, trait.without) if step)]
    return any(event is not None and event in made for event in events)
