"""The door of the room: a project folder in, its definitions or all its Problems out.

Opens no connection and reads no data; see files.py for what `check` looks up beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from visavis.core.clock import zone
from visavis.core.lang.form import Literal, Node
from visavis.core.lang.types import Type
from visavis.core.nouns import Project, Segment, Source, Tag, Trait, UserTest
from visavis.core.offers import Channel, Content, Offer
from visavis.core.problems import Place, Problem
from visavis.project.conditions import Conditions
from visavis.project.content import Contents
from visavis.project.expressions import Expressions
from visavis.project.folder import definition_hash, is_project, not_a_project, read_texts
from visavis.project.gather import Found, gather, read_main
from visavis.project.identity import read_growth, read_kinds, read_matching
from visavis.project.items import read_catalogues, read_events
from visavis.project.names import check_name, check_tag
from visavis.project.offers import (
    purposes_of,
    read_caps,
    read_channels,
    read_offer,
    read_quiet_hours,
)
from visavis.project.order import Ref, cycles, ordered, references
from visavis.project.registry import Registry
from visavis.project.section import Checker, Section
from visavis.project.settings import Settings, read_settings
from visavis.project.sources import Sources
from visavis.project.traits import Traits
from visavis.project.usertests import UserTests

Made = TypeVar("Made")


def load(root: Path) -> tuple[Project | None, list[Problem]]:
    """The project in `root` and every Problem of it; no project where one is an error."""
    if not is_project(root):
        return None, [not_a_project(root)]
    texts, problems = read_texts(root)
    project = load_texts(root, texts, problems)
    problems.sort(key=lambda p: (p.place or Place(""), p.code, p.message))
    failed = any(problem.severity == "error" for problem in problems)
    return None if failed else project, problems


def load_texts(root: Path, texts: Mapping[str, str], problems: list[Problem]) -> Project:
    """The project of these texts as far as it can be made; its Problems go to `problems`."""
    main, trees = read_main(texts, problems)
    settings = read_settings(main, problems)
    found = gather(trees, Checker(problems, zone(settings.time_zone)), problems)
    return _Loader(root, texts, settings, found, problems).project()


class _Loader:
    """Reads the definitions of all files in the order they need each other."""

    def __init__(
        self,
        root: Path,
        texts: Mapping[str, str],
        settings: Settings,
        found: Found,
        problems: list[Problem],
    ) -> None:
        self.root, self.texts, self.settings = root, texts, settings
        self.found, self.problems = found, problems
        self.zone = zone(settings.time_zone)
        self.registry = Registry(problems)
        self.language = Expressions(self.zone, settings.names, problems)
        self.traits = Traits(self.registry, self.language, problems)
        self.read_traits: dict[str, Trait] = {}
        self.read_segments: dict[str, Segment] = {}
        self.conditions: dict[str, Node] = {}

    def project(self) -> Project:
        settings = self.settings
        kinds = read_kinds(self.found["kinds"], self.problems)
        read_events(self.found["events"], self.registry)
        catalogues = read_catalogues(self.found["catalogue"], self.registry, self.problems)
        sources = self._sources(Sources(self.registry, kinds, self.language, self.problems))
        self.traits.trust = {name: source.trust for name, source in sources.items()}
        self._values()
        tags = self._tags()
        account_traits, account_segments = self._accounts()
        tests = self._tests(tags)
        channels = read_channels(self.found["channels"], kinds, self.problems)
        purposes = purposes_of(self.found["purposes"])
        contents = self._contents()
        offers = self._offers(channels, purposes, contents)
        return Project(
            root=self.root,
            name=settings.name,
            time_zone=settings.time_zone,
            currency=settings.currency,
            language=settings.language,
            holdout=settings.holdout,
            state=settings.state,
            keep_builds=settings.keep_builds,
            memory_limit=settings.memory_limit,
            settings=_plain(settings),
            sources=sources,
            catalogues=catalogues,
            kinds=kinds,
            traits=self.read_traits,
            segments=self.read_segments,
            tags=tags,
            matching=read_matching(
                self.found["matching"], self.registry.properties["identify"], self.problems
            ),
            growth=read_growth(self.found["growth"], self.problems),
            account_traits=account_traits,
            account_segments=account_segments,
            tests=tests,
            offers=offers,
            contents=contents,
            channels=channels,
            caps=read_caps(self.found["caps"], channels, purposes, self.problems),
            quiet_hours=read_quiet_hours(self.found["quiet_hours"], channels, self.problems),
            purposes=purposes,
            schedule=settings.schedule,
            properties=self.registry.properties,
            line_fields=self.registry.lines,
            definition_hash=definition_hash(self.texts),
            files=dict(self.texts),
        )

    def _sources(self, reader: Sources) -> dict[str, Source]:
        return _there(self.found["sources"], reader.read)

    def _values(self) -> None:
        """Traits and segments, each after those it names."""
        traits, segments = self._named("traits", "trait"), self._named("segments", "segment")
        self._no_settings(traits)
        for name, section in traits.items():
            self.traits.declare(name, section)
            self.traits.types[name] = Type.NULL
        self.registry.settle()
        self.conditions = {name: Literal(Type.BOOLEAN, None) for name in segments}
        graph = _graph(traits, segments)
        looped = self._cycles(graph, traits, segments)
        for kind, name in ordered(graph):
            if (kind, name) in looped:
                continue
            if kind == "trait":
                self._trait(name, traits[name])
            else:
                self._segment(name, segments[name])

    def _accounts(self) -> tuple[dict[str, Trait], dict[str, Segment]]:
        """The traits and segments of accounts: as those of people, with names of their own."""
        found = {
            **self.found,
            "traits": self.found["account_traits"],
            "segments": self.found["account_segments"],
        }
        other = _Loader(self.root, self.texts, self.settings, found, self.problems)
        other.registry = self.registry
        other.traits = Traits(
            self.registry, self.language, self.problems, trust=self.traits.trust,
            gives=("group", "identify"),
        )  # fmt: skip
        other._values()
        return other.read_traits, other.read_segments

    def _named(self, kind: str, noun: str) -> dict[str, Section]:
        return {
            name: section
            for name, section in self.found[kind].items()
            if check_name(noun, name, section.place, self.problems)
        }

    def _no_settings(self, traits: Mapping[str, Section]) -> None:
        for name in sorted(traits.keys() & self.settings.names.keys()):
            setting = self.settings.names[name].place
            if setting is not None:
                message = f"The trait '{name}' is called like a setting."
                hint = f"The setting is at {setting}; rename one."
                self.problems.append(Problem("duplicate-name", message, traits[name].place, hint))

    def _cycles(
        self, graph: dict[Ref, frozenset[Ref]], traits: Mapping[str, Section],
        segments: Mapping[str, Section],
    ) -> set[Ref]:  # fmt: skip
        looped: set[Ref] = set()
        for circle in cycles(graph):
            looped.update(circle)
            kind, name = circle[0]
            section = traits[name] if kind == "trait" else segments[name]
            way = " -> ".join(name for _, name in (*circle, circle[0]))
            place = section.at("value" if kind == "trait" else "condition")
            hint = "Take one of these names out of the other's expression."
            message = f"These definitions need each other: {way}."
            self.problems.append(Problem("cycle", message, place, hint))
        return looped

    def _trait(self, name: str, section: Section) -> None:
        trait = self.traits.read(name, section, self.conditions)
        if trait is not None:
            self.read_traits[name] = trait

    def _segment(self, name: str, section: Section) -> None:
        segment = self._reader().segment(name, section, self.conditions)
        if segment is not None:
            self.read_segments[name] = segment
            self.conditions[name] = segment.condition

    def _reader(self) -> Conditions:
        traits = self.traits
        hints = traits.property_hints()
        return Conditions(self.language, traits.names(), hints, self.problems)

    def _tags(self) -> dict[str, Tag]:
        reader, tags = self._reader(), {}
        for path, section in self.found["tags"].items():
            tag = reader.tag(path, section, self.conditions)
            if check_tag(path, section.place, self.problems) and tag is not None:
                tags[path] = tag
        return tags

    def _contents(self) -> dict[str, Content]:
        reader = Contents(self.texts, self.traits.types, self.problems)
        return _there(self.found["content"], reader.read)

    def _offers(
        self,
        channels: Mapping[str, Channel],
        purposes: tuple[str, ...],
        contents: dict[str, Content],
    ) -> dict[str, Offer]:
        """The offers; content that stands in one is added to `contents`."""
        names = {"channels": channels.keys(), "purposes": purposes}
        inline = Contents(self.texts, self.traits.types, self.problems)
        reader, offers = self._reader(), {}
        for name, section in self.found["offers"].items():
            content, own = inline.of_offer(section, self.found["content"].keys())
            if content is not None and own is not None:
                contents[content] = own
            offer = read_offer(
                name, section, reader, self.conditions, names, content, self.problems
            )
            if offer is not None:
                offers[name] = offer
        return offers

    def _tests(self, tags: Mapping[str, Tag]) -> dict[str, UserTest]:
        reader = UserTests(
            self.registry, self.traits.types, self.found["segments"].keys(),
            tag_paths(self.found["tags"]), self.zone, self.problems,
        )  # fmt: skip
        return _there(self.found["tests"], reader.read)


def _there(
    sections: Mapping[str, Section], read: Callable[[str, Section], Made | None]
) -> dict[str, Made]:
    """What could be read of each."""
    made = ((name, read(name, section)) for name, section in sections.items())
    return {name: one for name, one in made if one is not None}


def tag_paths(tags: Mapping[str, object]) -> set[str]:
    """Every tag and every one above it."""
    parts = (path.split("/") for path in tags)
    return {"/".join(way[: i + 1]) for way in parts for i in range(len(way))}


def _plain(settings: Settings) -> dict[str, object]:
    values: dict[str, object] = {name: literal.value for name, literal in settings.names.items()}
    if settings.max_build_age_ms is not None:
        values["max_build_age"] = settings.max_build_age_ms
    return values


def _graph(
    traits: Mapping[str, Section], segments: Mapping[str, Section]
) -> dict[Ref, frozenset[Ref]]:
    """What each derived trait and each segment names."""
    graph: dict[Ref, frozenset[Ref]] = {}
    for name, section in traits.items():
        text = None if section.has("event") else section.expression("value")
        graph["trait", name] = references(text.text, traits) if text else frozenset()
    for name, section in segments.items():
        text = section.expression("condition")
        graph["segment", name] = references(text.text, traits) if text else frozenset()
    return graph
