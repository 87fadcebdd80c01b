"""The Python reader: every trait and condition of one person now, and until when each holds.

`compile_program` turns typed forms into closures once; `Program.run` reads a history with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from visavis.core.clock import Zone
from visavis.core.lang.form import Node, Value, trait_names
from visavis.core.lang.history import IDENTIFY, History
from visavis.core.lang.reader_filters import Spec, StepSpec
from visavis.core.lang.reader_given import chosen_row, given
from visavis.core.lang.reader_rows import Columns, Items
from visavis.core.lang.reader_run import Fits, Run, Scalar
from visavis.core.lang.reader_scalar import Compiler
from visavis.core.lang.reader_select import Select
from visavis.core.lang.reader_until import NEVER
from visavis.core.lang.types import TIME_MAX
from visavis.core.nouns import Step, Trait

_MOST_PLANS = 1_000
_Planned = tuple[str, Scalar, bool, frozenset[str]]
"""A step, whether it reads the events at hand itself, and all traits that it rests on."""


@dataclass(frozen=True, slots=True)
class Result:
    """Values by name; `untils`: the first later moment at which one may differ by the clock, of
    those for which there is one."""

    values: dict[str, Value]
    untils: dict[str, int]

    @property
    def until(self) -> dict[str, int | None]:
        """The moments of `untils`, None for never."""
        found = ((name, self.untils.get(name, NEVER)) for name in self.values)
        return {name: at if at <= TIME_MAX else None for name, at in found}


@dataclass(frozen=True, slots=True)
class Program:
    """Compiled traits and conditions in dependency order."""

    steps: tuple[tuple[str, Scalar], ...]
    selections: int
    traits: Mapping[str, Trait]
    reads: Mapping[str, frozenset[str]]
    aggregated: Mapping[str, tuple[Select, ...]]
    _plans: dict[tuple[frozenset[str], bool], list[_Planned]] = field(default_factory=dict)

    def run(
        self,
        history: History,
        now_ms: int,
        fits: Fits | None = None,
        catalogue: Columns | Items | None = None,
    ) -> Result:
        """Everything about one person as of a moment; cut points are as the reader holds them.

        A catalogue read again and again is best given as Items, made once.
        """
        run = self._run(history, now_ms, fits, catalogue)
        return Result(run.values, run.untils)

    def over(
        self,
        nobody: Result,
        fed: frozenset[str],
        history: History,
        now_ms: int,
        fits: Fits,
        items: Items,
    ) -> Result:
        """What `run` says of somebody who did no more than `fed`, told what held of nobody before:
        only what rests on these events, or what the clock may have changed since, is read."""
        run = Run(history, now_ms, fits, items, self.selections)
        run.values, run.untils = values, untils = nobody.values.copy(), nobody.untils.copy()
        late = min(untils.values(), default=NEVER) <= now_ms
        for name, compute, _, _ in self._plan(fed, late):
            run.until = NEVER
            values[name] = compute(run)
            if run.until < NEVER:
                untils[name] = run.until
            elif name in untils:
                del untils[name]
        return Result(values, untils)

    def renewed(
        self,
        before: Result,
        fed: frozenset[str],
        history: History,
        now_ms: int,
        fits: Fits | None = None,
        catalogue: Columns | Items | None = None,
    ) -> tuple[Result, set[str]]:
        """What `run` says, told what held at an earlier moment; and the names that changed.

        `fed` are the events of which the history has other rows than it had then: only what rests
        on them, or what the clock may have changed since, is read again.
        """
        items = catalogue if isinstance(catalogue, Items) else Items(catalogue or {})
        run = Run(history, now_ms, fits or {}, items, self.selections)
        values, untils = run.values, run.untils
        values.update(before.values)
        untils.update(before.untils)
        changed: set[str] = set()
        late = min(untils.values(), default=NEVER) <= now_ms
        for name, compute, own, rests in self._plan(fed, late):
            was = untils.get(name, NEVER)
            if not own and was > now_ms and rests.isdisjoint(changed):
                continue
            run.until = NEVER
            value = compute(run)
            if value != values[name] or run.until != was:
                changed.add(name)
            values[name] = value
            if run.until < NEVER:
                untils[name] = run.until
            elif was < NEVER:
                del untils[name]
        return Result(values, untils), changed

    def _plan(self, fed: frozenset[str], every: bool) -> list[_Planned]:
        """The steps that may have to be read again, in order; `every`: the clock may ask for any
        of them."""
        key = fed, every
        found = self._plans.get(key)
        if found is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            rests = self._rests()
            feeding = {n for n, trait in self.traits.items() if not fed.isdisjoint(_feeds(trait))}
            found = self._plans[key] = [
                (name, compute, name in feeding, rests[name])
                for name, compute in self.steps
                if every or name in feeding or not feeding.isdisjoint(rests[name])
            ]
        return found

    def _rests(self) -> dict[str, frozenset[str]]:
        """Of each name all traits that it rests on, however far down."""
        found: dict[str, frozenset[str]] = {}
        for name, _ in self.steps:
            reads = self.reads[name]
            found[name] = reads.union(*(found[part] for part in reads if part in found))
        return found

    def only(self, names: Iterable[str]) -> Program:
        """The program of these names and what they rest on."""
        wanted: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in wanted:
                wanted.add(name)
                todo.extend(self.reads[name])
        return replace(self, steps=tuple(s for s in self.steps if s[0] in wanted), _plans={})

    def rows_behind(
        self,
        name: str,
        history: History,
        now_ms: int,
        fits: Fits | None = None,
        catalogue: Columns | Items | None = None,
    ) -> list[tuple[str, int, int | None]]:
        """(event, row, line) of each row behind a trait's value, in log order.

        `row` indexes the stream of that event, `line` its lines where the trait is about lines.
        A derived trait or a condition has the rows of the traits it reads, without repeats.
        """
        run = self._run(history, now_ms, fits, catalogue)
        found: dict[tuple[str, int, int | None], int] = {}
        for part in self._sources(name):
            for row in self._rows(part, run):
                found[row] = history.streams[row[0]].ts[row[1]]
        return sorted(found, key=lambda row: (found[row], row[0], row[1], row[2] or 0))

    def _sources(self, name: str) -> Iterator[str]:
        """The given and computed traits behind a name."""
        kind = self.traits[name].kind if name in self.traits else "derived"
        if kind in ("given", "computed"):
            yield name
        else:
            for part in sorted(self.reads[name]):
                yield from self._sources(part)

    def _rows(self, name: str, run: Run) -> Iterator[tuple[str, int, int | None]]:
        trait = self.traits[name]
        if trait.kind == "given":
            row = chosen_row(run.events(IDENTIFY), trait)
            if row is not None:
                yield IDENTIFY, row, None
        for select in self.aggregated.get(name, ()):
            selection = select.of(run)
            for i in selection.indexes():
                line = i if trait.each == "products" else None
                yield trait.event or "", selection.rows.parent(i), line

    def _run(
        self, history: History, now_ms: int, fits: Fits | None, catalogue: Columns | Items | None
    ) -> Run:
        items = catalogue if isinstance(catalogue, Items) else Items(catalogue or {})
        run = Run(history, now_ms, fits or {}, items, self.selections)
        values, untils = run.values, run.untils
        for name, compute in self.steps:
            run.until = NEVER
            values[name] = compute(run)
            if run.until < NEVER:
                untils[name] = run.until
        return run


def compile_program(
    traits: Mapping[str, Trait], conditions: Mapping[str, Node], zone: Zone
) -> Program:
    """Compiles traits, which must be in dependency order, and conditions over them."""
    compiler = Compiler(zone, {n: t.value for n, t in traits.items() if t.value})
    steps: list[tuple[str, Scalar]] = []
    aggregated = {}
    for name, trait in traits.items():
        compiler.read.clear()
        steps.append((name, _trait(trait, compiler)))
        aggregated[name] = tuple(compiler.read)
    steps += [(name, compiler.scalar(node)) for name, node in conditions.items()]
    reads = {name: _reads(trait) for name, trait in traits.items()}
    reads |= {name: trait_names(node) for name, node in conditions.items()}
    return Program(tuple(steps), len(compiler.specs), traits, reads, aggregated)


def _feeds(trait: Trait) -> frozenset[str]:
    """The events whose rows a trait reads itself."""
    if trait.kind == "given":
        return frozenset((IDENTIFY,))
    if trait.kind != "computed":
        return frozenset()
    steps = (trait.then, trait.without)
    return frozenset((trait.event or "", *(step.event for step in steps if step)))


def _reads(trait: Trait) -> frozenset[str]:
    """The traits that a trait rests on."""
    steps = [step.where for step in (trait.then, trait.without) if step]
    parts = [node for node in (trait.value, trait.where, *steps) if node]
    return frozenset(name for node in parts for name in trait_names(node))


def _trait(trait: Trait, compiler: Compiler) -> Scalar:
    if trait.kind == "given":
        return given(trait)
    if trait.kind == "predicted":
        return lambda run: None
    if trait.value is None:
        raise ValueError(f"trait '{trait.name}' has no value")
    return compiler.scalar(trait.value, spec_of(trait) if trait.kind == "computed" else None)


def spec_of(trait: Trait) -> Spec:
    """The rows that a computed trait's aggregates look at."""
    if trait.event is None:
        raise ValueError(f"trait '{trait.name}' names no event")
    return Spec(
        trait.event, trait.each == "products", trait.where, trait.within_ms,
        _step(trait.then), _step(trait.without),
    )  # fmt: skip


def _step(step: Step | None) -> StepSpec | None:
    return StepSpec(step.event, step.where, step.within_ms) if step else None
