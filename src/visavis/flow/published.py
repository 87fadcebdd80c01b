"""The published build as commands read it: pinned, with the definitions it was made by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from visavis.core.lang.form import Node, Value
from visavis.core.nouns import Project
from visavis.core.problems import Problem, ProblemsError
from visavis.flow.identity_words import words_at
from visavis.flow.projects import open_warehouse as open_warehouse
from visavis.flow.projects import state_of
from visavis.flow.relations import make_relations, snapshot, use_catalogue
from visavis.store import builds
from visavis.store.builds import Build
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.key import project_key
from visavis.store.lake import Lake
from visavis.store.relations import attribute
from visavis.store.warehouse import Warehouse

_SETTINGS = "visavis.yml"


@dataclass(frozen=True, slots=True)
class Published:
    """A pinned build and where its project keeps its state."""

    root: Path
    state: Path
    build: Build

    @property
    def lake(self) -> Lake:
        return Lake(self.state)

    def project(self) -> Project:
        """The definitions the build was made by: the folder's if unchanged, else its copy."""
        from visavis.project.load import load

        project, _ = load(self.root)
        if project and project.definition_hash == self.build.manifest["definition_hash"]:
            return project
        copy, problems = load(self.build.path / "project")
        if copy is None:
            raise ProblemsError(problems)
        return replace(copy, root=self.root)

    def fits(self) -> Mapping[str, tuple[Value, ...]]:
        """The cut points frozen in the build."""
        return self.build.fits()


@contextmanager
def published(root: Path) -> Iterator[Published]:
    """Pins the published build for the block; raises ProblemsError `not-built` before the first."""
    state = state_folder(root)
    with builds.reading(state) as build:
        if build is None:
            raise ProblemsError([_not_built()])
        yield Published(root, state, build)


def state_folder(root: Path) -> Path:
    """Where a project keeps its state, told from visavis.yml alone."""
    import yaml

    path = root / _SETTINGS
    if not path.is_file():
        from visavis.flow.projects import load_project

        return state_of(load_project(root))
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        settings = None
    state = settings.get("state") if isinstance(settings, dict) else None
    return root / (state if isinstance(state, str) else ".visavis")


def _not_built() -> Problem:
    return Problem(
        "not-built", "this project has no published build yet", hint="Run `visavis build` first."
    )


def people_as_of(wh: Warehouse, at: Published, project: Project, as_of_ms: int | None) -> int:
    """Makes the table `people_traits` as of a moment (None: the build's own) and returns it in ms.

    Another moment is worked out from the loads and with the fits of the build.
    """
    if as_of_ms is None or as_of_ms == at.build.as_of:
        from visavis.store.relations import create_view

        persons, people = (text_literal(str(at.build.table(n))) for n in ("persons", "people"))
        create_view(
            wh,
            "persons",
            f"SELECT person, person_id FROM read_parquet({persons}) WHERE node = person",
        )
        create_view(
            wh,
            "people_traits",
            f"SELECT p.person, t.* FROM read_parquet({people}) AS t JOIN persons AS p "
            "USING (person_id)",
        )
        return at.build.as_of
    from visavis.understand.batch import compute_people

    relations_as_of(wh, at, project, as_of_ms)
    compute_people(wh, project, as_of_ms, at.fits(), "people_traits")
    return as_of_ms


def relations_as_of(wh: Warehouse, at: Published, project: Project, as_of_ms: int) -> None:
    """Makes `persons`, `ev`, `li` and the rest from the loads of the build as of a moment."""
    merged = who_as_of(wh, at, project, as_of_ms)
    if wh.value("SELECT count(*) FROM attributed"):
        attribute(wh, "attributed")
    use_catalogue(wh, at.build.table("catalogue"))
    make_relations(wh, project, merged)


def who_as_of(wh: Warehouse, at: Published, project: Project, as_of_ms: int) -> bool:
    """Makes `node_persons` from the loads of the build as of a moment; whether any are joined."""
    from visavis.flow.match_fits import fits_of
    from visavis.unify.tables import identify_people

    manifest = at.build.manifest
    snapshot(wh, project, at.lake, manifest["loads"], manifest["dictionary"])
    fits = fits_of(at.build, as_of_ms, frozen=True)
    return identify_people(
        wh,
        project.kinds,
        project_key(at.state),
        as_of_ms,
        matching={name: rule for name, rule in project.matching.items() if name in fits.before},
        fits=fits,
        bots="lake_bots",
        words=words_at([tuple(row) for row in manifest.get("words", [])], as_of_ms),
        most=project.growth.largest,
    )


def condition(project: Project, text: str) -> Node:
    """A condition that a user typed, over the traits and segments of a project.

    Raises ProblemsError; places are in the file '<condition>'.
    """
    from visavis.core.clock import zone
    from visavis.core.lang.scope import Located
    from visavis.core.lang.types import Type
    from visavis.project.expressions import Expressions
    from visavis.project.gather import read_main
    from visavis.project.settings import read_settings

    problems: list[Problem] = []
    main, _ = read_main({_SETTINGS: project.files.get(_SETTINGS, "")}, [])
    language = Expressions(zone(project.time_zone), read_settings(main, []).names, problems)
    starts = tuple((line, 1) for line in range(1, text.count("\n") + 2))
    node = language.parse(
        Located(text, "<condition>", starts),
        {name: (trait.type, "trait") for name, trait in project.traits.items()},
        expect=Type.BOOLEAN,
        clock=True,
        segments={name: segment.condition for name, segment in project.segments.items()},
    )
    if node is None:
        raise ProblemsError(problems)
    return node
