"""What live answers stand on: the definitions, and the published build's history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from visavis import __version__
from visavis.collect.live_values import Names, names_of
from visavis.core.clock import zone
from visavis.core.lang.conditions import Conditions, compile_conditions
from visavis.core.lang.form import Node, Value
from visavis.core.lang.history import History
from visavis.core.lang.needs import Needs, needs
from visavis.core.lang.reader import Program, Result, compile_program
from visavis.core.lang.reader_rows import Items
from visavis.core.lang.types import TIME_MIN
from visavis.core.nouns import Project
from visavis.decide.asking import parts_of, withheld
from visavis.decide.menu import names_of as names_of_offer
from visavis.decide.menu import part_name
from visavis.flow.answering import Ways, ways_of
from visavis.flow.rates import written_rates
from visavis.store.builds import Build, published
from visavis.store.erased import noted_in
from visavis.store.history import PublishedHistory
from visavis.store.history_file import FILE, is_made
from visavis.store.words import Row

SEGMENT, TAG = "segment ", "tag "
_NOTHING = History()
_NOBODYS_MS = 60_000
"""How long what is true of nobody is looked up for, before the clock has changed much of it."""


@dataclass(slots=True)
class Base:
    """What live answers stand on: definitions, and a build's history where there is one."""

    project: Project
    program: Program
    offers: Conditions
    """What offers ask: the parts of their conditions, their values, their occasions."""
    parts: Mapping[str, tuple[str, ...]]
    """The names of the parts of each offer's condition."""
    needed: dict[str, Needs]
    names: Names
    fits: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    items: Items = field(default_factory=lambda: Items({}))
    history: PublishedHistory | None = None
    build_id: str | None = None
    as_of: int = TIME_MIN
    through: int = 0
    erased: Mapping[str, int] = field(default_factory=dict)
    """Hash of an erased identifier -> until when nothing dated comes back, UTC ms."""
    words: Sequence[Row] = ()
    """Words by hand that the build knew."""
    withheld: Mapping[str, str] = field(default_factory=dict)
    """Offers that nothing is sent of, and why: a source under its threshold."""

    ways: Ways = field(init=False)
    """The traits, and how their values are spelled."""

    _nobody: tuple[int, Result] | None = field(default=None, init=False)
    """What is true of somebody of whom nothing is known, and as of when."""

    def __post_init__(self) -> None:
        self.ways = ways_of({name: trait.type for name, trait in self.project.traits.items()})

    def read(self, history: History, at_ms: int) -> Result:
        """Everything about one person as of a moment.

        Most people did few of the things that definitions read: only what rests on those is read.
        """
        known = self._nobody
        if known is None or not known[0] <= at_ms < known[0] + _NOBODYS_MS:
            told = self.program.run(_NOTHING, at_ms, self.fits, self.items)
            known = self._nobody = at_ms, told
        fed = frozenset(history.streams)
        return self.program.over(known[1], fed, history, at_ms, self.fits, self.items)


def base_of(root: Path, state: Path, folder: Project) -> Base:
    """The base of the build published now; the folder's definitions before the first one."""
    build = published(state)
    if build is None:
        base = _base(folder)
        base.names = names_of(folder, written_rates(state))
        base.erased = noted_in(state)
        return base
    project = _definitions(root, build, folder)
    path = build.path / FILE
    base = _base(project)
    base.build_id, base.as_of, base.fits = build.id, build.as_of, build.fits()
    base.through = int(build.manifest.get("through_frame") or 0)
    base.erased = noted_in(state)
    base.words = [tuple(row) for row in build.manifest.get("words", [])]
    weak = build.manifest.get("withheld") or {}
    base.withheld = withheld(weak, project.offers.values())
    if is_made(build.path):
        base.history = PublishedHistory(path)
        base.items = Items(base.history.items())
        base.names = names_of(project, base.history.rates())
    return base


def _definitions(root: Path, build: Build, folder: Project) -> Project:
    from dataclasses import replace

    from visavis.project.load import load

    if folder.definition_hash == build.manifest["definition_hash"]:
        return folder
    copy, _ = load(build.path / "project")
    return replace(copy, root=root) if copy is not None else folder


def _base(project: Project) -> Base:
    conditions: dict[str, Node] = {
        f"{SEGMENT}{n}": s.condition for n, s in project.segments.items()
    }
    conditions |= {f"{TAG}{path}": tag.condition for path, tag in project.tags.items()}
    asked = {
        name: node for o in project.offers.values() for name, node in names_of_offer(o).items()
    }
    parts = {
        name: tuple(part_name(node) for node in parts_of(offer.eligible))
        for name, offer in project.offers.items()
    }
    local = zone(project.time_zone)
    program = compile_program(project.traits, conditions, local)
    compiled = compile_conditions(project.traits, asked, local)
    return Base(project, program, compiled, parts, needs(project), names_of(project))


def stamp(base: Base, key: bytes) -> str:
    """What a file of recent events stands on; made for anything else it is no good."""
    parts = (
        __version__, base.build_id, base.through, base.project.definition_hash,
        sha256(key).hexdigest(), sorted(base.erased.items()), base.names.rates.told,
    )  # fmt: skip
    return sha256(repr(parts).encode()).hexdigest()
